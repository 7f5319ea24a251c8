// SPDX-License-Identifier: Apache-2.0
// A model as a list of operators with resolved tensors.
#include "mace/core/net.h"

#include <cstring>
#include <utility>

#include "mace/base/chosen.h"
#include "mace/base/closest_name.h"
#include "mace/base/hash.h"
#include "mace/core/engine_parts.h"
#include "mace/runtimes/cpu/thread_pool.h"

namespace mace {

MaceStatus AtOperator(const OperatorDef &def, const MaceStatus &status) {
  const MaceStatus prefix = InvalidArgs(def.type, " '", def.name, "'");
  if (status.message().compare(0, prefix.message().size(), prefix.message()) == 0) return status;
  return MaceStatus(status.code(), MakeString(prefix.message(), ": ", status.message()));
}

namespace {

// Null: there is none, or this library has no part for it.
PackedCache *CacheOf(const Net::Options &options) {
  return kEngineParts.storage ? options.packed_cache : nullptr;
}

}  // namespace

class Net::InitContext : public OpInitContext {
 public:
  // for_cpu: a candidate of the accelerator is made ready for the CPU.
  InitContext(Net *net, NetOperator *op, const Options &options, bool for_cpu)
      : net_(net),
        op_(op),
        options_(options),
        for_cpu_(for_cpu),
        released_(op->inputs.size(), false) {}

  const Tensor *ConstInput(int i) const override {
    const int number = Number(i);
    if (number < 0) return nullptr;
    const NetTensor &tensor = net_->tensors_[static_cast<size_t>(number)];
    return tensor.kind == NetTensor::Kind::kConstant ? &net_->constant(tensor.index) : nullptr;
  }

  DataType InputType(int i) const override {
    const int number = Number(i);
    return number < 0 ? DT_INVALID : net_->tensors_[static_cast<size_t>(number)].dtype;
  }

  void ReleaseConstInput(int i) override {
    if (ConstInput(i) == nullptr || released_[static_cast<size_t>(i)]) return;
    if (op_->candidate) return;  // the accelerator reads it for each plan
    released_[static_cast<size_t>(i)] = true;
    net_->constants_->RemoveReader(net_->tensors_[static_cast<size_t>(Number(i))].index);
  }

  ThreadPool *thread_pool() const override { return options_.thread_pool; }
  bool bf16_products() const override { return options_.bf16_products; }

  bool shape_only() const override {
    // Who asks packs weights, and cannot run without them.
    const bool shape_only = options_.shape_only || (op_->candidate && !for_cpu_);
    if (shape_only) op_->executable = false;
    return shape_only;
  }

  void CountPackedBytes(size_t bytes) override { net_->AddPackedBytes(bytes); }

  MaceStatus ExpandConstants() {
    for (int number : op_->inputs) {
      if (!net_->IsConstant(number)) continue;
      const int index = net_->tensors_[static_cast<size_t>(number)].index;
      MACE_RETURN_IF_ERROR(net_->constants_->Expand(net_->model_.net, index));
    }
    return MaceStatus::MACE_SUCCESS;
  }

 protected:
  MaceStatus BeginPack(const char *layout, size_t bytes, AlignedBuffer *packed,
                       bool *found) override {
    PackedCache *cache = CacheOf(options_);
    if (cache == nullptr) return OpInitContext::BeginPack(layout, bytes, packed, found);
    block_.op = static_cast<uint32_t>(op_ - net_->operators_.data());
    ++block_.index;
    block_.layout = XxHash64(layout, std::strlen(layout));
    block_.bytes = bytes;
    const void *data = cache->Find(block_);
    *found = data != nullptr;
    if (!*found) {
      MACE_RETURN_IF_ERROR(ExpandConstants());
      MACE_RETURN_IF_ERROR(OpInitContext::BeginPack(layout, bytes, packed, found));
      // What packing leaves out goes to the file too, and must not be what was there before.
      std::memset(packed->data(), 0, bytes);
      return MaceStatus::MACE_SUCCESS;
    }
    packed->Borrow(data, bytes);
    CountPackedBytes(bytes);
    return MaceStatus::MACE_SUCCESS;
  }

