// SPDX-License-Identifier: Apache-2.0
// Plays the engine's part for one operator, more strictly than the engine does.
#include "mace/ops/ops_test_util.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <sstream>
#include <utility>

#include "mace/base/half.h"
#include "mace/core/op_registry.h"
#include "mace/core/op_schema.h"
#include "mace/kernels/guarded_buffer.h"
#include "mace/runtimes/cpu/thread_pool.h"

namespace mace {
namespace ops {
namespace test {

uint32_t TestSeed() {
  static const uint32_t seed = [] {
    const char *text = getenv("MACE_TEST_SEED");
    const uint32_t value = text == nullptr ? 20190101u : strtoul(text, nullptr, 10);
    fprintf(stderr, "MACE_TEST_SEED=%u\n", value);
    return value;
  }();
  return seed;
}

TestTensor Halves(const Shape &shape, const std::vector<float> &values) {
  std::vector<uint16_t> halves;
  for (float value : values) halves.push_back(FloatToHalf(value));
  TestTensor tensor = MakeTensor<uint16_t>(shape, halves);
  tensor.dtype = DT_HALF;
  return tensor;
}

std::vector<float> RandomFloats(int64_t n, float low, float high, uint32_t stream) {
  std::mt19937 generator(TestSeed() + stream * 7919u);
  std::vector<float> values(static_cast<size_t>(n));
  for (float &value : values) {
    value = low + (high - low) * static_cast<float>(generator() >> 8) / 16777216.0f;
  }
  return values;
}

std::vector<int64_t> RandomInts(int64_t n, int64_t low, int64_t high, uint32_t stream) {
  std::mt19937_64 generator(TestSeed() + stream * 7919u);
  std::vector<int64_t> values(static_cast<size_t>(n));
  const uint64_t range = static_cast<uint64_t>(high) - static_cast<uint64_t>(low) + 1;
  for (int64_t &value : values) {
    const uint64_t number = generator();
    value =
        static_cast<int64_t>(static_cast<uint64_t>(low) + (range == 0 ? number : number % range));
  }
  return values;
}

OpDefBuilder::OpDefBuilder(const std::string &type, const std::string &name) {
  def_.type = type;
  def_.name = name;
}

OpDefBuilder &OpDefBuilder::Input(const std::string &name) {
  def_.input.push_back(name);
  return *this;
}

OpDefBuilder &OpDefBuilder::Output(const std::string &name) {
  def_.output.push_back(name);
  return *this;
}

OpDefBuilder &OpDefBuilder::AddIntArg(const std::string &name, int64_t value) {
  Argument arg;
  arg.name = name;
  arg.i = value;
  def_.arg.push_back(std::move(arg));
  return *this;
}

OpDefBuilder &OpDefBuilder::AddFloatArg(const std::string &name, float value) {
  Argument arg;
  arg.name = name;
  arg.f = value;
  def_.arg.push_back(std::move(arg));
  return *this;
}

OpDefBuilder &OpDefBuilder::AddStringArg(const std::string &name, const std::string &value) {
  Argument arg;
  arg.name = name;
  arg.s = value;
  def_.arg.push_back(std::move(arg));
  return *this;
}

OpDefBuilder &OpDefBuilder::AddIntsArg(const std::string &name,
                                       const std::vector<int64_t> &values) {
  Argument arg;
  arg.name = name;
  arg.ints = values;
  def_.arg.push_back(std::move(arg));
  return *this;
}

OpDefBuilder &OpDefBuilder::AddFloatsArg(const std::string &name,
                                         const std::vector<float> &values) {
  Argument arg;
  arg.name = name;
  arg.floats = values;
  def_.arg.push_back(std::move(arg));
  return *this;
}

namespace {

DataFormat FormatOf(const Shape &shape) { return shape.rank() == 4 ? NHWC : DF_NONE; }

class InitContext : public OpInitContext {
 public:
  InitContext(std::vector<Tensor> *inputs, bool shape_only, ThreadPool *pool)
      : inputs_(inputs), shape_only_(shape_only), pool_(pool), released_(inputs->size()) {}

