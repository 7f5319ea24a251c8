// SPDX-License-Identifier: Apache-2.0
// SqrDiffMean: neighbouring axes of all ranks against plain sums in double.
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "mace/ops/ops_test_util.h"

namespace mace {
namespace ops {
namespace test {
namespace {

// The case over axes [first, end), of which none means all.
OpCase MakeCase(const Shape &shape, int first, int end, bool keepdims) {
  int64_t sizes[3] = {1, 1, 1};  // before the axes, of the axes, after them
  Shape kept, output;
  OpDefBuilder def("SqrDiffMean");
  std::vector<int64_t> axes;
  for (int i = 0; i < shape.rank(); ++i) {
    const bool reduced = first == end || (i >= first && i < end);
    sizes[reduced ? 1 : i < first ? 0 : 2] *= shape[i];
    kept.push_back(reduced ? 1 : shape[i]);
    if (!reduced || keepdims) output.push_back(kept[i]);
    if (reduced && first != end) axes.push_back(i % 2 ? i : i - shape.rank());
  }
  def.AddIntArg("keepdims", keepdims ? 1 : 0);
  if (!axes.empty()) def.AddIntsArg("axis", axes);
  const std::vector<float> in = RandomFloats(shape.elements(), -2, 3);
  const std::vector<float> centre = RandomFloats(kept.elements(), -1, 1);
  std::vector<float> expected;
  for (int64_t o = 0; o < sizes[0]; ++o) {
    for (int64_t c = 0; c < sizes[2]; ++c) {
      const double middle = centre[static_cast<size_t>(o * sizes[2] + c)];
      double sum = 0;
      for (int64_t r = 0; r < sizes[1]; ++r) {
        const double x = in[static_cast<size_t>((o * sizes[1] + r) * sizes[2] + c)];
        sum += (x - middle) * (x - middle);
      }
      expected.push_back(static_cast<float>(sum / static_cast<double>(sizes[1])));
    }
  }
  OpCase op_case = {MakeString(shape.ToString(), " axes ", first, " to ", end),
                    def,
                    {MakeTensor<float>(shape, in), MakeTensor<float>(kept, centre)},
                    {MakeTensor<float>(output, expected)}};
  op_case.abs = 1e-5;
  return op_case;
}

TEST(SqrDiffMean, NeighbouringAxes) {
  for (const Shape &shape : {Shape{}, Shape{7}, Shape{1100}, Shape{3, 5}, Shape{2, 3, 4},
                             Shape{2, 5, 7, 3}, Shape{1, 9, 5, 70}, Shape{2, 1, 3, 1, 2, 5}}) {
    RunOpCase(MakeCase(shape, 0, 0, false));
    for (int first = 0; first < shape.rank(); ++first) {
      for (int end = first + 1; end <= shape.rank(); ++end) {
        RunOpCase(MakeCase(shape, first, end, (first + end) % 2 == 0));
      }
    }
  }
}

TEST(SqrDiffMean, ImagesAreSharedByThreads) {
  RunOpCase(MakeCase({1, 112, 96, 24}, 1, 3, true));
  RunOpCase(MakeCase({1, 40000}, 1, 2, true));
}

TEST(SqrDiffMean, OfNothing) {
  const float nan = NAN;
  RunOpCase({"no rows",
             OpDefBuilder("SqrDiffMean").AddIntsArg("axis", {0}),
             {MakeTensor<float>({0, 2}, {}), MakeTensor<float>({1, 2}, {1, 2})},
             {MakeTensor<float>({2}, {nan, nan})}});
  RunOpCase({"no columns",
             OpDefBuilder("SqrDiffMean").AddIntsArg("axis", {0}),
             {MakeTensor<float>({3, 0}, {}), MakeTensor<float>({1, 0}, {})},
             {MakeTensor<float>({0}, {})}});
}

TEST(SqrDiffMean, RefusesWhatItDoesNotCompute) {
  const auto input = MakeTensor<float>({2, 3, 2}, std::vector<float>(12, 1));
  OpCase op_case = {"no neighbours",
                    OpDefBuilder("SqrDiffMean").AddIntsArg("axis", {0, 2}),
                    {input, MakeTensor<float>({1, 3, 1}, {1, 2, 3})},
                    {}};
  op_case.code = MaceStatus::MACE_UNSUPPORTED;
  op_case.message = "no neighbours";
  RunOpCase(op_case);
  op_case = {"centre of another shape",
             OpDefBuilder("SqrDiffMean").AddIntsArg("axis", {1}),
             {input, MakeTensor<float>({2, 2}, {1, 2, 3, 4})},
             {}};
  op_case.code = MaceStatus::MACE_INVALID_ARGS;
  op_case.message = "and not [2, 1, 2]";
  RunOpCase(op_case);
  op_case = {"axis outside",
             OpDefBuilder("SqrDiffMean").AddIntsArg("axis", {3}),
             {input, MakeTensor<float>({2, 3, 1}, std::vector<float>(6, 1))},
             {}};
  op_case.code = MaceStatus::MACE_INVALID_ARGS;
  op_case.message = "axis";
  RunOpCase(op_case);
}

}  // namespace
}  // namespace test
}  // namespace ops
}  // namespace mace
