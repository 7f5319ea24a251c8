// SPDX-License-Identifier: Apache-2.0
// Convolution and transposed convolution of NHWC images in float32, by the tiles of gemm.h.
//
// How it works. Both are a product at each output pixel: the input under some taps times the
// filters. A convolution has one set of taps, a row of the kernel being one tap of kernel_w * C
// contiguous floats. A transposed convolution with stride s is s * s convolutions of stride 1 in
// one: output pixels of one phase (y % s, x % s) all meet the same subset of the kernel, so each
// phase has its own taps and packed filters, and writes every s-th pixel. So neither copies its
// input into a matrix, and neither adds into its output: bias, clamp and activation are fused.
//
// Where a window leaves the image, the band of input rows in question is copied into scratch with
// zeros around it. A 1x1 convolution of stride 1 sees all pixels of the batch as one long row.
//
// 3x3 convolutions of stride 1 go another way, where winograd.h has a kernel that pays
// (ChooseWinograd).
//
// 1x1 convolutions of many channels and pixels are products with seven parts in place of eight,
// where that pays (ChooseStrassen).
//
// Work is cut into tiles: a band of output rows times a range of panels of filters. Tiles are
// independent; a thread needs its own scratch.
#ifndef MACE_KERNELS_CONV_CONV_H_
#define MACE_KERNELS_CONV_CONV_H_

#include <cstdint>
#include <vector>

#include "mace/kernels/eltwise/activation.h"
#include "mace/kernels/gemm/gemm.h"
#include "mace/kernels/strassen/strassen.h"
#include "mace/kernels/winograd/winograd.h"

