// SPDX-License-Identifier: Apache-2.0
// Every kernel of binary16 that this machine can run, against sums in double: convolutions and
// depthwise convolutions with all remainders of their tiles, in buffers of exactly the right size.
#include "mace/base/half.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "mace/kernels/half/half_conv.h"
#include "mace/kernels/half/half_dwconv.h"
#include "mace/kernels/test_util.h"

namespace mace {
namespace kernels {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();

// Numbers that binary16 holds, as floats.
std::vector<float> RandomHalves(int64_t n, uint32_t seed) {
  Random random(seed);
  std::vector<float> values = random.Vector(n);
  for (float &value : values) value = HalfToFloat(FloatToHalf(value));
  return values;
}

// The end of the buffer is the end of the numbers: `n` is rounded up to whole floats.
class HalfBuffer {
 public:
  explicit HalfBuffer(int64_t max) : buffer_(max / 2 + 64) {}
  uint16_t *Take(int64_t n) {
    auto *words = reinterpret_cast<uint16_t *>(buffer_.Take((n + 1) / 2, 0));
    return words + n % 2;
  }
  uint16_t *Take(const std::vector<float> &values) {
    uint16_t *numbers = Take(static_cast<int64_t>(values.size()));
    for (size_t i = 0; i < values.size(); ++i) numbers[i] = FloatToHalf(values[i]);
    return numbers;
  }
  bool Intact() const { return buffer_.Intact(); }

 private:
  GuardedFloats buffer_;
};

// A sum in binary16 is off by half a unit in the last place at each step, at most.
double Tolerance(double magnitude, int64_t terms) {
  return magnitude * 0.0005 * (2 + std::sqrt(static_cast<double>(terms)));
}

struct Options {
  bool bias = true;
  bool residual = false;
  float low = -kInf, high = kInf;
  int64_t extra = 0;  // between output pixels
  int threads = 1;
};

class ConvChecker {
 public:
  ConvChecker() : input_(1 << 18), packed_(1 << 18), output_(1 << 18), residual_(1 << 18) {}

  void Check(const HalfGemmKernel &kernel, const ConvShape &s, const Options &options,
             const std::string &what) {
    SCOPED_TRACE(std::string(kernel.name) + " " + what);
    const int64_t k = s.kernel_h * s.kernel_w * (s.in_c / s.group);
    const std::vector<float> input = RandomHalves(s.batch * s.in_h * s.in_w * s.in_c, 1);
    const std::vector<float> filter = RandomHalves(s.out_c * k, 2), bias = RandomHalves(s.out_c, 3);
    const float *given = options.bias ? bias.data() : nullptr;
    HalfConvPlan plan = PlanHalfConv(s, kernel, options.threads);
    plan.out_stride += options.extra;
    const int64_t pixels = s.batch * s.out_h * s.out_w;
    const int64_t size = (pixels - 1) * plan.out_stride + s.out_c;
    const std::vector<float> residual = RandomHalves(size, 4);
    uint16_t *packed = packed_.Take(plan.packed_size);
    PackHalfConv(plan, filter.data(), given, packed);
    const uint16_t *in = input_.Take(input);
    uint16_t *out = output_.Take(size);
    HalfConvEpilogue epilogue;
    epilogue.low = options.low;
    epilogue.high = options.high;
    if (options.residual) epilogue.residual = residual_.Take(residual);
    std::vector<uint16_t> scratch(plan.scratch_bytes / 2 + 64, 0x7e00);  // NaN
    for (int64_t tile = 0; tile < plan.tiles; ++tile) {
      RunHalfConvTile(plan, epilogue, in, packed, out, tile, scratch.data());
    }
    ASSERT_TRUE(output_.Intact());
    std::vector<double> expected(pixels * s.out_c), magnitude(pixels * s.out_c);
    ConvReference(s, false, input.data(), filter.data(), given, expected.data(), magnitude.data());
    for (int64_t i = 0; i < pixels * s.out_c; ++i) {
      const int64_t at = i / s.out_c * plan.out_stride + i % s.out_c;
      if (options.residual) {
        expected[i] += residual[at];
        magnitude[i] += std::fabs(residual[at]);
      }
      const double wanted =
          std::min<double>(options.high, std::max<double>(options.low, expected[i]));
      ASSERT_NEAR(HalfToFloat(out[at]), wanted, Tolerance(magnitude[i], k)) << i;
    }
    for (int64_t p = 0; p + 1 < pixels; ++p) {
      for (int64_t e = 0; e < options.extra; ++e) {
        ASSERT_EQ(out[p * plan.out_stride + s.out_c + e], 0) << "between pixels";
      }
    }
  }

