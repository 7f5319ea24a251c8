// SPDX-License-Identifier: Apache-2.0
// 3x3 convolution of stride 1 with 36 products where the definition has 144, or 16 where it has 36
// (Lavin and Gray, arXiv 1509.09308, F(4x4, 3x3) and F(2x2, 3x3)).
//
// How it works. A tile is 4x4 outputs and the 6x6 inputs below them, or 2x2 and 4x4. Inputs and
// filters are transformed; then each position of a tile is a matrix product of its own, tiles times
// filters, by the tiles of gemm.h; the products are transformed back. The bias is added to the
// position that all outputs add once. Sums differ from those of the definition by 1e-5 of their
// terms at most (2x2: 1e-6). Packed filters take 4 times the room (2x2: 16 / 9), which is why small
// images with many channels are better off with 2x2 or with none.
//
// Work is cut into blocks of tiles, whose transformed inputs and products stay in the cache, times
// ranges of panels of filters.
#ifndef MACE_KERNELS_WINOGRAD_WINOGRAD_H_
#define MACE_KERNELS_WINOGRAD_WINOGRAD_H_

#include <cstdint>

#include "mace/base/costs.h"
#include "mace/kernels/eltwise/activation.h"
#include "mace/kernels/gemm/gemm.h"
#include "mace/kernels/kernel.h"
#include "mace/kernels/winograd/winograd_kernel.h"

namespace mace {
namespace kernels {

struct WinogradKernel {
  const char *name;
  Isa isa;
  int side;  // outputs along a side of a tile
  WinogradInputFunction input;
  WinogradOutputFunction output;
};

// The kernels of this build, whether this machine can run them or not.
const KernelList<WinogradKernel> &WinogradKernels();

// Whether a kernel, with products by gemm, can compute 3x3 filters of these channels.
bool WinogradFits(const WinogradKernel &kernel, const GemmKernel &gemm, int64_t in_c,
                  int64_t out_c);
// What 3x3 filters of these channels have to do in one image, by a kernel or, if it is null, by a
// plain product; the sum of this times its costs is the model by which BestWinograd chooses. An
// image of 0 x 0 is not known, and taken for a usual one.
Work WinogradWork(const WinogradKernel *kernel, const GemmKernel &gemm, int64_t in_c, int64_t out_c,
                  int64_t out_h, int64_t out_w);
// The kernel that is fastest for 3x3 filters of these channels, or null if a plain product is. An
// image of 0 x 0 is not known.
const WinogradKernel *BestWinograd(const GemmKernel &gemm, int64_t in_c, int64_t out_c,
                                   int64_t out_h, int64_t out_w);

// Everything decided for one shape. Where gemm packs rows, in_c is a multiple of 4 and out_c of
// gemm->columns; elsewhere both are gemm->lanes or more, kernel and gemm being of one instruction
// set unless the kernel is the reference.
struct WinogradPlan {
  const WinogradKernel *kernel = nullptr;
  const GemmKernel *gemm = nullptr;
  int64_t batch = 1;
  int64_t in_h = 1, in_w = 1, in_c = 4;
  int64_t out_h = 1, out_w = 1, out_c = 4;
  int64_t pad_top = 0, pad_left = 0;
  int64_t tiles_x = 1;
  int64_t image_tiles = 1;
  int64_t block_tiles = 1;  // of one block, at most
  int64_t blocks = 1;       // of all images
  int64_t panels = 1;       // of filters
  int64_t tiles = 1;        // pieces of work: a block times a range of panels
  int64_t packed_floats = 0;
  int64_t scratch_floats = 0;  // for each thread
  int64_t out_stride = 0;      // floats from an output pixel to the next, out_c or more
};

// Fills what follows from the kernels, the sizes and the number of threads to keep busy, for an
// output whose pixels follow each other.
void FinishWinogradPlan(int threads, WinogradPlan *plan);

// Filters are [out_c][3][3][in_c], bias has out_c floats or is null; `packed` is 64-byte aligned.
// The result depends on the kernels and the channels alone.
void PackWinograd(const WinogradPlan &plan, const float *filter, const float *bias, float *packed);

// Computes piece `tile` of plan.tiles. The residual is added before the clamp, the activation
// follows it.
struct WinogradCall {
  const float *input = nullptr;  // [batch][in_h][in_w][in_c]
  const float *packed = nullptr;
  float *output = nullptr;  // [batch][out_h][out_w][out_c], pixels out_stride apart
  // Null, or lies as the output does; may be the output.
  const float *residual = nullptr;
  float low = 0, high = 0;
  ActivationParams activation;
  float *scratch = nullptr;  // plan.scratch_floats, 64-byte aligned
};
void RunWinogradTile(const WinogradPlan &plan, const WinogradCall &call, int64_t tile);
// Computes rows [begin, end) of one image, whose row 0 would lie at call.input and call.output;
// both are multiples of the tile's side, or the end of the image.
void RunWinogradRows(const WinogradPlan &plan, const WinogradCall &call, int64_t begin,
                     int64_t end);

// All of the above, for callers that can do without it.
struct WinogradFunctions {
  decltype(&BestWinograd) best;
  decltype(&FinishWinogradPlan) finish_plan;
  decltype(&PackWinograd) pack;
  decltype(&RunWinogradTile) run_tile;
  decltype(&RunWinogradRows) run_rows;
};
extern const WinogradFunctions kWinogradFunctions;

}  // namespace kernels
}  // namespace mace

#endif  // MACE_KERNELS_WINOGRAD_WINOGRAD_H_
