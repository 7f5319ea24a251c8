// SPDX-License-Identifier: Apache-2.0
// The C++ interface on top of Engine.
#include "mace/public/mace.h"

#include <algorithm>
#include <mutex>
#include <utility>

#include "mace/base/allocator.h"
#include "mace/base/closest_name.h"
#include "mace/libmace/engine.h"
#include "mace/libmace/gpu_context.h"
#include "mace/libmace/run_queue.h"
#include "mace/public/mace_gpu.h"

namespace mace {

class GPUContextBuilder::Impl {
 public:
  GPUContextOptions options;
};

GPUContextBuilder::GPUContextBuilder() : impl_(std::make_unique<Impl>()) {}
GPUContextBuilder::~GPUContextBuilder() = default;

GPUContextBuilder &GPUContextBuilder::SetStoragePath(const std::string &path) {
  impl_->options.SetStoragePath(path);
  return *this;
}

GPUContextBuilder &GPUContextBuilder::SetOpenCLBinaryPaths(const std::vector<std::string> &paths) {
  impl_->options.SetBinaryPaths(paths);
  return *this;
}

GPUContextBuilder &GPUContextBuilder::SetOpenCLParameterPath(const std::string &path) {
  impl_->options.SetParameterPath(path);
  return *this;
}

MaceStatus TuneGPUContext(const std::shared_ptr<GPUContext> &context,
                          std::function<void(int, int)> progress) {
  if (context == nullptr) return InvalidArgs("the GPU context is null; make it with a builder");
  context->Tune(std::move(progress));
  return MaceStatus::MACE_SUCCESS;
}

MaceStatus LimitGPUContext(const std::shared_ptr<GPUContext> &context, int kernel_micros,
                           int queued_kernels) {
  if (context == nullptr) return InvalidArgs("the GPU context is null; make it with a builder");
  context->Limit(kernel_micros, queued_kernels);
  return MaceStatus::MACE_SUCCESS;
}

MaceStatus CompileGPUContextInBackground(const std::shared_ptr<GPUContext> &context,
                                         bool background) {
  if (context == nullptr) return InvalidArgs("the GPU context is null; make it with a builder");
  context->CompileInBackground(background);
  return MaceStatus::MACE_SUCCESS;
}

std::shared_ptr<GPUContext> GPUContextBuilder::Finalize() {
  return std::make_shared<GPUContext>(impl_->options);
}

class MaceEngineConfig::Impl {
 public:
  EngineConfig engine;
};

MaceEngineConfig::MaceEngineConfig(DeviceType device_type) : impl_(std::make_unique<Impl>()) {
  impl_->engine.device = device_type;
  impl_->engine.gpu.perf_hint = PERF_NORMAL;
  impl_->engine.gpu.priority_hint = PRIORITY_LOW;
}
MaceEngineConfig::~MaceEngineConfig() = default;
MaceEngineConfig::MaceEngineConfig(const MaceEngineConfig &other)
    : impl_(std::make_unique<Impl>(*other.impl_)) {}
MaceEngineConfig &MaceEngineConfig::operator=(const MaceEngineConfig &other) {
  *impl_ = *other.impl_;
  return *this;
}

MaceStatus MaceEngineConfig::SetGPUContext(std::shared_ptr<GPUContext> context) {
  if (context == nullptr) return InvalidArgs("the GPU context is null; make it with a builder");
  impl_->engine.gpu.context = std::move(context);
  return MaceStatus::MACE_SUCCESS;
}

MaceStatus MaceEngineConfig::SetGPUHints(GPUPerfHint perf_hint, GPUPriorityHint priority_hint) {
  if (perf_hint < PERF_DEFAULT || perf_hint > PERF_HIGH || priority_hint < PRIORITY_DEFAULT ||
      priority_hint > PRIORITY_HIGH) {
    return InvalidArgs("GPU hints are numbers from 0 (default) to 3 (high)");
  }
  impl_->engine.gpu.perf_hint = perf_hint;
  impl_->engine.gpu.priority_hint = priority_hint;
  return MaceStatus::MACE_SUCCESS;
}

MaceStatus MaceEngineConfig::SetGPUStorage(GPUDataType data_type, GPUMemoryType memory_type) {
  if (data_type < GPU_DATA_MODEL || data_type > GPU_DATA_HALF_ARITHMETIC ||
      memory_type < GPU_MEMORY_MODEL || memory_type > GPU_MEMORY_IMAGE) {
    return InvalidArgs(
        "GPU data types are numbers from 0 (the model's) to 3, and memory types from 0 to 2");
  }
  impl_->engine.gpu.storage = static_cast<GpuStorage>(data_type);
  impl_->engine.gpu.memory = static_cast<GpuMemory>(memory_type);
  return MaceStatus::MACE_SUCCESS;
}

MaceStatus MaceEngineConfig::SetCPUFallback(bool allowed) {
  impl_->engine.cpu_fallback = allowed;
  return MaceStatus::MACE_SUCCESS;
}

MaceStatus MaceEngineConfig::SetCPUThreadPolicy(int num_threads, CPUAffinityPolicy policy) {
  if (policy < AFFINITY_NONE || policy > AFFINITY_POWER_SAVE) {
    return InvalidArgs("there is no CPU affinity policy ", static_cast<int>(policy),
                       "; it is a number from 0 (none) to 4 (power save)");
  }
  impl_->engine.num_threads = num_threads;
  impl_->engine.affinity = policy;
  return MaceStatus::MACE_SUCCESS;
}

MaceStatus MaceEngineConfig::SetMemoryLimit(size_t bytes) {
  impl_->engine.memory_limit = bytes;
  return MaceStatus::MACE_SUCCESS;
}

MaceStatus MaceEngineConfig::SetStoragePath(const std::string &path) {
  impl_->engine.storage_path = path;
  return MaceStatus::MACE_SUCCESS;
}

MaceStatus MaceEngineConfig::SetModelKey(const void *key, size_t size) {
  return impl_->engine.model_key.Set(key, size);
}

class MaceTensor::Impl {
 public:
  std::vector<int64_t> shape;
  std::shared_ptr<void> data;
  std::shared_ptr<float> floats;  // the same memory, when its elements are floats
  IDataType type = IDataType::kInvalid;
  DataFormat format = DF_NONE;
  // Elements there is room for: a run may make the shape of an output smaller, not its memory.
  std::vector<int64_t> allocated;
  // The engine allocated the memory, and may replace it.
  bool from_engine = false;
};

MaceTensor::MaceTensor() : impl_(std::make_unique<Impl>()) {}

MaceTensor::MaceTensor(const std::vector<int64_t> &shape, std::shared_ptr<float> data,
                       DataFormat format)
    : MaceTensor(shape, std::shared_ptr<void>(std::move(data)), IDataType::kFloat, format) {}

MaceTensor::MaceTensor(const std::vector<int64_t> &shape, std::shared_ptr<void> data,
                       IDataType data_type, DataFormat format)
    : impl_(std::make_unique<Impl>()) {
  impl_->shape = impl_->allocated = shape;
  impl_->type = data_type;
  impl_->format = format;
  if (data_type == IDataType::kFloat) impl_->floats = std::static_pointer_cast<float>(data);
  impl_->data = std::move(data);
}

MaceTensor::~MaceTensor() = default;
MaceTensor::MaceTensor(const MaceTensor &other) : impl_(std::make_unique<Impl>(*other.impl_)) {}
MaceTensor::MaceTensor(MaceTensor &&other) noexcept : impl_(std::make_unique<Impl>()) {
  // What was moved from stays an empty tensor, not a null pointer.
  impl_.swap(other.impl_);
}
MaceTensor &MaceTensor::operator=(const MaceTensor &other) {
  *impl_ = *other.impl_;
  return *this;
}
MaceTensor &MaceTensor::operator=(MaceTensor &&other) noexcept {
  impl_.swap(other.impl_);
  return *this;
}

const std::vector<int64_t> &MaceTensor::shape() const { return impl_->shape; }
const std::shared_ptr<float> MaceTensor::data() const { return impl_->floats; }
std::shared_ptr<float> MaceTensor::data() { return impl_->floats; }
std::shared_ptr<void> MaceTensor::raw_data() const { return impl_->data; }
IDataType MaceTensor::data_type() const { return impl_->type; }
DataFormat MaceTensor::data_format() const { return impl_->format; }

class MaceEngine::Impl {
 public:
  explicit Impl(const EngineConfig &config) : config_(config) {}

