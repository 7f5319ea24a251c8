// SPDX-License-Identifier: Apache-2.0
// Every operator with attributes, shapes and constants that nobody means well by: each is refused
// with a status or planned to a shape that can be addressed, and nothing falls over. Run under
// --config=ubsan this finds arithmetic that overflows.
#include <algorithm>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "mace/core/op_registry.h"
#include "mace/core/op_schema.h"
#include "mace/core/operator.h"
#include "mace/ops/op_types_table.h"
#include "mace/ops/ops_test_util.h"
#include "mace/runtimes/cpu/thread_pool.h"

namespace mace {
namespace ops {
namespace test {
namespace {

class HostileContext : public OpPlanContext, public OpInitContext {
 public:
  HostileContext(std::vector<Tensor> inputs, int outputs)
      : inputs_(std::move(inputs)), outputs_(outputs) {}

  const Tensor *ConstInput(int i) const override {
    return i < InputCount() && inputs_[i].is_const ? &inputs_[i] : nullptr;
  }
  DataType InputType(int i) const override {
    return i < InputCount() ? inputs_[i].dtype : DT_INVALID;
  }
  void ReleaseConstInput(int) override {}
  ThreadPool *thread_pool() const override { return &pool_; }
  bool shape_only() const override { return true; }
  void CountPackedBytes(size_t) override {}

  int InputCount() const override { return static_cast<int>(inputs_.size()); }
  int OutputCount() const override { return static_cast<int>(outputs_.size()); }
  bool HasInput(int i) const override { return i < InputCount() && inputs_[i].dtype != DT_INVALID; }
  const Tensor &Input(int i) const override { return inputs_[i]; }
  void SetOutputShape(int i, const Shape &shape) override { outputs_[i] = shape; }
  const Shape &OutputShape(int i) const override { return outputs_[i]; }
  void RequestScratch(size_t) override {}
  void AliasOutput(int, int) override {}
  void AllowInPlace(int, int) override {}
  void SetState(std::unique_ptr<OpState> state) override { state_ = std::move(state); }

 private:
  std::vector<Tensor> inputs_;
  std::vector<Shape> outputs_;
  std::unique_ptr<OpState> state_;
  mutable ThreadPool pool_{1, AFFINITY_NONE};
};

// One operator and its inputs, made of random numbers that favour the extremes.
class Hostile {
 public:
  Hostile(const OpSchema &schema, uint32_t seed) : schema_(schema), random_(seed) {
    def_.type = schema.name;
    def_.name = "hostile";
    for (int i = 0; i < schema.attr_count; ++i) AddAttribute(schema.attrs[i]);
    const int more = schema.max_inputs < 0 ? 2 : schema.max_inputs - schema.min_inputs;
    const int inputs = schema.min_inputs + Below(more + 1);
    values_.resize(inputs);
    for (int i = 0; i < inputs; ++i) {
      const bool absent = ((schema.optional_inputs >> i) & 1) != 0 && Below(4) == 0;
      def_.input.push_back(absent ? "" : "input" + std::to_string(i));
    }
    const int outputs = schema.min_outputs + (schema.max_outputs < 0 ? Below(3) : 0);
    for (int i = 0; i < outputs; ++i) def_.output.push_back("output" + std::to_string(i));
  }

  const OperatorDef &def() const { return def_; }
  int Below(int n) { return static_cast<int>(random_() % static_cast<uint32_t>(n)); }

  std::vector<Tensor> MakeInputs(DataType key) {
    std::vector<Tensor> tensors(def_.input.size());
    for (size_t i = 0; i < tensors.size(); ++i) {
      Tensor &tensor = tensors[i];
      tensor.name = &def_.input[i];
      if (def_.input[i].empty()) continue;
      const bool is_key = static_cast<int>(i) == schema_.type_input;
      const bool integers = !is_key && Below(2) == 0;
      // Inputs beside the one that counts may have to be bool, as a condition.
      const bool boolean = !is_key && schema_.type_input > 0 && Below(8) == 0;
      tensor.dtype = integers ? DT_INT64 : boolean ? DT_BOOL : key;
      const bool small = integers || (is_key && key == DT_INT64 && Below(2) == 0);
      if (small) {
        // A constant such as a shape or a list of axes.
        const int count = Below(8);
        tensor.shape = Below(8) == 0 ? Shape{} : Shape{count};
        values_[i].resize(static_cast<size_t>(std::max(1, count)));
        for (int64_t &value : values_[i]) value = Integer();
        tensor.is_const = true;
        tensor.raw = values_[i].data();
      } else {
        tensor.shape = MakeShape();
      }
    }
    return tensors;
  }

 private:
  int64_t Integer() {
    constexpr int64_t kExtremes[] = {INT64_MIN,        INT64_MIN + 1,    INT64_MAX,
                                     int64_t{1} << 62, INT32_MIN,        INT32_MAX,
                                     int64_t{1} << 32, int64_t{1} << 20, -(int64_t{1} << 40)};
    return Below(3) == 0 ? kExtremes[Below(9)] : Below(12) - 3;
  }

  Shape MakeShape() {
    constexpr int64_t kDims[] = {0, 1, 1, 2, 3, 4, 6, 8, 1000, int64_t{1} << 31, int64_t{1} << 57};
    for (;;) {
      Shape shape;
      const int rank = Below(3) > 0 ? 4 : Below(kMaxRank + 1);
      for (int i = 0; i < rank; ++i) shape.push_back(kDims[Below(Below(4) == 0 ? 11 : 8)]);
      size_t bytes = 0;
      if (CheckedBytes(shape, 8, &bytes)) return shape;
    }
  }

