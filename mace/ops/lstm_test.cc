// SPDX-License-Identifier: Apache-2.0
// LSTM: gates, peepholes, directions, lengths; expected numbers by the definition in float64.
#include <gtest/gtest.h>

#include "mace/ops/ops_test_util.h"

namespace mace {
namespace ops {
namespace test {
namespace {

const TestTensor kAbsent;
const std::vector<float> kSteps = {1, 2, -1, 0.5f};  // two steps of two sequences

OpDefBuilder Lstm() { return OpDefBuilder("LSTM"); }

std::vector<TestTensor> Weights(const TestTensor &input) {
  return {input, MakeConst<float>({1, 4, 1}, {0.5f, -0.25f, 0.75f, 1}),
          MakeConst<float>({1, 4, 1}, {0.1f, 0.2f, 0.3f, 0.4f}),
          MakeConst<float>({1, 8}, {0.1f, 0, 0, 0, 0, 0, 0.2f, 0})};
}

std::vector<TestTensor> With(std::vector<TestTensor> inputs, const std::vector<TestTensor> &more) {
  inputs.insert(inputs.end(), more.begin(), more.end());
  return inputs;
}

TEST(LstmTest, Cases) {
  const TestTensor input = MakeTensor<float>({2, 2, 1}, kSteps);
  const TestTensor peepholes = MakeConst<float>({1, 3}, {0.1f, 0.2f, 0.3f});
  const TestTensor computed = MakeTensor<float>({1, 4, 1}, {0.5f, -0.25f, 0.75f, 1});
  std::vector<TestTensor> not_packed = With(Weights(input), {kAbsent, kAbsent, kAbsent, peepholes});
  not_packed[1] = computed;
  const std::vector<TestTensor> expected = {
      MakeTensor<float>({2, 1, 2, 1}, {0.2105535f, 0.2550535f, -0.0556003f, 0.3583997f}),
      MakeTensor<float>({1, 2, 1}, {-0.0556003f, 0.3583997f}),
      MakeTensor<float>({1, 2, 1}, {-0.0982552f, 0.8380396f})};
  RunOpCases({
      {"peepholes", Lstm(), With(Weights(input), {kAbsent, kAbsent, kAbsent, peepholes}), expected},
      {"computed weights", Lstm(), not_packed, expected},
      {"a sequence that ends early keeps its state",
       Lstm(),
       With(Weights(input), {MakeTensor<int32_t>({2}, {2, 1}), kAbsent, kAbsent, peepholes}),
       {MakeTensor<float>({2, 1, 2, 1}, {0.2105535f, 0.2550535f, -0.0556003f, 0}),
        MakeTensor<float>({1, 2, 1}, {-0.0556003f, 0.2550535f}),
        MakeTensor<float>({1, 2, 1}, {-0.0982552f, 0.7232714f})}},
      {"no steps: states pass through",
       Lstm(),
       With(Weights(MakeTensor<float>({0, 2, 1}, {})),
            {kAbsent, MakeTensor<float>({1, 2, 1}, {3, 4}), MakeTensor<float>({1, 2, 1}, {5, 6})}),
       {MakeTensor<float>({0, 1, 2, 1}, {}), MakeTensor<float>({1, 2, 1}, {3, 4}),
        MakeTensor<float>({1, 2, 1}, {5, 6})}},
      {"no sequences",
       Lstm(),
       Weights(MakeTensor<float>({2, 0, 1}, {})),
       {MakeTensor<float>({2, 1, 0, 1}, {}), MakeTensor<float>({1, 0, 1}, {}),
        MakeTensor<float>({1, 0, 1}, {})}},
  });
}

TEST(LstmTest, BothDirectionsAreTheTwo) {
  const int64_t t = 9, b = 3, n = 21, h = 37;
  const auto part = [](const std::vector<float> &all, int d) {
    const size_t half = all.size() / 2;
    return std::vector<float>(all.begin() + static_cast<int64_t>(d * half),
                              all.begin() + static_cast<int64_t>((d + 1) * half));
  };
  const std::vector<float> x = RandomFloats(t * b * n),
                           w = RandomFloats(2 * 4 * h * n, -0.3f, 0.3f),
                           r = RandomFloats(2 * 4 * h * h, -0.3f, 0.3f),
                           bias = RandomFloats(16 * h);
  std::vector<std::vector<float>> y;
  for (const char *direction : {"BIDIRECTIONAL", "FORWARD", "REVERSE"}) {
    const bool both = y.empty();
    const int d = static_cast<int>(y.size()) - 1;
    OpsTestNet net;
    net.AddInput<float>("x", {t, b, n}, x);
    net.AddConst<float>("w", {both ? 2 : 1, 4 * h, n}, both ? w : part(w, d));
    net.AddConst<float>("r", {both ? 2 : 1, 4 * h, h}, both ? r : part(r, d));
    net.AddConst<float>("b", {both ? 2 : 1, 8 * h}, both ? bias : part(bias, d));
    Lstm()
        .Input("x")
        .Input("w")
        .Input("r")
        .Input("b")
        .Output("y")
        .AddStringArg("direction", direction)
        .Finalize(net.NewOperatorDef());
    ASSERT_TRUE(Succeeds(net.RunOp()));
    y.push_back(net.Values<float>("y"));
  }
  for (int64_t i = 0; i < t; ++i) {
    for (int64_t j = 0; j < b * h; ++j) {
      for (int64_t d = 0; d < 2; ++d) {
        ASSERT_EQ(y[0][static_cast<size_t>((i * 2 + d) * b * h + j)],
                  y[static_cast<size_t>(1 + d)][static_cast<size_t>(i * b * h + j)]);
      }
    }
  }
}

TEST(LstmTest, Refusals) {
  const MaceStatus::Code invalid = MaceStatus::MACE_INVALID_ARGS;
  const TestTensor input = MakeTensor<float>({2, 2, 1}, kSteps);
  const auto with = [&](size_t i, const TestTensor &tensor) {
    std::vector<TestTensor> inputs =
        With(Weights(input), {kAbsent, kAbsent, kAbsent, MakeConst<float>({1, 3}, {1})});
    inputs[i] = tensor;
    return inputs;
  };
  RunOpCases({
      Refused("rank", Lstm(), with(0, MakeIota<float>({2, 1})), invalid, "input has shape"),
      Refused("features", Lstm(), with(0, MakeIota<float>({2, 2, 2})), invalid, "input has shape"),
      Refused("weight", Lstm(), with(1, MakeIota<float>({1, 5, 1})), invalid, "must begin with"),
      Refused("recurrence", Lstm(), with(2, MakeIota<float>({1, 4, 2})), invalid, "recurrence has"),
      Refused("empty", Lstm(), with(2, MakeTensor<float>({1, 0, 0}, {})), invalid, "not be empty"),
      Refused("bias", Lstm(), with(3, MakeIota<float>({1, 4})), invalid, "bias has shape"),
      Refused("lengths", Lstm(), with(4, MakeTensor<int32_t>({1}, {1})), invalid, "lengths has"),
      Refused("length", Lstm(), with(4, MakeTensor<int32_t>({2}, {1, -1})), invalid,
              "lengths[1] is -1"),
      Refused("type of lengths", Lstm(), with(4, MakeTensor<float>({2}, {1})), invalid, "lengths"),
      Refused("state", Lstm(), with(5, MakeIota<float>({1, 1, 1})), invalid, "initial_hidden"),
      Refused("cell", Lstm(), with(6, MakeIota<float>({1, 1, 1})), invalid, "initial_cell"),
      Refused("peepholes", Lstm(), with(7, MakeIota<float>({3})), invalid, "peepholes"),
      Refused("function", Lstm().AddStringArg("activations", "Sigmoid,Tanh,Sine"), with(4, kAbsent),
              MaceStatus::MACE_UNSUPPORTED, "no function 'Sine'"),
      Refused("functions", Lstm().AddStringArg("activations", "Sigmoid,Tanh"), with(4, kAbsent),
              invalid, "names 2 functions; there must be 3"),
      Refused("alpha", Lstm().AddFloatsArg("activation_alpha", {1}), with(4, kAbsent), invalid,
              "must have 3 elements"),
      Refused("clip", Lstm().AddFloatArg("clip", -1), with(4, kAbsent), invalid, "clip"),
  });
}

}  // namespace
}  // namespace test
}  // namespace ops
}  // namespace mace
