// SPDX-License-Identifier: Apache-2.0
// The calls that can be recorded: the arguments of each, and how it is done. Fields() shows all
// arguments to a visitor in the order of C++: one visitor takes them apart, one puts them together.
#ifndef MACE_CODEGEN_STATIC_MODEL_ARGUMENTS_H_
#define MACE_CODEGEN_STATIC_MODEL_ARGUMENTS_H_

#include <cstddef>
#include <cstdint>

#include "mace/kernels/conv/conv.h"
#include "mace/kernels/copy/copy.h"
#include "mace/kernels/copy/copy_bytes.h"
#include "mace/kernels/dwconv/dwconv.h"
#include "mace/kernels/eltwise/eltwise.h"
#include "mace/kernels/gemm/gemm.h"
#include "mace/kernels/pool/pool.h"
#include "mace/kernels/reduce/reduce.h"
#include "mace/kernels/softmax/softmax.h"
#include "mace/kernels/strassen/strassen.h"
#include "mace/kernels/winograd/winograd.h"

namespace mace {
namespace codegen {

// The functions of this machine, whoever listens.
struct Tables {
  const kernels::EltwiseFunctions *eltwise = nullptr;
  const kernels::ReduceFunctions *reduce = nullptr;
  const kernels::SoftmaxFunctions *softmax = nullptr;
};
inline Tables tables;

// Fields of structs are bound by number, so that one more does not compile.
template <typename V>
void ShowActivation(V &v, kernels::ActivationParams &params) {
  auto &[kind, max_limit, coefficient, offset] = params;
  v.Braces([&] { v(kind, max_limit, coefficient, offset); });
}

struct GemmArguments {
  const kernels::GemmKernel *kernel;
  kernels::GemmCall call;
  int64_t panel_begin, panel_end;

  template <typename V>
  void Fields(V &v) {
    auto &[a, tap_offsets, taps, k, lda, packed, n, c, ldc, residual, ldr, low, high, m, lines,
           a_line, c_line, residual_line, streamed, scratch, part] = call;
    v.Object(kernel);
    v.Braces([&] {
      v(a, tap_offsets, taps, k, lda, packed, n, c, ldc, residual, ldr, low, high, m, lines, a_line,
        c_line, residual_line, streamed, scratch, part);
    });
    v(panel_begin, panel_end);
  }
  void Do() const { kernels::Gemm(*kernel, call, panel_begin, panel_end); }
};

struct PackGemmArguments {
  const kernels::GemmKernel *kernel;
  kernels::GemmSource source;
  int64_t n;
  const float *bias;
  float *packed;

  template <typename V>
  void Fields(V &v) {
    auto &[data, tap_offsets, taps, k, stride_k, stride_n, part] = source;
    v.Object(kernel);
    v.Braces([&] { v(data, tap_offsets, taps, k, stride_k, stride_n, part); });
    v(n, bias, packed);
  }
  void Do() const { kernels::PackGemm(*kernel, source, n, bias, packed); }
};

struct CopyPaddedArguments {
  const float *image;
  int64_t height, width, pixel_floats, y0, y1, x0, x1;
  float *out;

  template <typename V>
  void Fields(V &v) {
    v(image, height, width, pixel_floats, y0, y1, x0, x1, out);
  }
  void Do() const { kernels::CopyPadded(image, height, width, pixel_floats, y0, y1, x0, x1, out); }
};

struct DwconvArguments {
  kernels::DwconvPlan plan;
  kernels::DwconvEpilogue epilogue;
  const float *input, *packed;
  float *output;
  int64_t tile;
  float *scratch;

  template <typename V>
  void Fields(V &v) {
    auto &[shape, kernel, one_row, bands, tiles, scratch_floats] = plan;
    auto &[batch, in_h, in_w, in_c, multiplier, out_h, out_w, kernel_h, kernel_w, stride_h,
           stride_w, dilation_h, dilation_w, pad_top, pad_left] = shape;
    v.Braces([&] {
      v.Braces([&] {
        v(batch, in_h, in_w, in_c, multiplier, out_h, out_w, kernel_h, kernel_w, stride_h, stride_w,
          dilation_h, dilation_w, pad_top, pad_left);
      });
      v.Address(kernel);
      v.Address(one_row);
      v(bands, tiles, scratch_floats);
    });
    auto &[low, high, activation] = epilogue;
    v.Braces([&] {
      v(low, high);
      ShowActivation(v, activation);
    });
    v(input, packed, output, tile, scratch);
  }
  void Do() const { kernels::RunDwconvTile(plan, epilogue, input, packed, output, tile, scratch); }
};

struct StrassenArguments {
  kernels::StrassenPlan plan;
  kernels::StrassenCall call;
  int64_t tile;

