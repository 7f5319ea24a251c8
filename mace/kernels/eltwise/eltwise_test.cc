// SPDX-License-Identifier: Apache-2.0
// Every elementwise kernel that this machine can run, on rows of every remainder that end at a
// forbidden page, against the reference in double.
#include "mace/kernels/eltwise/eltwise.h"

#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "mace/kernels/guarded_buffer.h"

namespace mace {
namespace kernels {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
// All remainders of 4, 8 and 16 lanes.
const int64_t kSizes[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 13, 14, 15, 16, 17, 23, 31, 32, 33, 47};

struct Error {
  double rel;
  double abs;
};

// A row that ends at the forbidden page.
class Row {
 public:
  explicit Row(const std::vector<float> &values) : buffer_(values.size() * sizeof(float)) {
    for (size_t i = 0; i < values.size(); ++i) data()[i] = values[i];
  }
  explicit Row(int64_t n) : buffer_(static_cast<size_t>(n) * sizeof(float)) {}
  float *data() const { return buffer_.as<float>(); }
  bool Intact() const { return buffer_.Intact(); }

 private:
  GuardedBuffer buffer_;
};

std::vector<float> Random(int64_t n, float low, float high, uint32_t seed) {
  std::mt19937 generator(seed);
  std::uniform_real_distribution<float> distribution(low, high);
  std::vector<float> values(static_cast<size_t>(n));
  for (float &value : values) value = distribution(generator);
  return values;
}

void ExpectNear(const float *actual, const float *expected, int64_t n, Error error,
                const std::vector<float> &inputs) {
  int failures = 0;
  for (int64_t i = 0; i < n && failures < 5; ++i) {
    const double a = static_cast<double>(actual[i]), e = static_cast<double>(expected[i]);
    bool near = std::fabs(a - e) <= error.abs + error.rel * std::fabs(e);
    if (std::isnan(e)) near = std::isnan(a);
    if (std::isinf(e)) near = a == e;
    if (near) continue;
    ++failures;
    ADD_FAILURE() << "element " << i << " of " << n << ": " << a << " instead of " << e
                  << " for input " << inputs[i % inputs.size()];
  }
}

class KernelTest : public ::testing::Test {
 protected:
  template <typename Function>
  void ForEachKernel(const Function &function) {
    int count = 0;
    for (const EltwiseKernel &kernel : EltwiseKernels()) {
      if ((kernel.isa & DetectedIsas()) == 0) continue;
      SCOPED_TRACE(kernel.name);
      function(*kernel.functions);
      ++count;
    }
    EXPECT_GE(count, 1);
  }