  MaceStatus Init(const ModelSource &source, const std::vector<std::string> &input_nodes,
                  const std::vector<std::string> &output_nodes) {
    std::lock_guard<std::mutex> lock(mutex_);
    MACE_RETURN_IF_ERROR(engine_.Init(source, input_nodes, output_nodes, config_));
    config_.model_key.Clear();
    inputs_.resize(engine_.inputs().size());
    outputs_.resize(engine_.outputs().size());
    output_tensors_.resize(engine_.outputs().size());
    return MaceStatus::MACE_SUCCESS;
  }

  MaceStatus Run(const std::map<std::string, MaceTensor> &inputs,
                 std::map<std::string, MaceTensor> *outputs, RunMetadata *metadata) {
    std::lock_guard<std::mutex> lock(mutex_);
    NewMemory memory(this);
    if (!engine_.ready()) return InvalidArgs("the engine is not initialized");
    if (outputs == nullptr) return InvalidArgs("the map of outputs is null");
    MACE_RETURN_IF_ERROR(CheckNames("input", engine_.inputs(), inputs));
    MACE_RETURN_IF_ERROR(CheckNames("output", engine_.outputs(), *outputs));
    for (size_t i = 0; i < inputs_.size(); ++i) {
      const MaceTensorInfo &info = engine_.inputs()[i];
      const auto found = inputs.find(info.name);
      MACE_RETURN_IF_ERROR(View("input", info, *found->second.impl_, &inputs_[i]));
    }
    for (size_t i = 0; i < outputs_.size(); ++i) {
      const MaceTensorInfo &info = engine_.outputs()[i];
      const auto found = outputs->find(info.name);
      output_tensors_[i] = found->second.impl_.get();
      MaceTensor::Impl *tensor = output_tensors_[i];
      const bool empty = tensor->data == nullptr;
      if (empty && tensor->type == IDataType::kInvalid) tensor->type = info.data_type;
      MACE_RETURN_IF_ERROR(View("output", info, *tensor, &outputs_[i]));
      if (empty) outputs_[i].bytes = 0;
      outputs_[i].growable = empty || tensor->from_engine;
    }
    const MaceStatus status = engine_.Run(inputs_.data(), outputs_.data(), metadata, &memory);
    for (size_t i = 0; i < outputs_.size(); ++i) {
      // Of a run that failed, too: a shape may be what it failed of.
      if (status.ok() || output_tensors_[i]->data != nullptr) {
        output_tensors_[i]->shape.assign(outputs_[i].shape.begin(), outputs_[i].shape.end());
      }
    }
    return status;
  }