  template <typename V>
  void Fields(V &v) {
    auto &[gemm, rows, k, n, out_stride, groups, splits, tiles, part, matrix_floats, packed_floats,
           sums_floats, scratch_floats] = plan;
    v.Braces([&] {
      v.Address(gemm);
      v(rows, k, n, out_stride, groups, splits, tiles, part, matrix_floats, packed_floats,
        sums_floats, scratch_floats);
    });
    auto &[a, packed, c, residual, low, high, activation, scratch] = call;
    v.Braces([&] {
      v(a, packed, c, residual, low, high);
      ShowActivation(v, activation);
      v(scratch);
    });
    v(tile);
  }
  void Do() const { kernels::RunStrassenTile(plan, call, tile); }
};

struct WinogradArguments {
  kernels::WinogradPlan plan;
  kernels::WinogradCall call;
  int64_t tile;

  template <typename V>
  void Fields(V &v) {
    auto &[kernel, gemm, batch, in_h, in_w, in_c, out_h, out_w, out_c, pad_top, pad_left, tiles_x,
           image_tiles, block_tiles, blocks, panels, tiles, packed_floats, scratch_floats,
           out_stride] = plan;
    v.Braces([&] {
      v.Address(kernel);
      v.Address(gemm);
      v(batch, in_h, in_w, in_c, out_h, out_w, out_c, pad_top, pad_left, tiles_x, image_tiles,
        block_tiles, blocks, panels, tiles, packed_floats, scratch_floats, out_stride);
    });
    auto &[input, packed, output, residual, low, high, activation, scratch] = call;
    v.Braces([&] {
      v(input, packed, output, residual, low, high);
      ShowActivation(v, activation);
      v(scratch);
    });
    v(tile);
  }
  void Do() const { kernels::RunWinogradTile(plan, call, tile); }
};

struct PoolArguments {
  const kernels::PoolKernel *kernel;
  kernels::PoolShape shape;
  const float *input;
  float *output;
  int64_t begin, end;

  template <typename V>
  void Fields(V &v) {
    auto &[batch, in_h, in_w, channels, out_h, out_w, kernel_h, kernel_w, stride_h, stride_w,
           dilation_h, dilation_w, pad_top, pad_bottom, pad_left, pad_right, count_include_pad,
           count_all] = shape;
    v.Object(kernel);
    v.Braces([&] {
      v(batch, in_h, in_w, channels, out_h, out_w, kernel_h, kernel_w, stride_h, stride_w,
        dilation_h, dilation_w, pad_top, pad_bottom, pad_left, pad_right, count_include_pad,
        count_all);
    });
    v(input, output, begin, end);
  }
  void Do() const { kernels::RunPoolRows(*kernel, shape, input, output, begin, end); }
};

struct CopyBlockArguments {
  kernels::CopyKernel function;
  kernels::CopyBlock block;
  const uint8_t *src;
  uint8_t *dst;

  template <typename V>
  void Fields(V &v) {
    v.Hidden(function);
    v.Braces([&] {
      v.Braces([&] { v(block.outer.size, block.outer.src_stride, block.outer.dst_stride); });
      v.Braces([&] { v(block.inner.size, block.inner.src_stride, block.inner.dst_stride); });
      v(block.bytes);
    });
    v(src, dst);
  }
  void Do() const { function(block, src, dst); }
};

struct CopyBytesArguments {
  void *dst;
  const void *src;
  size_t bytes;

  template <typename V>
  void Fields(V &v) {
    v(dst, src, bytes);
  }
  void Do() const { kernels::CopyBytes(dst, src, bytes); }
};

struct FillElementsArguments {
  void *dst;
  const void *element;
  int64_t element_bytes, count;

