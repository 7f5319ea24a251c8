// SPDX-License-Identifier: Apache-2.0
// From a converted model to the straight-line code of what it computes on this machine.
#include "mace/codegen/static_model/emitter.h"

#include <algorithm>
#include <cstring>
#include <iterator>
#include <memory>
#include <set>
#include <utility>

#include "mace/base/isa.h"
#include "mace/codegen/static_model/recorder.h"
#include "mace/codegen/static_model/source_writer.h"
#include "mace/core/model_reader.h"
#include "mace/core/model_verifier.h"
#include "mace/core/plan.h"
#include "mace/runtimes/cpu/thread_pool.h"

namespace mace {
namespace codegen {

namespace {

// Those whose kernels are called in the same way whatever the elements are. What they compute
// beside kernels is found when a step is compared.
constexpr const char *kOperators[] = {
    "Activation", "BatchNorm", "BatchToSpaceND", "ChannelShuffle", "Concat",
    "Conv2D",     "Crop",      "Deconv2D",       "DepthToSpace",   "DepthwiseConv2d",
    "Eltwise",    "Expand",    "Flatten",        "FullyConnected", "Identity",
    "MatMul",     "Pad",       "Pooling",        "Reduce",         "Reshape",
    "Reverse",    "Slice",     "Softmax",        "SpaceToBatchND", "SpaceToDepth",
    "Split",      "Squeeze",   "Stack",          "StridedSlice",   "Tile",
    "Transpose",  "Unary",     "Unsqueeze",      "Unstack",
};

// So that what lies just behind a piece of memory is in no other.
constexpr size_t kGap = 64;

struct Context {
  const OpRegistryBase *registry = nullptr;
  Recorder *recorder = nullptr;
};
// For creators of operators, which are plain functions. One model at a time.
Context context;

// Shows an operator the context of its plan, and notes how much scratch it asks for.
class ScratchNote : public OpPlanContext {
 public:
  ScratchNote(OpPlanContext *own, size_t *scratch) : own_(own), scratch_(scratch) {}

  int InputCount() const override { return own_->InputCount(); }
  int OutputCount() const override { return own_->OutputCount(); }
  bool HasInput(int i) const override { return own_->HasInput(i); }
  const Tensor &Input(int i) const override { return own_->Input(i); }
  void SetOutputShape(int i, const Shape &shape) override { own_->SetOutputShape(i, shape); }
  const Shape &OutputShape(int i) const override { return own_->OutputShape(i); }
  void SetOutputLate(int o) override { own_->SetOutputLate(o); }
  void RequestScratch(size_t bytes) override {
    *scratch_ = std::max(*scratch_, bytes);
    own_->RequestScratch(bytes);
  }
  void AliasOutput(int o, int i) override { own_->AliasOutput(o, i); }
  void AllowInPlace(int o, int i) override { own_->AllowInPlace(o, i); }
  void PartOfOutput(int o, int i, size_t offset, int64_t stride) override {
    own_->PartOfOutput(o, i, offset, stride);
  }
  void SetState(std::unique_ptr<OpState> state) override { own_->SetState(std::move(state)); }
  ThreadPool *thread_pool() const override { return own_->thread_pool(); }

 protected:
  bool FindElements(int i) const override { return own_->NeedElements(i, "an input").ok(); }

 private:
  OpPlanContext *own_;
  size_t *scratch_;
};

// An operator that says when it runs.
class ToldOperation : public Operation {
 public:
  ToldOperation(OpConstructContext *construct, std::unique_ptr<Operation> own)
      : Operation(construct), own_(std::move(own)) {}