 private:
  HalfBuffer input_, packed_, output_, residual_;
};

template <typename Check>
void ForKernels(Check check) {
  for (const HalfGemmKernel &kernel : HalfGemmKernels()) {
    if ((kernel.isa & DetectedIsas()) != 0) check(kernel);
  }
}

ConvShape OneByOne(int64_t pixels, int64_t in_c, int64_t out_c) {
  ConvShape s;
  s.in_w = s.out_w = pixels;
  s.in_c = in_c;
  s.out_c = out_c;
  return s;
}

TEST(HalfConvTest, AllRemaindersOfATile) {
  ConvChecker checker;
  ForKernels([&](const HalfGemmKernel &kernel) {
    for (int64_t m = 1; m <= 2 * kHalfRows; ++m) {
      for (int64_t n : {1, 7, 8, 15, 16, 17, 31, 32}) {
        for (int64_t k : {1, 3, 4, 5, 8, 12, 16, 24}) {
          Options options;
          options.residual = (m + n + k) % 2 == 0;
          options.bias = (m + n) % 3 != 0;
          checker.Check(kernel, OneByOne(m, k, n), options,
                        std::to_string(m) + "x" + std::to_string(k) + "x" + std::to_string(n));
        }
      }
    }
  });
}

TEST(HalfConvTest, LongSums) {
  ConvChecker checker;
  ForKernels([&](const HalfGemmKernel &kernel) {
    for (int64_t k : {31, 32, 33, 40, 64, 100, 136, 200}) {
      for (int64_t m : {1, 3, 8, 11}) {
        checker.Check(kernel, OneByOne(m, k, 32), Options(), "k " + std::to_string(k));
      }
    }
  });
}

TEST(HalfConvTest, ClampsAndStrides) {
  ConvChecker checker;
  ForKernels([&](const HalfGemmKernel &kernel) {
    for (int64_t m : {1, 4, 9}) {
      for (int64_t n : {16, 21}) {
        Options options;
        options.low = 0;
        checker.Check(kernel, OneByOne(m, 16, n), options, "low");
        options.high = 0.5f;
        options.residual = true;
        options.extra = 3;
        checker.Check(kernel, OneByOne(m, 16, n), options, "low, high, residual, stride");
      }
    }
  });
}

TEST(HalfConvTest, Windows) {
  ConvChecker checker;
  ForKernels([&](const HalfGemmKernel &kernel) {
    for (int64_t in_c : {1, 3, 8, 16}) {
      for (int64_t stride : {1, 2}) {
        for (int64_t dilation : {1, 2}) {
          for (int64_t group : {1, 2}) {
            ConvShape s;
            s.batch = 2;
            s.in_h = 7;
            s.in_w = 9;
            s.in_c = in_c * group;
            s.out_c = 18 * group;
            s.group = group;
            s.kernel_h = 3;
            s.kernel_w = 3;
            s.stride_h = s.stride_w = stride;
            s.dilation_h = s.dilation_w = dilation;
            s.pad_top = s.pad_left = dilation;
            s.out_h = (s.in_h - 1) / stride + 1;
            s.out_w = (s.in_w - 1) / stride + 1;
            Options options;
            options.threads = static_cast<int>(stride + group);
            checker.Check(kernel, s, options,
                          "window of " + std::to_string(in_c) + " channels, stride " +
                              std::to_string(stride) + ", dilation " + std::to_string(dilation) +
                              ", groups " + std::to_string(group));
          }
        }
      }
    }
  });
}

// Whole tiles of one row of the image, with rows of a window of few, of 8 to 16 and of more
// numbers.
TEST(HalfConvTest, WindowsInside) {
  ConvChecker checker;
  ForKernels([&](const HalfGemmKernel &kernel) {
    for (int64_t in_c : {1, 2, 3, 5, 7}) {
      for (int64_t out_w : {5, 16, 19}) {
        for (int64_t stride : {1, 2}) {
          ConvShape s;
          s.in_h = 7;
          s.in_w = (out_w - 1) * stride + 3;
          s.in_c = in_c;
          s.out_c = 16;
          s.kernel_h = 3;
          s.kernel_w = 3;
          s.stride_h = s.stride_w = stride;
          s.out_h = (s.in_h - 3) / stride + 1;
          s.out_w = out_w;
          checker.Check(kernel, s, Options(),
                        std::to_string(in_c) + " channels, width " + std::to_string(out_w));
        }
      }
    }
  });
}

TEST(HalfConvTest, ActivationAfterwards) {
  const ConvShape s = OneByOne(5, 8, 20);
  const std::vector<float> input = RandomHalves(5 * 8, 1), filter = RandomHalves(20 * 8, 2);
  std::vector<uint16_t> in(input.size());
  for (size_t i = 0; i < in.size(); ++i) in[i] = FloatToHalf(input[i]);
  HalfConvEpilogue epilogue;
  epilogue.low = -kInf;
  epilogue.high = kInf;
  epilogue.activation.kind = kActivationLeakyRelu;
  epilogue.activation.coefficient = 0.25f;
  const HalfConvPlan plan = PlanHalfConv(s, SupportedIsas(), 2);
  std::vector<uint16_t> packed(plan.packed_size), out(100), scratch(plan.scratch_bytes / 2);
  PackHalfConv(plan, filter.data(), nullptr, packed.data());
  for (int64_t tile = 0; tile < plan.tiles; ++tile) {
    RunHalfConvTile(plan, epilogue, in.data(), packed.data(), out.data(), tile, scratch.data());
  }
  std::vector<double> expected(100), magnitude(100);
  ConvReference(s, false, input.data(), filter.data(), nullptr, expected.data(), magnitude.data());
  for (int i = 0; i < 100; ++i) {
    const double wanted = expected[i] < 0 ? expected[i] / 4 : expected[i];
    EXPECT_NEAR(HalfToFloat(out[i]), wanted, Tolerance(magnitude[i], 8));
  }
}

class DwconvChecker {
 public:
  DwconvChecker() : input_(1 << 17), packed_(1 << 14), output_(1 << 17) {}