  const Tensor *ConstInput(int i) const override {
    if (i < 0 || i >= static_cast<int>(inputs_->size())) return nullptr;
    const Tensor &tensor = (*inputs_)[i];
    return tensor.dtype != DT_INVALID && tensor.is_const ? &tensor : nullptr;
  }
  DataType InputType(int i) const override {
    return i < static_cast<int>(inputs_->size()) ? (*inputs_)[i].dtype : DT_INVALID;
  }
  void ReleaseConstInput(int i) override { released_[i] = true; }
  ThreadPool *thread_pool() const override { return pool_; }
  bool shape_only() const override { return shape_only_; }
  void CountPackedBytes(size_t bytes) override { packed_bytes_ += bytes; }

  bool released(size_t i) const { return released_[i]; }
  size_t packed_bytes() const { return packed_bytes_; }

 private:
  std::vector<Tensor> *inputs_;
  bool shape_only_;
  ThreadPool *pool_;
  std::vector<bool> released_;
  size_t packed_bytes_ = 0;
};

class PlanContext : public OpPlanContext {
 public:
  PlanContext(const std::vector<Tensor> *inputs, size_t outputs, ThreadPool *pool)
      : shapes_(outputs), pool_(pool), inputs_(*inputs) {
    for (Tensor &input : inputs_) {
      if (!input.is_const) input.raw = nullptr;
    }
  }

  int InputCount() const override { return static_cast<int>(inputs_.size()); }
  int OutputCount() const override { return static_cast<int>(shapes_.size()); }
  bool HasInput(int i) const override { return i < InputCount() && inputs_[i].dtype != DT_INVALID; }
  const Tensor &Input(int i) const override { return inputs_[i]; }
  void SetOutputShape(int i, const Shape &shape) override { shapes_[i] = shape; }
  const Shape &OutputShape(int i) const override { return shapes_[i]; }

  void RequestScratch(size_t bytes) override { scratch_bytes_ = std::max(scratch_bytes_, bytes); }
  void AliasOutput(int o, int i) override { shared_.emplace_back(o, i); }
  void AllowInPlace(int o, int i) override { shared_.emplace_back(o, i); }
  void SetState(std::unique_ptr<OpState> state) override { state_ = std::move(state); }
  ThreadPool *thread_pool() const override { return pool_; }

  OpState *state() const { return state_.get(); }
  size_t scratch_bytes() const { return scratch_bytes_; }
  // Pairs of output and input that may share memory.
  const std::vector<std::pair<int, int>> &shared() const { return shared_; }

 private:
  std::vector<Shape> shapes_;
  ThreadPool *pool_;
  std::vector<Tensor> inputs_;
  std::unique_ptr<OpState> state_;
  size_t scratch_bytes_ = 0;
  std::vector<std::pair<int, int>> shared_;
};

}  // namespace

// One operator object from construction to the last run, on a thread pool.
class OpLife {
 public:
  OpLife(OpsTestNet *net, ThreadPool *pool) : net_(net), pool_(pool) {}

  // Results in *results, which are filled by the first life and compared with by all others.
  MaceStatus Live(std::vector<OpsTestNet::Named> *results) {
    MACE_RETURN_IF_ERROR(Resolve());
    MACE_RETURN_IF_ERROR(ShapesAlone());
    MACE_RETURN_IF_ERROR(CreateAndInit(false, &operation_));
    PlanContext first(&inputs_, outputs_.size(), pool_);
    PlanContext second(&inputs_, outputs_.size(), pool_);
    MACE_RETURN_IF_ERROR(MakePlan(&second));
    MACE_RETURN_IF_ERROR(MakePlan(&first));
    net_->macs_ = operation_->Macs(first);
    net_->scratch_bytes_ = first.scratch_bytes();
    ConvPoolArgs args;
    operation_->Describe(first, &args);
    // A plan outlives the next one, and is run more than once.
    MACE_RETURN_IF_ERROR(Run(first, {-1, -1}, "as planned first", results));
    MACE_RETURN_IF_ERROR(Run(second, {-1, -1}, "after another plan", results));
    MACE_RETURN_IF_ERROR(Run(first, {-1, -1}, "a second time", results));
    for (const std::pair<int, int> &pair : first.shared()) {
      if (!MayShare(pair)) continue;
      MACE_RETURN_IF_ERROR(Run(
          first, pair, MakeString("output ", pair.first, " over input ", pair.second), results));
    }
    return MaceStatus();
  }