  MaceStatus InferType(const std::vector<DataType> &inputs,
                       std::vector<DataType> *outputs) override {
    return own_->InferType(inputs, outputs);
  }
  MaceStatus Init(OpInitContext *init) override { return own_->Init(init); }
  MaceStatus InferShape(OpShapeContext *shapes) override { return own_->InferShape(shapes); }
  MaceStatus Plan(OpPlanContext *plan) override {
    ScratchNote note(plan, &scratch_bytes_);
    return own_->Plan(&note);
  }
  MaceStatus Run(OpContext *run) override {
    context.recorder->BeginStep(*this);
    MACE_RETURN_IF_ERROR(own_->Run(run));
    context.recorder->EndStep(run->scratch(), scratch_bytes_);
    return MaceStatus::MACE_SUCCESS;
  }
  bool Absorb(const OperatorDef &next, OpState *state, bool *in_place) const override {
    return own_->Absorb(next, state, in_place);
  }
  bool StrideOutput(int64_t stride, OpState *state) const override {
    return own_->StrideOutput(stride, state);
  }
  bool DependsOnShapeOnly() const override { return own_->DependsOnShapeOnly(); }
  bool HasDynamicOutput() const override { return own_->HasDynamicOutput(); }
  int64_t Macs(const OpShapeContext &shapes) const override { return own_->Macs(shapes); }
  void Describe(const OpShapeContext &shapes, ConvPoolArgs *args) const override {
    own_->Describe(shapes, args);
  }

 private:
  std::unique_ptr<Operation> own_;
  size_t scratch_bytes_ = 0;
};

template <DataType kType>
std::unique_ptr<Operation> MakeTold(OpConstructContext *construct) {
  std::unique_ptr<Operation> own;
  if (!context.registry->Create(construct, kType, &own).ok()) return nullptr;
  return std::make_unique<ToldOperation>(construct, std::move(own));
}

template <DataType... kType>
void RegisterTold(const std::string &type, OpRegistryBase *told) {
  const auto add = [&](DataType dtype, OpRegistryBase::Creator creator) {
    if (context.registry->Supports(type, CPU, dtype)) {
      told->Register(type.c_str(), CPU, dtype, creator);
    }
  };
  (add(kType, MakeTold<kType>), ...);
}

// All operators of the net and of the graphs inside them.
void RegisterAll(const NetDef &net, OpRegistryBase *told) {
  for (const OperatorDef &op : net.op) {
    RegisterTold<DT_FLOAT, DT_UINT8, DT_HALF, DT_INT32, DT_BFLOAT16, DT_INT8, DT_INT64, DT_BOOL,
                 DT_DOUBLE, DT_INT16, DT_UINT16, DT_UINT32, DT_UINT64>(op.type, told);
    for (const NetDef &inner : op.subgraph) RegisterAll(inner, told);
  }
}

MaceStatus Read(const void *graph, size_t graph_size, const void *data, size_t data_size,
                ModelDef *model, std::unique_ptr<Constants> *constants) {
  MACE_RETURN_IF_ERROR(ReadModel(graph, graph_size, model));
  auto loaded = std::make_unique<Constants>();
  loaded->UseMemory(data, data_size);
  MACE_RETURN_IF_ERROR(VerifyModel(*model, loaded->size(), VerifyOptions()));
  MACE_RETURN_IF_ERROR(VerifyData(*model, loaded->data()));
  *constants = std::move(loaded);
  return MaceStatus::MACE_SUCCESS;
}

MaceStatus FixedShapes(const NetDef &net, std::vector<Shape> *shapes) {
  for (const TensorInfo &info : net.input_info) {
    if (std::count(info.dims.begin(), info.dims.end(), -1) > 0) {
      return Unsupported("input '", info.name, "' has the shape ", Shape(info.dims).ToString(),
                         ", but straight-line code is for one size alone; give numbers for all "
                         "dimensions in input_shapes");
    }
    shapes->push_back(Shape(info.dims));
  }
  return MaceStatus::MACE_SUCCESS;
}

// Arbitrary elements: small numbers, different for each seed.
void Fill(DataType dtype, size_t bytes, uint32_t seed, void *data) {
  uint32_t state = seed;
  const auto next = [&state] {
    state = state * 1664525u + 1013904223u;
    return state >> 8;
  };
  if (dtype == DT_FLOAT) {
    float *to = static_cast<float *>(data);
    for (size_t i = 0; i < bytes / sizeof(float); ++i) {
      to[i] = static_cast<float>(next()) / static_cast<float>(1u << 23) - 1.0f;
    }
    return;
  }
  // Zeros and ones, whatever the type is.
  const size_t size = DataTypeSize(dtype);
  std::memset(data, 0, bytes);
  if (dtype == DT_HALF || dtype == DT_BFLOAT16 || dtype == DT_DOUBLE) return;
  for (size_t i = 0; i < bytes; i += size) static_cast<char *>(data)[i] = next() % 2;
}

// Memory for a run.
struct Buffers {
  AlignedBuffer arena;
  std::vector<AlignedBuffer> inputs, outputs;

