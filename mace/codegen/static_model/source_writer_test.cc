// SPDX-License-Identifier: Apache-2.0
// How recordings become C++, and how constants share memory.
#include "mace/codegen/static_model/source_writer.h"

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "mace/codegen/static_model/recording.h"

namespace mace {
namespace codegen {
namespace {

Value Integer(int64_t integer) {
  Value value;
  value.kind = Value::Kind::kInteger;
  value.integer = integer;
  return value;
}

Value Float(float number) {
  Value value;
  value.kind = Value::Kind::kFloat;
  value.number = number;
  return value;
}

Value Text(const std::string &text) {
  Value value;
  value.text = text;
  return value;
}

Value Pointer(Place::Space space, int64_t offset, int index = 0) {
  Value value;
  value.kind = Value::Kind::kPlace;
  value.text = "float";
  value.place.space = space;
  value.place.offset = offset;
  value.place.index = index;
  return value;
}

// The calls of one step, as C++ between the braces of its function.
std::string Body(const std::vector<Call> &calls) {
  Recording recording;
  recording.steps.push_back({"Type", "name", calls, ""});
  const std::string source = WriteSource("m", recording);
  const std::string begin = "void Step0(const StaticMemory &memory) {\n";
  const size_t first = source.find(begin) + begin.size();
  return source.substr(first, source.find("}\n\n", first) - first);
}

Call Add(int64_t offset, int64_t n) {
  return {"Add", {Pointer(Place::Space::kArena, offset), Integer(n)}, nullptr};
}

TEST(SourceWriterTest, Arguments) {
  const float inf = std::numeric_limits<float>::infinity();
  Call call = {"F",
               {Text("{"), Pointer(Place::Space::kInput, 4, 1), Text("{"), Integer(-3), Text("}"),
                Text(""), Pointer(Place::Space::kConstants, 64), Text("}"),
                Pointer(Place::Space::kNull, 0), Pointer(Place::Space::kOutput, 0)},
               nullptr};
  EXPECT_EQ(Body({call}),
            "  F({At<float>(memory.inputs[1], 4), {-3}, At<float>(mace_static_m_constants, 64)}, "
            "nullptr, At<float>(memory.outputs[0], 0));\n");
  call.values = {Float(0.1f), Float(-0.0f), Float(inf), Float(-inf), Float(std::nanf(""))};
  EXPECT_EQ(Body({call}),
            "  F(0x1.99999ap-4f, -0x0p+0f, __builtin_inff(), -__builtin_inff(), "
            "__builtin_nanf(\"\"));\n");
}

TEST(SourceWriterTest, EqualDistancesBecomeALoop) {
  EXPECT_EQ(Body({Add(0, 8), Add(64, 8)}),
            "  Add(At<float>(memory.arena, 0), 8);\n  Add(At<float>(memory.arena, 64), 8);\n");
  EXPECT_EQ(Body({Add(128, 9), Add(64, 8), Add(0, 7), Add(0, 3)}),
            "  for (int64_t i = 0; i < 3; ++i) {\n"
            "    Add(At<float>(memory.arena, 128 + i * (-64)), 9 + i * (-1));\n"
            "  }\n"
            "  Add(At<float>(memory.arena, 0), 3);\n");
}

TEST(SourceWriterTest, PatternsOfSeveralCallsBecomeALoop) {
  std::vector<Call> calls;
  for (int64_t i = 0; i < 5; ++i) {
    calls.push_back(Add(i, 1));
    calls.push_back({"Other", {Integer(i * i)}, nullptr});
    calls.push_back(Add(8 * i, 2));
    // Squares have no equal distances.
    calls[calls.size() - 2].values[0].integer = i < 4 ? i : 100;
  }
  EXPECT_EQ(Body(calls),
            "  for (int64_t i = 0; i < 4; ++i) {\n"
            "    Add(At<float>(memory.arena, i), 1);\n"
            "    Other(i);\n"
            "    Add(At<float>(memory.arena, 0 + i * 8), 2);\n"
            "  }\n"
            "  Add(At<float>(memory.arena, 4), 1);\n"
            "  Other(100);\n"
            "  Add(At<float>(memory.arena, 32), 2);\n");
}

TEST(SourceWriterTest, WhatDiffersInMoreThanNumbersIsNoLoop) {
  const Call a = {"F", {Float(1)}, nullptr}, b = {"F", {Float(2)}, nullptr};
  const Call c = {"F", {Float(3)}, nullptr};
  EXPECT_EQ(Body({a, b, c}).find("for"), std::string::npos);
  const Call in = {"F", {Pointer(Place::Space::kInput, 0)}, nullptr};
  const Call out = {"F", {Pointer(Place::Space::kOutput, 0)}, nullptr};
  EXPECT_EQ(Body({in, out, in, in, out}).find("for"), std::string::npos);
  EXPECT_NE(Body({in, in, in}).find("i < 3"), std::string::npos);
}

TEST(SourceWriterTest, NamesStayInTheirComment) {
  Recording recording;
  recording.steps.push_back({"Conv2D", "a*/\nint x;\\", {Add(0, 1)}, ""});
  EXPECT_NE(WriteSource("m", recording).find("// Conv2D a_/_int_x__\nvoid Step0"),
            std::string::npos);
}

TEST(SourceWriterTest, StepsWithoutCallsAreLeftOut) {
  Recording recording;
  recording.steps.push_back({"Reshape", "r", {}, ""});
  recording.steps.push_back({"Relu", "s", {Add(0, 1)}, ""});
  const std::string source = WriteSource("m", recording);
  EXPECT_EQ(source.find("Step0"), std::string::npos);
  EXPECT_NE(source.find("  mace::kernels::Step1(memory);\n}\n"), std::string::npos);
}

TEST(SourceWriterTest, Declarations) {
  Recording recording;
  recording.kernels["kernel_g"] = "GemmKernel kernel_g = {}";
  recording.tables["softmax"] = {"SoftmaxFunctions", "softmax_f32__x"};
  recording.transposes.insert("transpose_x32__x");
  const std::string source = WriteSource("m", recording);
  for (const char *line :
       {"constexpr GemmKernel kernel_g = {};\n", "extern const SoftmaxFunctions softmax_f32__x;\n",
        "const SoftmaxFunctions &softmax = softmax_f32__x;\n",
        "void transpose_x32__x(const CopyBlock &block"}) {
    EXPECT_NE(source.find(line), std::string::npos) << line;
  }
}

TEST(ConstantPoolTest, EqualBytesAreThereOnce) {
  ConstantPool pool;
  float a[3] = {1, 2, 3};
  const float b[3] = {1, 2, 3};
  EXPECT_EQ(pool.Add(a, sizeof(a)), 0);
  EXPECT_EQ(pool.Add(b, sizeof(b)), 0);
  EXPECT_EQ(pool.Add(b, 8), 64);
  // The same address with other content.
  a[0] = 9;
  EXPECT_EQ(pool.Add(a, sizeof(a)), 128);
  EXPECT_EQ(pool.Add(a, sizeof(a)), 128);
  EXPECT_EQ(pool.content().size(), 128 + sizeof(a));
  EXPECT_EQ(pool.Add(a, 0), 192);
}

TEST(MemoryTest, Places) {
  char arena[8], input[8], output[8];
  const char constants[8] = {};
  Memory memory;
  memory.arena = arena;
  memory.inputs = {nullptr, input};
  memory.outputs = {output};
  memory.constants = constants;
  EXPECT_EQ(memory.At({Place::Space::kNull, 0, 5}), nullptr);
  EXPECT_EQ(memory.At({Place::Space::kArena, 0, 5}), arena + 5);
  EXPECT_EQ(memory.At({Place::Space::kInput, 1, 2}), input + 2);
  EXPECT_EQ(memory.At({Place::Space::kOutput, 0, 0}), output);
  EXPECT_EQ(memory.At({Place::Space::kConstants, 0, 1}), constants + 1);
}

}  // namespace
}  // namespace codegen
}  // namespace mace