  void Check(const HalfDwconvKernel &kernel, const DwconvShape &s, float low, float high) {
    SCOPED_TRACE(std::string(kernel.name) + " " + std::to_string(s.out_h) + "x" +
                 std::to_string(s.out_w) + "x" + std::to_string(s.in_c));
    const int64_t taps = s.kernel_h * s.kernel_w;
    const std::vector<float> input = RandomHalves(s.batch * s.in_h * s.in_w * s.in_c, 1);
    const std::vector<float> filter = RandomHalves(taps * s.in_c, 2),
                             bias = RandomHalves(s.in_c, 3);
    uint16_t *packed = packed_.Take(PackedHalfDwconvSize(taps, s.in_c));
    PackHalfDwconv(taps, s.in_c, filter.data(), bias.data(), packed);
    const int64_t size = s.batch * s.out_h * s.out_w * s.in_c;
    const uint16_t *in = input_.Take(input);
    uint16_t *out = output_.Take(size);
    DwconvEpilogue epilogue;
    epilogue.low = low;
    epilogue.high = high;
    for (int threads : {1, 3}) {
      const HalfDwconvPlan plan = PlanHalfDwconv(s, kernel, threads);
      for (int64_t tile = 0; tile < plan.tiles; ++tile) {
        RunHalfDwconvTile(plan, epilogue, in, packed, out, tile);
      }
      ASSERT_TRUE(output_.Intact());
      std::vector<double> expected(size), magnitude(size);
      DwconvReference(s, input.data(), filter.data(), bias.data(), expected.data(),
                      magnitude.data());
      for (int64_t i = 0; i < size; ++i) {
        const double wanted = std::min<double>(high, std::max<double>(low, expected[i]));
        ASSERT_NEAR(HalfToFloat(out[i]), wanted, Tolerance(magnitude[i], taps)) << i;
      }
    }
  }