  MaceStatus Repeat(const std::function<bool()> &again) {
    MACE_RETURN_IF_ERROR(Resolve());
    MACE_RETURN_IF_ERROR(ShapesAlone());
    MACE_RETURN_IF_ERROR(CreateAndInit(false, &operation_));
    PlanContext plan(&inputs_, outputs_.size(), pool_);
    MACE_RETURN_IF_ERROR(MakePlan(&plan));
    net_->macs_ = operation_->Macs(plan);
    std::vector<const Tensor *> inputs;
    for (const Tensor &input : inputs_) {
      inputs.push_back(input.dtype == DT_INVALID ? nullptr : &input);
    }
    std::vector<Tensor *> outputs;
    std::vector<GuardedBuffer> buffers;
    for (size_t i = 0; i < outputs_.size(); ++i) {
      outputs_[i].shape = plan.OutputShape(static_cast<int>(i));
      outputs_[i].format = FormatOf(outputs_[i].shape);
      buffers.emplace_back(outputs_[i].bytes());
      outputs_[i].raw = buffers[i].data();
      outputs.push_back(&outputs_[i]);
    }
    const GuardedBuffer scratch(plan.scratch_bytes(), 64);
    OpContext context = OpContextBuilder::Make(inputs.data(), static_cast<int>(inputs.size()),
                                               outputs.data(), static_cast<int>(outputs.size()),
                                               scratch.data(), plan.state(), pool_);
    while (again()) {
      MACE_RETURN_IF_ERROR(operation_->Run(&context));
      for (size_t i = 0; i < outputs_.size(); ++i) {
        outputs_[i].shape = plan.OutputShape(static_cast<int>(i));
      }
    }
    return MaceStatus();
  }

 private:
  // Finds the inputs and what the schema says of the operator.
  MaceStatus Resolve() {
    const OperatorDef &def = net_->def_;
    const OpSchema *schema = FindOpSchema(def.type.c_str());
    if (schema == nullptr) return InvalidArgs("there is no operator '", def.type, "'");
    MACE_RETURN_IF_ERROR(CheckOperatorDef(*schema, def));
    for (const std::string &name : def.input) {
      Tensor tensor;
      tensor.name = &name;
      buffers_.emplace_back();
      if (!name.empty()) {
        const TestTensor &source = net_->Get(name);
        tensor.dtype = source.dtype;
        tensor.shape = source.shape;
        tensor.format = FormatOf(source.shape);
        tensor.is_const = source.is_const;
        buffers_.back() = Copy(source);
        tensor.raw = buffers_.back().data();
      }
      inputs_.push_back(tensor);
    }
    outputs_.resize(def.output.size());
    const int key = schema->type_input;
    key_type_ = key >= 0 && key < static_cast<int>(inputs_.size()) ? inputs_[key].dtype : DT_FLOAT;
    return MaceStatus();
  }

  static GuardedBuffer Copy(const TestTensor &source) {
    GuardedBuffer buffer(source.bytes.size());
    if (!source.bytes.empty()) memcpy(buffer.data(), source.bytes.data(), source.bytes.size());
    return buffer;
  }

  MaceStatus CreateAndInit(bool shape_only, std::unique_ptr<Operation> *operation) {
    static const OpRegistry registry;
    construct_.def = &net_->def_;
    construct_.device = DeviceType::CPU;
    MACE_RETURN_IF_ERROR(registry.Create(&construct_, key_type_, operation));
    std::vector<DataType> input_types;
    for (const Tensor &input : inputs_) input_types.push_back(input.dtype);
    std::vector<DataType> types(outputs_.size(), DT_INVALID);
    MACE_RETURN_IF_ERROR((*operation)->InferType(input_types, &types));
    EXPECT_EQ(types.size(), outputs_.size());
    for (size_t i = 0; i < outputs_.size(); ++i) {
      outputs_[i].dtype = types[i];
      outputs_[i].name = &net_->def_.output[i];
      EXPECT_NE(DataTypeSize(types[i]), 0u) << "InferType left output " << i << " without a type";
    }
    InitContext context(&inputs_, shape_only, pool_);
    MACE_RETURN_IF_ERROR((*operation)->Init(&context));
    if (shape_only) {
      EXPECT_EQ(context.packed_bytes(), 0u) << "weights were packed though only shapes are wanted";
      return MaceStatus();
    }
    net_->packed_bytes_ = context.packed_bytes();
    for (size_t i = 0; i < inputs_.size(); ++i) {
      if (context.released(i)) inputs_[i].raw = nullptr;
    }
    return MaceStatus();
  }

