// SPDX-License-Identifier: Apache-2.0
// Every operator of ops.yml with made-up attributes, shapes, types and values, through the whole
// engine: a status or a result. MACE_FUZZ_ITERATIONS and MACE_FUZZ_SEED make it longer or other;
// MACE_FUZZ_LOG=1 prints each case before it is tried, to find the one that ends the process.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <map>
#include <random>
#include <set>

#include "gtest/gtest.h"
#include "mace/core/model_builder.h"
#include "mace/core/op_registry.h"
#include "mace/core/op_schema.h"
#include "mace/public/mace_c.h"
#include "test/fuzz/hostile.h"

namespace mace {
namespace test {
namespace {

int FromEnvironment(const char *name, int fallback) {
  const char *text = std::getenv(name);
  return text == nullptr ? fallback : std::atoi(text);
}

#ifdef __x86_64__
constexpr int kIterations = 250;
#else
constexpr int kIterations = 25;  // other machines are emulated
#endif

constexpr DataType kTypes[] = {DT_FLOAT, DT_INT32, DT_INT64, DT_UINT8, DT_INT8, DT_BOOL, DT_DOUBLE};

class Generator {
 public:
  explicit Generator(uint32_t seed) : random_(seed) {}

  int Pick(int low, int high) { return low + static_cast<int>(random_() % (high - low + 1u)); }
  bool Chance(int percent) { return Pick(1, 100) <= percent; }

  // A model of one operator; its text describes it.
  ModelBuilder Model(const OpSchema &schema, std::string *text);

 private:
  int64_t Integer(int64_t min, int64_t max);
  float Float();
  Argument Attribute(const AttrSchema &attr);
  std::vector<int64_t> MadeUpShape();
  std::vector<int64_t> RelatedShape();
  std::vector<int64_t> OperandShape(const OpSchema &schema, int i);
  void AddInput(ModelBuilder *builder, const std::string &name, DataType type);
  DataType KeyType(const OpSchema &schema);

