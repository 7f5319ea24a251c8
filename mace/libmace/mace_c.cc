// SPDX-License-Identifier: Apache-2.0
// The C interface on top of Engine.
#include "mace/public/mace_c.h"

#include <cstring>
#include <functional>
#include <mutex>
#include <utility>

#include "mace/base/closest_name.h"
#include "mace/libmace/c_error.h"
#include "mace/libmace/engine.h"
#include "mace/libmace/run_queue.h"
#include "mace/public/mace_gpu.h"

namespace mace {

namespace {

thread_local std::string last_error;

}  // namespace

mace_code Report(const MaceStatus &status) {
  if (!status.ok()) last_error = status.message();
  return static_cast<mace_code>(status.code());
}

}  // namespace mace

using mace::InvalidArgs;
using mace::MaceStatus;
using mace::MaceTensorInfo;
using mace::Report;
using mace::TensorView;

struct mace_gpu_context {
  std::shared_ptr<mace::GPUContext> context;
};

struct mace_engine {
  std::mutex mutex;
  mace::Engine engine;
  std::vector<TensorView> inputs, outputs;
  std::vector<size_t> output_index;  // in the caller's array, by output of the engine
  mace::RunQueue queue;              // last: it waits for runs, which use the others
};

namespace {

void FillInfo(const MaceTensorInfo &info, mace_tensor *tensor) {
  std::memset(tensor, 0, sizeof(*tensor));
  tensor->name = info.name.c_str();
  tensor->dtype = static_cast<mace_dtype>(info.data_type);
  tensor->format = info.data_format;
  tensor->rank = static_cast<int32_t>(info.shape.size());
  for (size_t d = 0; d < info.shape.size(); ++d) tensor->dims[d] = info.shape[d];
}

MaceStatus GetInfo(const std::vector<MaceTensorInfo> &infos, const char *what, size_t index,
                   mace_tensor *tensor) {
  if (tensor == nullptr) return InvalidArgs("the pointer for the ", what, " is null");
  if (index >= infos.size()) {
    return InvalidArgs("there is no ", what, " ", index, "; the engine has ", infos.size());
  }
  FillInfo(infos[index], tensor);
  return MaceStatus::MACE_SUCCESS;
}

MaceStatus View(const char *what, const mace_tensor &tensor, bool with_shape, TensorView *view) {
  if (tensor.format < mace::DF_NONE || tensor.format > mace::NCHW) {
    return InvalidArgs(what, " '", tensor.name, "' has an unknown format ", tensor.format);
  }
  view->dtype = static_cast<mace::DataType>(tensor.dtype);
  view->format = static_cast<mace::DataFormat>(tensor.format);
  view->data = tensor.data;
  view->bytes = tensor.bytes;
  if (!with_shape) return MaceStatus::MACE_SUCCESS;
  if (tensor.rank < 0 || tensor.rank > mace::kMaxRank) {
    return InvalidArgs(what, " '", tensor.name, "' has rank ", tensor.rank, ", outside 0 to ",
                       mace::kMaxRank);
  }
  view->shape.resize(0);
  for (int32_t d = 0; d < tensor.rank; ++d) view->shape.push_back(tensor.dims[d]);
  return MaceStatus::MACE_SUCCESS;
}

// Matches the caller's tensors to those of the engine by name; each must be there once.
MaceStatus Match(const char *what, const std::vector<MaceTensorInfo> &infos,
                 const mace_tensor *tensors, size_t count, bool with_shape,
                 std::vector<TensorView> *views, std::vector<size_t> *indices) {
  if (count > 0 && tensors == nullptr) return InvalidArgs("the ", what, "s are a null pointer");
  for (size_t k = 0; k < count; ++k) {
    if (tensors[k].name == nullptr) return InvalidArgs(what, " ", k, " has no name");
  }
  for (size_t i = 0; i < infos.size(); ++i) {
    size_t found = count;
    for (size_t k = 0; k < count && found == count; ++k) {
      if (infos[i].name == tensors[k].name) found = k;
    }
    if (found == count) {
      std::vector<std::string> given;
      for (size_t k = 0; k < count; ++k) given.emplace_back(tensors[k].name);
      return InvalidArgs(what, " '", infos[i].name, "' is not given",
                         mace::DidYouMean(infos[i].name, given));
    }
    MACE_RETURN_IF_ERROR(View(what, tensors[found], with_shape, &(*views)[i]));
    if (indices != nullptr) (*indices)[i] = found;
  }
  if (count == infos.size()) return MaceStatus::MACE_SUCCESS;
  std::vector<std::string> names;
  for (const MaceTensorInfo &info : infos) names.push_back(info.name);
  for (size_t k = 0; k < count; ++k) {
    bool known = false;
    for (const std::string &name : names) known = known || name == tensors[k].name;
    if (!known) {
      return InvalidArgs("the engine has no ", what, " '", tensors[k].name, "'",
                         mace::DidYouMean(tensors[k].name, names));
    }
  }
  return InvalidArgs("a ", what, " is given twice");
}

void SetShape(const mace::Shape &shape, mace_tensor *tensor) {
  tensor->rank = shape == mace::Shape{-1} ? -1 : shape.rank();
  for (int d = 0; d < shape.rank(); ++d) tensor->dims[d] = shape[d];
}

mace_op_stats ToC(const mace::OperatorStats &stats) {
  mace_op_stats result;
  std::memset(&result, 0, sizeof(result));
  result.name = stats.operator_name.c_str();
  result.type = stats.type.c_str();
  result.start_micros = stats.stats.start_micros;
  result.end_micros = stats.stats.end_micros;
  result.macs = stats.macs;
  if (!stats.output_shape.empty()) {
    const std::vector<int64_t> &shape = stats.output_shape[0];
    result.output_rank = static_cast<int32_t>(shape.size());
    for (size_t d = 0; d < shape.size(); ++d) result.output_dims[d] = shape[d];
  }
  const mace::ConvPoolArgs &args = stats.args;
  if (args.strides.size() != 2) return result;
  result.has_window = 1;
  result.padding_type = args.padding_type;
  for (size_t i = 0; i < 2; ++i) result.strides[i] = args.strides[i];
  for (size_t i = 0; i < 2 && i < args.dilations.size(); ++i) {
    result.dilations[i] = args.dilations[i];
  }
  for (size_t i = 0; i < 4 && i < args.paddings.size(); ++i) result.paddings[i] = args.paddings[i];
  for (size_t i = 0; i < MACE_C_MAX_RANK && i < args.kernels.size(); ++i) {
    result.filter_dims[i] = args.kernels[i];
    result.filter_rank = static_cast<int32_t>(i) + 1;
  }
  return result;
}

MaceStatus GpuSettings(const mace_config &given, mace::EngineConfig *config) {
  for (int32_t hint : {given.gpu_perf_hint, given.gpu_priority_hint}) {
    if (hint < 0 || hint > 3)
      return InvalidArgs("GPU hints are numbers from 0 (default) to 3 (high)");
  }
  if (given.gpu_data_type < 0 || given.gpu_data_type > 3 || given.gpu_memory_type < 0 ||
      given.gpu_memory_type > 2) {
    return InvalidArgs(
        "GPU data types are numbers from 0 (the model's) to 3, and memory types from 0 to 2");
  }
  config->gpu.perf_hint = given.gpu_perf_hint;
  config->gpu.priority_hint = given.gpu_priority_hint;
  config->gpu.storage = static_cast<mace::GpuStorage>(given.gpu_data_type);
  config->gpu.memory = static_cast<mace::GpuMemory>(given.gpu_memory_type);
  config->cpu_fallback = given.cpu_fallback != 0;
  if (given.gpu_context != nullptr) config->gpu.context = given.gpu_context->context;
  return MaceStatus::MACE_SUCCESS;
}

MaceStatus Create(const mace::ModelSource &source, const mace_config *config,
                  mace_engine **engine) {
  if (engine == nullptr) return InvalidArgs("the pointer for the engine is null");
  *engine = nullptr;
  mace_config given;
  mace_config_init(&given);
  if (config != nullptr) {
    // Members that this caller's header does not have keep their defaults.
    if (config->struct_size > sizeof(given) || config->struct_size < sizeof(config->struct_size)) {
      return InvalidArgs("mace_config has ", config->struct_size, " bytes, but this library knows ",
                         sizeof(given), "; call mace_config_init first");
    }
    std::memcpy(&given, config, config->struct_size);
  }
  if (given.affinity < mace::AFFINITY_NONE || given.affinity > mace::AFFINITY_POWER_SAVE) {
    return InvalidArgs("there is no CPU affinity policy ", given.affinity,
                       "; it is a number from 0 (none) to 4 (power save)");
  }
  if (given.device != mace::CPU && given.device != mace::GPU && given.device != mace::HEXAGON) {
    return InvalidArgs("there is no device number ", given.device,
                       "; it is 0 (CPU), 2 (GPU) or 3 (HEXAGON)");
  }
  mace::EngineConfig engine_config;
  engine_config.device = static_cast<mace::DeviceType>(given.device);
  engine_config.num_threads = given.num_threads;
  if (given.storage_path != nullptr) engine_config.storage_path = given.storage_path;
  engine_config.affinity = static_cast<mace::CPUAffinityPolicy>(given.affinity);
  engine_config.memory_limit = given.memory_limit;
  if (given.model_key != nullptr) {
    MACE_RETURN_IF_ERROR(engine_config.model_key.Set(given.model_key, given.model_key_size));
  }
  MACE_RETURN_IF_ERROR(GpuSettings(given, &engine_config));
  auto made = std::make_unique<mace_engine>();
  MACE_RETURN_IF_ERROR(made->engine.Init(source, {}, {}, engine_config));
  made->inputs.resize(made->engine.inputs().size());
  made->outputs.resize(made->engine.outputs().size());
  made->output_index.resize(made->outputs.size());
  *engine = made.release();
  return MaceStatus::MACE_SUCCESS;
}

// Memory from the caller's function.
class CallerMemory : public mace::OutputMemory {
 public:
  CallerMemory(mace_engine *engine, mace_tensor *outputs, mace_output_fn function, void *user)
      : engine_(engine), outputs_(outputs), function_(function), user_(user) {}
  void *Get(size_t index, const mace::Shape &shape, size_t bytes) override {
    const size_t place = engine_->output_index[index];
    mace_tensor tensor;
    FillInfo(engine_->engine.outputs()[index], &tensor);
    SetShape(shape, &tensor);
    tensor.bytes = bytes;
    outputs_[place].data = function_(user_, place, &tensor);
    outputs_[place].bytes = bytes;
    return outputs_[place].data;
  }