  // The converter infers shapes without weights: the same must come out.
  MaceStatus ShapesAlone() {
    const std::vector<Tensor> whole = inputs_;
    for (Tensor &input : inputs_) {
      const bool small = input.elements() <= 4;
      if (input.dtype == DT_FLOAT && !small) input.raw = nullptr;
    }
    std::unique_ptr<Operation> operation;
    MaceStatus status = CreateAndInit(true, &operation);
    if (status.ok()) {
      PlanContext context(&inputs_, outputs_.size(), pool_);
      status = operation->InferShape(&context);
      for (size_t i = 0; i < outputs_.size(); ++i) shapes_alone_.push_back(context.OutputShape(i));
    }
    inputs_ = whole;
    return status;
  }

  MaceStatus MakePlan(PlanContext *context) {
    MACE_RETURN_IF_ERROR(operation_->InferShape(context));
    for (size_t i = 0; i < outputs_.size(); ++i) {
      EXPECT_EQ(shapes_alone_[i].ToString(), context->OutputShape(i).ToString())
          << "shape of output " << i << " without weights and with them";
    }
    return operation_->Plan(context);
  }

  bool MayShare(const std::pair<int, int> &pair) const {
    const std::vector<std::string> &names = net_->def_.input;
    const std::string &name = names[pair.second];
    return std::count(names.begin(), names.end(), name) == 1 && inputs_[pair.second].raw != nullptr;
  }

  MaceStatus Run(const PlanContext &plan, std::pair<int, int> shared, const std::string &how,
                 std::vector<OpsTestNet::Named> *results) {
    SCOPED_TRACE(MakeString(how, ", ", pool_->num_threads(), " threads"));
    const bool shape_only = operation_->DependsOnShapeOnly();
    std::vector<Tensor> inputs = inputs_;
    std::vector<const Tensor *> input_pointers;
    GuardedBuffer over;
    for (size_t i = 0; i < inputs.size(); ++i) {
      if (static_cast<int>(i) == shared.second) {
        over = Copy(net_->Get(net_->def_.input[i]));
        inputs[i].raw = over.data();
      }
      if (shape_only) inputs[i].raw = nullptr;
      input_pointers.push_back(inputs[i].dtype == DT_INVALID ? nullptr : &inputs[i]);
    }
    std::vector<Tensor> outputs = outputs_;
    std::vector<Tensor *> output_pointers;
    std::vector<GuardedBuffer> output_buffers(outputs.size());
    for (size_t i = 0; i < outputs.size(); ++i) {
      outputs[i].shape = plan.OutputShape(i);
      outputs[i].format = FormatOf(outputs[i].shape);
      if (static_cast<int>(i) == shared.first) {
        EXPECT_EQ(outputs[i].bytes(), over.bytes()) << "output and input that share memory";
        outputs[i].raw = over.data();
      } else {
        output_buffers[i] = GuardedBuffer(outputs[i].bytes());
        outputs[i].raw = output_buffers[i].data();
      }
      output_pointers.push_back(&outputs[i]);
    }
    const GuardedBuffer scratch(plan.scratch_bytes(), 64);
    OpContext context = OpContextBuilder::Make(
        input_pointers.data(), static_cast<int>(inputs.size()), output_pointers.data(),
        static_cast<int>(outputs.size()), scratch.data(), plan.state(), pool_);
    MACE_RETURN_IF_ERROR(operation_->Run(&context));
    EXPECT_TRUE(scratch.Intact()) << "wrote outside its scratch memory";
    EXPECT_TRUE(shared.second < 0 || over.Intact()) << "wrote before its output";
    for (const GuardedBuffer &buffer : output_buffers) {
      EXPECT_TRUE(buffer.data() == nullptr || buffer.Intact()) << "wrote before its output";
    }
    CheckInputs();
    CheckShapes(plan, outputs);
    Compare(outputs, results);
    return MaceStatus();
  }

  void CheckInputs() const {
    for (size_t i = 0; i < inputs_.size(); ++i) {
      if (inputs_[i].dtype == DT_INVALID || buffers_[i].bytes() == 0) continue;
      const TestTensor &source = net_->Get(net_->def_.input[i]);
      EXPECT_TRUE(buffers_[i].Intact() &&
                  memcmp(buffers_[i].data(), source.bytes.data(), source.bytes.size()) == 0)
          << "input " << i << " was written to";
    }
  }

