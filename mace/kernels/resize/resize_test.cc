// SPDX-License-Identifier: Apache-2.0
// Every resizing kernel that this machine can run, with every remainder, on memory that ends at a
// forbidden page, against the reference in double.
#include "mace/kernels/resize/resize.h"

#include <cstring>
#include <random>
#include <vector>

#include "gtest/gtest.h"
#include "mace/kernels/guarded_buffer.h"

namespace mace {
namespace kernels {
namespace {

class Numbers {
 public:
  float Next() { return distribution_(generator_); }
  GuardedBuffer Buffer(int64_t n) {
    GuardedBuffer buffer(static_cast<size_t>(n) * sizeof(float));
    for (int64_t i = 0; i < n; ++i) buffer.as<float>()[i] = Next();
    return buffer;
  }
  int64_t Below(int64_t n) { return static_cast<int64_t>(generator_()) % n; }

 private:
  std::minstd_rand generator_;
  std::uniform_real_distribution<float> distribution_{-1, 1};
};

template <typename Function>
void ForEachKernel(const Function &function) {
  for (const ResizeKernel &kernel : ResizeKernels()) {
    if ((kernel.isa & DetectedIsas()) == 0) continue;
    SCOPED_TRACE(kernel.name);
    function(*kernel.functions);
  }
}

const ResizeFunctions &Reference() { return *ResizeKernels().Best(kIsaReference).functions; }

void ExpectNear(const GuardedBuffer &actual, const GuardedBuffer &expected) {
  EXPECT_TRUE(actual.Intact());
  for (size_t i = 0; i < actual.bytes() / sizeof(float); ++i) {
    ASSERT_NEAR(actual.as<float>()[i], expected.as<float>()[i], 1e-6) << "element " << i;
  }
}

TEST(Resize, ResampleOfAllChannels) {
  Numbers numbers;
  ForEachKernel([&](const ResizeFunctions &kernel) {
    for (int taps : {2, 4}) {
      for (int64_t channels : {1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 15, 16, 17, 19, 24, 31, 33, 40}) {
        const int64_t width = 5, n = 7;
        const GuardedBuffer in = numbers.Buffer(width * channels);
        std::vector<int32_t> places;
        std::vector<float> weights;
        for (int64_t i = 0; i < n * taps; ++i) {
          places.push_back(static_cast<int32_t>(i == 0 ? width - 1 : numbers.Below(width)));
          weights.push_back(numbers.Next());
        }
        const GuardedBuffer actual(static_cast<size_t>(n * channels) * sizeof(float));
        const GuardedBuffer expected(actual.bytes());
        kernel.resample(in.as<float>(), places.data(), weights.data(), taps, n, channels,
                        actual.as<float>());
        Reference().resample(in.as<float>(), places.data(), weights.data(), taps, n, channels,
                             expected.as<float>());
        ExpectNear(actual, expected);
      }
    }
  });
}

TEST(Resize, PickOfAllChannels) {
  Numbers numbers;
  ForEachKernel([&](const ResizeFunctions &kernel) {
    for (int64_t channels = 1; channels < 75; ++channels) {
      const int64_t width = 5, n = 7;
      const GuardedBuffer in = numbers.Buffer(width * channels);
      in.as<uint32_t>()[0] = 0x7fa00001;  // a NaN comes as it is
      std::vector<int32_t> places = {0, static_cast<int32_t>(width - 1)};
      while (static_cast<int64_t>(places.size()) < n) {
        places.push_back(static_cast<int32_t>(numbers.Below(width)));
      }
      const GuardedBuffer actual(static_cast<size_t>(n * channels) * sizeof(float));
      kernel.pick(in.as<float>(), places.data(), n, channels, actual.as<float>());
      EXPECT_TRUE(actual.Intact());
      for (int64_t i = 0; i < n * channels; ++i) {
        const int64_t from = places[static_cast<size_t>(i / channels)] * channels + i % channels;
        ASSERT_EQ(actual.as<uint32_t>()[i], in.as<uint32_t>()[from]) << channels << ", " << i;
      }
    }
  });
}

TEST(Resize, BlendOfAllLengths) {
  Numbers numbers;
  ForEachKernel([&](const ResizeFunctions &kernel) {
    for (int taps : {2, 4}) {
      for (int64_t n = 0; n < 40; ++n) {
        GuardedBuffer buffers[4];
        const float *rows[4];
        float weights[4];
        for (int t = 0; t < taps; ++t) {
          buffers[t] = numbers.Buffer(n);
          rows[t] = buffers[t].as<float>();
          weights[t] = numbers.Next();
        }
        const GuardedBuffer actual(static_cast<size_t>(n) * sizeof(float));
        const GuardedBuffer expected(actual.bytes());
        kernel.blend(rows, weights, taps, n, actual.as<float>());
        Reference().blend(rows, weights, taps, n, expected.as<float>());
        ExpectNear(actual, expected);
      }
    }
  });
}

}  // namespace
}  // namespace kernels
}  // namespace mace