 private:
  mace_engine *engine_;
  mace_tensor *outputs_;
  mace_output_fn function_;
  void *user_;
};

MaceStatus Run(mace_engine *engine, const mace_tensor *inputs, size_t input_count,
               mace_tensor *outputs, size_t output_count, mace_output_fn output_memory,
               mace_op_stats_fn stats, void *user) {
  if (engine == nullptr) return InvalidArgs("the engine is null");
  std::lock_guard<std::mutex> lock(engine->mutex);
  MACE_RETURN_IF_ERROR(
      Match("input", engine->engine.inputs(), inputs, input_count, true, &engine->inputs, nullptr));
  MACE_RETURN_IF_ERROR(Match("output", engine->engine.outputs(), outputs, output_count, false,
                             &engine->outputs, &engine->output_index));
  CallerMemory memory(engine, outputs, output_memory, user);
  for (TensorView &output : engine->outputs) {
    output.growable = output_memory != nullptr && output.data == nullptr;
    if (output.growable) output.bytes = 0;
    output.shape = mace::Shape{-1};
  }
  mace::RunMetadata metadata;
  const MaceStatus status = engine->engine.Run(engine->inputs.data(), engine->outputs.data(),
                                               stats == nullptr ? nullptr : &metadata, &memory);
  for (const mace::OperatorStats &op : metadata.op_stats) {
    const mace_op_stats converted = ToC(op);
    stats(user, &converted);
  }
  // Of a run that failed, too: a shape may be what it failed of.
  for (size_t i = 0; i < engine->outputs.size(); ++i) {
    if (engine->outputs[i].shape == mace::Shape{-1}) continue;
    SetShape(engine->outputs[i].shape, &outputs[engine->output_index[i]]);
  }
  return status;
}

MaceStatus OutputShapes(mace_engine *engine, const mace_tensor *inputs, size_t input_count,
                        mace_tensor *outputs, size_t output_count) {
  if (engine == nullptr) return InvalidArgs("the engine is null");
  std::lock_guard<std::mutex> lock(engine->mutex);
  const std::vector<MaceTensorInfo> &infos = engine->engine.outputs();
  if (outputs == nullptr || output_count != infos.size()) {
    return InvalidArgs("there are ", infos.size(), " outputs, but room is given for ",
                       outputs == nullptr ? 0 : output_count);
  }
  MACE_RETURN_IF_ERROR(
      Match("input", engine->engine.inputs(), inputs, input_count, true, &engine->inputs, nullptr));
  std::vector<mace::Shape> shapes;
  MACE_RETURN_IF_ERROR(engine->engine.OutputShapes(engine->inputs.data(), &shapes));
  for (size_t i = 0; i < shapes.size(); ++i) {
    outputs[i].name = infos[i].name.c_str();
    outputs[i].dtype = static_cast<mace_dtype>(infos[i].data_type);
    outputs[i].format = infos[i].data_format;
    SetShape(shapes[i], &outputs[i]);
  }
  return MaceStatus::MACE_SUCCESS;
}

MaceStatus Memory(const mace_engine *engine,
                  mace::MaceEngine::MemoryUsage (mace::Engine::*figures)() const,
                  mace_memory *memory) {
  if (engine == nullptr || memory == nullptr) {
    return InvalidArgs("the engine or the pointer for its figures is null");
  }
  // Figures change with a run on another thread.
  std::lock_guard<std::mutex> lock(const_cast<mace_engine *>(engine)->mutex);
  const mace::MaceEngine::MemoryUsage usage = (engine->engine.*figures)();
  *memory = {usage.arena, usage.arena_lower_bound, usage.packed_weights};
  return MaceStatus::MACE_SUCCESS;
}

}  // namespace

