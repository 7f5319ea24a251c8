// SPDX-License-Identifier: Apache-2.0
// Every pooling kernel that this machine can run, over windows, strides, dilations and paddings and
// all remainders of its lanes, in buffers of exactly the right size, against the definition.
#include "mace/kernels/pool/pool.h"

#include <cmath>
#include <limits>
#include <vector>

#include "gtest/gtest.h"
#include "mace/kernels/test_util.h"

namespace mace {
namespace kernels {
namespace {

// One output element in double, and the sum of the absolute terms.
double Expected(const PoolShape &s, bool max, const std::vector<float> &input, int64_t n, int64_t y,
                int64_t x, int64_t c, double *magnitude) {
  double value = max ? -std::numeric_limits<double>::infinity() : 0;
  int64_t count = 0;
  *magnitude = 0;
  for (int64_t u = 0; u < s.kernel_h; ++u) {
    for (int64_t v = 0; v < s.kernel_w; ++v) {
      const int64_t iy = y * s.stride_h - s.pad_top + u * s.dilation_h;
      const int64_t ix = x * s.stride_w - s.pad_left + v * s.dilation_w;
      const bool inside = iy >= 0 && iy < s.in_h && ix >= 0 && ix < s.in_w;
      const bool padding = iy < s.in_h + s.pad_bottom && ix < s.in_w + s.pad_right;
      if (inside || (padding && s.count_include_pad)) ++count;
      if (!inside) continue;
      const double element = input[((n * s.in_h + iy) * s.in_w + ix) * s.channels + c];
      value = max ? std::fmax(value, element) : value + element;
      *magnitude += std::fabs(element);
    }
  }
  if (!max) {
    value = count == 0 ? 0 : value / count;
    *magnitude /= count == 0 ? 1 : count;
  }
  return value;
}

void Check(const PoolKernel &kernel, const PoolShape &s, GuardedFloats *in, GuardedFloats *out) {
  SCOPED_TRACE(testing::Message() << s.in_h << "x" << s.in_w << "x" << s.channels << ", window "
                                  << s.kernel_h << "x" << s.kernel_w << ", padding "
                                  << s.count_include_pad);
  Random random(11);
  const std::vector<float> input = random.Vector(s.batch * s.in_h * s.in_w * s.channels);
  const float *x = in->Take(input);
  const int64_t rows = s.batch * s.out_h;
  float *y = out->Take(rows * s.out_w * s.channels, NAN);
  RunPoolRows(kernel, s, x, y, rows / 2, rows);
  RunPoolRows(kernel, s, x, y, 0, rows / 2);
  ErrorMeter meter;
  for (int64_t i = 0; i < rows * s.out_w * s.channels; ++i) {
    const int64_t c = i % s.channels, column = i / s.channels % s.out_w;
    const int64_t row = i / s.channels / s.out_w;
    double magnitude;
    const double expected =
        Expected(s, kernel.max, input, row / s.out_h, row % s.out_h, column, c, &magnitude);
    if (std::isinf(expected)) {
      ASSERT_EQ(y[i], static_cast<float>(expected));
      continue;
    }
    ASSERT_TRUE(meter.Add(y[i], expected, magnitude)) << "element " << i << " is " << y[i];
  }
  meter.Expect(kernel.name);
  ASSERT_TRUE(in->Intact() && out->Intact());
}

TEST(PoolTest, Geometries) {
  GuardedFloats in(1 << 18), out(1 << 18);
  ForEachKernel(PoolKernels(), [&](const PoolKernel &kernel) {
    for (int geometry = 0; geometry < 9; ++geometry) {
      for (int64_t extra : {0, 1, kernel.lanes - 1, kernel.lanes, 4 * kernel.lanes + 3}) {
        for (bool include : {false, true}) {
          PoolShape s;
          s.batch = 2;
          s.in_h = 7;
          s.in_w = 9;
          s.channels = kernel.lanes + extra;
          s.kernel_h = s.kernel_w = geometry == 0 ? 1 : 2 + geometry % 2;
          s.count_include_pad = include;
          if (geometry >= 2) s.pad_left = s.pad_top = 1;
          if (geometry >= 3) s.pad_right = s.pad_bottom = 1;
          if (geometry >= 4) s.stride_h = s.stride_w = 2;
          if (geometry == 5) s.dilation_h = s.dilation_w = 2;
          if (geometry == 6) s.pad_left = s.pad_top = 4;  // windows of padding alone
          if (geometry == 7) s.kernel_h = 7;
          if (geometry == 7) s.kernel_w = 9;
          if (geometry == 8) s.dilation_w = 11;
          s.out_h = (s.in_h + s.pad_top + s.pad_bottom - (s.kernel_h - 1) * s.dilation_h - 1) /
                        s.stride_h +
                    1;
          s.out_w = (s.in_w + s.pad_left + s.pad_right - (s.kernel_w - 1) * s.dilation_w - 1 +
                     (geometry % 2) * (s.stride_w - 1)) /
                        s.stride_w +
                    1;  // odd: rounded up
          if (s.out_w < 1) s.out_w = 1;
          Check(kernel, s, &in, &out);
          if (testing::Test::HasFatalFailure()) return;
        }
      }
    }
  });
}

// Windows of three columns, which slide, in images as small as one pixel; paddings up to windows
// that see nothing of the image.
TEST(PoolTest, ThreeColumns) {
  GuardedFloats in(1 << 14), out(1 << 14);
  ForEachKernel(PoolKernels(), [&](const PoolKernel &kernel) {
    for (int geometry = 0; geometry < 6 * 4 * 4; ++geometry) {
      for (int64_t stride : {1, 2}) {
        PoolShape s;
        s.in_h = 1 + geometry / 6 % 4;
        s.in_w = 1 + geometry % 6;
        s.channels = 5 * kernel.lanes + stride;
        s.kernel_h = s.kernel_w = 3;
        s.stride_h = s.stride_w = stride;
        s.pad_top = s.pad_left = geometry / 24;
        s.pad_bottom = s.pad_right = 2;
        s.out_h = (s.in_h + s.pad_top + s.pad_bottom - 3) / stride + 1;
        s.out_w = (s.in_w + s.pad_left + s.pad_right - 3) / stride + 1;
        Check(kernel, s, &in, &out);
        if (testing::Test::HasFatalFailure()) return;
      }
    }
  });
}

// Rows too long for the L1 cache, which go by strips of columns.
TEST(PoolTest, LongRows) {
  GuardedFloats in(1 << 18), out(1 << 18);
  ForEachKernel(PoolKernels(), [&](const PoolKernel &kernel) {
    for (int geometry = 0; geometry < 12; ++geometry) {
      PoolShape s;
      s.in_h = 6;
      s.in_w = 61 + geometry;
      s.channels = 99;
      s.kernel_h = s.kernel_w = 3 + geometry / 6;
      s.stride_h = s.stride_w = 1 + geometry % 2;
      s.dilation_w = geometry == 9 ? 3 : 1;
      s.pad_left = s.pad_right = geometry == 10 ? 30 : geometry % 3;
      s.count_include_pad = geometry % 4 == 1;
      s.count_all = geometry % 4 == 3;
      s.out_h = (s.in_h - s.kernel_h) / s.stride_h + 1;
      s.out_w =
          (s.in_w + s.pad_left + s.pad_right - (s.kernel_w - 1) * s.dilation_w - 1) / s.stride_w +
          1;
      if (s.count_all) s.count_include_pad = true;
      Check(kernel, s, &in, &out);
      if (testing::Test::HasFatalFailure()) return;
    }
  });
}

// Rows too long for the L1 cache, which go by groups of channels.
TEST(PoolTest, ManyChannels) {
  GuardedFloats in(1 << 18), out(1 << 18);
  ForEachKernel(PoolKernels(), [&](const PoolKernel &kernel) {
    for (int64_t channels : {129, 192, 257, 320, 512}) {
      for (int geometry = 0; geometry < 4; ++geometry) {
        PoolShape s;
        s.in_h = 5;
        s.in_w = 13 + geometry;
        s.channels = channels;
        s.kernel_h = s.kernel_w = 3 + geometry / 3;
        s.stride_h = s.stride_w = 1 + geometry % 2;
        s.pad_left = s.pad_top = 1;
        s.out_h = (s.in_h + 1 - s.kernel_h) / s.stride_h + 1;
        s.out_w = (s.in_w + 1 - s.kernel_w) / s.stride_w + 1;
        Check(kernel, s, &in, &out);
        if (testing::Test::HasFatalFailure()) return;
      }
    }
  });
}

// Windows of many pixels, as in means of whole images, and all remainders of channels.
TEST(PoolTest, WholeImages) {
  GuardedFloats in(1 << 16), out(1 << 16);
  ForEachKernel(PoolKernels(), [&](const PoolKernel &kernel) {
    for (int64_t extra : {0, 1, 3 * kernel.lanes, 8 * kernel.lanes, 16 * kernel.lanes,
                          21 * kernel.lanes + 5}) {
      PoolShape s;
      s.in_h = s.in_w = s.kernel_h = s.kernel_w = 4 + extra % 2;
      s.channels = kernel.lanes + extra;
      Check(kernel, s, &in, &out);
      if (testing::Test::HasFatalFailure()) return;
    }
  });
}

TEST(PoolTest, BestTakesAnyNumberOfChannels) {
  for (int64_t channels = 1; channels < 40; ++channels) {
    for (bool max : {false, true}) {
      const PoolKernel &kernel = BestPool(DetectedIsas(), max, channels);
      EXPECT_EQ(kernel.max, max);
      EXPECT_LE(kernel.lanes, channels);
    }
  }
}

}  // namespace
}  // namespace kernels
}  // namespace mace