  const EltwiseFunctions &reference_ = *EltwiseKernels().Best(kIsaReference).functions;
};

#if defined(__arm__)
// Without subnormal numbers.
constexpr float kTiny = std::numeric_limits<float>::min();
#else
constexpr float kTiny = std::numeric_limits<float>::denorm_min();
#endif

const std::vector<float> &SpecialNumbers() {
  static const std::vector<float> numbers = {
      0.0f,   -0.0f,      kInf,        -kInf,         kNan,   1.0f,   -1.0f,    0.5f,   -0.5f,
      1.5f,   2.5f,       -2.5f,       87.0f,         88.7f,  89.0f,  104.0f,   105.0f, -87.0f,
      -88.0f, -103.0f,    -105.0f,     1e-30f,        -1e-7f, 1e10f,  -1e10f,   3e38f,  -3e38f,
      kTiny,  8388609.0f, -8388609.0f, 2147483648.0f, 0.999f, 1.001f, 4.0f,     -4.5f,  6.0f,
      -3.0f,  3.0f,       20.0f,       21.0f,         9.1f,   -9.2f,  1.19e-38f};
  return numbers;
}

class BinaryKernel : public KernelTest {
 protected:
  void Check(const EltwiseFunctions &kernel, BinaryFunction function, RowStep step,
             const std::vector<float> &a, const std::vector<float> &b, Error error) {
    SCOPED_TRACE(testing::Message()
                 << "function " << function << ", step " << static_cast<int>(step));
    const int64_t n = static_cast<int64_t>(step == RowStep::kSecond ? b.size() : a.size());
    const Row row_a(step == RowStep::kSecond ? std::vector<float>(1, a.empty() ? 1 : a[0]) : a);
    const Row row_b(step == RowStep::kFirst ? std::vector<float>(1, b.empty() ? 1 : b[0]) : b);
    const Row actual(n), expected(n);
    kernel.binary(function, step, row_a.data(), row_b.data(), actual.data(), n);
    reference_.binary(function, step, row_a.data(), row_b.data(), expected.data(), n);
    ExpectNear(actual.data(), expected.data(), n, error, a.empty() ? std::vector<float>{0} : a);
    EXPECT_TRUE(actual.Intact());
    // In place, over both inputs.
    if (step != RowStep::kSecond) {
      const Row copy(a);
      kernel.binary(function, step, copy.data(), row_b.data(), copy.data(), n);
      ExpectNear(copy.data(), expected.data(), n, error, {0});
    }
    if (step != RowStep::kFirst) {
      const Row copy(b);
      kernel.binary(function, step, row_a.data(), copy.data(), copy.data(), n);
      ExpectNear(copy.data(), expected.data(), n, error, {0});
    }
  }
};

Error BinaryError(int function) {
  return function == kBinaryPow ? Error{2e-6, 0} : Error{1.2e-7, 1e-37};
}

TEST_F(BinaryKernel, AllRemainders) {
  ForEachKernel([&](const EltwiseFunctions &kernel) {
    for (int f = kBinarySum; f <= kBinaryMod; ++f) {
      for (int64_t n : kSizes) {
        const float low = f == kBinaryPow ? 0.1f : -4.0f;
        const std::vector<float> a = Random(n, low, 4, 1), b = Random(n, low, 4, 2);
        for (RowStep step : {RowStep::kBoth, RowStep::kFirst, RowStep::kSecond}) {
          Check(kernel, static_cast<BinaryFunction>(f), step, a, b, BinaryError(f));
        }
      }
    }
  });
}

TEST_F(BinaryKernel, SpecialNumbers) {
  std::vector<float> a, b;
  for (float x : SpecialNumbers()) {
    for (float y : SpecialNumbers()) {
      a.push_back(x);
      b.push_back(y);
    }
  }
  ForEachKernel([&](const EltwiseFunctions &kernel) {
    for (int f = kBinarySum; f <= kBinaryMod; ++f) {
      Check(kernel, static_cast<BinaryFunction>(f), RowStep::kBoth, a, b, BinaryError(f));
    }
  });
}

TEST_F(BinaryKernel, PowersWithVectorForms) {
  ForEachKernel([&](const EltwiseFunctions &kernel) {
    for (float exponent : {-2.0f, -1.0f, -0.5f, 0.0f, 0.5f, 1.0f, 1.5f, 2.0f, 3.0f, kNan, kInf}) {
      Check(kernel, kBinaryPow, RowStep::kFirst, SpecialNumbers(), {exponent}, {2e-6, 0});
      Check(kernel, kBinaryPow, RowStep::kFirst, Random(37, 0, 9, 3), {exponent}, {2e-6, 0});
    }
  });
}

TEST_F(BinaryKernel, Comparisons) {
  ForEachKernel([&](const EltwiseFunctions &kernel) {
    for (int f = kBinaryEqual; f < kBinaryCount; ++f) {
      for (int64_t n : kSizes) {
        std::vector<float> a, b;
        for (int64_t i = 0; i < n; ++i) {
          const auto &numbers = SpecialNumbers();
          a.push_back(numbers[static_cast<size_t>(i) % numbers.size()]);
          b.push_back(numbers[static_cast<size_t>(i * 7) % numbers.size()]);
        }
        for (RowStep step : {RowStep::kBoth, RowStep::kFirst, RowStep::kSecond}) {
          if (n == 0 && step != RowStep::kBoth) continue;
          const Row row_a(step == RowStep::kSecond ? std::vector<float>{1.0f} : a);
          const Row row_b(step == RowStep::kFirst ? std::vector<float>{1.0f} : b);
          const GuardedBuffer actual(static_cast<size_t>(n)), expected(static_cast<size_t>(n));
          kernel.compare(static_cast<BinaryFunction>(f), step, row_a.data(), row_b.data(),
                         actual.as<uint8_t>(), n);
          reference_.compare(static_cast<BinaryFunction>(f), step, row_a.data(), row_b.data(),
                             expected.as<uint8_t>(), n);
          EXPECT_TRUE(n == 0 || memcmp(actual.data(), expected.data(), n) == 0)
              << "function " << f << ", " << n << " elements";
          EXPECT_TRUE(actual.Intact());
        }
      }
    }
  });
}

TEST_F(BinaryKernel, WeightedSum) {
  ForEachKernel([&](const EltwiseFunctions &kernel) {
    for (int64_t n : kSizes) {
      const std::vector<float> a = Random(n, -4, 4, 1), b = Random(n, -4, 4, 2);
      for (RowStep step : {RowStep::kBoth, RowStep::kFirst, RowStep::kSecond}) {
        const Row row_a(step == RowStep::kSecond ? std::vector<float>{1.5f} : a);
        const Row row_b(step == RowStep::kFirst ? std::vector<float>{-2.5f} : b);
        const Row actual(n), expected(n);
        kernel.weighted_sum(step, 0.5f, row_a.data(), -3.0f, row_b.data(), actual.data(), n);
        reference_.weighted_sum(step, 0.5f, row_a.data(), -3.0f, row_b.data(), expected.data(), n);
        ExpectNear(actual.data(), expected.data(), n, {1e-6, 1e-6}, {0});
      }
    }
  });
}

// Bounds of the header; 0 where the result is correctly rounded.
Error UnaryError(int function) {
  switch (function) {
    case kUnaryExp:
    case kUnaryLog:
      return {2e-6, 2e-38};
    case kUnaryErf:
    case kUnarySin:
    case kUnaryCos:
      return {0, 1e-6};
    case kUnaryRsqrt:
      return {2e-7, 2e-38};
    case kUnaryReciprocal:
      return {1e-7, 2e-38};
    default:
      return {0, 0};
  }
}

class UnaryKernel : public KernelTest {
 protected:
  void Check(const EltwiseFunctions &kernel, UnaryFunction function,
             const std::vector<float> &values, Error error) {
    SCOPED_TRACE(testing::Message() << "function " << function);
    const int64_t n = static_cast<int64_t>(values.size());
    const Row in(values), actual(n), expected(n);
    kernel.unary(function, in.data(), actual.data(), n);
    reference_.unary(function, in.data(), expected.data(), n);
    ExpectNear(actual.data(), expected.data(), n, error, values);
    EXPECT_TRUE(actual.Intact());
    kernel.unary(function, in.data(), in.data(), n);
    ExpectNear(in.data(), expected.data(), n, error, values);
  }

