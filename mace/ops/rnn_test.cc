// SPDX-License-Identifier: Apache-2.0
// RNN in each direction, and each function of gates that recurrent layers alone have.
#include <gtest/gtest.h>

#include <cmath>

#include "mace/ops/ops_test_util.h"

namespace mace {
namespace ops {
namespace test {
namespace {

std::vector<TestTensor> Inputs() {
  return {MakeTensor<float>({2, 1, 1}, {1, -1}), MakeConst<float>({1, 1, 1}, {0.5f}),
          MakeConst<float>({1, 1, 1}, {0.25f}), MakeConst<float>({1, 2}, {0.1f, 0.2f})};
}

OpDefBuilder Rnn(const char *function, float alpha, float beta) {
  return OpDefBuilder("RNN")
      .AddStringArg("activations", function)
      .AddFloatsArg("activation_alpha", {alpha})
      .AddFloatsArg("activation_beta", {beta});
}

TEST(RnnTest, Cases) {
  const TestTensor forward = MakeTensor<float>({2, 1, 1, 1}, {0.6640368f, -0.0339777f});
  const TestTensor reverse = MakeTensor<float>({2, 1, 1, 1}, {0.6355403f, -0.1973753f});
  const auto both = [](float first) { return MakeTensor<float>({2, 1, 1, 1}, {first, 0}); };
  std::vector<TestTensor> one_step = Inputs();  // the second step is past the end
  one_step.push_back(MakeTensor<int64_t>({1}, {1}));
  RunOpCases({
      {"forward", OpDefBuilder("RNN"), Inputs(), {forward}},
      {"reverse", OpDefBuilder("RNN").AddStringArg("direction", "REVERSE"), Inputs(), {reverse}},
      {"clip", OpDefBuilder("RNN").AddFloatArg("clip", 0.5f), one_step, {both(std::tanh(0.5f))}},
      {"Affine", Rnn("Affine", 2, 3), one_step, {both(4.6f)}},
      {"ThresholdedRelu", Rnn("ThresholdedRelu", 0.9f, 0), one_step, {both(0)}},
      {"ThresholdedRelu, above", Rnn("ThresholdedRelu", 0.7f, 0), one_step, {both(0.8f)}},
      {"ScaledTanh", Rnn("ScaledTanh", 2, 0.5f), one_step, {both(2 * std::tanh(0.4f))}},
      {"Softsign", Rnn("Softsign", 0, 0), one_step, {both(0.8f / 1.8f)}},
      {"HardSigmoid", Rnn("HardSigmoid", 0.25f, 0.25f), one_step, {both(0.45f)}},
  });
}

TEST(RnnTest, Refusals) {
  std::vector<TestTensor> inputs = Inputs();
  inputs[2] = MakeConst<float>({1, 1, 2}, {1});
  RunOpCases({Refused("recurrence", OpDefBuilder("RNN"), inputs, MaceStatus::MACE_INVALID_ARGS,
                      "recurrence has shape")});
}

}  // namespace
}  // namespace test
}  // namespace ops
}  // namespace mace
