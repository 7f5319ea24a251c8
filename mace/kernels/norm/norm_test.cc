// SPDX-License-Identifier: Apache-2.0
// Every normalization kernel that this machine can run, with every remainder, on memory that ends
// at a forbidden page, against the reference in double.
#include "mace/kernels/norm/norm.h"

#include <cmath>
#include <cstring>
#include <random>
#include <vector>

#include "gtest/gtest.h"
#include "mace/kernels/guarded_buffer.h"

namespace mace {
namespace kernels {
namespace {

const int64_t kSizes[] = {1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 47, 63, 64, 65, 200};

GuardedBuffer Random(int64_t n, float low, float high, uint32_t seed) {
  std::mt19937 generator(seed);
  std::uniform_real_distribution<float> distribution(low, high);
  GuardedBuffer buffer(static_cast<size_t>(n) * sizeof(float));
  for (int64_t i = 0; i < n; ++i) buffer.as<float>()[i] = distribution(generator);
  return buffer;
}

GuardedBuffer Copy(const GuardedBuffer &source) {
  GuardedBuffer copy(source.bytes());
  memcpy(copy.data(), source.data(), source.bytes());
  return copy;
}

// function(kernel, in, out) for all kernels, in place too.
template <typename Function>
void Check(const GuardedBuffer &in, double rel, double abs, const Function &function) {
  const GuardedBuffer expected(in.bytes());
  function(*NormKernels().Best(kIsaReference).functions, in.as<float>(), expected.as<float>());
  const size_t n = in.bytes() / sizeof(float);
  for (const NormKernel &kernel : NormKernels()) {
    if ((kernel.isa & DetectedIsas()) == 0) continue;
    for (bool in_place : {false, true}) {
      SCOPED_TRACE(testing::Message() << kernel.name << ", " << n << (in_place ? " in place" : ""));
      const GuardedBuffer out = in_place ? Copy(in) : GuardedBuffer(in.bytes());
      function(*kernel.functions, in_place ? out.as<float>() : in.as<float>(), out.as<float>());
      EXPECT_TRUE(out.Intact());
      for (size_t i = 0; i < n; ++i) {
        const double e = static_cast<double>(expected.as<float>()[i]);
        ASSERT_NEAR(static_cast<double>(out.as<float>()[i]), e, abs + rel * std::fabs(e)) << i;
      }
    }
  }
}

TEST(Norm, LayerNorm) {
  for (int64_t n : kSizes) {
    for (float mean : {0.0f, 50.0f}) {
      const GuardedBuffer in = Random(n, mean - 2, mean + 2, 1);
      const GuardedBuffer scale = Random(n, -2, 2, 2), offset = Random(n, -2, 2, 3);
      for (int which = 0; which < 4; ++which) {
        const float *s = (which & 1) != 0 ? scale.as<float>() : nullptr;
        const float *o = (which & 2) != 0 ? offset.as<float>() : nullptr;
        Check(in, 5e-6, 2e-5, [&](const NormFunctions &kernel, const float *x, float *y) {
          kernel.layer_norm(x, s, o, 1e-3f, n, y);
        });
      }
    }
  }
}

TEST(Norm, LocalResponse) {
  for (int64_t n : kSizes) {
    const GuardedBuffer in = Random(n, -3, 3, 4);
    for (int64_t radius : {0, 1, 2, 5}) {
      const GuardedBuffer squares(static_cast<size_t>(n + 2 * radius) * sizeof(float));
      for (float beta : {0.5f, 0.6f, 0.75f, 1.0f}) {
        const LocalResponse params = {radius, 1.5f, 0.3f, beta};
        Check(in, 3e-6, 1e-7, [&](const NormFunctions &kernel, const float *x, float *y) {
          kernel.local_response(params, x, n, squares.as<float>(), y);
        });
        EXPECT_TRUE(squares.Intact());
      }
    }
  }
}

TEST(Norm, Scale) {
  for (int64_t n : kSizes) {
    const GuardedBuffer in = Random(n, -3, 3, 5), scale = Random(n, -3, 3, 6);
    for (bool one : {false, true}) {
      Check(in, 3e-7, 0, [&](const NormFunctions &kernel, const float *x, float *y) {
        kernel.scale(x, 0.3f, scale.as<float>(), one, n, y);
      });
    }
  }
}

}  // namespace
}  // namespace kernels
}  // namespace mace
