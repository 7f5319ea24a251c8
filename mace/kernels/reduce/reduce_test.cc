// SPDX-License-Identifier: Apache-2.0
// Every reduction kernel that this machine can run, with every remainder, on memory that ends at a
// forbidden page, against the reference in double.
#include "mace/kernels/reduce/reduce.h"

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

std::vector<float> Random(int64_t n, float low, float high) {
  std::mt19937 generator(static_cast<uint32_t>(n));
  std::uniform_real_distribution<float> distribution(low, high);
  std::vector<float> values(static_cast<size_t>(n));
  for (float &value : values) value = distribution(generator);
  return values;
}

void ExpectNear(float actual, float expected, double abs) {
  if (std::isnan(expected)) {
    EXPECT_TRUE(std::isnan(actual));
  } else if (std::isinf(expected)) {
    EXPECT_EQ(actual, expected);
  } else {
    EXPECT_NEAR(static_cast<double>(actual), static_cast<double>(expected),
                abs + 1e-6 * std::fabs(static_cast<double>(expected)));
  }
}

// rows x width numbers at a distance of stride, by all kernels; one row when width is 0.
void Check(const std::vector<float> &values, int64_t rows, int64_t stride, int64_t width,
           double abs = 1e-6) {
  const GuardedBuffer in(values.size() * sizeof(float));
  if (!values.empty()) memcpy(in.data(), values.data(), in.bytes());
  const ReduceFunctions &reference = *ReduceKernels().Best(kIsaReference).functions;
  for (const ReduceKernel &kernel : ReduceKernels()) {
    if ((kernel.isa & DetectedIsas()) == 0) continue;
    for (int f = 0; f < kReduceCount; ++f) {
      const ReduceFunction function = static_cast<ReduceFunction>(f);
      SCOPED_TRACE(testing::Message() << kernel.name << ", function " << f << ", " << rows << " x "
                                      << width << ", stride " << stride);
      if (width == 0) {
        ExpectNear(kernel.functions->row(function, in.as<float>(), rows),
                   reference.row(function, in.as<float>(), rows), abs);
        continue;
      }
      const GuardedBuffer actual(static_cast<size_t>(width) * sizeof(float));
      std::vector<float> expected(static_cast<size_t>(width));
      kernel.functions->columns(function, in.as<float>(), rows, stride, width, actual.as<float>());
      reference.columns(function, in.as<float>(), rows, stride, width, expected.data());
      EXPECT_TRUE(actual.Intact());
      for (int64_t c = 0; c < width; ++c) ExpectNear(actual.as<float>()[c], expected[c], abs);
    }
  }
}

TEST(Reduce, RowsOfAllLengths) {
  for (int64_t n = 0; n < 70; ++n) Check(Random(n, -1.5f, 1.5f), n, 1, 0, 1e-5);
  for (int64_t n : {127, 128, 129, 1000, 4097}) Check(Random(n, -1, 1), n, 1, 0, 1e-4);
}

TEST(Reduce, ColumnsOfAllWidths) {
  for (int64_t width : {1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 63, 64, 65, 130}) {
    for (int64_t rows : {0, 1, 2, 5, 49, 70, 131}) {
      Check(Random(rows * width, -1.2f, 1.2f), rows, width, width, 3e-5);
    }
  }
}

TEST(Reduce, ColumnsApart) {
  const int64_t rows = 70, stride = 40;
  for (int64_t width : {1, 3, 16, 21}) {
    Check(Random((rows - 1) * stride + width, -1.2f, 1.2f), rows, stride, width, 3e-5);
  }
}

TEST(Reduce, LongSumsStayExact) {
#if defined(__x86_64__)
  const int64_t n = 3000000;
#else
  const int64_t n = 100000;
#endif
  Check(Random(n, 0, 1), n, 1, 0);
  Check(Random(n, 0, 1), n / 5, 5, 5, 1e-6 * static_cast<double>(n / 5));
}

TEST(Reduce, NumbersThatAreNotFinite) {
  for (float special : {kNan, kInf, -kInf}) {
    for (int64_t n : {1, 5, 33, 80}) {
      for (int64_t place : {int64_t{0}, n / 2, n - 1}) {
        std::vector<float> values = Random(n, 0.5f, 1);
        values[static_cast<size_t>(place)] = special;
        Check(values, n, 1, 0);
        Check(values, n, 1, 1);
        Check(values, 1, n, n);
      }
    }
  }
}

}  // namespace
}  // namespace kernels
}  // namespace mace