  MaceStatus OutputShapes(const std::map<std::string, std::vector<int64_t>> &input_shapes,
                          std::map<std::string, std::vector<int64_t>> *output_shapes) {
    std::lock_guard<std::mutex> lock(mutex_);
    if (!engine_.ready()) return InvalidArgs("the engine is not initialized");
    if (output_shapes == nullptr) return InvalidArgs("the map of output shapes is null");
    MACE_RETURN_IF_ERROR(CheckNames("input", engine_.inputs(), input_shapes));
    for (size_t i = 0; i < inputs_.size(); ++i) {
      const MaceTensorInfo &info = engine_.inputs()[i];
      const std::vector<int64_t> &shape = input_shapes.at(info.name);
      MACE_RETURN_IF_ERROR(CheckRank("input", info, shape));
      inputs_[i].shape = Shape(shape);
    }
    std::vector<Shape> shapes;
    MACE_RETURN_IF_ERROR(engine_.OutputShapes(inputs_.data(), &shapes));
    output_shapes->clear();
    for (size_t i = 0; i < shapes.size(); ++i) {
      (*output_shapes)[engine_.outputs()[i].name] = shapes[i].ToVector();
    }
    return MaceStatus::MACE_SUCCESS;
  }

  const Engine &engine() const { return engine_; }

