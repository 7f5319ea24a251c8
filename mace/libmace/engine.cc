// SPDX-License-Identifier: Apache-2.0
// One model ready to run: what lies between the interfaces and the net.
#include "mace/libmace/engine.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <numeric>
#include <utility>

#include "mace/base/allocator.h"
#include "mace/base/chosen.h"
#include "mace/base/closest_name.h"
#include "mace/base/hash.h"
#include "mace/base/isa.h"
#include "mace/base/logging.h"
#include "mace/core/engine_parts.h"
#include "mace/core/half_arithmetic.h"
#include "mace/core/model_reader.h"
#include "mace/core/model_verifier.h"
#include "mace/crypto/encrypted_file.h"
#include "mace/libmace/background_engine.h"

namespace mace {

namespace {

// Enough for a model that is used at a few sizes in turn; each costs little beside its arena, which
// all share.
constexpr size_t kMaxPlans = 8;

MaceTensorInfo Info(const TensorInfo &info) {
  MaceTensorInfo result;
  result.name = info.name;
  result.shape = info.dims;
  result.data_type = static_cast<IDataType>(info.data_type);
  result.data_format = info.data_format;
  return result;
}

std::vector<std::string> Names(const std::vector<TensorInfo> &infos) {
  std::vector<std::string> names;
  for (const TensorInfo &info : infos) names.push_back(info.name);
  return names;
}

MaceStatus CheckUnique(const char *what, const std::vector<std::string> &names) {
  for (size_t i = 0; i < names.size(); ++i) {
    for (size_t j = 0; j < i; ++j) {
      if (names[i] == names[j]) return InvalidArgs(what, " '", names[i], "' is listed twice");
    }
  }
  return MaceStatus::MACE_SUCCESS;
}

const char *FormatName(DataFormat format) {
  return format == NHWC ? "NHWC" : format == NCHW ? "NCHW" : "NONE";
}

MaceStatus CheckType(const char *what, const MaceTensorInfo &info, const TensorView &view) {
  const DataType type = static_cast<DataType>(info.data_type);
  if (view.dtype != type) {
    return InvalidArgs(what, " '", info.name, "' has element type ", DataTypeName(view.dtype),
                       ", but the model wants ", DataTypeName(type));
  }
  // Formats differ in meaning for four dimensions alone.
  if (info.shape.size() == 4 && view.format != DF_NONE && info.data_format != DF_NONE &&
      view.format != info.data_format) {
    return InvalidArgs(what, " '", info.name, "' is given as ", FormatName(view.format),
                       ", but the model has it as ", FormatName(info.data_format));
  }
  if (view.data == nullptr && view.bytes > 0) {
    return InvalidArgs(what, " '", info.name, "' has no memory");
  }
  if (reinterpret_cast<uintptr_t>(view.data) % DataTypeSize(type) != 0) {
    return InvalidArgs(what, " '", info.name, "': its memory is not aligned to its ",
                       DataTypeSize(type), "-byte elements");
  }
  return MaceStatus::MACE_SUCCESS;
}

bool Overlap(const void *a, size_t a_bytes, const void *b, size_t b_bytes) {
  const uintptr_t a_begin = reinterpret_cast<uintptr_t>(a);
  const uintptr_t b_begin = reinterpret_cast<uintptr_t>(b);
  return a_bytes > 0 && b_bytes > 0 && a_begin < b_begin + b_bytes && b_begin < a_begin + a_bytes;
}

}  // namespace

MaceStatus CheckDevice(DeviceType device) {
  switch (device) {
    case CPU:
      return MaceStatus::MACE_SUCCESS;
    case GPU:
      if (kHasAccelerators) return MaceStatus::MACE_SUCCESS;
      return Unsupported("this build of MACE has no GPU runtime; choose the device CPU");
    case HEXAGON:
      return Unsupported("this build of MACE has no Hexagon runtime; choose the device CPU");
  }
  return InvalidArgs("there is no device number ", static_cast<int>(device),
                     "; it is CPU (0), GPU (2) or HEXAGON (3)");
}

namespace {

// model.data that belongs to an encrypted model.pb, decrypted into `constants`.
MaceStatus ReadEncryptedData(const ModelSource &source, const ModelKey &key, const ModelPair &pair,
                             Constants *constants) {
  MappedFile file;
  const void *data = source.data;
  size_t size = source.data_size;
  if (data == nullptr) {
    if (source.data_file.empty()) return MaceStatus::MACE_SUCCESS;
    MACE_RETURN_IF_ERROR(file.Open(source.data_file));
    data = file.data();
    size = file.size();
  }
  if (!IsEncrypted(data, size)) {
    return InvalidArgs(
        "model.pb is encrypted, but model.data is not: they do not belong together; give the one "
        "that was converted with it");
  }
  auto content = std::make_unique<SecretMemory>();
  ModelPair data_pair;
  MACE_RETURN_IF_ERROR(
      DecryptFile(data, size, EncryptedKind::kData, key, content.get(), &data_pair));
  if (std::memcmp(pair.id, data_pair.id, sizeof(pair.id)) != 0) {
    return InvalidArgs(
        "model.data was encrypted with another model.pb; give the one that was converted with it");
  }
  constants->UseSecret(std::move(content));
  return MaceStatus::MACE_SUCCESS;
}

MaceStatus ReadEncrypted(const ModelSource &source, const ModelKey &key, ModelDef *model,
                         Constants *constants) {
  SecretMemory graph;
  ModelPair pair;
  MACE_RETURN_IF_ERROR(
      DecryptFile(source.graph, source.graph_size, EncryptedKind::kGraph, key, &graph, &pair));
  MACE_RETURN_IF_ERROR(ReadModel(graph.data(), graph.size(), model));
  return ReadEncryptedData(source, key, pair, constants);
}

}  // namespace

Engine::Engine() = default;
Engine::~Engine() = default;

MaceStatus Engine::ReadVerified(const ModelSource &source, ModelDef *model,
                                std::unique_ptr<Constants> *constants, const ModelKey &key) const {
  auto loaded = std::make_unique<Constants>();
  const bool given = source.data != nullptr || !source.data_file.empty();
  const bool encrypted = IsEncrypted(source.graph, source.graph_size);
  if (encrypted) {
    MACE_RETURN_IF_ERROR(ReadEncrypted(source, key, model, loaded.get()));
  } else {
    MACE_RETURN_IF_ERROR(ReadModel(source.graph, source.graph_size, model));
  }
  if (!given && model->data_size > 0) {
    return InvalidArgs("the model has weights of ", model->data_size,
                       " bytes, but neither the content nor the path of model.data is given");
  }
  if (!encrypted && source.data != nullptr) {
    if (reinterpret_cast<uintptr_t>(source.data) % kMemoryAlignment != 0) {
      return InvalidArgs("the content of model.data must be aligned to ", kMemoryAlignment,
                         " bytes in memory");
    }
    loaded->UseMemory(source.data, source.data_size);
  } else if (!encrypted && given) {
    MACE_RETURN_IF_ERROR(loaded->UseFile(source.data_file));
  }
  if (!encrypted && IsEncrypted(loaded->data(), static_cast<size_t>(loaded->size()))) {
    return InvalidArgs(
        "model.data is encrypted, but model.pb is not: they do not belong together; give the one "
        "that was converted with it");
  }
  MACE_RETURN_IF_ERROR(VerifyModel(*model, loaded->size(), VerifyOptions()));
  *constants = std::move(loaded);
  return MaceStatus::MACE_SUCCESS;
}

void Engine::OpenPackedCache(const ModelSource &source,
                             const std::vector<std::string> &output_names) {
  if (config_.storage_path.empty() || config_.device != CPU) return;
  if (!kEngineParts.storage) {
    LOG(WARNING) << "packed weights are not kept in '" << config_.storage_path
                 << "': this library of chosen models leaves that out; build it with the part "
                    "'storage'";
    return;
  }
  if (IsEncrypted(source.graph, source.graph_size)) {
    LOG(WARNING) << "packed weights are not kept in '" << config_.storage_path
                 << "': the model is encrypted, and they would be written as they are";
    return;
  }
  // model.pb has the checksum of model.data; the outputs decide which operators are there.
  uint64_t model = XxHash64(source.graph, source.graph_size);
  for (const std::string &name : output_names) {
    model = XxHash64(name.c_str(), name.size() + 1, model);
  }
  const char *version = MaceVersion();
  const uint64_t machine =
      XxHash64(version, std::strlen(version), SupportedIsas() | uint64_t{sizeof(void *)} << 32);
  packed_cache_ = std::make_unique<PackedCache>(config_.storage_path, model, machine);
}

MaceStatus Engine::ChooseInputs(const std::vector<std::string> &names) {
  const std::vector<TensorInfo> &infos = net_.def().input_info;
  const std::vector<std::string> all = Names(infos);
  MACE_RETURN_IF_ERROR(CheckUnique("input", names));
  for (const std::string &name : names.empty() ? all : names) {
    const auto found = std::find(all.begin(), all.end(), name);
    if (found == all.end()) {
      return InvalidArgs("the model has no input '", name, "'", DidYouMean(name, all));
    }
    input_index_.push_back(static_cast<size_t>(found - all.begin()));
    inputs_.push_back(Info(infos[input_index_.back()]));
  }
  for (size_t i = 0; i < infos.size(); ++i) {
    if (std::find(input_index_.begin(), input_index_.end(), i) == input_index_.end() &&
        net_.InputNeeded(static_cast<int>(i))) {
      return InvalidArgs("the outputs need input '", infos[i].name,
                         "', which is not among the inputs asked for");
    }
    // An input that nothing needs has any shape that its declaration allows.
    Shape shape(infos[i].dims);
    for (int d = 0; d < shape.rank(); ++d) shape[d] = std::max<int64_t>(shape[d], 1);
    shapes_.push_back(shape);
  }
  return MaceStatus::MACE_SUCCESS;
}

MaceStatus Engine::Init(const ModelSource &source, const std::vector<std::string> &input_names,
                        const std::vector<std::string> &output_names, const EngineConfig &config) {
  if (ready_ || thread_pool_ != nullptr) {
    return InvalidArgs("this engine was initialized before; create another one");
  }
  config_ = config;
  if (!kHasAccelerators && config.cpu_fallback) {
    const MaceStatus there = CheckDevice(config.device);
    if (there.code() == MaceStatus::MACE_UNSUPPORTED) {
      fallback_reason_ = there.message();
      LOG(WARNING) << "the model is executed on the CPU: " << fallback_reason_;
      config_.device = CPU;
    }
  }
  const bool background = kHasAccelerators && MadeInBackground(config);
  if (kHasAccelerators && config.device != CPU && (config.cpu_fallback || background)) {
    model_ = std::make_unique<Model>();
    if (source.graph != nullptr) {
      model_->graph.assign(static_cast<const char *>(source.graph), source.graph_size);
    }
    model_->source = source;
    model_->source.graph = model_->graph.data();
    model_->input_names = input_names;
    model_->output_names = output_names;
    model_->key = config.model_key;
  }
  if (background) return InitBackground();
  const MaceStatus status = InitOnDevice(source, input_names, output_names);
  return FallsBack(status) ? InitFallback(status) : status;
}

MaceStatus Engine::InitOnDevice(const ModelSource &source,
                                const std::vector<std::string> &input_names,
                                const std::vector<std::string> &output_names) {
  MACE_RETURN_IF_ERROR(CheckDevice(config_.device));
  MACE_RETURN_IF_ERROR(CheckUnique("output", output_names));
  ModelDef model;
  std::unique_ptr<Constants> constants;
  MACE_RETURN_IF_ERROR(ReadVerified(source, &model, &constants, config_.model_key));
  config_.model_key.Clear();
  if (kHasAccelerators && config_.device != CPU) {
    MACE_RETURN_IF_ERROR(MakeAccelerator(config_, model.net, false, &accelerator_));
  }
  if (config_.registry == nullptr) {
    own_registry_ = std::make_unique<OpRegistry>();
    config_.registry = own_registry_.get();
  }
  if (Contains(kChosen.types, DT_HALF) && config_.device == CPU && WantsHalfArithmetic(model.net)) {
    if ((SupportedIsas() & kIsaNeonFp16) != 0) {
      UseHalfArithmetic(*config_.registry, &model.net);
    } else {
      VLOG(1) << "the model asks for float16 arithmetic, which this CPU does not have: it is "
                 "computed in float32";
    }
  }
  thread_pool_ = std::make_unique<ThreadPool>(config_.num_threads, config_.affinity);
  Net::Options options;
  options.registry = config_.registry;
  options.accelerator = accelerator_.get();
  options.thread_pool = thread_pool_.get();
  options.memory_limit = config_.memory_limit;
  options.outputs = output_names;
  options.verify_data = true;
  options.bf16_products = config_.device == CPU && WantsBf16Products(model.net);
  OpenPackedCache(source, output_names);
  options.packed_cache = packed_cache_.get();
  MACE_RETURN_IF_ERROR(net_.Init(std::move(model), std::move(constants), options));
  MACE_RETURN_IF_ERROR(ChooseInputs(input_names));
  for (int output : net_.outputs()) {
    for (const TensorInfo &info : net_.def().output_info) {
      if (info.name == *net_.tensors()[static_cast<size_t>(output)].name) {
        outputs_.push_back(Info(info));
      }
    }
  }
  input_pointers_.assign(net_.def().input_info.size(), nullptr);
  output_pointers_.assign(outputs_.size(), nullptr);
  ready_ = true;

  // Problems of a model whose shapes are fixed are told now, and its first run is as fast as
  // others.
  std::vector<TensorView> views(inputs_.size());
  for (size_t i = 0; i < inputs_.size(); ++i) {
    const std::vector<int64_t> &dims = inputs_[i].shape;
    if (std::count(dims.begin(), dims.end(), -1) > 0) return MaceStatus::MACE_SUCCESS;
    views[i].shape = Shape(dims);
  }
  MaceStatus status = UsePlan(views.data());
  if (status.ok()) status = GrowArena();
  ready_ = status.ok();
  return status;
}

MaceStatus Engine::CheckShape(const MaceTensorInfo &info, const Shape &shape) const {
  bool fits = static_cast<size_t>(shape.rank()) == info.shape.size();
  for (int d = 0; fits && d < shape.rank(); ++d) {
    const int64_t wanted = info.shape[static_cast<size_t>(d)];
    fits = shape[d] >= 0 && (wanted == -1 || wanted == shape[d]);
  }
  if (fits) return MaceStatus::MACE_SUCCESS;
  return InvalidArgs("input '", info.name, "' has shape ", shape.ToString(),
                     ", but the model was converted for ", Shape(info.shape).ToString(),
                     std::count(info.shape.begin(), info.shape.end(), -1) > 0
                         ? " (-1: any size)"
                         : "; convert it with -1 for each dimension that may change");
}

namespace {

// MACE_CHAINS=0: operators run one after the other, and results are those of each alone to the last
// bit. For who compares engines.
PlanOptions::Chains WantedChains() {
  const char *wanted = std::getenv("MACE_CHAINS");
  return wanted != nullptr && std::strcmp(wanted, "0") == 0 ? PlanOptions::Chains::kNever
                                                            : PlanOptions::Chains::kWhereTheyPay;
}

}  // namespace

MaceStatus Engine::UsePlan(const TensorView *inputs) {
  for (size_t i = 0; i < inputs_.size(); ++i) {
    MACE_RETURN_IF_ERROR(CheckShape(inputs_[i], inputs[i].shape));
    shapes_[input_index_[i]] = inputs[i].shape;
  }
  for (size_t p = 0; p < plans_.size(); ++p) {
    if (plans_[p]->input_shapes() != shapes_) continue;
    if (p > 0)
      std::rotate(plans_.begin(), plans_.begin() + static_cast<ptrdiff_t>(p),
                  plans_.begin() + static_cast<ptrdiff_t>(p) + 1);
    return MaceStatus::MACE_SUCCESS;
  }
  PlanOptions options;
  options.memory_limit = config_.memory_limit;
  options.thread_pool = thread_pool_.get();
  options.chains = WantedChains();
  if (accelerator_ != nullptr) {
    options.accelerator = accelerator_.get();
    options.placed_net = &net_;
    options.placements = &placements_;
    placements_.clear();
  }
  std::unique_ptr<Plan> plan;
  MACE_RETURN_IF_ERROR(Plan::Make(net_, shapes_, options, &plan));
  VLOG(1) << "plan of " << plan->arena_bytes() << " bytes, at least " << plan->arena_lower_bound()
          << " at once";
  if (plans_.size() == kMaxPlans) plans_.pop_back();
  plans_.insert(plans_.begin(), std::move(plan));
  return MaceStatus::MACE_SUCCESS;
}

MaceStatus Engine::GrowArena() {
  const size_t bytes = plans_[0]->arena_bytes();
  return bytes <= arena_.size() ? MaceStatus(MaceStatus::MACE_SUCCESS) : arena_.Allocate(bytes);
}

MaceStatus Engine::OutputShapes(const TensorView *inputs, std::vector<Shape> *shapes) {
  if (!ready_) return InvalidArgs("the engine is not initialized");
  if (kHasAccelerators && fallback_ != nullptr) return fallback_->OutputShapes(inputs, shapes);
  if (kHasAccelerators && on_device_ != nullptr) return on_device_->OutputShapes(inputs, shapes);
  MACE_RETURN_IF_ERROR(UsePlan(inputs));
  shapes->resize(outputs_.size());
  for (size_t i = 0; i < outputs_.size(); ++i) (*shapes)[i] = plans_[0]->output_shape(i);
  return MaceStatus::MACE_SUCCESS;
}

MaceStatus Engine::CheckInput(const MaceTensorInfo &info, const TensorView &view) const {
  MACE_RETURN_IF_ERROR(CheckType("input", info, view));
  size_t bytes = 0;
  if (!CheckedBytes(view.shape, DataTypeSize(view.dtype), &bytes) || view.bytes < bytes) {
    return InvalidArgs("input '", info.name, "' of shape ", view.shape.ToString(), " needs ", bytes,
                       " bytes, but has ", view.bytes);
  }
  if (view.data == nullptr && bytes > 0) {
    return InvalidArgs("input '", info.name, "' has no memory");
  }
  if (view.dtype == DT_BOOL) {
    for (size_t i = 0; i < bytes; ++i) {
      const int element = static_cast<const uint8_t *>(view.data)[i];
      if (element > 1) {
        return InvalidArgs("input '", info.name, "': element ", i, " of a boolean tensor is ",
                           element);
      }
    }
  }
  return MaceStatus::MACE_SUCCESS;
}

MaceStatus Engine::CheckOutputs(const TensorView *inputs, const TensorView *outputs) const {
  const Plan &plan = *plans_[0];
  for (size_t i = 0; i < outputs_.size(); ++i) {
    MACE_RETURN_IF_ERROR(CheckType("output", outputs_[i], outputs[i]));
    const auto size = [&](size_t o) {
      return plan.output_late(o) ? outputs[o].bytes : plan.output_bytes(o);
    };
    const size_t bytes = size(i);
    if (outputs[i].bytes < bytes) {
      return InvalidArgs("output '", outputs_[i].name, "' of shape ",
                         plan.output_shape(i).ToString(), " needs ", bytes,
                         " bytes, but there is room for ", outputs[i].bytes);
    }
    // Operators write outputs while inputs are still read.
    for (size_t k = 0; k < inputs_.size(); ++k) {
      if (Overlap(outputs[i].data, bytes, inputs[k].data, inputs[k].bytes)) {
        return InvalidArgs("output '", outputs_[i].name, "' overlaps input '", inputs_[k].name,
                           "' in memory");
      }
    }
    for (size_t k = 0; k < i; ++k) {
      if (Overlap(outputs[i].data, bytes, outputs[k].data, size(k))) {
        return InvalidArgs("output '", outputs_[i].name, "' overlaps output '", outputs_[k].name,
                           "' in memory");
      }
    }
  }
  return MaceStatus::MACE_SUCCESS;
}

MaceStatus Engine::GiveMemory(size_t i, const Shape &shape, size_t bytes, OutputMemory *memory,
                              TensorView *view) const {
  if (!view->growable || memory == nullptr) return MaceStatus::MACE_SUCCESS;
  if (view->bytes >= bytes && view->data != nullptr) return MaceStatus::MACE_SUCCESS;
  view->data = memory->Get(i, shape, bytes);
  if (view->data == nullptr) {
    return OutOfResources("no memory for the ", bytes, " bytes of output '", outputs_[i].name, "'");
  }
  view->bytes = bytes;
  return MaceStatus::MACE_SUCCESS;
}

MaceStatus Engine::CopyLate(size_t i, OutputMemory *memory, TensorView *view) const {
  const Tensor &tensor = plans_[0]->output(i);
  const size_t bytes = tensor.bytes();
  view->shape = tensor.shape;
  MACE_RETURN_IF_ERROR(GiveMemory(i, tensor.shape, bytes, memory, view));
  if (view->bytes < bytes) {
    return InvalidArgs("output '", outputs_[i].name, "' came out with shape ",
                       tensor.shape.ToString(), " and needs ", bytes,
                       " bytes, but there is room for ", view->bytes,
                       "; run again with more, or let the engine allocate it");
  }
  if (bytes > 0) std::memcpy(view->data, tensor.raw, bytes);
  return MaceStatus::MACE_SUCCESS;
}

MaceStatus Engine::Run(const TensorView *inputs, TensorView *outputs, RunMetadata *metadata,
                       OutputMemory *memory_source) {
  if (!ready_) return InvalidArgs("the engine is not initialized");
  MaceStatus done;
  if (kHasAccelerators && background_ != nullptr &&
      RunInBackground(inputs, outputs, metadata, memory_source, &done)) {
    return done;
  }
  if (kHasAccelerators && fallback_ != nullptr)
    return fallback_->Run(inputs, outputs, metadata, memory_source);
  const MaceStatus status = RunOnDevice(inputs, outputs, metadata, memory_source);
  if (!FallsBack(status)) return status;
  MACE_RETURN_IF_ERROR(InitFallback(status));
  return fallback_->Run(inputs, outputs, metadata, memory_source);
}

MaceStatus Engine::RunOnDevice(const TensorView *inputs, TensorView *outputs, RunMetadata *metadata,
                               OutputMemory *memory_source) {
  MACE_RETURN_IF_ERROR(UsePlan(inputs));
  for (size_t i = 0; i < inputs_.size(); ++i) {
    MACE_RETURN_IF_ERROR(CheckInput(inputs_[i], inputs[i]));
    input_pointers_[input_index_[i]] = inputs[i].data;
  }
  for (size_t i = 0; i < outputs_.size(); ++i) {
    if (plans_[0]->output_late(i)) continue;
    MACE_RETURN_IF_ERROR(GiveMemory(i, plans_[0]->output_shape(i), plans_[0]->output_bytes(i),
                                    memory_source, &outputs[i]));
  }
  MACE_RETURN_IF_ERROR(CheckOutputs(inputs, outputs));
  MACE_RETURN_IF_ERROR(GrowArena());
  for (size_t i = 0; i < outputs_.size(); ++i) output_pointers_[i] = outputs[i].data;
  PlanMemoryIn memory;
  memory.inputs = input_pointers_.data();
  memory.outputs = output_pointers_.data();
  memory.arena = arena_.as<char>();
  ThreadPool::CallerBinding binding(*thread_pool_);
  MACE_RETURN_IF_ERROR(plans_[0]->Run(memory, metadata));
  MaceStatus status;
  for (size_t i = 0; i < outputs_.size(); ++i) {
    outputs[i].shape = plans_[0]->output(i).shape;
    if (!status.ok() || !plans_[0]->output_late(i)) continue;
    status = CopyLate(i, memory_source, &outputs[i]);
  }
  return status;
}

bool Engine::FallsBack(const MaceStatus &status) const {
  // What is wrong with files and arguments is as wrong on the CPU.
  return kHasAccelerators && config_.cpu_fallback && model_ != nullptr && !status.ok() &&
         status.code() != MaceStatus::MACE_INVALID_ARGS;
}

MaceStatus Engine::InitFallback(const MaceStatus &why) {
  LOG(WARNING) << "the model is executed on the CPU: " << why.message();
  return MakeFallback(why.message());
}

MaceStatus Engine::MakeFallback(const std::string &reason) {
  EngineConfig config = config_;
  config.device = CPU;
  config.model_key = model_->key;
  auto made = std::make_unique<Engine>();
  MACE_RETURN_IF_ERROR(
      made->Init(model_->source, model_->input_names, model_->output_names, config));
  model_->key.Clear();
  // The other device's memory goes, and with it what may have failed.
  plans_.clear();
  inputs_ = made->inputs();
  outputs_ = made->outputs();
  fallback_reason_ = reason;
  fallback_ = std::move(made);
  ready_ = true;
  return MaceStatus::MACE_SUCCESS;
}

MaceStatus Engine::InitBackground() {
  EngineConfig config = config_;
  config.model_key = model_->key;
  config.cpu_fallback = false;  // which is here
  MACE_RETURN_IF_ERROR(CheckDevice(config.device));
  MACE_RETURN_IF_ERROR(MakeFallback("the GPU's programs are being compiled"));
  config_.model_key.Clear();
  background_ = std::make_unique<BackgroundEngine>(model_->source, model_->input_names,
                                                   model_->output_names, config);
  return MaceStatus::MACE_SUCCESS;
}

bool Engine::RunInBackground(const TensorView *inputs, TensorView *outputs, RunMetadata *metadata,
                             OutputMemory *memory, MaceStatus *status) {
  Engine *const on_device = background_->ReadyFor(inputs, status);
  if (on_device != nullptr) {
    if (on_device_ == nullptr) VLOG(1) << "the GPU is ready and takes over from the CPU";
    on_device_ = on_device;
    *status = on_device->Run(inputs, outputs, metadata, memory);
    bool any_size = false;
    for (const MaceTensorInfo &info : inputs_) {
      any_size = any_size || std::count(info.shape.begin(), info.shape.end(), -1) > 0;
    }
    // The CPU is not needed any more.
    if (!any_size && !config_.cpu_fallback) fallback_ = nullptr;
  } else if (fallback_ != nullptr) {
    on_device_ = nullptr;
  }
  if (status->ok()) return on_device != nullptr;
  if (!FallsBack(*status)) return true;
  LOG(WARNING) << "the model is executed on the CPU: " << status->message();
  fallback_reason_ = status->message();
  on_device_ = nullptr;
  background_ = nullptr;
  return false;
}

bool Engine::IsPlanned(const TensorView *inputs) const {
  std::vector<Shape> shapes = shapes_;
  for (size_t i = 0; i < inputs_.size(); ++i) shapes[input_index_[i]] = inputs[i].shape;
  return std::any_of(plans_.begin(), plans_.end(),
                     [&](const auto &plan) { return plan->input_shapes() == shapes; });
}

void Engine::Placements(std::vector<MaceEngine::OperatorPlacement> *placements) const {
  placements->clear();
  if (kHasAccelerators && on_device_ != nullptr) {
    on_device_->Placements(placements);
    return;
  }
  if (kHasAccelerators && fallback_ != nullptr) {
    fallback_->Placements(placements);
    for (auto &placement : *placements) placement.reason = fallback_reason_;
    return;
  }
  const auto add = [&](const OperatorDef &def, DeviceType device, const std::string &reason) {
    placements->emplace_back();
    placements->back().operator_name = def.name;
    placements->back().type = def.type;
    placements->back().device = device;
    placements->back().reason = reason;
  };
  if (accelerator_ == nullptr) {
    for (const NetOperator &op : net_.operators()) {
      if (op.operation != nullptr) add(*op.def, CPU, fallback_reason_);
    }
    return;
  }
  for (const OperatorPlacement &placement : placements_) {
    add(*net_.operators()[placement.op].def, placement.on_accelerator ? config_.device : CPU,
        placement.reason);
  }
}

MaceEngine::MemoryUsage Engine::memory_usage() const {
  if (kHasAccelerators && on_device_ != nullptr) return on_device_->memory_usage();
  if (kHasAccelerators && fallback_ != nullptr) return fallback_->memory_usage();
  MaceEngine::MemoryUsage usage;
  usage.packed_weights = net_.packed_bytes();
  if (!plans_.empty()) {
    usage.arena = plans_[0]->arena_bytes() + plans_[0]->late_bytes();
    usage.arena_lower_bound = plans_[0]->arena_lower_bound();
  }
  return usage;
}

MaceEngine::MemoryUsage Engine::device_memory_usage() const {
  if (on_device_ != nullptr) return on_device_->device_memory_usage();
  MaceEngine::MemoryUsage usage;
  if (!kHasAccelerators || accelerator_ == nullptr || plans_.empty()) return usage;
  const AcceleratorMemory memory = plans_[0]->accelerator_memory();
  usage.arena = std::accumulate(memory.blocks.begin(), memory.blocks.end(), memory.images);
  usage.arena_lower_bound = memory.lower_bound;
  usage.packed_weights = accelerator_->weight_bytes();
  return usage;
}

}  // namespace mace
