// SPDX-License-Identifier: Apache-2.0
// What the tests of kernels share: buffers that end at a page that may not be touched, numbers that
// are the same everywhere, and the measure of an error.
#ifndef MACE_KERNELS_TEST_UTIL_H_
#define MACE_KERNELS_TEST_UTIL_H_

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "gtest/gtest.h"
#include "mace/base/isa.h"
#include "mace/kernels/guarded_buffer.h"

namespace mace {
namespace kernels {

// Room for floats that is used again and again, each time the last of them: a read or write past
// the end is a segmentation fault. Words in front of those taken tell a write before the beginning.
class GuardedFloats {
 public:
  explicit GuardedFloats(int64_t max_floats)
      : room_(static_cast<size_t>(max_floats + kGuard) * sizeof(float)),
        end_(room_.as<float>() + max_floats + kGuard) {}

  // The last n floats, all set to `value`, with guard words in front.
  float *Take(int64_t n, float value = 0) {
    begin_ = end_ - n;
    for (int64_t i = 0; i < n; ++i) begin_[i] = value;
    for (int i = 1; i <= kGuard; ++i) begin_[-i] = kGuardValue;
    return begin_;
  }
  // As Take, with the content of `values`.
  float *Take(const std::vector<float> &values) {
    float *begin = Take(static_cast<int64_t>(values.size()));
    for (size_t i = 0; i < values.size(); ++i) begin[i] = values[i];
    return begin;
  }
  bool Intact() const {
    for (int i = 1; i <= kGuard; ++i) {
      if (begin_[-i] != kGuardValue) return false;
    }
    return true;
  }

 private:
  static constexpr int kGuard = 32;
  static constexpr float kGuardValue = -12345.5f;
  GuardedBuffer room_;
  float *end_;
  float *begin_ = nullptr;
};

// Uniform numbers in [-1, 1), a linear congruential generator.
class Random {
 public:
  explicit Random(uint32_t seed) : state_(seed * 2654435761u + 12345u) {}
  float operator()() {
    state_ = state_ * 1664525u + 1013904223u;
    return static_cast<float>(static_cast<int32_t>(state_) >> 8) * (1.0f / (1 << 23));
  }
  std::vector<float> Vector(int64_t n) {
    std::vector<float> values(n);
    for (float &value : values) value = (*this)();
    return values;
  }

 private:
  uint32_t state_;
};

// Compares results with sums in double. Each must be within kMaxError of the sum of the absolute
// terms, and all together within kMaxNmse = sum of squared errors / sum of squared truths.
class ErrorMeter {
 public:
  static constexpr double kMaxError = 1e-6;
  static constexpr double kMaxNmse = 1e-12;

  // magnitude: sum of the absolute terms of `expected`.
  bool Add(float actual, double expected, double magnitude) {
    const double error = std::fabs(actual - expected);
    squared_error_ += error * error;
    squared_truth_ += expected * expected;
    const double relative = error / (magnitude + 1e-30);
    if (!(relative <= max_error_)) max_error_ = relative;
    return relative <= kMaxError;
  }
  void Expect(const char *what) const {
    EXPECT_LE(max_error_, kMaxError) << what;
    EXPECT_LE(squared_error_, kMaxNmse * squared_truth_ + 1e-30) << what;
  }

 private:
  double squared_error_ = 0;
  double squared_truth_ = 0;
  double max_error_ = 0;
};

// Calls test(kernel) for each kernel of the list that this machine can run.
template <typename List, typename Test>
void ForEachKernel(const List &list, Test test) {
  int tested = 0;
  for (const auto &kernel : list) {
    if ((kernel.isa & (DetectedIsas() | kIsaReference)) == 0) continue;
    SCOPED_TRACE(kernel.name);
    test(kernel);
    ++tested;
  }
  EXPECT_GT(tested, 0);
}

}  // namespace kernels
}  // namespace mace

#endif  // MACE_KERNELS_TEST_UTIL_H_