  void Check(const EltwiseFunctions &kernel, const ActivationParams &params,
             const std::vector<float> &values, Error error) {
    SCOPED_TRACE(testing::Message() << "kind " << params.kind);
    const int64_t n = static_cast<int64_t>(values.size());
    const Row in(values), actual(n), expected(n);
    kernel.activate(params, in.data(), actual.data(), n);
    reference_.activate(params, in.data(), expected.data(), n);
    ExpectNear(actual.data(), expected.data(), n, error, values);
    EXPECT_TRUE(actual.Intact());
    kernel.activate(params, in.data(), in.data(), n);
    ExpectNear(in.data(), expected.data(), n, error, values);
  }
};

TEST_F(UnaryKernel, AllRemainders) {
  ForEachKernel([&](const EltwiseFunctions &kernel) {
    for (int f = 0; f < kUnaryNot; ++f) {
      for (int64_t n : kSizes) {
        const bool positive = f == kUnaryLog || f == kUnarySqrt || f == kUnaryRsqrt;
        Check(kernel, static_cast<UnaryFunction>(f), Random(n, positive ? 0.01f : -9.0f, 9, 4),
              UnaryError(f));
      }
    }
  });
}

TEST_F(UnaryKernel, SpecialNumbers) {
  ForEachKernel([&](const EltwiseFunctions &kernel) {
    for (int f = 0; f < kUnaryNot; ++f) {
      Check(kernel, static_cast<UnaryFunction>(f), SpecialNumbers(), UnaryError(f));
    }
  });
}

// The bounds of the header hold over the whole range.
TEST_F(UnaryKernel, DenseRanges) {
#if defined(__x86_64__)
  const int64_t n = 200000;
#else
  const int64_t n = 4000;
#endif
  ForEachKernel([&](const EltwiseFunctions &kernel) {
    Check(kernel, kUnaryExp, Random(n, -87, 88.7f, 5), {2e-6, 0});
    Check(kernel, kUnaryLog, Random(n, 1e-6f, 3, 6), {2e-6, 1e-7});
    Check(kernel, kUnaryErf, Random(n, -5, 5, 7), {0, 1e-6});
    Check(kernel, kUnarySin, Random(n, -1000, 1000, 8), {0, 1e-6});
    Check(kernel, kUnaryCos, Random(n, -45000, 45000, 9), {0, 1e-6});
    Check(kernel, kUnaryRound, Random(n, -100, 100, 9), {0, 0});
    Check(kernel, ActivationParams{kActivationTanh, 0, 0, 0}, Random(n, -10, 10, 10), {2e-6, 0});
    Check(kernel, ActivationParams{kActivationTanh, 0, 0, 0}, Random(n, -0.01f, 0.01f, 10),
          {2e-6, 0});
    Check(kernel, ActivationParams{kActivationSigmoid, 0, 0, 0}, Random(n, -80, 80, 11), {2e-6, 0});
    Check(kernel, ActivationParams{kActivationElu, 0, 1, 0}, Random(n, -20, 1, 12), {2e-6, 0});
    Check(kernel, ActivationParams{kActivationSoftplus, 0, 0, 0}, Random(n, -80, 80, 13),
          {2e-6, 0});
    Check(kernel, ActivationParams{kActivationGelu, 0, 0, 0}, Random(n, -6, 6, 14), {2e-7, 1e-6});
    Check(kernel, ActivationParams{kActivationMish, 0, 0, 0}, Random(n, -30, 30, 15), {1e-6, 1e-6});
    Check(kernel, ActivationParams{kActivationSilu, 0, 0, 0}, Random(n, -30, 30, 16), {2e-6, 0});
  });
}

const ActivationParams kActivations[] = {
    {kActivationNoop, 0, 0, 0},
    {kActivationRelu, 0, 0, 0},
    {kActivationRelux, 6, 0, 0},
    {kActivationTanh, 0, 0, 0},
    {kActivationSigmoid, 0, 0, 0},
    {kActivationLeakyRelu, 0, 0.1f, 0},
    {kActivationHardSigmoid, 0, 0.2f, 0.5f},
    {kActivationHardSwish, 0, 0, 0},
    {kActivationElu, 0, 1.5f, 0},
    {kActivationSilu, 0, 0, 0},
    {kActivationSoftplus, 0, 0, 0},
    {kActivationGelu, 0, 0, 0},
    {kActivationMish, 0, 0, 0},
    {kActivationSelu, 0, 0, 0},
    {kActivationGeluTanh, 0, 0, 0},
};

TEST_F(UnaryKernel, ActivationsOfAllRemainders) {
  ForEachKernel([&](const EltwiseFunctions &kernel) {
    for (const ActivationParams &params : kActivations) {
      for (int64_t n : kSizes) Check(kernel, params, Random(n, -9, 9, 17), {2e-6, 1e-6});
    }
  });
}

TEST_F(UnaryKernel, ActivationsOfSpecialNumbers) {
  ForEachKernel([&](const EltwiseFunctions &kernel) {
    for (const ActivationParams &params : kActivations) {
      Check(kernel, params, SpecialNumbers(), {2e-6, 1e-6});
    }
  });
}

TEST_F(UnaryKernel, NanStaysNan) {
  ForEachKernel([&](const EltwiseFunctions &kernel) {
    for (const ActivationParams &params : kActivations) {
      float values[17];
      for (float &value : values) value = kNan;
      kernel.activate(params, values, values, 17);
      for (float value : values) EXPECT_TRUE(std::isnan(value)) << "kind " << params.kind;
    }
  });
}

TEST_F(UnaryKernel, PreluAndScaleOffset) {
  ForEachKernel([&](const EltwiseFunctions &kernel) {
    for (int64_t n : kSizes) {
      const Row x(Random(n, -4, 4, 1)), y(Random(n, -4, 4, 2)), z(Random(n, -4, 4, 3));
      const Row one(std::vector<float>{0.25f}), actual(n), expected(n);
      kernel.prelu(RowStep::kBoth, x.data(), y.data(), actual.data(), n);
      reference_.prelu(RowStep::kBoth, x.data(), y.data(), expected.data(), n);
      ExpectNear(actual.data(), expected.data(), n, {0, 0}, {0});
      kernel.prelu(RowStep::kFirst, x.data(), one.data(), actual.data(), n);
      reference_.prelu(RowStep::kFirst, x.data(), one.data(), expected.data(), n);
      ExpectNear(actual.data(), expected.data(), n, {0, 0}, {0});
      kernel.scale_offset(x.data(), y.data(), z.data(), actual.data(), n);
      reference_.scale_offset(x.data(), y.data(), z.data(), expected.data(), n);
      ExpectNear(actual.data(), expected.data(), n, {1e-6, 1e-6}, {0});
      EXPECT_TRUE(actual.Intact());
    }
  });
}

TEST(Activation, ServesOtherKernels) {
  const float in[] = {-1, 2, 9};
  float out[3] = {};
  ApplyActivationF32({kActivationRelux, 6, 0, 0}, in, out, 3);
  EXPECT_EQ(out[0], 0);
  EXPECT_EQ(out[1], 2);
  EXPECT_EQ(out[2], 6);
}

}  // namespace
}  // namespace kernels
}  // namespace mace