  MaceStatus Allocate(const StaticModel &model) {
    MACE_RETURN_IF_ERROR(arena.Allocate(model.arena_bytes + kGap));
    for (const auto &[infos, buffers] :
         {std::make_pair(&model.inputs, &inputs), std::make_pair(&model.outputs, &outputs)}) {
      for (const StaticInterface &info : *infos) {
        buffers->emplace_back();
        MACE_RETURN_IF_ERROR(buffers->back().Allocate(info.bytes + kGap));
      }
    }
    return MaceStatus::MACE_SUCCESS;
  }
  void Clear() {
    std::memset(arena.data(), 0, arena.size());
    for (AlignedBuffer &output : outputs) std::memset(output.data(), 0, output.size());
  }
  Memory Addresses() const {
    Memory memory;
    memory.arena = arena.as<char>();
    for (const AlignedBuffer &input : inputs) memory.inputs.push_back(input.data());
    for (const AlignedBuffer &output : outputs) memory.outputs.push_back(output.data());
    return memory;
  }
};

class Emitter {
 public:
  Emitter(const std::string &name, StaticModel *model, std::vector<std::string> *problems)
      : name_(name),
        model_(model),
        problems_(problems),
        recorder_(&recording_),
        pool_(1, AFFINITY_NONE) {
    context = {&all_, &recorder_};
  }
  ~Emitter() { context = {}; }

  MaceStatus Emit(ModelDef model, std::unique_ptr<Constants> constants) {
    std::vector<Shape> shapes;
    MACE_RETURN_IF_ERROR(FixedShapes(model.net, &shapes));
    RegisterAll(model.net, &told_);
    Net::Options options;
    options.registry = &told_;
    options.thread_pool = &pool_;
    MACE_RETURN_IF_ERROR(net_.Init(std::move(model), std::move(constants), options));
    PlanOptions plan_options;
    plan_options.thread_pool = &pool_;
    plan_options.chains = PlanOptions::Chains::kNever;
    MACE_RETURN_IF_ERROR(Plan::Make(net_, shapes, plan_options, &plan_));
    MACE_RETURN_IF_ERROR(CheckShapesKnown());
    Describe(shapes);
    MACE_RETURN_IF_ERROR(RecordRun());
    MACE_RETURN_IF_ERROR(CheckRun());
    Judge();
    if (problems_->empty()) Write();
    return MaceStatus::MACE_SUCCESS;
  }

 private:
  MaceStatus CheckShapesKnown() const {
    for (size_t t = 0; t < net_.tensors().size(); ++t) {
      const int number = static_cast<int>(t);
      if (!plan_->late(number) && !plan_->dynamic(number)) continue;
      const OperatorDef &def = net_.def().op[static_cast<size_t>(net_.tensors()[t].index)];
      return Unsupported(def.type, " '", def.name, "': the shape of its output '",
                         *net_.tensors()[t].name,
                         "' depends on elements, so straight-line code cannot be written for it; "
                         "use model_graph_format: code, or end the model before it");
    }
    return MaceStatus::MACE_SUCCESS;
  }

  void Describe(const std::vector<Shape> &shapes) {
    const NetDef &net = net_.def();
    for (size_t i = 0; i < shapes.size(); ++i) {
      const TensorInfo &info = net.input_info[i];
      const size_t bytes = static_cast<size_t>(shapes[i].elements()) * DataTypeSize(info.data_type);
      model_->inputs.push_back({info.name, info.data_type, info.dims, bytes});
    }
    for (size_t o = 0; o < net_.outputs().size(); ++o) {
      const Tensor &tensor = plan_->output(o);
      model_->outputs.push_back(
          {*tensor.name, tensor.dtype, tensor.shape.ToVector(), tensor.bytes()});
    }
    model_->arena_bytes = plan_->arena_bytes();
  }