  void EndPack(const AlignedBuffer &packed) override {
    if (CacheOf(options_) != nullptr) CacheOf(options_)->Keep(block_, packed.data());
  }

 private:
  int Number(int i) const {
    return i < 0 || i >= static_cast<int>(op_->inputs.size()) ? -1
                                                              : op_->inputs[static_cast<size_t>(i)];
  }

  Net *net_;
  NetOperator *op_;
  const Options &options_;
  const bool for_cpu_;
  std::vector<uint8_t> released_;
  PackedBlock block_;
};

void Net::AddPackedBytes(size_t bytes) {
  const std::lock_guard<std::mutex> lock(mutex_);
  packed_bytes_ += bytes;
}

void Net::NumberTensors() {
  const NetDef &net = model_.net;
  const auto add = [this](const std::string &name, NetTensor tensor) {
    tensor.name = &name;
    numbers_.emplace(name, static_cast<int>(tensors_.size()));
    tensors_.push_back(tensor);
  };
  for (size_t i = 0; i < net.input_info.size(); ++i) {
    const TensorInfo &info = net.input_info[i];
    NetTensor tensor;
    tensor.kind = NetTensor::Kind::kInput;
    tensor.index = static_cast<int>(i);
    tensor.dtype = info.data_type;
    tensor.format = info.data_format;
    add(info.name, tensor);
  }
  for (size_t i = 0; i < net.tensors.size(); ++i) {
    const Tensor &constant = constants_->tensors()[i];
    NetTensor tensor;
    tensor.kind = NetTensor::Kind::kConstant;
    tensor.index = static_cast<int>(i);
    tensor.dtype = constant.dtype;
    tensor.quantize_info = constant.quantize_info;
    add(net.tensors[i].name, tensor);
  }
  operators_.resize(net.op.size());
  for (size_t i = 0; i < net.op.size(); ++i) {
    const OperatorDef &def = net.op[i];
    operators_[i].def = &def;
    for (const std::string &input : def.input) {
      const auto found = numbers_.find(input);
      operators_[i].inputs.push_back(found == numbers_.end() ? -1 : found->second);
    }
    for (size_t o = 0; o < def.output.size(); ++o) {
      NetTensor tensor;
      tensor.index = static_cast<int>(i);
      if (o < def.quantize_info.size() && !def.quantize_info[o].scale.empty()) {
        tensor.quantize_info = &def.quantize_info[o];
      }
      operators_[i].outputs.push_back(static_cast<int>(tensors_.size()));
      add(def.output[o], tensor);
    }
  }
}

MaceStatus Net::ChooseOutputs(const Options &options) {
  std::vector<std::string> declared;
  for (const TensorInfo &info : model_.net.output_info) declared.push_back(info.name);
  for (const std::string &name : options.outputs.empty() ? declared : options.outputs) {
    bool found = false;
    for (const std::string &other : declared) found = found || other == name;
    if (!found) {
      return InvalidArgs("the model has no output '", name, "'", DidYouMean(name, declared));
    }
    outputs_.push_back(numbers_.at(name));
  }
  needed_.assign(tensors_.size(), options.shape_only);
  for (int output : outputs_) needed_[static_cast<size_t>(output)] = true;
  for (size_t i = operators_.size(); i-- > 0;) {
    bool needed = false;
    for (int output : operators_[i].outputs) {
      needed = needed || needed_[static_cast<size_t>(output)];
    }
    if (!needed) continue;
    for (int input : operators_[i].inputs) {
      if (input >= 0) needed_[static_cast<size_t>(input)] = true;
    }
    for (int output : operators_[i].outputs) needed_[static_cast<size_t>(output)] = true;
  }
  return MaceStatus::MACE_SUCCESS;
}

MaceStatus Net::MakeExecutable(size_t op) {
  if (operators_[op].executable || options_.shape_only) return MaceStatus::MACE_SUCCESS;
  operators_[op].executable = true;
  MACE_RETURN_IF_ERROR(CreateOperator(op));
  return InitOperator(op, true);
}

namespace {

MaceStatus NotChosenType(DataType type) {
  return Unsupported("it computes with ", DataTypeName(type), ": ", kNotChosen);
}

}  // namespace

MaceStatus Net::CreateOperator(size_t i) {
  NetOperator &op = operators_[i];
  const Options &options = options_;
  op.candidate = kHasAccelerators && options.accelerator != nullptr &&
                 options.accelerator->MayExecute(*op.def);
  const OpSchema *schema = FindOpSchema(op.def->type.c_str());
  std::vector<DataType> inputs, outputs(op.outputs.size(), DT_INVALID);
  for (int number : op.inputs) {
    inputs.push_back(number < 0 ? DT_INVALID : tensors_[static_cast<size_t>(number)].dtype);
  }
  const size_t type_input = static_cast<size_t>(schema->type_input);
  const DataType key = type_input < inputs.size() && inputs[type_input] != DT_INVALID
                           ? inputs[type_input]
                           : DT_FLOAT;
  std::vector<std::unique_ptr<Subgraph>> subgraphs;
  for (const NetDef &def : op.def->subgraph) {
    if (kEngineParts.subgraphs == nullptr) {
      return Unsupported(
          "it has a graph inside it, which this library of chosen models leaves out; build it for "
          "this model, or with the part 'subgraphs'");
    }
    subgraphs.emplace_back();
    MACE_RETURN_IF_ERROR(kEngineParts.subgraphs(def, *constants_, options, &subgraphs.back()));
  }
  OpConstructContext construct;
  construct.def = op.def;
  construct.device = options.device;
  construct.subgraphs = &subgraphs;
  std::unique_ptr<Operation> operation;
  if (!Contains(kChosen.types, key)) return NotChosenType(key);
  MACE_RETURN_IF_ERROR(options.registry->Create(&construct, key, &operation));
  MACE_RETURN_IF_ERROR(operation->InferType(inputs, &outputs));
  outputs.resize(op.outputs.size(), DT_INVALID);
  for (size_t o = 0; o < outputs.size(); ++o) {
    if (DataTypeSize(outputs[o]) == 0) {
      return RuntimeError("its InferType gives no type for output '", op.def->output[o], "'");
    }
    if (!Contains(kChosen.types, outputs[o])) return NotChosenType(outputs[o]);
    tensors_[static_cast<size_t>(op.outputs[o])].dtype = outputs[o];
  }
  op.operation = std::move(operation);
  return MaceStatus::MACE_SUCCESS;
}

MaceStatus Net::InitOperator(size_t i, bool for_cpu) {
  NetOperator &op = operators_[i];
  InitContext context(this, &op, options_, for_cpu);
  // Blocks that are in the cache make elements unneeded.
  const PackedCache *cache = CacheOf(options_);
  if (cache == nullptr || !cache->Has(static_cast<uint32_t>(i))) {
    MACE_RETURN_IF_ERROR(context.ExpandConstants());
  }
  MACE_RETURN_IF_ERROR(op.operation->Init(&context));
  for (int number : op.inputs) {
    if (!IsConstant(number)) continue;
    constants_->ReleaseIfUnread(model_.net, tensors_[static_cast<size_t>(number)].index);
  }
  return MaceStatus::MACE_SUCCESS;
}

void Net::CountReaders() {
  for (const NetOperator &op : operators_) {
    if (op.outputs.empty() || !needed_[static_cast<size_t>(op.outputs[0])]) continue;
    for (int number : op.inputs) {
      if (!IsConstant(number)) continue;
      constants_->AddReader(tensors_[static_cast<size_t>(number)].index);
    }
  }
  // Outputs that are constants are read by the engine itself.
  for (int output : outputs_) {
    if (!IsConstant(output)) continue;
    constants_->AddReader(tensors_[static_cast<size_t>(output)].index);
  }
}

MaceStatus Net::InitOperators(std::vector<uint8_t> failed, const Options &options) {
  std::vector<size_t> created;
  std::vector<MaceStatus> statuses(operators_.size());
  for (size_t i = 0; i < operators_.size(); ++i) {
    if (failed[i] || !needed_[static_cast<size_t>(operators_[i].outputs[0])]) continue;
    bool known = true;
    for (int input : operators_[i].inputs) {
      known = known && (input < 0 || tensors_[static_cast<size_t>(input)].dtype != DT_INVALID);
    }
    if (!known) continue;  // an operator before it failed
    statuses[i] = CreateOperator(i);
    if (statuses[i].ok()) created.push_back(i);
  }
  // Reading for the checksum takes as long as packing a good part of the weights.
  MaceStatus data_status;
  const bool verify =
      options.verify_data && (CacheOf(options) == nullptr || !CacheOf(options)->opened());
  const int64_t first = verify ? 1 : 0, count = first + static_cast<int64_t>(created.size());
  const auto init = [&](int64_t begin, int64_t end, int) {
    for (int64_t item = begin; item < end; ++item) {
      if (item < first) {
        data_status = VerifyData(model_, constants_->data());
        continue;
      }
      // From the last one on: it is often the largest, and others fill up the time it takes.
      const bool one = options.thread_pool == nullptr || options.thread_pool->num_threads() == 1;
      const size_t i = created[static_cast<size_t>(one ? item - first : count - 1 - item)];
      statuses[i] = InitOperator(i, false);
      if (!statuses[i].ok()) operators_[i].operation.reset();
    }
  };
  if (options.thread_pool == nullptr) {
    init(0, count, 0);
  } else {
    options.thread_pool->ParallelFor(count, 1, init);
  }
  MACE_RETURN_IF_ERROR(data_status);
  for (size_t i = 0; i < operators_.size(); ++i) {
    if (statuses[i].ok()) continue;
    const MaceStatus status = AtOperator(*operators_[i].def, statuses[i]);
    if (options.problems == nullptr) return status;
    options.problems->push_back({i, status});
  }
  return MaceStatus::MACE_SUCCESS;
}

MaceStatus Net::CheckOutputTypes(const Options &options) {
  for (const TensorInfo &info : model_.net.output_info) {
    NetTensor &tensor = tensors_[static_cast<size_t>(numbers_.at(info.name))];
    const DataType type = tensor.dtype;
    if (tensor.kind == NetTensor::Kind::kComputed) tensor.format = info.data_format;
    // Whoever asks for shapes alone may ask in order to learn the types.
    if (!options.shape_only && type != DT_INVALID && type != info.data_type) {
      return InvalidArgs("output '", info.name, "' is declared as ", DataTypeName(info.data_type),
                         ", but the model computes ", DataTypeName(type));
    }
  }
  return MaceStatus::MACE_SUCCESS;
}

// The cache was made of model.data with the right checksum: with all blocks in it, what is left to
// compare are the elements that are read besides.
MaceStatus Net::FinishCache(const Options &options) {
  PackedCache *cache = CacheOf(options);
  if (cache == nullptr) return MaceStatus::MACE_SUCCESS;
  const uint64_t rest = constants_->ReadChecksum(model_.net);
  if (cache->opened() && !(cache->complete() && cache->rest() == rest) && options.verify_data) {
    MACE_RETURN_IF_ERROR(VerifyData(model_, constants_->data()));
  }
  cache->Save(rest);
  options_.packed_cache = nullptr;
  return MaceStatus::MACE_SUCCESS;
}

MaceStatus Net::Init(ModelDef model, std::unique_ptr<Constants> constants, const Options &options) {
  model_ = std::move(model);
  options_ = options;
  constants_ = std::move(constants);
  MACE_RETURN_IF_ERROR(constants_->Load(model_.net));
  NumberTensors();
  MACE_RETURN_IF_ERROR(ChooseOutputs(options));
  CountReaders();
  std::vector<uint8_t> failed(operators_.size(), false);
  if (options.problems != nullptr) {
    for (const OperatorProblem &problem : *options.problems) failed[problem.op] = true;
  }
  MACE_RETURN_IF_ERROR(InitOperators(std::move(failed), options));
  MACE_RETURN_IF_ERROR(CheckOutputTypes(options));
  MACE_RETURN_IF_ERROR(FinishCache(options));
  return constants_->Trim(model_.net);
}

}  // namespace mace