  std::vector<MaceEngine::OperatorPlacement> Placements() {
    std::lock_guard<std::mutex> lock(mutex_);
    std::vector<MaceEngine::OperatorPlacement> placements;
    engine_.Placements(&placements);
    return placements;
  }

  MaceStatus RunAsync(const std::map<std::string, MaceTensor> &inputs,
                      std::map<std::string, MaceTensor> *outputs, RunQueue::Done done,
                      RunMetadata *metadata) {
    return queue_.Add([=] { return Run(inputs, outputs, metadata); }, std::move(done));
  }

  RunQueue *queue() { return &queue_; }

  MaceEngine::MemoryUsage memory_usage() {
    std::lock_guard<std::mutex> lock(mutex_);
    return engine_.memory_usage();
  }

  MaceEngine::MemoryUsage device_memory_usage() {
    std::lock_guard<std::mutex> lock(mutex_);
    return engine_.device_memory_usage();
  }

 private:
  // Memory for outputs that come without any.
  class NewMemory : public OutputMemory {
   public:
    explicit NewMemory(Impl *impl) : impl_(impl) {}
    void *Get(size_t index, const Shape &shape, size_t bytes) override {
      MaceTensor::Impl &tensor = *impl_->output_tensors_[index];
      void *memory = AllocateAligned(std::max<size_t>(bytes, 1));
      if (memory == nullptr) return nullptr;
      tensor.data = std::shared_ptr<void>(memory, FreeAligned);
      tensor.floats =
          tensor.type == IDataType::kFloat ? std::static_pointer_cast<float>(tensor.data) : nullptr;
      tensor.allocated = shape.ToVector();
      tensor.from_engine = true;
      return memory;
    }

   private:
    Impl *impl_;
  };

  // The map must have the names of the engine and no others.
  template <typename Map>
  static MaceStatus CheckNames(const char *what, const std::vector<MaceTensorInfo> &infos,
                               const Map &map) {
    size_t found = 0;
    for (const MaceTensorInfo &info : infos) found += map.count(info.name);
    if (found == infos.size() && found == map.size()) return MaceStatus::MACE_SUCCESS;
    std::vector<std::string> names, given;
    for (const MaceTensorInfo &info : infos) names.push_back(info.name);
    for (const auto &[name, value] : map) {
      given.push_back(name);
      if (std::find(names.begin(), names.end(), name) == names.end()) {
        return InvalidArgs("the engine has no ", what, " '", name, "'", DidYouMean(name, names));
      }
    }
    std::string missing;
    for (const std::string &name : names) {
      if (map.count(name) == 0) missing = name;
    }
    return InvalidArgs(what, " '", missing, "' is not given");
  }

  static MaceStatus CheckRank(const char *what, const MaceTensorInfo &info,
                              const std::vector<int64_t> &shape) {
    if (shape.size() <= kMaxRank) return MaceStatus::MACE_SUCCESS;
    return InvalidArgs(what, " '", info.name, "' has rank ", shape.size(), ", above ", kMaxRank);
  }