  void CheckShapes(const PlanContext &plan, const std::vector<Tensor> &outputs) const {
    for (size_t i = 0; i < outputs.size(); ++i) {
      if (operation_->HasDynamicOutput()) {
        EXPECT_LE(outputs[i].elements(), plan.OutputShape(i).elements());
      } else {
        EXPECT_EQ(plan.OutputShape(i).ToString(), outputs[i].shape.ToString())
            << "Run changed the shape of output " << i;
      }
    }
  }

  static void Compare(const std::vector<Tensor> &outputs, std::vector<OpsTestNet::Named> *results) {
    const bool first = results->empty();
    for (size_t i = 0; i < outputs.size(); ++i) {
      const uint8_t *data = outputs[i].data<uint8_t>();
      TestTensor tensor;
      tensor.dtype = outputs[i].dtype;
      tensor.shape = outputs[i].shape;
      tensor.bytes.assign(data, data + outputs[i].bytes());
      if (first) {
        results->push_back({*outputs[i].name, std::move(tensor)});
      } else {
        EXPECT_TRUE(TensorNear(tensor, (*results)[i].tensor, 1e-6, 1e-6))
            << "output " << i << " differs from that of the first run";
      }
    }
  }

  OpsTestNet *net_;
  ThreadPool *pool_;
  OpConstructContext construct_;
  DataType key_type_ = DT_INVALID;
  std::vector<Tensor> inputs_;
  std::vector<GuardedBuffer> buffers_;
  std::vector<Tensor> outputs_;
  std::vector<Shape> shapes_alone_;
  std::unique_ptr<Operation> operation_;
};

MaceStatus OpsTestNet::RepeatOp(int threads, const std::function<bool()> &again) {
  ThreadPool pool(threads, AFFINITY_NONE);
  return OpLife(this, &pool).Repeat(again);
}

void OpsTestNet::Add(const std::string &name, TestTensor tensor) {
  inputs_.push_back({name, std::move(tensor)});
}

void OpsTestNet::AddRandomInput(const std::string &name, const Shape &shape, float low,
                                float high) {
  const uint32_t stream = static_cast<uint32_t>(inputs_.size());
  AddInput<float>(name, shape, RandomFloats(shape.elements(), low, high, stream));
}

void OpsTestNet::AddRandomConst(const std::string &name, const Shape &shape, float low,
                                float high) {
  const uint32_t stream = static_cast<uint32_t>(inputs_.size());
  AddConst<float>(name, shape, RandomFloats(shape.elements(), low, high, stream));
}

MaceStatus OpsTestNet::RunOp() {
  outputs_.clear();
  std::vector<Named> results;
  for (int threads : {1, 3}) {
    ThreadPool pool(threads, AFFINITY_NONE);
    MACE_RETURN_IF_ERROR(OpLife(this, &pool).Live(&results));
  }
  outputs_ = std::move(results);
  return MaceStatus();
}

const TestTensor &OpsTestNet::Get(const std::string &name) const {
  for (const std::vector<Named> *tensors : {&outputs_, &inputs_}) {
    for (const Named &named : *tensors) {
      if (named.name == name) return named.tensor;
    }
  }
  ADD_FAILURE() << "no tensor '" << name << "'; did RunOp succeed?";
  static const TestTensor none;
  return none;
}

::testing::AssertionResult Succeeds(const MaceStatus &status) {
  if (status.ok()) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure() << status.information();
}

::testing::AssertionResult Fails(const MaceStatus &status, MaceStatus::Code code,
                                 const std::string &part) {
  if (status.code() != code) {
    return ::testing::AssertionFailure()
           << "expected a status of code " << static_cast<int>(code) << ", got "
           << static_cast<int>(status.code()) << ": " << status.message();
  }
  if (status.message().find(part) == std::string::npos) {
    return ::testing::AssertionFailure()
           << "expected \"" << part << "\" in the message \"" << status.message() << "\"";
  }
  return ::testing::AssertionSuccess();
}

namespace {

bool Near(double actual, double expected, double rel, double abs) {
  if (std::isnan(expected)) return std::isnan(actual);
  if (std::isinf(expected)) return actual == expected;
  return std::fabs(actual - expected) <= abs + rel * std::fabs(expected);
}

template <typename T>
::testing::AssertionResult ValuesNear(const TestTensor &actual, const TestTensor &expected,
                                      double rel, double abs) {
  const std::vector<T> a = actual.Values<T>();
  const std::vector<T> e = expected.Values<T>();
  std::ostringstream report;
  int wrong = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    const bool equal = std::is_floating_point<T>::value
                           ? Near(static_cast<double>(a[i]), static_cast<double>(e[i]), rel, abs)
                           : a[i] == e[i];
    if (equal || ++wrong > 5) continue;
    report.precision(9);
    report << "\n  element " << i << ": " << +a[i] << " instead of " << +e[i];
  }
  if (wrong == 0) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure()
         << wrong << " of " << a.size() << " elements of shape " << actual.shape.ToString()
         << " differ (rel " << rel << ", abs " << abs << ", seed " << TestSeed()
         << "):" << report.str();
}

}  // namespace

::testing::AssertionResult TensorNear(const TestTensor &actual, const TestTensor &expected,
                                      double rel, double abs) {
  if (actual.dtype != expected.dtype) {
    return ::testing::AssertionFailure() << "type " << DataTypeName(actual.dtype) << " instead of "
                                         << DataTypeName(expected.dtype);
  }
  if (actual.shape != expected.shape) {
    return ::testing::AssertionFailure()
           << "shape " << actual.shape.ToString() << " instead of " << expected.shape.ToString();
  }
  switch (actual.dtype) {
    case DT_FLOAT:
      return ValuesNear<float>(actual, expected, rel, abs);
    case DT_DOUBLE:
      return ValuesNear<double>(actual, expected, rel, abs);
    case DT_INT32:
      return ValuesNear<int32_t>(actual, expected, rel, abs);
    case DT_INT64:
      return ValuesNear<int64_t>(actual, expected, rel, abs);
    case DT_INT8:
      return ValuesNear<int8_t>(actual, expected, rel, abs);
    case DT_UINT8:
    case DT_BOOL:
      return ValuesNear<uint8_t>(actual, expected, rel, abs);
    case DT_INT16:
      return ValuesNear<int16_t>(actual, expected, rel, abs);
    case DT_HALF:
    case DT_BFLOAT16:
    case DT_UINT16:
      return ValuesNear<uint16_t>(actual, expected, rel, abs);
    case DT_UINT32:
      return ValuesNear<uint32_t>(actual, expected, rel, abs);
    case DT_UINT64:
      return ValuesNear<uint64_t>(actual, expected, rel, abs);
    default:
      return ::testing::AssertionFailure() << "cannot compare " << DataTypeName(actual.dtype);
  }
}

void RunOpCase(const OpCase &op_case) {
  SCOPED_TRACE(op_case.def.def().type + " case '" + op_case.name + "'");
  OpDefBuilder builder = op_case.def;
  for (size_t i = builder.def().input.size(); i < op_case.inputs.size(); ++i) {
    builder.Input(op_case.inputs[i].dtype == DT_INVALID ? "" : MakeString("input", i));
  }
  const size_t expected = std::max<size_t>(op_case.outputs.size(), 1);
  for (size_t i = builder.def().output.size(); i < expected; ++i) {
    builder.Output(MakeString("output", i));
  }
  OpsTestNet net;
  for (size_t i = 0; i < op_case.inputs.size(); ++i) {
    net.Add(builder.def().input[i], op_case.inputs[i]);
  }
  builder.Finalize(net.NewOperatorDef());
  const MaceStatus status = net.RunOp();
  if (op_case.code != MaceStatus::MACE_SUCCESS) {
    EXPECT_TRUE(Fails(status, op_case.code, op_case.message));
    return;
  }
  EXPECT_TRUE(Succeeds(status));
  if (!status.ok()) return;
  for (size_t i = 0; i < op_case.outputs.size(); ++i) {
    EXPECT_TRUE(
        TensorNear(net.Get(builder.def().output[i]), op_case.outputs[i], op_case.rel, op_case.abs))
        << "output " << i;
  }
}

void RunOpCases(const std::vector<OpCase> &op_cases) {
  for (const OpCase &op_case : op_cases) RunOpCase(op_case);
}

}  // namespace test
}  // namespace ops
}  // namespace mace
