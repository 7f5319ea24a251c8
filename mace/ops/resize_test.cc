// SPDX-License-Identifier: Apache-2.0
// Resize against onnxruntime's results, and its other rules.
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "mace/ops/ops_test_util.h"

namespace mace {
namespace ops {
namespace test {
namespace {

const std::vector<float> kImage = {1, 5, 2, 8, 3, -4, 7, 6, 9, 0, -2, 4};  // 3 x 4

struct Golden {
  std::string mode;
  std::string coordinates;
  std::string nearest_mode;
  int64_t height;
  int64_t width;
  std::vector<float> output;
};

// Made by onnxruntime from kImage.
const Golden kGoldens[] = {
    {"BILINEAR", "HALF_PIXEL", "FLOOR", 5, 6, {1,           3,          4.5f,         2.5000002f,
                                               5,           8,          1.8f,         1.5999998f,
                                               1.8333331f,  3.5666666f, 5.5999994f,   7.1999998f,
                                               3,           -0.5f,      -2.166667f,   5.166666f,
                                               6.5f,        6,          6.6000013f,   2.500001f,
                                               -1.0666666f, 1.0666655f, 3.1999991f,   4.7999997f,
                                               9,           4.5f,       -0.33333325f, -1.6666665f,
                                               1,           4}},
    {"BILINEAR",
     "HALF_PIXEL",
     "FLOOR",
     2,
     3,
     {1.7083333f, 3, 6.7916665f, 6.0833335f, -0.375f, 3.7916665f}},
    {"BILINEAR", "HALF_PIXEL", "FLOOR", 1, 1, {1.5f}},
    {"BILINEAR",
     "ASYMMETRIC",
     "FLOOR",
     5,
     6,
     {1,
      3.6666667f,
      3.9999998f,
      2,
      6.0000005f,
      8,
      2.2f,
      0.46666646f,
      1.4f,
      5,
      6.1999998f,
      6.8000002f,
      4.2000003f,
      -0.73333329f,
      -0.39999956f,
      5.1999993f,
      5.4666672f,
      5.5999999f,
      7.8000007f,
      2.0666668f,
      -0.60000002f,
      -0.20000064f,
      2.8666666f,
      4.3999996f,
      9,
      2.9999998f,
      -0.66666675f,
      -2,
      2.0000005f,
      4}},
    {"BILINEAR",
     "ASYMMETRIC",
     "FLOOR",
     2,
     3,
     {1, 3.9999998f, 6.0000005f, 6, -0.49999988f, 4.166667f}},
    {"BILINEAR", "ASYMMETRIC", "FLOOR", 1, 1, {1}},
    {"BILINEAR",
     "ALIGN_CORNERS",
     "FLOOR",
     5,
     6,
     {1, 3.4000001f,  4.3999996f,  2.6000001f,  4.4000006f,  8,
      2, 1.0999999f,  1.3000001f,  3.6999998f,  5.5000005f,  7,
      3, -1.2000002f, -1.7999995f, 4.7999992f,  6.5999999f,  6,
      6, 1.1999998f,  -1.0999998f, 1.5999997f,  3.5000002f,  5,
      9, 3.5999999f,  -0.4000001f, -1.5999999f, 0.40000057f, 4}},
    {"BILINEAR", "ALIGN_CORNERS", "FLOOR", 2, 3, {1, 3.5f, 8, 9, -1, 4}},
    {"BILINEAR", "ALIGN_CORNERS", "FLOOR", 1, 1, {1}},
    {"BILINEAR",
     "PYTORCH_HALF_PIXEL",
     "FLOOR",
     5,
     6,
     {1,          3,          4.5f,         2.5000002f,  5,          8,
      1.8f,       1.5999998f, 1.8333331f,   3.5666666f,  5.5999994f, 7.1999998f,
      3,          -0.5f,      -2.166667f,   5.166666f,   6.5f,       6,
      6.6000013f, 2.500001f,  -1.0666666f,  1.0666655f,  3.1999991f, 4.7999997f,
      9,          4.5f,       -0.33333325f, -1.6666665f, 1,          4}},
    {"BILINEAR",
     "PYTORCH_HALF_PIXEL",
     "FLOOR",
     2,
     3,
     {1.7083333f, 3, 6.7916665f, 6.0833335f, -0.375f, 3.7916665f}},
    {"BILINEAR", "PYTORCH_HALF_PIXEL", "FLOOR", 1, 1, {1}},
    {"BICUBIC", "HALF_PIXEL", "FLOOR", 5, 6, {0.36911175f, 3.7432508f,  5.5636163f,   1.6520579f,
                                              4.4487519f,  8.7711697f,  1.3547642f,   0.96624899f,
                                              1.6443442f,  3.8611586f,  6.2937489f,   7.6093173f,
                                              3.6076403f,  -1.53125f,   -3.0115719f,  5.3865752f,
                                              7.53125f,    5.9131956f,  7.5986428f,   1.9281275f,
                                              -2.4493616f, 0.87261593f, 3.6218758f,   4.8733225f,
                                              10.373925f,  5.2845016f,  -0.99589717f, -3.1366022f,
                                              0.16750059f, 4.3871679f}},
    {"BICUBIC",
     "HALF_PIXEL",
     "FLOOR",
     2,
     3,
     {1.4577594f, 2.8919678f, 7.0299268f, 6.4038463f, -1.7321777f, 3.8095894f}},
    {"BICUBIC", "HALF_PIXEL", "FLOOR", 1, 1, {0.9375f}},
    {"BICUBIC", "ASYMMETRIC", "FLOOR", 5, 6, {1,           4.0740747f,   4.1666641f,  2,
                                              5.9444466f,  8.6666698f,   1.5759995f,  -0.92259341f,
                                              0.92199743f, 6.0319996f,   7.0771084f,  7.0986667f,
                                              4.2480035f,  -2.630367f,   -1.9040015f, 5.895999f,
                                              6.153183f,   5.4071155f,   7.9919991f,  1.8163f,
                                              -1.9693342f, -0.29600012f, 2.8905177f,  4.8151131f,
                                              9.6479988f,  3.7115612f,   -2.0389645f, -2.972002f,
                                              1.4679987f,  4.534667f}},
    {"BICUBIC",
     "ASYMMETRIC",
     "FLOOR",
     2,
     3,
     {1, 4.1666641f, 5.9444466f, 6.1875f, -2.1197927f, 4.554975f}},
    {"BICUBIC", "ASYMMETRIC", "FLOOR", 1, 1, {1}},
    {"BICUBIC",
     "ALIGN_CORNERS",
     "FLOOR",
     5,
     6,
     {1,       3.7719998f,   4.7120023f,  2.0480011f, 4.0039997f, 8,
      1.4375f, 0.070624352f, 0.87325281f, 4.2167501f, 6.6227508f, 7.1875f,
      3,       -2.4720013f,  -2.711997f,  4.9920001f, 7.8000011f, 6,
      6.1875f, 0.032622814f, -2.7319977f, 1.5520014f, 4.3118763f, 4.8125f,
      9,       3.7079976f,   -1.3599986f, -2.439997f, 0.1120007f, 4}},
    {"BICUBIC", "ALIGN_CORNERS", "FLOOR", 2, 3, {1, 3.3125f, 8, 9, -2.40625f, 4}},
    {"BICUBIC", "ALIGN_CORNERS", "FLOOR", 1, 1, {1}},
    {"BICUBIC",
     "PYTORCH_HALF_PIXEL",
     "FLOOR",
     5,
     6,
     {0.36911175f, 3.7432508f,  5.5636163f,   1.6520579f,  4.4487519f,  8.7711697f,
      1.3547642f,  0.96624899f, 1.6443442f,   3.8611586f,  6.2937489f,  7.6093173f,
      3.6076403f,  -1.53125f,   -3.0115719f,  5.3865752f,  7.53125f,    5.9131956f,
      7.5986428f,  1.9281275f,  -2.4493616f,  0.87261593f, 3.6218758f,  4.8733225f,
      10.373925f,  5.2845016f,  -0.99589717f, -3.1366022f, 0.16750059f, 4.3871679f}},
    {"BICUBIC",
     "PYTORCH_HALF_PIXEL",
     "FLOOR",
     2,
     3,
     {1.4577594f, 2.8919678f, 7.0299268f, 6.4038463f, -1.7321777f, 3.8095894f}},
    {"BICUBIC", "PYTORCH_HALF_PIXEL", "FLOOR", 1, 1, {1}},
    {"NEAREST", "HALF_PIXEL", "ROUND_PREFER_FLOOR", 6, 7, {1, 1,  5,  5, 2, 8,  8,  1, 1, 5, 5,
                                                           2, 8,  8,  3, 3, -4, -4, 7, 6, 6, 3,
                                                           3, -4, -4, 7, 6, 6,  9,  9, 0, 0, -2,
                                                           4, 4,  9,  9, 0, 0,  -2, 4, 4}},
    {"NEAREST", "HALF_PIXEL", "ROUND_PREFER_FLOOR", 2, 2, {1, 2, 9, -2}},
    {"NEAREST", "ASYMMETRIC", "ROUND_PREFER_FLOOR", 6, 7, {1,  5,  5, 2, 2,  8,  8,  1, 5, 5,  2,
                                                           2,  8,  8, 3, -4, -4, 7,  7, 6, 6,  3,
                                                           -4, -4, 7, 7, 6,  6,  9,  0, 0, -2, -2,
                                                           4,  4,  9, 0, 0,  -2, -2, 4, 4}},
    {"NEAREST", "ASYMMETRIC", "ROUND_PREFER_FLOOR", 2, 2, {1, 2, 3, 7}},
    {"NEAREST", "ALIGN_CORNERS", "ROUND_PREFER_FLOOR", 6, 7, {1, 1, 5, 5,  2,  2,  8,  1,  1,
                                                              5, 5, 2, 2,  8,  3,  3,  -4, -4,
                                                              7, 7, 6, 3,  3,  -4, -4, 7,  7,
                                                              6, 9, 9, 0,  0,  -2, -2, 4,  9,
                                                              9, 0, 0, -2, -2, 4}},
    {"NEAREST", "ALIGN_CORNERS", "ROUND_PREFER_FLOOR", 2, 2, {1, 8, 9, 4}},
    {"NEAREST", "HALF_PIXEL", "ROUND_PREFER_CEIL", 6, 7, {1, 1,  5, 2, 2, 8,  8,  1, 1, 5,  2,
                                                          2, 8,  8, 3, 3, -4, 7,  7, 6, 6,  3,
                                                          3, -4, 7, 7, 6, 6,  9,  9, 0, -2, -2,
                                                          4, 4,  9, 9, 0, -2, -2, 4, 4}},
    {"NEAREST", "HALF_PIXEL", "ROUND_PREFER_CEIL", 2, 2, {5, 8, 0, 4}},
    {"NEAREST", "ASYMMETRIC", "ROUND_PREFER_CEIL", 6, 7, {1, 5, 5,  2,  2,  8,  8,  3, -4, -4, 7,
                                                          7, 6, 6,  3,  -4, -4, 7,  7, 6,  6,  9,
                                                          0, 0, -2, -2, 4,  4,  9,  0, 0,  -2, -2,
                                                          4, 4, 9,  0,  0,  -2, -2, 4, 4}},
    {"NEAREST", "ASYMMETRIC", "ROUND_PREFER_CEIL", 2, 2, {1, 2, 9, -2}},
    {"NEAREST", "ALIGN_CORNERS", "ROUND_PREFER_CEIL", 6, 7, {1,  5,  5, 2, 2,  8,  8,  1, 5, 5,  2,
                                                             2,  8,  8, 3, -4, -4, 7,  7, 6, 6,  3,
                                                             -4, -4, 7, 7, 6,  6,  9,  0, 0, -2, -2,
                                                             4,  4,  9, 0, 0,  -2, -2, 4, 4}},
    {"NEAREST", "ALIGN_CORNERS", "ROUND_PREFER_CEIL", 2, 2, {1, 8, 9, 4}},
    {"NEAREST", "HALF_PIXEL", "FLOOR", 6, 7, {1, 1, 1, 5,  2, 2, 8, 1, 1, 1, 5,  2,  2,  8,
                                              1, 1, 1, 5,  2, 2, 8, 3, 3, 3, -4, 7,  7,  6,
                                              3, 3, 3, -4, 7, 7, 6, 9, 9, 9, 0,  -2, -2, 4}},
    {"NEAREST", "HALF_PIXEL", "FLOOR", 2, 2, {1, 2, 3, 7}},
    {"NEAREST", "ASYMMETRIC", "FLOOR", 6, 7, {1, 1, 5,  5,  2,  2,  8, 1, 1, 5,  5,  2,  2,  8,
                                              3, 3, -4, -4, 7,  7,  6, 3, 3, -4, -4, 7,  7,  6,
                                              9, 9, 0,  0,  -2, -2, 4, 9, 9, 0,  0,  -2, -2, 4}},
    {"NEAREST", "ASYMMETRIC", "FLOOR", 2, 2, {1, 2, 3, 7}},
    {"NEAREST", "ALIGN_CORNERS", "FLOOR", 6, 7, {1, 1, 5,  5,  2, 2, 8, 1, 1, 5,  5,  2,  2,  8,
                                                 1, 1, 5,  5,  2, 2, 8, 3, 3, -4, -4, 7,  7,  6,
                                                 3, 3, -4, -4, 7, 7, 6, 9, 9, 0,  0,  -2, -2, 4}},
    {"NEAREST", "ALIGN_CORNERS", "FLOOR", 2, 2, {1, 8, 9, 4}},
    {"NEAREST", "HALF_PIXEL", "CEIL", 6, 7, {1, 5,  5,  2,  8, 8, 8, 3, -4, -4, 7,  6, 6, 6,
                                             3, -4, -4, 7,  6, 6, 6, 9, 0,  0,  -2, 4, 4, 4,
                                             9, 0,  0,  -2, 4, 4, 4, 9, 0,  0,  -2, 4, 4, 4}},
    {"NEAREST", "HALF_PIXEL", "CEIL", 2, 2, {-4, 6, 0, 4}},
    {"NEAREST", "ASYMMETRIC", "CEIL", 6, 7, {1, 5,  2,  2,  8, 8, 8, 3, -4, 7,  7,  6, 6, 6,
                                             3, -4, 7,  7,  6, 6, 6, 9, 0,  -2, -2, 4, 4, 4,
                                             9, 0,  -2, -2, 4, 4, 4, 9, 0,  -2, -2, 4, 4, 4}},
    {"NEAREST", "ASYMMETRIC", "CEIL", 2, 2, {1, 2, 9, -2}},
    {"NEAREST", "ALIGN_CORNERS", "CEIL", 6, 7, {1, 5,  5,  2,  2,  8, 8, 3, -4, -4, 7,  7,  6, 6,
                                                3, -4, -4, 7,  7,  6, 6, 9, 0,  0,  -2, -2, 4, 4,
                                                9, 0,  0,  -2, -2, 4, 4, 9, 0,  0,  -2, -2, 4, 4}},
    {"NEAREST", "ALIGN_CORNERS", "CEIL", 2, 2, {1, 8, 9, 4}},
};

OpDefBuilder Builder(const std::string &mode, const std::string &coordinates) {
  return OpDefBuilder("Resize").AddStringArg("mode", mode).AddStringArg("coordinates", coordinates);
}

TEST(Resize, AllModesAndCoordinates) {
  for (const Golden &golden : kGoldens) {
    OpCase op_case = {MakeString(golden.mode, " ", golden.coordinates, " ", golden.nearest_mode),
                      Builder(golden.mode, golden.coordinates)
                          .AddStringArg("nearest_mode", golden.nearest_mode)
                          .AddIntsArg("size", {golden.height, golden.width}),
                      {MakeTensor<float>({1, 3, 4, 1}, kImage)},
                      {MakeTensor<float>({1, golden.height, golden.width, 1}, golden.output)}};
    op_case.rel = 1e-5;
    op_case.abs = 2e-5;
    RunOpCase(op_case);
  }
}

// Sums of one row and of two in turn: a row that is kept for the next sum must stay.
TEST(Resize, LargerByAreas) {
  RunOpCases(
      {{"5 x 2 to 9 x 3",
        OpDefBuilder("Resize").AddStringArg("mode", "AREA").AddIntsArg("size", {9, 3}),
        {MakeTensor<float>({1, 5, 2, 1}, {1, 2, 5, 9, 4, -3, 0, 7, 8, 6})},
        {MakeTensor<float>({1, 9, 3, 1}, {1,    1.5f, 2,    1.8f, 2.6f, 3.4f, 5,    7,    9,
                                          4.6f, 4.4f, 4.2f, 4,    0.5f, -3,   1.6f, 2.3f, 3,
                                          0,    3.5f, 7,    6.4f, 6.3f, 6.2f, 8,    7,    6})}}});
}

// The same image in every channel of every batch: vectors of all remainders, and with the most
// channels strips of a column or two.
TEST(Resize, ManyChannels) {
  for (const Golden &golden : kGoldens) {
    if (golden.coordinates != "HALF_PIXEL") continue;
    for (int64_t channels : {2, 3, 4, 7, 17, 700}) {
      std::vector<float> in, out;
      for (int64_t n = 0; n < 2; ++n) {
        for (float x : kImage) {
          for (int64_t c = 0; c < channels; ++c)
            in.push_back(x + static_cast<float>(n * 10 + c % 20));
        }
        for (float x : golden.output) {
          for (int64_t c = 0; c < channels; ++c)
            out.push_back(x + static_cast<float>(n * 10 + c % 20));
        }
      }
      OpCase op_case = {MakeString(golden.mode, ", ", channels, " channels"),
                        Builder(golden.mode, golden.coordinates)
                            .AddStringArg("nearest_mode", golden.nearest_mode)
                            .AddIntsArg("size", {golden.height, golden.width}),
                        {MakeTensor<float>({2, 3, 4, channels}, in)},
                        {MakeTensor<float>({2, golden.height, golden.width, channels}, out)}};
      op_case.abs = 5e-5;
      RunOpCase(op_case);
    }
  }
}

TEST(Resize, ManyRowsOnSeveralThreads) {
  // 40 rows of 1, 2, ... become 80: each band starts without the rows that the last one kept.
  std::vector<float> in, out;
  const int64_t width = 300, channels = 3;
  for (int y = 0; y < 40; ++y) in.insert(in.end(), width * channels, static_cast<float>(y));
  for (int y = 0; y < 80; ++y) {
    const float place = (static_cast<float>(y) + 0.5f) / 2 - 0.5f;
    const float value = place < 0 ? 0 : place > 39 ? 39 : place;
    out.insert(out.end(), 2 * width * channels, value);
  }
  RunOpCase({"bilinear",
             Builder("BILINEAR", "HALF_PIXEL").AddFloatsArg("scale", {2, 2}),
             {MakeTensor<float>({1, 40, width, channels}, in)},
             {MakeTensor<float>({1, 80, 2 * width, channels}, out)}});
  RunOpCase({"height alone",
             Builder("BILINEAR", "HALF_PIXEL").AddIntsArg("size", {80, 2 * width}),
             {MakeTensor<float>({1, 40, 2 * width, channels},
                                [&] {
                                  std::vector<float> wide;
                                  for (int y = 0; y < 40; ++y) {
                                    wide.insert(wide.end(), 2 * width * channels,
                                                static_cast<float>(y));
                                  }
                                  return wide;
                                }())},
             {MakeTensor<float>({1, 80, 2 * width, channels}, out)}});
}

TEST(Resize, ScalesCountThemselves) {
  // By 1.5 and 0.6: the coordinates follow the scales, not 4 / 3 and 2 / 4.
  const std::vector<float> scales = {1.5f, 0.6f};
  const TestTensor image = MakeTensor<float>({1, 3, 4, 1}, kImage);
  const std::vector<float> bilinear = {2.3333333f, 2,    1.5f,       4.5f,
                                       1.5555556f, 5.5f, 5.1111107f, -0.5f};
  const std::vector<float> cubic = {1,          2.5f,       1.7037036f, 3.6642663f,
                                    5.1111093f, 1.5188595f, 9,          -2.5370395f};
  std::vector<OpCase> cases = {
      {"attribute",
       Builder("BILINEAR", "HALF_PIXEL").AddFloatsArg("scale", scales),
       {image},
       {MakeTensor<float>({1, 4, 2, 1}, bilinear)}},
      {"input",
       Builder("BILINEAR", "HALF_PIXEL"),
       {image, MakeConst<float>({2}, scales)},
       {MakeTensor<float>({1, 4, 2, 1}, bilinear)}},
      {"cubic",
       Builder("BICUBIC", "ASYMMETRIC").AddFloatsArg("scale", scales),
       {image},
       {MakeTensor<float>({1, 4, 2, 1}, cubic)}},
      {"nearest",
       Builder("NEAREST", "ASYMMETRIC")
           .AddStringArg("nearest_mode", "FLOOR")
           .AddFloatsArg("scale", scales),
       {image},
       {MakeTensor<float>({1, 4, 2, 1}, std::vector<float>{1, 5, 1, 5, 3, -4, 9, 0})}},
  };
  for (OpCase &op_case : cases) op_case.abs = 1e-5;
  RunOpCases(cases);
}

TEST(Resize, SizeFromInput) {
  const TestTensor image = MakeTensor<float>({1, 2, 2, 1}, std::vector<float>{1, 2, 3, 4});
  const TestTensor doubled =
      MakeTensor<float>({1, 4, 2, 1}, std::vector<float>{1, 2, 1, 2, 3, 4, 3, 4});
  RunOpCases({
      {"int32",
       Builder("NEAREST", "HALF_PIXEL"),
       {image, MakeConst<int32_t>({2}, {4, 2})},
       {doubled}},
      {"int64",
       Builder("NEAREST", "HALF_PIXEL"),
       {image, MakeConst<int64_t>({2}, {4, 2})},
       {doubled}},
  });
}

TEST(Resize, KeepsWhatIsNotResized) {
  const TestTensor image = MakeTensor<float>({1, 3, 4, 1}, kImage);
  for (const char *mode : {"NEAREST", "BILINEAR", "BICUBIC"}) {
    RunOpCase({mode, Builder(mode, "HALF_PIXEL").AddIntsArg("size", {3, 4}), {image}, {image}});
  }
  RunOpCase({"no batch",
             Builder("BILINEAR", "HALF_PIXEL").AddIntsArg("size", {6, 8}),
             {MakeTensor<float>({0, 3, 4, 1}, {})},
             {MakeTensor<float>({0, 6, 8, 1}, {})}});
}

TEST(Resize, CubicCoefficient) {
  // Halfway between pixels 1 and 2 of four, with a = -0.5: (-1 + 9 * 2 + 9 * 4 - 8) / 16.
  OpCase op_case = {"a = -0.5",
                    Builder("BICUBIC", "HALF_PIXEL")
                        .AddFloatArg("cubic_coefficient", -0.5f)
                        .AddIntsArg("size", {1, 1}),
                    {MakeTensor<float>({1, 1, 4, 1}, std::vector<float>{1, 2, 4, 8})},
                    {MakeTensor<float>({1, 1, 1, 1}, std::vector<float>{45.0f / 16})}};
  RunOpCase(op_case);
}

TEST(Resize, CubicWithoutPixelsOutside) {
  // Made by onnxruntime from kImage.
  const std::vector<float> golden = {
      0.53128183f, 3.3607109f,   5.3949161f,  1.7890463f,  4.8401775f,  8.5804377f,
      1.4176171f,  1.3950837f,   1.9401931f,  3.6723673f,  6.0140467f,  7.6006474f,
      3.4605246f,  -0.94117653f, -3.0694456f, 5.6527781f,  7.1176472f,  5.9342103f,
      7.5634327f,  2.6606686f,   -1.9685423f, 0.70827842f, 3.2787521f,  4.8245277f,
      10.054865f,  5.321866f,    -0.6620788f, -2.8041182f, 0.60155278f, 4.2785501f};
  OpCase op_case = {"a = -0.5",
                    Builder("BICUBIC", "HALF_PIXEL")
                        .AddFloatArg("cubic_coefficient", -0.5f)
                        .AddIntArg("exclude_outside", 1)
                        .AddIntsArg("size", {5, 6}),
                    {MakeTensor<float>({1, 3, 4, 1}, kImage)},
                    {MakeTensor<float>({1, 5, 6, 1}, golden)}};
  op_case.rel = 1e-5;
  op_case.abs = 1e-5;
  RunOpCase(op_case);
}

TEST(Resize, OutsideOfTheInput) {
  const OpDefBuilder crop = OpDefBuilder("Resize")
                                .AddStringArg("mode", "BILINEAR")
                                .AddStringArg("coordinates", "TF_CROP_AND_RESIZE")
                                .AddFloatArg("extrapolation_value", -7)
                                .AddIntsArg("size", {3, 3});
  const TestTensor input = MakeIota<float>({1, 3, 3, 1});
  const auto roi = [&crop](const std::vector<float> &values) {
    return OpDefBuilder(crop).AddFloatsArg("roi", values);
  };
  RunOpCases({
      {"the first row",
       roi({-0.5f, 0, 0.5f, 1}),
       {input},
       {MakeTensor<float>({1, 3, 3, 1}, {-7, -7, -7, 0, 1, 2, 3, 4, 5})}},
      {"the last column",
       roi({0, 0.5f, 1, 1.5f}),
       {input},
       {MakeTensor<float>({1, 3, 3, 1}, {1, 2, -7, 4, 5, -7, 7, 8, -7})}},
  });
}

TEST(Resize, RefusesWhatCannotBe) {
  const TestTensor image = MakeTensor<float>({1, 3, 4, 1}, kImage);
  const MaceStatus::Code invalid = MaceStatus::MACE_INVALID_ARGS;
  const auto refused = [](const OpDefBuilder &def, const std::vector<TestTensor> &inputs,
                          MaceStatus::Code code, const std::string &message) {
    OpCase op_case = {message, def, inputs, {}};
    op_case.code = code;
    op_case.message = message;
    RunOpCase(op_case);
  };
  const OpDefBuilder def = Builder("BILINEAR", "HALF_PIXEL");
  refused(def, {image}, invalid, "Resize 'test': it needs a new height and width");
  refused(OpDefBuilder(def).AddIntsArg("size", {0, 4}), {image}, invalid,
          "cannot resize height 3 to 0");
  refused(OpDefBuilder(def).AddIntsArg("size", {2, 4000000000000}), {image}, invalid,
          "cannot resize width 4 to 4000000000000");
  refused(OpDefBuilder(def).AddFloatsArg("scale", {-1, 1}), {image}, invalid, "cannot scale");
  refused(OpDefBuilder(def).AddFloatsArg("scale", {1, std::numeric_limits<float>::quiet_NaN()}),
          {image}, invalid, "cannot scale");
  refused(OpDefBuilder(def).AddIntsArg("size", {2, 2}), {MakeTensor<float>({3, 4}, kImage)},
          invalid, "the input must be NHWC");
  refused(def, {image, MakeConst<int32_t>({3}, {1, 2, 3})}, invalid, "needs two elements");
  refused(def, {image, MakeTensor<float>({2}, std::vector<float>{2, 2})},
          MaceStatus::MACE_UNSUPPORTED, "must be known before the run");
  refused(def, {image, MakeTensor<int32_t>({2}, {2, 2})}, MaceStatus::MACE_UNSUPPORTED,
          "is computed from the elements of a model input");
  refused(def, {image, MakeConst<uint8_t>({2}, {2, 2})}, invalid, "must be int32, int64");
}

}  // namespace
}  // namespace test
}  // namespace ops
}  // namespace mace