  template <typename V>
  void Fields(V &v) {
    v(dst, element, element_bytes, count);
  }
  void Do() const { kernels::FillElements(dst, element, element_bytes, count); }
};

struct ReduceRowArguments {
  kernels::ReduceFunction function;
  const float *in;
  int64_t n;
  float *out;

  template <typename V>
  void Fields(V &v) {
    v.Literal("reduce");
    v.Enum(function, "ReduceFunction");
    v(in, n, out);
  }
  void Do() const { *out = tables.reduce->row(function, in, n); }
};

struct ReduceColumnsArguments {
  kernels::ReduceFunction function;
  const float *in;
  int64_t rows, stride, width;
  float *out;

  template <typename V>
  void Fields(V &v) {
    v.Enum(function, "ReduceFunction");
    v(in, rows, stride, width, out);
  }
  void Do() const { tables.reduce->columns(function, in, rows, stride, width, out); }
};

struct SoftmaxRowsArguments {
  bool log;
  const float *in;
  float *out;
  int64_t count, n;

  template <typename V>
  void Fields(V &v) {
    v(log, in, out, count, n);
  }
  void Do() const { tables.softmax->rows(log, in, out, count, n); }
};

struct SoftmaxColumnsArguments {
  bool log;
  const float *in;
  float *out;
  int64_t n, stride, width;

  template <typename V>
  void Fields(V &v) {
    v(log, in, out, n, stride, width);
  }
  void Do() const { tables.softmax->columns(log, in, out, n, stride, width); }
};

struct BinaryArguments {
  kernels::BinaryFunction function;
  kernels::RowStep step;
  const float *a, *b;
  float *out;
  int64_t n;

  template <typename V>
  void Fields(V &v) {
    v.Enum(function, "BinaryFunction");
    v.Enum(step, "RowStep");
    v(a, b, out, n);
  }
  void Do() const { tables.eltwise->binary(function, step, a, b, out, n); }
};

struct CompareArguments {
  kernels::BinaryFunction function;
  kernels::RowStep step;
  const float *a, *b;
  uint8_t *out;
  int64_t n;

  template <typename V>
  void Fields(V &v) {
    v.Enum(function, "BinaryFunction");
    v.Enum(step, "RowStep");
    v(a, b, out, n);
  }
  void Do() const { tables.eltwise->compare(function, step, a, b, out, n); }
};

struct WeightedSumArguments {
  kernels::RowStep step;
  float factor_a;
  const float *a;
  float factor_b;
  const float *b;
  float *out;
  int64_t n;

  template <typename V>
  void Fields(V &v) {
    v.Enum(step, "RowStep");
    v(factor_a, a, factor_b, b, out, n);
  }
  void Do() const { tables.eltwise->weighted_sum(step, factor_a, a, factor_b, b, out, n); }
};

struct UnaryArguments {
  kernels::UnaryFunction function;
  const float *in;
  float *out;
  int64_t n;

  template <typename V>
  void Fields(V &v) {
    v.Enum(function, "UnaryFunction");
    v(in, out, n);
  }
  void Do() const { tables.eltwise->unary(function, in, out, n); }
};

struct ActivateArguments {
  kernels::ActivationParams params;
  const float *in;
  float *out;
  int64_t n;

  template <typename V>
  void Fields(V &v) {
    ShowActivation(v, params);
    v(in, out, n);
  }
  void Do() const { tables.eltwise->activate(params, in, out, n); }
};

struct PreluArguments {
  kernels::RowStep step;
  const float *in, *slope;
  float *out;
  int64_t n;

  template <typename V>
  void Fields(V &v) {
    v.Enum(step, "RowStep");
    v(in, slope, out, n);
  }
  void Do() const { tables.eltwise->prelu(step, in, slope, out, n); }
};

struct ScaleOffsetArguments {
  const float *in, *scale, *offset;
  float *out;
  int64_t n;

  template <typename V>
  void Fields(V &v) {
    v(in, scale, offset, out, n);
  }
  void Do() const { tables.eltwise->scale_offset(in, scale, offset, out, n); }
};

}  // namespace codegen
}  // namespace mace

#endif  // MACE_CODEGEN_STATIC_MODEL_ARGUMENTS_H_
