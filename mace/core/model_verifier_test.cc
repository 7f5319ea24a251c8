// SPDX-License-Identifier: Apache-2.0
// Each check of the verifier: a good model with one thing broken.
#include "mace/core/model_verifier.h"

#include <cmath>
#include <functional>
#include <limits>

#include "gtest/gtest.h"
#include "mace/base/hash.h"
#include "mace/core/model_builder.h"

namespace mace {
namespace {

ModelDef GoodModel() {
  ModelBuilder builder;
  builder.Input("input", {-1, 8, 8, 3}, DT_FLOAT, NHWC)
      .Output("output", {-1, 8, 8, 4}, DT_FLOAT, NHWC)
      .Constant<float>("filter", {4, 3, 3, 3}, std::vector<float>(108, 1.0f))
      .Constant<float>("bias", {4}, {1, 2, 3, 4})
      .Op("Conv2D", "conv", {"input", "filter", "bias"}, {"convolved"},
          {StringArg("padding", "SAME"), IntsArg("strides", {1, 1})})
      .Op("Activation", "relu", {"convolved"}, {"output"}, {StringArg("activation", "RELU")});
  ModelDef model;
  model.net = *builder.net();
  model.data_size = builder.data()->size();
  return model;
}

struct BrokenCase {
  const char *name;
  std::function<void(ModelDef *)> breakage;
  const char *message;
};

class Verifier : public testing::TestWithParam<BrokenCase> {};

TEST(VerifierTest, GoodModel) {
  const ModelDef model = GoodModel();
  const MaceStatus status = VerifyModel(model, model.data_size, VerifyOptions());
  EXPECT_TRUE(status.ok()) << status.information();
}

TEST(VerifierTest, SubgraphsAreClosed) {
  ModelDef model = GoodModel();
  NetDef branch;
  branch.input_info = {{"captured", {}, DT_FLOAT, DF_NONE}};
  branch.output_info = {{"y", {}, DT_FLOAT, DF_NONE}};
  OperatorDef identity;
  identity.name = "i";
  identity.type = "Identity";
  identity.input = {"captured"};
  identity.output = {"y"};
  branch.op = {identity};
  OperatorDef branches;
  branches.name = "if";
  branches.type = "If";
  branches.input = {model.net.input_info[0].name, model.net.input_info[0].name};
  branches.output = {"if's"};
  branches.subgraph = {branch, branch};
  model.net.op.push_back(branches);
  EXPECT_EQ(VerifyModel(model, model.data_size, VerifyOptions()).information(), "MACE_SUCCESS");
  // The names outside are not known inside.
  model.net.op.back().subgraph[1].op[0].input = {model.net.input_info[0].name};
  const MaceStatus status = VerifyModel(model, model.data_size, VerifyOptions());
  EXPECT_NE(status.message().find("If 'if': subgraph 1: Identity 'i': input"), std::string::npos)
      << status.information();
}

TEST_P(Verifier, Refuses) {
  ModelDef model = GoodModel();
  const uint64_t data_size = model.data_size;
  GetParam().breakage(&model);
  const MaceStatus status = VerifyModel(model, data_size, VerifyOptions());
  EXPECT_FALSE(status.ok());
  EXPECT_NE(status.message().find(GetParam().message), std::string::npos) << status.information();
}

#define BROKEN(name, statement, message)            \
  BrokenCase {                                      \
#name, [](ModelDef * m) { statement; }, message \
  }

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

const BrokenCase kCases[] = {
    BROKEN(DataSize, m->data_size += 1, "model.data has 464 bytes, but model.pb was written for"),
    BROKEN(NetName, m->net.name = "\xff", "name of the net"),
    BROKEN(InputName, m->net.input_info[0].name = "", "input has no name"),
    BROKEN(InputNul, m->net.input_info[0].name = std::string("a\0b", 3), "no valid UTF-8"),
    BROKEN(InputType, m->net.input_info[0].data_type = DT_INVALID, "element type 0"),
    BROKEN(InputTypeUnknown, m->net.input_info[0].data_type = static_cast<DataType>(77),
           "element type 77"),
    BROKEN(InputRank, m->net.input_info[0].dims.resize(7), "rank 7"),
    BROKEN(InputDim, m->net.input_info[0].dims[1] = -2, "dimension -2"),
    BROKEN(InputFormat, m->net.input_info[0].data_format = static_cast<DataFormat>(3),
           "unknown data format"),
    BROKEN(InputTwice, m->net.input_info.push_back(m->net.input_info[0]), "two tensors"),
    BROKEN(ConstName, m->net.tensors[0].name = "input", "two tensors"),
    BROKEN(ConstType, m->net.tensors[0].data_type = DT_INVALID, "unknown element type 0"),
    BROKEN(ConstStored, m->net.tensors[0].stored_type = DT_UINT8,
           "float32 cannot be stored as element type 2"),
    BROKEN(Int8WithoutScale, m->net.tensors[0].stored_type = DT_INT8, "stored as int8 have one"),
    BROKEN(Int8ZeroPoint,
           (m->net.tensors[0].stored_type = DT_INT8, m->net.tensors[0].quantize_info.scale = {1},
            m->net.tensors[0].quantize_info.zero_point = {0}),
           "no zero points"),
    BROKEN(
        Int8Scalar,
        (m->net.tensors[0].stored_type = DT_INT8, m->net.tensors[0].dims.clear(),
         m->net.tensors[0].quantize_info.scale = {1, 2}, m->net.tensors[0].quantize_info.axis = -5),
        "stored as int8 have one"),
    BROKEN(Int8Axis,
           (m->net.tensors[0].stored_type = DT_INT8,
            m->net.tensors[0].quantize_info.scale = {1, 2, 3, 4},
            m->net.tensors[0].quantize_info.axis = -1),
           "axis -1"),
    BROKEN(Int8Size,
           (m->net.tensors[0].stored_type = DT_INT8, m->net.tensors[0].quantize_info.scale = {1}),
           "needs 108 bytes, but 432 are stored"),
    BROKEN(ConstRank, m->net.tensors[0].dims.resize(9), "rank 9"),
    BROKEN(ConstNegative, m->net.tensors[0].dims[0] = -4, "impossible shape"),
    BROKEN(ConstOverflow, m->net.tensors[0].dims[0] = int64_t{1} << 61, "impossible shape"),
    BROKEN(ConstSize, m->net.tensors[0].data_size -= 4, "needs 432 bytes, but 428 are stored"),
    BROKEN(ConstSizeZero, m->net.tensors[0].data_size = 0, "needs 432 bytes"),
    BROKEN(ConstAlignment, m->net.tensors[0].offset = 4, "no multiple of 64"),
    BROKEN(ConstOutside, m->net.tensors[1].offset = 512, "lie outside model.data"),
    BROKEN(ConstFarOutside, m->net.tensors[1].offset = ~uint64_t{63}, "lie outside model.data"),
    BROKEN(ScaleZero, m->net.tensors[0].quantize_info.scale = {0}, "scale 0"),
    BROKEN(ScaleNan, m->net.tensors[0].quantize_info.scale = {kNan}, "scale"),
    BROKEN(ZeroPoints, m->net.tensors[0].quantize_info.zero_point = {1}, "0 quantization scales"),
    BROKEN(Channels, (m->net.tensors[0].quantize_info.scale = {1, 2, 3}),
           "3 quantization scales for 4"),
    BROKEN(Axis,
           (m->net.tensors[0].quantize_info.scale = {1, 2, 3, 4},
            m->net.tensors[0].quantize_info.axis = 4),
           "axis 4"),
    BROKEN(Range, m->net.tensors[0].quantize_info.minval = 3, "range 3 to 0"),
    BROKEN(OpType, m->net.op[0].type = "Conv2d", "did you mean 'Conv2D'?"),
    BROKEN(OpTypeText, m->net.op[0].type = "\xc0\x80", "no valid UTF-8"),
    BROKEN(OpVersion, m->net.op[0].version = 99, "version 99"),
    BROKEN(OpVersionZero, m->net.op[0].version = 0, "version 0"),
    BROKEN(OpInputs, m->net.op[0].input.resize(1), "1 inputs instead of 2 to 3"),
    BROKEN(OpInputsMany, m->net.op[1].input.resize(9, "input"), "9 inputs"),
    BROKEN(OpSubgraph, m->net.op[0].subgraph.resize(1), "1 subgraphs instead of 0"),
    BROKEN(OpAbsentInput, m->net.op[0].input[1] = "", "input 1 must not be absent"),
    BROKEN(OpOutputs, m->net.op[0].output.clear(), "0 outputs instead of 1"),
    BROKEN(OpOutputName, m->net.op[0].output[0] = "", "output 0 has no name"),
    BROKEN(OpUnknownInput, m->net.op[0].input[0] = "inptu", "did you mean 'input'?"),
    BROKEN(OpOrder, std::swap(m->net.op[0], m->net.op[1]),
           "is made by 'conv', which comes no earlier"),
    BROKEN(OpCycle, m->net.op[0].input[0] = "output", "which comes no earlier"),
    BROKEN(OpItself, m->net.op[1].input[0] = "output", "which comes no earlier"),
    BROKEN(OpWritesInput, m->net.op[1].output[0] = "input", "two tensors"),
    BROKEN(OpWritesConst, m->net.op[1].output[0] = "bias", "two tensors"),
    BROKEN(OpWritesTwice, m->net.op[1].output[0] = "convolved", "two tensors"),
    BROKEN(AttrUnknown, m->net.op[0].arg[1].name = "stride", "did you mean 'strides'?"),
    BROKEN(AttrTwice, m->net.op[0].arg.push_back(m->net.op[0].arg[0]), "given twice"),
    BROKEN(AttrEnum, m->net.op[0].arg[0].s = "SOME", "'SOME', none of VALID, SAME, EXPLICIT"),
    BROKEN(AttrCount, m->net.op[0].arg[1].ints = {1}, "1 elements instead of 2"),
    BROKEN(AttrRange, (m->net.op[0].arg[1].ints = {1, 0}), "is 0, outside 1"),
    BROKEN(AttrMissing, m->net.op[1].arg.clear(), "'activation' is missing"),
    BROKEN(AttrText, m->net.op[0].arg[0].s = "\xed\xa0\x80", "no valid UTF-8"),
    BROKEN(OpRanges, m->net.op[0].quantize_info.resize(2), "2 quantization ranges for 1 outputs"),
    BROKEN(OpScale,
           (m->net.op[0].quantize_info.resize(1), m->net.op[0].quantize_info[0].scale = {-1}),
           "scale -1"),
    BROKEN(NoOutput, m->net.output_info.clear(), "no output"),
    BROKEN(OutputTwice, m->net.output_info.push_back(m->net.output_info[0]), "listed twice"),
    BROKEN(OutputUnknown, m->net.output_info[0].name = "outputs", "did you mean 'output'?"),
};

INSTANTIATE_TEST_SUITE_P(All, Verifier, testing::ValuesIn(kCases),
                         [](const testing::TestParamInfo<BrokenCase> &info) {
                           return std::string(info.param.name);
                         });

TEST(VerifierTest, CollectsProblemsOfOperators) {
  ModelDef model = GoodModel();
  model.net.op[0].version = 99;
  model.net.op[1].arg.clear();
  std::vector<OperatorProblem> problems;
  VerifyOptions options;
  options.problems = &problems;
  const MaceStatus status = VerifyModel(model, model.data_size, options);
  EXPECT_TRUE(status.ok()) << status.information();
  ASSERT_EQ(problems.size(), 2u);
  EXPECT_EQ(problems[1].op, 1u);
}

TEST(VerifierTest, Data) {
  ModelDef model = GoodModel();
  const std::string data(static_cast<size_t>(model.data_size), 'x');
  model.data_checksum = XxHash64(data.data(), data.size());
  EXPECT_TRUE(VerifyData(model, data.data()).ok());
  model.data_checksum += 1;
  EXPECT_FALSE(VerifyData(model, data.data()).ok());
}

TEST(VerifierTest, Text) {
  for (const char *good : {"", "a", "\n", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80"}) {
    EXPECT_TRUE(IsText(good)) << good;
  }
  for (const char *bad : {"\x80", "\xc3", "\xc0\xaf", "\xe0\x80\xaf", "\xed\xa0\x80",
                          "\xf5\x80\x80\x80", "\xf4\x90\x80\x80", "a\xe2\x82", "\xff"}) {
    EXPECT_FALSE(IsText(bad));
  }
  EXPECT_FALSE(IsText(std::string("a\0", 2)));
}

}  // namespace
}  // namespace mace