 private:
  HalfBuffer input_, packed_, output_;
};

TEST(HalfDwconvTest, AllKernels) {
  DwconvChecker checker;
  for (const HalfDwconvKernel &kernel : HalfDwconvKernels()) {
    if ((kernel.isa & DetectedIsas()) == 0) continue;
    int checked = 0;
    for (int64_t window : {1, 3, 5}) {
      for (int64_t stride : {1, 2}) {
        for (int64_t size = 1; size <= 17; size += size < 5 ? 1 : 3) {
          for (int64_t channels : {8, 11, 16, 25}) {
            for (int64_t pad : {0, 1}) {
              DwconvShape s;
              s.in_h = size + (channels > 8 ? 1 : 0);
              s.in_w = size;
              s.batch = 1 + size % 2;
              s.in_c = channels;
              s.kernel_h = s.kernel_w = window;
              s.stride_h = s.stride_w = stride;
              s.pad_top = s.pad_left = std::min(pad, window / 2);
              // At the bottom and right up to half a window may be outside.
              s.out_h = (s.in_h + s.pad_top + window / 2 - window) / stride + 1;
              s.out_w = (s.in_w + s.pad_left + window / 2 - window) / stride + 1;
              if (s.in_h + s.pad_top + window / 2 < window ||
                  s.in_w + s.pad_left + window / 2 < window || !HalfDwconvFits(kernel, s)) {
                continue;
              }
              ++checked;
              checker.Check(kernel, s, pad == 0 ? -kInf : 0, pad == 0 ? kInf : 0.5f);
            }
          }
        }
      }
    }
    EXPECT_GT(checked, 0) << kernel.name;
  }
}

TEST(HalfDwconvTest, DilatedWindow) {
  DwconvChecker checker;
  DwconvShape s;
  s.in_h = s.in_w = 9;
  s.in_c = 12;
  s.kernel_h = 3;
  s.kernel_w = 2;
  s.dilation_h = 2;
  s.dilation_w = 3;
  s.pad_top = 2;
  s.pad_left = 1;
  s.out_h = 9;
  s.out_w = 8;
  for (const HalfDwconvKernel &kernel : HalfDwconvKernels()) {
    if ((kernel.isa & DetectedIsas()) != 0 && kernel.window == 0) checker.Check(kernel, s, -1, 1);
  }
}

TEST(HalfConvertTest, EveryNumberThereAndBack) {
  for (const HalfConvertKernel &kernel : HalfConvertKernels()) {
    if ((kernel.isa & DetectedIsas()) == 0) continue;
    for (int64_t n : {0, 1, 15, 16, 17, 1 << 16}) {
      std::vector<uint16_t> halves(n), back(n + 1, 77);
      std::vector<float> floats(n + 1, 77);
      for (int64_t i = 0; i < n; ++i) halves[i] = static_cast<uint16_t>(i);
      kernel.from(halves.data(), n, floats.data());
      kernel.to(floats.data(), n, back.data());
      EXPECT_EQ(floats[n], 77);
      EXPECT_EQ(back[n], 77);
      for (int64_t i = 0; i < n; ++i) {
        const float expected = HalfToFloat(halves[i]);
        if (std::isnan(expected)) {
          EXPECT_TRUE(std::isnan(floats[i]) && std::isnan(HalfToFloat(back[i])));
          continue;
        }
        EXPECT_EQ(floats[i], expected) << kernel.name;
        EXPECT_EQ(back[i], halves[i]) << kernel.name;
      }
    }
    // Ties go to even, and what is too large to infinity.
    const float floats[] = {1.0f + 1.0f / 2048, 1.0f + 3.0f / 2048, 65519.0f, 65520.0f, -1e9f};
    uint16_t halves[5];
    kernel.to(floats, 5, halves);
    for (int i = 0; i < 5; ++i) EXPECT_EQ(halves[i], FloatToHalf(floats[i])) << kernel.name;
  }
}

}  // namespace
}  // namespace kernels
}  // namespace mace