  std::mt19937 random_;
  const OpRegistry registry_;
  std::vector<int64_t> last_shape_;
};

int64_t Generator::Integer(int64_t min, int64_t max) {
  static const int64_t kExtreme[] = {std::numeric_limits<int64_t>::min(),
                                     std::numeric_limits<int64_t>::max(),
                                     int64_t{1} << 62,
                                     -(int64_t{1} << 62),
                                     int64_t{1} << 31,
                                     int64_t{1} << 32,
                                     -(int64_t{1} << 31),
                                     65536,
                                     1000};
  const int64_t value = Chance(6) ? kExtreme[Pick(0, 8)] : Pick(Chance(70) ? 0 : -4, 5);
  // Values outside the range are refused early; more is learnt behind that.
  if (value >= min && value <= max) return value;
  return Chance(95) ? std::min(std::max(static_cast<int64_t>(Pick(1, 3)), min), max) : value;
}

float Generator::Float() {
  static const float kExtreme[] = {std::numeric_limits<float>::infinity(),
                                   -std::numeric_limits<float>::infinity(),
                                   std::numeric_limits<float>::quiet_NaN(),
                                   1e30f,
                                   -1e30f,
                                   1e-30f,
                                   -1.0f,
                                   0.0f};
  return Chance(15) ? kExtreme[Pick(0, 7)] : static_cast<float>(Pick(-20, 40)) / 8;
}

Argument Generator::Attribute(const AttrSchema &attr) {
  switch (attr.kind) {
    case AttrKind::kInt:
      return IntArg(attr.name, Integer(attr.min, attr.max));
    case AttrKind::kBool:
      return IntArg(attr.name, Pick(0, 1));
    case AttrKind::kFloat:
      return FloatArg(attr.name, Float());
    case AttrKind::kString:
      return StringArg(attr.name, "text");
    case AttrKind::kDataType:
      return IntArg(attr.name, kTypes[Pick(0, 6)]);
    case AttrKind::kEnum: {
      int count = 0;
      while (attr.enum_names[count] != nullptr) ++count;
      return StringArg(attr.name, attr.enum_names[Pick(0, count - 1)]);
    }
    case AttrKind::kFloats: {
      std::vector<float> values(static_cast<size_t>(Pick(0, 4)));
      for (float &value : values) value = Float();
      return FloatsArg(attr.name, values);
    }
    case AttrKind::kInts:
    case AttrKind::kIntArray: {
      const bool array = attr.kind == AttrKind::kIntArray && Chance(97);
      std::vector<int64_t> values(array ? attr.count : static_cast<size_t>(Pick(0, 5)));
      // All the same: what fits one dimension often fits another.
      const int64_t same = Integer(attr.min, attr.max);
      const bool different = Chance(60);
      for (size_t i = 0; i < values.size(); ++i) {
        values[i] = different ? Integer(attr.min, attr.max) : same;
      }
      // A permutation now and then.
      if (!array && Chance(40)) {
        for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<int64_t>(i);
        std::shuffle(values.begin(), values.end(), random_);
      }
      return IntsArg(attr.name, values);
    }
  }
  return Argument();
}

std::vector<int64_t> Generator::MadeUpShape() {
  std::vector<int64_t> shape(static_cast<size_t>(Chance(50) ? 4 : Pick(0, 6)));
  for (int64_t &dim : shape) dim = Chance(4) ? 0 : Chance(10) ? Pick(6, 20) : Pick(1, 5);
  return shape;
}

// As the last one, or one of its dimensions, or with some changed: operands often must match.
std::vector<int64_t> Generator::RelatedShape() {
  std::vector<int64_t> shape = last_shape_;
  if (shape.empty()) return shape;
  switch (Pick(0, 4)) {
    case 0:
      return shape;
    case 1:
      return {shape.back()};
    case 2:
      shape[static_cast<size_t>(Pick(0, static_cast<int>(shape.size()) - 1))] = Pick(1, 3);
      return shape;
    case 3:
      std::shuffle(shape.begin(), shape.end(), random_);
      return shape;
    default:
      return {Pick(1, 4), Pick(1, 3), Pick(1, 3), shape.back()};
  }
}

// Operators whose operands must fit each other in a way that chance seldom meets get help.
std::vector<int64_t> Generator::OperandShape(const OpSchema &schema, int i) {
  if (Chance(70) && std::strcmp(schema.name, "Range") == 0) return {};
  if (Chance(90) && std::strcmp(schema.name, "DetectionOutput") == 0) {
    constexpr int kBoxes = 3;
    if (i == 0) return {1, kBoxes * 4};
    if (i == 1) return {1, kBoxes * Pick(1, 5)};
    return {1, 2, kBoxes * 4};
  }
  return i == 0 || Chance(20) ? MadeUpShape() : RelatedShape();
}

void Generator::AddInput(ModelBuilder *builder, const std::string &name, DataType type) {
  const std::vector<int64_t> shape = last_shape_;
  if (Chance(55)) {
    builder->Input(name, shape, type);
    return;
  }
  const size_t count = static_cast<size_t>(Shape(shape).elements());
  const size_t size = DataTypeSize(type);
  std::string bytes(count * size, '\0');
  for (size_t i = 0; i < count; ++i) {
    const int64_t integer = type == DT_BOOL ? Pick(0, 1) : Integer(-5, 6);
    const float real = Float();
    const double wide = real;
    const void *value = type == DT_FLOAT    ? static_cast<const void *>(&real)
                        : type == DT_DOUBLE ? static_cast<const void *>(&wide)
                                            : static_cast<const void *>(&integer);
    std::memcpy(&bytes[i * size], value, size);
  }
  builder->ConstantBytes(name, shape, type, bytes.data(), bytes.size());
}

DataType Generator::KeyType(const OpSchema &schema) {
  for (int attempt = 0; attempt < 30; ++attempt) {
    const DataType type = kTypes[Pick(0, 6)];
    // Double is no type of the interface, and so only reachable by constants.
    if (registry_.Supports(schema.name, CPU, type)) return type;
  }
  return DT_FLOAT;
}

ModelBuilder Generator::Model(const OpSchema &schema, std::string *text) {
  ModelBuilder builder;
  const DataType key = KeyType(schema);
  const int most = schema.max_inputs < 0 ? schema.min_inputs + Pick(0, 2) : schema.max_inputs;
  const int input_count = Pick(schema.min_inputs, most);
  std::vector<std::string> inputs, outputs;
  *text = schema.name;
  for (int i = 0; i < input_count; ++i) {
    if (i < 32 && (schema.optional_inputs >> i & 1u) != 0 && Chance(25)) {
      inputs.push_back("");
      continue;
    }
    last_shape_ = OperandShape(schema, i);
    const DataType type = i == schema.type_input ? key
                          : Chance(50)           ? key
                          : Chance(50)           ? (Chance(50) ? DT_INT32 : DT_INT64)
                                                 : kTypes[Pick(0, 6)];
    // Integers beside the first operand are mostly axes, sizes and the like: short lists.
    if (i > 0 && (type == DT_INT32 || type == DT_INT64) && !last_shape_.empty() && Chance(70)) {
      last_shape_ = {Pick(0, 4)};
    }
    inputs.push_back("in" + std::to_string(i));
    AddInput(&builder, inputs.back(), type);
    *text += std::string(" ") + DataTypeName(type) + Shape(last_shape_).ToString();
  }
  const int output_count =
      schema.max_outputs < 0 ? Pick(1, 4) : Pick(schema.min_outputs, schema.max_outputs);
  for (int o = 0; o < output_count; ++o) outputs.push_back("out" + std::to_string(o));
  std::vector<Argument> args;
  for (int a = 0; a < schema.attr_count; ++a) {
    if (!schema.attrs[a].required && Chance(45)) continue;
    args.push_back(Attribute(schema.attrs[a]));
    const Argument &arg = args.back();
    *text += " " + arg.name + "=" + std::to_string(arg.i) + "/" + arg.s;
    for (int64_t value : arg.ints) *text += "," + std::to_string(value);
  }
  builder.Op(schema.name, "op", inputs, outputs, args);
  for (const std::string &output : outputs) builder.Output(output);
  return builder;
}

// The types of the outputs, as far as the engine can tell.
void SetOutputTypes(ModelBuilder *builder) {
  std::vector<mace_tensor> inputs;
  for (const TensorInfo &info : builder->net()->input_info) {
    mace_tensor tensor = {};
    tensor.name = info.name.c_str();
    tensor.rank = static_cast<int32_t>(info.dims.size());
    std::copy(info.dims.begin(), info.dims.end(), tensor.dims);
    inputs.push_back(tensor);
  }
  std::map<std::string, DataType> types;
  for (DataType type : kTypes) {
    for (TensorInfo &info : builder->net()->output_info) info.data_type = type;
    const ModelFiles declared = builder->Build();
    const mace_code code = mace_infer_shapes(
        declared.graph.data(), declared.graph.size(), declared.data(), declared.data_size, 0,
        inputs.data(), inputs.size(),
        [](void *user, const char *name, mace_dtype dtype, int32_t, const int64_t *) {
          (*static_cast<std::map<std::string, DataType> *>(user))[name] =
              static_cast<DataType>(dtype);
        },
        nullptr, &types);
    if (code == 0) break;
  }
  for (TensorInfo &info : builder->net()->output_info) {
    const auto found = types.find(info.name);
    info.data_type = found == types.end() ? DT_FLOAT : found->second;
  }
}

class Operators : public testing::TestWithParam<int> {};

TEST_P(Operators, MadeUp) {
  const OpSchema &schema = kOpSchemas[GetParam()];
  const int iterations = FromEnvironment("MACE_FUZZ_ITERATIONS", kIterations);
  const uint32_t seed = static_cast<uint32_t>(FromEnvironment("MACE_FUZZ_SEED", 1));
  const bool log = FromEnvironment("MACE_FUZZ_LOG", 0) != 0;
  int ran = 0;
  std::map<std::string, int> refusals;
  for (int i = 0; i < iterations; ++i) {
    Generator generator(seed * 1000003u + static_cast<uint32_t>(GetParam() * 65536 + i));
    std::string text;
    ModelBuilder builder = generator.Model(schema, &text);
    if (log) std::fprintf(stderr, "%d: %s\n", i, text.c_str());
    SetOutputTypes(&builder);
    const ModelFiles files = builder.Build();
    const Outcome outcome = Execute(files.graph, files.data_string());
    if (outcome.status.ok()) {
      ++ran;
      continue;
    }
    ASSERT_GT(outcome.status.message().size(), 15u) << text;
    ++refusals[outcome.status.message()];
    if (log) std::fprintf(stderr, "   %s\n", outcome.status.information().c_str());
  }
  RecordProperty("ran", ran);
  // The generator must reach the operator's Run now and then, or it tests little. These want
  // shapes, numbers or graphs that agree in more ways than chance gives.
  const std::set<std::string> choosy = {
      "CropAndResize",     "Deconv3D",        "Dequantize",   "GRU",      "LSTM",
      "NonMaxSuppression", "PSROIAlign",      "PSROIPooling", "Proposal", "RNN",
      "ROIPooling",        "ReverseSequence", "RoiAlign",     "TopK"};
  if (iterations >= 250 && choosy.count(schema.name) == 0 && schema.subgraphs == 0) {
    EXPECT_GT(ran, 0) << schema.name;
  }
}

INSTANTIATE_TEST_SUITE_P(All, Operators, testing::Range(0, kOpSchemaCount),
                         [](const testing::TestParamInfo<int> &info) {
                           return std::string(kOpSchemas[info.param].name);
                         });

}  // namespace
}  // namespace test
}  // namespace mace