  MaceStatus Run(uint32_t seed) {
    real_.Clear();
    for (size_t i = 0; i < model_->inputs.size(); ++i) {
      Fill(model_->inputs[i].dtype, model_->inputs[i].bytes, seed + static_cast<uint32_t>(i),
           real_.inputs[i].data());
    }
    const Memory addresses = real_.Addresses();
    PlanMemoryIn memory;
    memory.inputs = addresses.inputs.data();
    memory.outputs = addresses.outputs.data();
    memory.arena = addresses.arena;
    return plan_->Run(memory, nullptr);
  }

  // Outputs that are made elsewhere are copied when all steps have run.
  void CopyOutputs() {
    recording_.steps.emplace_back();
    recording_.steps.back().type = "Copy";
    recording_.steps.back().name = "outputs";
    for (size_t o = 0; o < model_->outputs.size(); ++o) {
      const Tensor &tensor = plan_->output(o);
      if (tensor.raw != real_.outputs[o].data() && tensor.bytes() > 0) {
        recorder_.OnCopyBytes(real_.outputs[o].data(), tensor.raw, tensor.bytes());
      }
    }
  }

  MaceStatus RecordRun() {
    MACE_RETURN_IF_ERROR(real_.Allocate(*model_));
    memory_.memory = real_.Addresses();
    memory_.arena_bytes = model_->arena_bytes;
    for (const StaticInterface &info : model_->inputs) memory_.input_bytes.push_back(info.bytes);
    for (const StaticInterface &info : model_->outputs) memory_.output_bytes.push_back(info.bytes);
    for (const Tensor &tensor : plan_->tensors()) {
      if (!tensor.is_const || tensor.raw == nullptr) continue;
      memory_.constants.emplace_back(tensor.data<char>(), tensor.bytes());
    }
    recorder_.Record(&memory_);
    MACE_RETURN_IF_ERROR(Run(1));
    CopyOutputs();
    recorder_.Stop();
    return MaceStatus::MACE_SUCCESS;
  }

  MaceStatus CheckRun() {
    const std::string &content = recording_.constants.content();
    Buffers shadow;
    MACE_RETURN_IF_ERROR(shadow.Allocate(*model_));
    shadow.Clear();
    AlignedBuffer constants;
    MACE_RETURN_IF_ERROR(constants.Allocate(content.size() + kGap));
    std::memcpy(constants.data(), content.data(), content.size());
    Memory memory = shadow.Addresses();
    memory.inputs = memory_.memory.inputs;
    memory.constants = constants.as<char>();
    recorder_.Check(&memory_, &memory);
    const MaceStatus status = Run(12345);
    if (status.ok()) recorder_.EndStep(nullptr, 0);
    recorder_.Stop();
    return status;
  }

  void Judge() {
    std::set<std::string> allowed(std::begin(kOperators), std::end(kOperators));
    allowed.insert("Copy");
    for (const RecordedStep &step : recording_.steps) {
      std::string problem = step.problem;
      if (allowed.count(step.type) == 0) problem = "this operator is not among those that it knows";
      if (problem.empty()) continue;
      problems_->push_back(
          MakeString(step.type, " '", step.name, "' cannot become straight-line code: ", problem));
    }
  }

  void Write() {
    for (const RecordedStep &step : recording_.steps) model_->calls += step.calls.size();
    model_->isas = recording_.isas & ~static_cast<uint32_t>(kIsaReference);
    model_->eltwise_table = recording_.eltwise_table;
    model_->source = WriteSource(name_, recording_);
    model_->constants = recording_.constants.content();
  }

  const std::string name_;
  StaticModel *model_;
  std::vector<std::string> *problems_;
  OpRegistry all_;
  OpRegistryBase told_;
  Recording recording_;
  Recorder recorder_;
  ThreadPool pool_;
  Net net_;
  std::unique_ptr<Plan> plan_;
  Buffers real_;
  RunMemory memory_;
};

}  // namespace

MaceStatus EmitStaticModel(const void *graph, size_t graph_size, const void *data, size_t data_size,
                           const std::string &name, StaticModel *model,
                           std::vector<std::string> *problems) {
  ModelDef def;
  std::unique_ptr<Constants> constants;
  MACE_RETURN_IF_ERROR(Read(graph, graph_size, data, data_size, &def, &constants));
  return Emitter(name, model, problems).Emit(std::move(def), std::move(constants));
}

}  // namespace codegen
}  // namespace mace