namespace mace {
namespace kernels {

// Geometry; everything is at least 1, paddings at least 0. Channels are multiples of `group`.
// Paddings at the bottom and right follow from the output's size.
struct ConvShape {
  int64_t batch = 1;
  int64_t in_h = 1, in_w = 1, in_c = 1;
  int64_t out_h = 1, out_w = 1, out_c = 1;
  int64_t kernel_h = 1, kernel_w = 1;
  int64_t stride_h = 1, stride_w = 1;
  int64_t dilation_h = 1, dilation_w = 1;
  int64_t pad_top = 0, pad_left = 0;
  int64_t group = 1;
  // The way of a 3x3 convolution, from ChooseWinograd; null: the plan has phases with taps.
  const WinogradKernel *winograd = nullptr;
  bool strassen = false;  // the way of a 1x1 convolution, from ChooseStrassen
};

// What follows the sums: the residual is added, then clamp, then the function unless it is
// kActivationNoop.
struct ConvEpilogue {
  float low = 0;
  float high = 0;
  ActivationParams activation;
  // Null: none. Lies as the output does and may be the output, but not where shape.strassen is set.
  const float *residual = nullptr;
};

// Output pixels that meet the same taps. Line j and column i is the output pixel
// (out_y + j * out_step_y, out_x + i * out_step_x); tap (u, v) of it reads the input pixel
// (in_y + j * in_step_y + dy[u], in_x + i * in_step_x + dx[v]).
struct ConvPhase {
  int64_t lines = 0, columns = 0;
  int64_t out_y = 0, out_x = 0, out_step_y = 1, out_step_x = 1;
  int64_t in_y = 0, in_x = 0, in_step_y = 1, in_step_x = 1;
  std::vector<int64_t> dy, dx;  // ascending
  // For GEMM: taps of k contiguous floats; their offsets from the first one when the input is read
  // in place, and in the padded band.
  int64_t taps = 0, k = 0;
  std::vector<int64_t> image_offsets, band_offsets;
  std::vector<int64_t> filter_offsets;  // of each pair (u, v) in the filters
  int64_t packed_offset = 0;            // of the phase's filters among the packed ones
  int64_t packed_group_floats = 0;
};

// Everything decided for one shape.
struct ConvPlan {
  ConvShape shape;
  ConvShape image;  // the same before pixels were joined
  const GemmKernel *gemm = nullptr;
  // Has a kernel if it computes the convolution, and nothing but sizes follows.
  WinogradPlan winograd;
  // Has a gemm if it computes the convolution, and nothing but sizes follows.
  StrassenPlan strassen;
  std::vector<ConvPhase> phases;
  // The input columns [band_x, band_x + band_w) that phases read; padded if they leave the image.
  int64_t band_x = 0, band_w = 0;
  // Not 0 if all pixels of the batch are one row, in which case a line is this many pixels.
  int64_t line_pixels = 0;
  int64_t lines = 0;       // the most of any phase
  int64_t band_lines = 1;  // of a tile, at most
  int64_t bands = 1;
  int64_t panels = 1;  // of filters, through all groups
  int64_t splits = 1;  // ranges of panels; a tile is a band times one of them
  int64_t packed_floats = 0;
  int64_t gemm_scratch_floats = 0;  // at the begin of the scratch
  int64_t scratch_floats = 0;       // for each thread
  int64_t tiles = 0;
  // Floats from an output pixel to the next, out_c or more: larger if the output's channels are a
  // part of those of a larger image. Set by MakeStrided.
  int64_t out_stride = 0;
};

// Steps of k in a part of a phase's products; 0: all. Parts are for a single tap, in the filters
// too.
int64_t ConvPart(const GemmKernel &gemm, const ConvPhase &phase);

// Makes the plan write pixels `out_stride` floats apart.
void MakeStrided(int64_t out_stride, ConvPlan *plan);

// What convolutions can do without: a library for chosen models may have a table of its own. Null:
// not in this library.
struct ConvParts {
  const WinogradFunctions *winograd;
  const StrassenFunctions *strassen;
};
extern const ConvParts kConvParts;

// Whether the convolution is one that Winograd's way is for.
bool CanWinograd(const ConvShape &shape);
// The way of Winograd that is faster than a plain product for filters of this shape, or null.
// Packed filters depend on it, so it is chosen once for them; out_h and out_w are then those of the
// image that will be usual, or 0.
const WinogradKernel *ChooseWinograd(const ConvShape &shape, const GemmKernel &gemm);

// Whether the convolution is one that Strassen's product is for: 1x1, without padding.
bool CanStrassen(const ConvShape &shape);
// Whether that is faster for filters of this shape, and images as above.
bool ChooseStrassen(const ConvShape &shape, const GemmKernel &gemm);

// `threads` is the number that tiles should keep busy.
ConvPlan PlanConv(const ConvShape &shape, const GemmKernel &gemm, int threads);
// The transposed convolution that writes out[y * stride - pad + k * dilation] for input row y and
// kernel row k, likewise for columns.
ConvPlan PlanDeconv(const ConvShape &shape, const GemmKernel &gemm, int threads);

// Filters are [out_c][kernel_h][kernel_w][in_c / group], bias has out_c floats or is null; packed
// is 64-byte aligned and has plan.packed_floats. The result depends on the kernel's size, channels,
// strides, dilations, group and way alone, so that any plan with the same ones may use it.
void PackConv(const ConvPlan &plan, const float *filter, const float *bias, float *packed);

// Computes tile `tile` of plan.tiles. input is [batch][in_h][in_w][in_c], output likewise with its
// pixels plan.out_stride floats apart; scratch has plan.scratch_floats and is 64-byte aligned, or
// is null if there is no padding: then products are slower on some machines.
void RunConvTile(const ConvPlan &plan, const ConvEpilogue &epilogue, const float *input,
                 const float *packed, float *output, int64_t tile, float *scratch);

// Computes rows [begin, end) of the output of one image, on one thread: input and output are where
// its row 0 would lie, and need not be there as far as these rows do without them. With Winograd
// `begin` and `end` are multiples of the tile's side, or the end of the image. Not for plans of
// PlanDeconv, nor by seven parts.
void RunConvRows(const ConvPlan &plan, const ConvEpilogue &epilogue, const float *input,
                 const float *packed, float *output, int64_t begin, int64_t end, float *scratch);

// The truth for tests: sums in double as the definition says, and the sum of absolute terms of each
// output. `transposed` chooses the definition of PlanDeconv.
void ConvReference(const ConvShape &shape, bool transposed, const float *input, const float *filter,
                   const float *bias, double *output, double *magnitude);

// Rows [y0, y1) and columns [x0, x1) of an image, with zeros outside of it.
void CopyPadded(const float *image, int64_t height, int64_t width, int64_t pixel_floats, int64_t y0,
                int64_t y1, int64_t x0, int64_t x1, float *out);

}  // namespace kernels
}  // namespace mace

#endif  // MACE_KERNELS_CONV_CONV_H_