  void AddAttribute(const AttrSchema &attr) {
    if (!attr.required && Below(2) == 0) return;
    Argument arg;
    arg.name = attr.name;
    const auto bounded = [&] { return std::min(std::max(Integer(), attr.min), attr.max); };
    constexpr float kFloats[] = {0, 0.5f, 1, 2, -1, 1e30f, -1e30f, 1e-30f, 16777216.0f};
    switch (attr.kind) {
      case AttrKind::kBool:
        arg.i = Below(2);
        break;
      case AttrKind::kDataType:
        arg.i = Below(kLastDataType + 1);
        break;
      case AttrKind::kInt:
        arg.i = bounded();
        break;
      case AttrKind::kFloat:
        arg.f = kFloats[Below(9)];
        break;
      case AttrKind::kInts:
        for (int i = Below(8); i > 0; --i) arg.ints.push_back(bounded());
        break;
      case AttrKind::kIntArray:
        for (int i = attr.count; i > 0; --i) arg.ints.push_back(bounded());
        break;
      case AttrKind::kFloats:
        for (int i = Below(5); i > 0; --i) arg.floats.push_back(kFloats[Below(9)]);
        break;
      case AttrKind::kEnum: {
        int count = 0;
        while (attr.enum_names[count] != nullptr) ++count;
        arg.s = attr.enum_names[Below(count)];
        break;
      }
      case AttrKind::kString:
        break;
    }
    def_.arg.push_back(std::move(arg));
  }

  const OpSchema &schema_;
  std::mt19937 random_;
  OperatorDef def_;
  std::vector<std::vector<int64_t>> values_;
};

MaceStatus Plan(const OpRegistry &registry, Hostile *hostile, DataType key) {
  const OperatorDef &def = hostile->def();
  OpConstructContext construct;
  construct.def = &def;
  std::unique_ptr<Operation> operation;
  MACE_RETURN_IF_ERROR(registry.Create(&construct, key, &operation));
  const std::vector<Tensor> inputs = hostile->MakeInputs(key);
  std::vector<DataType> input_types, output_types(def.output.size(), DT_INVALID);
  for (const Tensor &input : inputs) input_types.push_back(input.dtype);
  MACE_RETURN_IF_ERROR(operation->InferType(input_types, &output_types));
  HostileContext context(inputs, static_cast<int>(def.output.size()));
  MACE_RETURN_IF_ERROR(operation->Init(&context));
  MACE_RETURN_IF_ERROR(operation->InferShape(&context));
  for (size_t i = 0; i < def.output.size(); ++i) {
    const Shape &shape = context.OutputShape(static_cast<int>(i));
    size_t bytes = 0;
    EXPECT_TRUE(CheckedBytes(shape, DataTypeSize(output_types[i]), &bytes))
        << def.type << " gives output " << i << " the shape " << shape.ToString();
    // The engine refuses what does not fit its memory before it plans.
    if (bytes > (size_t{1} << 30)) return OutOfResources("too large");
  }
  return operation->Plan(&context);
}

class HostileTest : public ::testing::TestWithParam<int> {};

TEST_P(HostileTest, RefusesOrPlans) {
  static const OpRegistry registry;
  const OpSchema &schema = kOpSchemas[GetParam()];
  std::vector<DataType> keys;
  for (const OpType &type : kOpTypes) {
    if (type.op == std::string(schema.name)) keys.push_back(type.dtype);
  }
  int planned = 0;
  for (uint32_t round = 0; round < 1000; ++round) {
    Hostile hostile(schema, TestSeed() + round);
    const DataType key = keys[static_cast<size_t>(hostile.Below(static_cast<int>(keys.size())))];
    if (!CheckOperatorDef(schema, hostile.def()).ok()) continue;
    const MaceStatus status = Plan(registry, &hostile, key);
    if (status.ok()) ++planned;
    EXPECT_TRUE(status.ok() || !status.message().empty());
  }
  RecordProperty("planned", planned);
  // These want shapes and numbers that agree in more ways than chance gives.
  const std::set<std::string> choosy = {"Compress",
                                        "Conv3D",
                                        "CropAndResize",
                                        "DFT",
                                        "Deconv3D",
                                        "Dequantize",
                                        "DetectionOutput",
                                        "GRU",
                                        "GridSample",
                                        "Im2Col",
                                        "LSTM",
                                        "NonMaxSuppression",
                                        "PSROIAlign",
                                        "PSROIPooling",
                                        "Proposal",
                                        "RNN",
                                        "ROIPooling",
                                        "Range",
                                        "RoiAlign",
                                        "ScatterElements"};
  const bool picky = choosy.count(schema.name) != 0 || schema.subgraphs > 0;
  EXPECT_TRUE(picky || planned > 0) << "no round came as far as a plan";
}

INSTANTIATE_TEST_SUITE_P(Operators, HostileTest, ::testing::Range(0, kOpSchemaCount),
                         [](const ::testing::TestParamInfo<int> &info) {
                           return std::string(kOpSchemas[info.param].name);
                         });

}  // namespace
}  // namespace test
}  // namespace ops
}  // namespace mace
