// SPDX-License-Identifier: Apache-2.0
// Activation: each function against its formula, and PRELU's slopes.
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "mace/ops/ops_test_util.h"

namespace mace {
namespace ops {
namespace test {
namespace {

OpDefBuilder Builder(const std::string &kind) {
  return OpDefBuilder("Activation").AddStringArg("activation", kind);
}

// numpy, in double, at -8, -1, -0.25, 0, 0.5, 2, 7, infinity; NaN comes last.
struct Golden {
  OpDefBuilder def;
  std::vector<float> values;
};

TEST(Activation, AllFunctions) {
  const float inf = std::numeric_limits<float>::infinity();
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const TestTensor in = MakeTensor<float>({1, 3, 1, 3}, {-8, -1, -0.25f, 0, 0.5f, 2, 7, inf, nan});
  const Golden goldens[] = {
      {Builder("NOOP"), {-8, -1, -0.25f, 0, 0.5f, 2, 7, inf, nan}},
      {Builder("RELU"), {0, 0, 0, 0, 0.5f, 2, 7, inf, nan}},
      {Builder("RELUX").AddFloatArg("max_limit", 6), {0, 0, 0, 0, 0.5f, 2, 6, 6, nan}},
      {Builder("TANH"),
       {-0.99999977f, -0.76159416f, -0.24491866f, 0, 0.46211716f, 0.96402758f, 0.99999834f, 1,
        nan}},
      {Builder("SIGMOID"),
       {0.00033535013f, 0.26894142f, 0.4378235f, 0.5f, 0.62245933f, 0.88079708f, 0.99908895f, 1,
        nan}},
      {Builder("LEAKYRELU").AddFloatArg("activation_coefficient", 0.1f),
       {-0.8f, -0.1f, -0.025f, 0, 0.5f, 2, 7, inf, nan}},
      {Builder("HARDSIGMOID")
           .AddFloatArg("activation_coefficient", 0.2f)
           .AddFloatArg("activation_offset", 0.5f),
       {0, 0.3f, 0.45f, 0.5f, 0.6f, 0.9f, 1, 1, nan}},
      {Builder("HARDSWISH"),
       {0, -0.33333333f, -0.11458333f, 0, 0.29166667f, 1.6666667f, 7, inf, nan}},
      {Builder("ELU").AddFloatArg("activation_coefficient", 2),
       {-1.9993291f, -1.2642411f, -0.44239843f, 0, 0.5f, 2, 7, inf, nan}},
      {Builder("SILU"),
       {-0.002682801f, -0.26894142f, -0.10945587f, 0, 0.31122967f, 1.7615942f, 6.9936226f, inf,
        nan}},
      {Builder("SOFTPLUS"),
       {0.00033540637f, 0.31326169f, 0.57593942f, 0.69314718f, 0.97407698f, 2.126928f, 7.0009115f,
        inf, nan}},
      {Builder("GELU"), {0, -0.15865525f, -0.10032342f, 0, 0.34573123f, 1.9544997f, 7, inf, nan}},
      {Builder("MISH"),
       {-0.0026832507f, -0.30340146f, -0.12992696f, 0, 0.37524521f, 1.9439590f, 6.9999884f, inf,
        nan}},
      {Builder("SELU"),
       {-1.757509f, -1.1113307f, -0.38889019f, 0, 0.52535049f, 2.101402f, 7.3549069f, inf, nan}},
      {Builder("GELU_TANH"),
       {-0, -0.15880801f, -0.10032465f, 0, 0.34571401f, 1.9545977f, 7, inf, nan}},
  };
  for (const Golden &golden : goldens) {
    OpCase op_case = {golden.def.def().arg[0].s,
                      golden.def,
                      {in},
                      {MakeTensor<float>({1, 3, 1, 3}, golden.values)}};
    op_case.rel = 2e-6;
    op_case.abs = 1e-6;
    RunOpCase(op_case);
  }
}

TEST(Activation, LargeTensors) {
  const std::vector<float> values = RandomFloats(70003, -2, 2);
  std::vector<float> expected;
  for (float x : values) expected.push_back(std::max(x, 0.0f));
  RunOpCase({"relu",
             Builder("RELU"),
             {MakeTensor<float>({70003}, values)},
             {MakeTensor<float>({70003}, expected)}});
}

TEST(Activation, PreluOfEachChannel) {
  const TestTensor in =
      MakeTensor<float>({1, 2, 2, 3}, {-1, -1, -1, 1, 2, 3, -4, 5, -6, -7, -8, 9});
  const TestTensor expected = MakeTensor<float>(
      {1, 2, 2, 3}, std::vector<float>{-0.5f, -2, 1, 1, 2, 3, -2, 5, 6, -3.5f, -16, 9});
  for (bool is_const : {false, true}) {
    RunOpCase({"one for each channel",
               Builder("PRELU"),
               {in, MakeTensor<float>({3}, {0.5f, 2, -1}, is_const)},
               {expected}});
  }
  RunOpCase({"one for all",
             Builder("PRELU"),
             {in, MakeConst<float>({1}, {0.5f})},
             {MakeTensor<float>({1, 2, 2, 3}, std::vector<float>{-0.5f, -0.5f, -0.5f, 1, 2, 3, -2,
                                                                 5, -3, -3.5f, -4, 9})}});
}

TEST(Activation, RefusesWhatDoesNotFit) {
  const TestTensor in = MakeTensor<float>({2, 3}, {1, 2, 3, 4, 5, 6});
  const auto refused = [](const OpDefBuilder &def, const std::vector<TestTensor> &inputs,
                          const char *message) {
    OpCase op_case = {message, def, inputs, {}};
    op_case.code = MaceStatus::MACE_INVALID_ARGS;
    op_case.message = message;
    RunOpCase(op_case);
  };
  refused(Builder("PRELU"), {in}, "PRELU needs a second input");
  refused(Builder("PRELU"), {in, MakeConst<float>({2}, {1, 2})}, "does not fit the input of shape");
  refused(Builder("PRELU"), {in, MakeConst<float>({4, 2, 3}, {1})}, "does not fit the input");
  refused(Builder("PRELU"), {in, MakeConst<int32_t>({3}, {1})}, "must be float32");
  refused(Builder("RELU"), {in, MakeConst<float>({3}, {1})}, "only PRELU takes a second input");
  refused(Builder("RELUX"), {in}, "RELUX needs a max_limit above 0");
  refused(Builder("RELU7"), {in}, "RELU7");
  refused(OpDefBuilder("Activation"), {in}, "activation");
}

}  // namespace
}  // namespace test
}  // namespace ops
}  // namespace mace