  static MaceStatus View(const char *what, const MaceTensorInfo &info,
                         const MaceTensor::Impl &tensor, TensorView *view) {
    MACE_RETURN_IF_ERROR(CheckRank(what, info, tensor.shape));
    view->dtype = static_cast<DataType>(tensor.type);
    view->format = tensor.format;
    view->shape = Shape(tensor.shape);
    view->data = tensor.data.get();
    if (!CheckedBytes(Shape(tensor.allocated), DataTypeSize(view->dtype), &view->bytes)) {
      return InvalidArgs(what, " '", info.name, "' has the impossible shape ",
                         Shape(tensor.allocated).ToString());
    }
    return MaceStatus::MACE_SUCCESS;
  }

  EngineConfig config_;
  std::mutex mutex_;
  Engine engine_;
  std::vector<TensorView> inputs_, outputs_;
  std::vector<MaceTensor::Impl *> output_tensors_;
  RunQueue queue_;
};

MaceEngine::MaceEngine(const MaceEngineConfig &config)
    : impl_(std::make_unique<Impl>(config.impl_->engine)) {}
// While the engine is whole: callbacks may use it.
MaceEngine::~MaceEngine() { impl_->queue()->End(); }

MaceStatus MaceEngine::Init(const void *graph, size_t graph_size,
                            const std::vector<std::string> &input_nodes,
                            const std::vector<std::string> &output_nodes, const void *model_data,
                            size_t model_data_size) {
  ModelSource source;
  source.graph = graph;
  source.graph_size = graph_size;
  source.data = model_data;
  source.data_size = model_data_size;
  return impl_->Init(source, input_nodes, output_nodes);
}

MaceStatus MaceEngine::Init(const void *graph, size_t graph_size,
                            const std::vector<std::string> &input_nodes,
                            const std::vector<std::string> &output_nodes,
                            const std::string &model_data_file) {
  ModelSource source;
  source.graph = graph;
  source.graph_size = graph_size;
  source.data_file = model_data_file;
  return impl_->Init(source, input_nodes, output_nodes);
}

MaceStatus MaceEngine::Run(const std::map<std::string, MaceTensor> &inputs,
                           std::map<std::string, MaceTensor> *outputs, RunMetadata *run_metadata) {
  return impl_->Run(inputs, outputs, run_metadata);
}

MaceStatus MaceEngine::RunAsync(const std::map<std::string, MaceTensor> &inputs,
                                std::map<std::string, MaceTensor> *outputs, RunCallback done,
                                RunMetadata *run_metadata) {
  return impl_->RunAsync(inputs, outputs, std::move(done), run_metadata);
}

MaceStatus MaceEngine::Wait() { return impl_->queue()->Wait(); }

const std::vector<MaceTensorInfo> &MaceEngine::inputs() const { return impl_->engine().inputs(); }
const std::vector<MaceTensorInfo> &MaceEngine::outputs() const { return impl_->engine().outputs(); }

MaceStatus MaceEngine::OutputShapes(const std::map<std::string, std::vector<int64_t>> &input_shapes,
                                    std::map<std::string, std::vector<int64_t>> *output_shapes) {
  return impl_->OutputShapes(input_shapes, output_shapes);
}

MaceEngine::MemoryUsage MaceEngine::memory_usage() const { return impl_->memory_usage(); }

MaceEngine::MemoryUsage MaceEngine::device_memory_usage() const {
  return impl_->device_memory_usage();
}

std::vector<MaceEngine::OperatorPlacement> MaceEngine::Placements() const {
  return impl_->Placements();
}

MaceStatus CreateMaceEngineFromProto(const std::vector<unsigned char> &model_pb,
                                     const std::string &model_data_file,
                                     const std::vector<std::string> &input_nodes,
                                     const std::vector<std::string> &output_nodes,
                                     const MaceEngineConfig &config,
                                     std::shared_ptr<MaceEngine> *engine) {
  if (engine == nullptr) return InvalidArgs("the pointer for the engine is null");
  auto made = std::make_shared<MaceEngine>(config);
  MACE_RETURN_IF_ERROR(
      made->Init(model_pb.data(), model_pb.size(), input_nodes, output_nodes, model_data_file));
  *engine = std::move(made);
  return MaceStatus::MACE_SUCCESS;
}

}  // namespace mace
