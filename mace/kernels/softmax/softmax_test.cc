// SPDX-License-Identifier: Apache-2.0
// Every softmax kernel that this machine can run, with every remainder of rows and columns, on
// memory that ends at a forbidden page, against the reference in double.
#include "mace/kernels/softmax/softmax.h"

#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include "gtest/gtest.h"
#include "mace/kernels/guarded_buffer.h"

namespace mace {
namespace kernels {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

class SoftmaxTest : public ::testing::TestWithParam<bool> {
 protected:
  // Rows when width is 0, else columns.
  void Check(const std::vector<float> &values, int64_t count, int64_t n, int64_t stride,
             int64_t width, double rel = 2e-6) {
    const size_t bytes = values.size() * sizeof(float);
    GuardedBuffer expected(bytes), in(bytes);
    memcpy(in.data(), values.data(), bytes);
    memcpy(expected.data(), values.data(), bytes);
    Run(*SoftmaxKernels().Best(kIsaReference).functions, in, expected, count, n, stride, width);
    for (const SoftmaxKernel &kernel : SoftmaxKernels()) {
      if ((kernel.isa & DetectedIsas()) == 0) continue;
      SCOPED_TRACE(testing::Message() << kernel.name << ", " << count << " x " << n << ", stride "
                                      << stride << ", width " << width);
      for (bool in_place : {false, true}) {
        GuardedBuffer out(bytes);
        memcpy(out.data(), values.data(), bytes);
        Run(*kernel.functions, in_place ? out : in, out, count, n, stride, width);
        EXPECT_TRUE(out.Intact());
        Compare(out.as<float>(), expected.as<float>(), values, rel);
      }
    }
  }

 private:
  void Run(const SoftmaxFunctions &kernel, const GuardedBuffer &in, const GuardedBuffer &out,
           int64_t count, int64_t n, int64_t stride, int64_t width) {
    if (width == 0) {
      kernel.rows(GetParam(), in.as<float>(), out.as<float>(), count, n);
    } else {
      kernel.columns(GetParam(), in.as<float>(), out.as<float>(), n, stride, width);
    }
  }

  void Compare(const float *actual, const float *expected, const std::vector<float> &values,
               double rel) {
    int failures = 0;
    for (size_t i = 0; i < values.size() && failures < 5; ++i) {
      const double a = static_cast<double>(actual[i]), e = static_cast<double>(expected[i]);
      bool near = std::fabs(a - e) <= (GetParam() ? 1e-6 : 1e-37) + rel * std::fabs(e);
      if (std::isnan(e)) near = std::isnan(a);
      if (std::isinf(e)) near = a == e;
      if (near) continue;
      ++failures;
      ADD_FAILURE() << "element " << i << ": " << a << " instead of " << e << " for " << values[i];
    }
  }
};

std::vector<float> Random(int64_t n, float low, float high) {
  std::mt19937 generator(static_cast<uint32_t>(n));
  std::uniform_real_distribution<float> distribution(low, high);
  std::vector<float> values(static_cast<size_t>(n));
  for (float &value : values) value = distribution(generator);
  return values;
}

TEST_P(SoftmaxTest, RowsOfAllLengths) {
  for (int64_t n : {1, 2, 3, 5, 7, 8, 11, 12, 13, 15, 16, 17, 31, 33, 47, 63, 64, 65, 127, 1000}) {
    for (int64_t count : {1, 2, 3, 5}) Check(Random(count * n, -6, 6), count, n, 1, 0);
  }
}

TEST_P(SoftmaxTest, ManyShortRows) {
  for (int64_t n : {1, 2, 4, 12}) {
    for (int64_t count : {63, 64, 65, 130}) Check(Random(count * n, -6, 6), count, n, 1, 0);
  }
}

TEST_P(SoftmaxTest, ColumnsOfAllWidths) {
  for (int64_t width : {1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 47}) {
    for (int64_t n : {1, 2, 5, 19}) {
      Check(Random(n * width, -6, 6), 1, n, width, width);
    }
  }
}

TEST_P(SoftmaxTest, LargeAndSmallNumbers) {
  for (float size : {1e-6f, 100.0f, 1e4f, 1e30f}) {
    // The rounding of x - max counts.
    Check(Random(100, -size, size), 1, 100, 1, 0, 1e-5);
    Check(Random(100, -size, size), 50, 2, 1, 0, 1e-5);
    Check(Random(100, -size, size), 1, 5, 20, 20, 1e-5);
  }
}

TEST_P(SoftmaxTest, NumbersThatAreNotFinite) {
  const float special[] = {kInf, -kInf, kNan};
  for (int64_t n : {3, 16, 40}) {
    for (float number : special) {
      std::vector<float> values = Random(n, -1, 1);
      values[1] = number;
      Check(values, 1, n, 1, 0);
      values.assign(static_cast<size_t>(n), number);
      Check(values, 1, n, 1, 0);
      Check(values, 1, n, 1, 1);
      std::vector<float> pairs = Random(2 * n, -1, 1);
      pairs[2] = number;
      Check(pairs, n, 2, 1, 0);
      Check(pairs, 1, 2, n, n);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(LogOrNot, SoftmaxTest, ::testing::Bool());

}  // namespace
}  // namespace kernels
}  // namespace mace