extern "C" {

const char *mace_last_error(void) { return mace::last_error.c_str(); }

void mace_config_init(mace_config *config) {
  if (config == nullptr) return;
  std::memset(config, 0, sizeof(*config));
  config->struct_size = sizeof(*config);
  config->num_threads = -1;
}

mace_code mace_engine_create(const void *graph, size_t graph_size, const void *data,
                             size_t data_size, const char *data_path, const mace_config *config,
                             mace_engine **engine) {
  mace::ModelSource source;
  source.graph = graph;
  source.graph_size = graph_size;
  source.data = data;
  source.data_size = data_size;
  if (data_path != nullptr) source.data_file = data_path;
  return Report(Create(source, config, engine));
}

void mace_engine_destroy(mace_engine *engine) { delete engine; }

size_t mace_engine_input_count(const mace_engine *engine) {
  return engine == nullptr ? 0 : engine->engine.inputs().size();
}

size_t mace_engine_output_count(const mace_engine *engine) {
  return engine == nullptr ? 0 : engine->engine.outputs().size();
}

mace_code mace_engine_input(const mace_engine *engine, size_t index, mace_tensor *info) {
  if (engine == nullptr) return Report(InvalidArgs("the engine is null"));
  return Report(GetInfo(engine->engine.inputs(), "input", index, info));
}

mace_code mace_engine_output(const mace_engine *engine, size_t index, mace_tensor *info) {
  if (engine == nullptr) return Report(InvalidArgs("the engine is null"));
  return Report(GetInfo(engine->engine.outputs(), "output", index, info));
}

mace_code mace_engine_output_shapes(mace_engine *engine, const mace_tensor *inputs,
                                    size_t input_count, mace_tensor *outputs, size_t output_count) {
  return Report(OutputShapes(engine, inputs, input_count, outputs, output_count));
}

mace_code mace_engine_run(mace_engine *engine, const mace_tensor *inputs, size_t input_count,
                          mace_tensor *outputs, size_t output_count, mace_op_stats_fn stats,
                          void *user) {
  return Report(Run(engine, inputs, input_count, outputs, output_count, nullptr, stats, user));
}

mace_code mace_engine_run_alloc(mace_engine *engine, const mace_tensor *inputs, size_t input_count,
                                mace_tensor *outputs, size_t output_count,
                                mace_output_fn output_memory, mace_op_stats_fn stats, void *user) {
  return Report(
      Run(engine, inputs, input_count, outputs, output_count, output_memory, stats, user));
}

mace_code mace_engine_run_async(mace_engine *engine, const mace_tensor *inputs, size_t input_count,
                                mace_tensor *outputs, size_t output_count,
                                mace_output_fn output_memory, mace_done_fn done, void *user) {
  if (engine == nullptr) return Report(InvalidArgs("the engine is null"));
  mace::RunQueue::Done told;
  if (done != nullptr) {
    told = [=](const MaceStatus &status) {
      done(user, static_cast<mace_code>(status.code()), status.message().c_str());
    };
  }
  return Report(engine->queue.Add(
      [=] {
        return Run(engine, inputs, input_count, outputs, output_count, output_memory, nullptr,
                   user);
      },
      std::move(told)));
}

mace_code mace_engine_wait(mace_engine *engine) {
  if (engine == nullptr) return Report(InvalidArgs("the engine is null"));
  return Report(engine->queue.Wait());
}

mace_code mace_engine_placements(const mace_engine *engine, mace_placement_fn placement,
                                 void *user) {
  if (engine == nullptr || placement == nullptr) {
    return Report(InvalidArgs("the engine or the function for its placements is null"));
  }
  std::vector<mace::MaceEngine::OperatorPlacement> placements;
  {
    std::lock_guard<std::mutex> lock(const_cast<mace_engine *>(engine)->mutex);
    engine->engine.Placements(&placements);
  }
  for (const auto &each : placements) {
    placement(user, each.operator_name.c_str(), each.type.c_str(), each.device,
              each.reason.c_str());
  }
  return Report(MaceStatus::MACE_SUCCESS);
}

mace_code mace_gpu_context_create(const char *storage_path, const char *binary_path,
                                  const char *parameter_path, mace_gpu_context **context) {
  if (context == nullptr) return Report(InvalidArgs("the pointer for the GPU context is null"));
  mace::GPUContextBuilder builder;
  if (mace::kHasAccelerators && storage_path != nullptr) builder.SetStoragePath(storage_path);
  if (mace::kHasAccelerators && binary_path != nullptr) builder.SetOpenCLBinaryPaths({binary_path});
  if (mace::kHasAccelerators && parameter_path != nullptr)
    builder.SetOpenCLParameterPath(parameter_path);
  *context = new mace_gpu_context{builder.Finalize()};
  return Report(MaceStatus::MACE_SUCCESS);
}

mace_code mace_gpu_context_tune(mace_gpu_context *context,
                                void (*progress)(void *user, int32_t done, int32_t count),
                                void *user) {
  if (context == nullptr) return Report(InvalidArgs("the GPU context is null"));
  std::function<void(int, int)> call;
  if (mace::kHasAccelerators && progress != nullptr) {
    call = [progress, user](int done, int count) { progress(user, done, count); };
  }
  return Report(mace::TuneGPUContext(context->context, std::move(call)));
}

mace_code mace_gpu_context_limit(mace_gpu_context *context, int32_t kernel_micros,
                                 int32_t queued_kernels) {
  if (context == nullptr) return Report(InvalidArgs("the GPU context is null"));
  return Report(mace::LimitGPUContext(context->context, kernel_micros, queued_kernels));
}

mace_code mace_gpu_context_compile_in_background(mace_gpu_context *context, int32_t background) {
  if (context == nullptr) return Report(InvalidArgs("the GPU context is null"));
  return Report(mace::CompileGPUContextInBackground(context->context, background != 0));
}

void mace_gpu_context_destroy(mace_gpu_context *context) { delete context; }

mace_code mace_engine_memory(const mace_engine *engine, mace_memory *memory) {
  return Report(Memory(engine, &mace::Engine::memory_usage, memory));
}

mace_code mace_engine_device_memory(const mace_engine *engine, mace_memory *memory) {
  return Report(Memory(engine, &mace::Engine::device_memory_usage, memory));
}

}  // extern "C"
