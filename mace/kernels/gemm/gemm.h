// SPDX-License-Identifier: Apache-2.0
// Matrix products in float32 with the right-hand side packed: fully connected layers, matrix
// products, and every convolution (conv.h), none of which copies its input into a matrix first.
//
// How it works. A register tile of C (say 14 rows of 32 columns) is held in registers while k runs:
// each step reads one row of B, 32 floats that packing put one after the other, and one float of
// each of 14 rows of A, wherever they lie. So B is packed once into panels of 32 columns,
// [bias][k][32], and streamed; A is read in place with a constant distance between rows. A
// convolution of NHWC is the same product with several "taps": below one output pixel, the kernel
// row t covers kernel_w * C contiguous floats, so tap t is a matrix whose row i starts at
// a + tap_offsets[t] + i * stride * C. Bias, residual and clamp cost one pass over registers.
//
// Rows of A that lie a multiple of 4096 bytes apart fall into one set of the L1 cache, which holds
// fewer lines than a tile has rows. They are copied first, to lie a line further apart.
//
// Loop order. Panels of a small B stay in the L2 cache while row tiles go by, each with its rows
// of A in L1. When B is larger than that, a panel is kept and all row tiles go by, so that B comes
// from memory once; meanwhile the next panel is prefetched.
//
// On Arm a load costs an instruction beside the multiply-adds, so rows of A are packed, 8 at a time
// (gemm_packed.cc), unless there are so few columns that it would not pay. There a long k is cut
// into parts, outside of all other loops: B is packed part after part, and C is added to.
#ifndef MACE_KERNELS_GEMM_GEMM_H_
#define MACE_KERNELS_GEMM_GEMM_H_

#include <cstdint>

#include "mace/kernels/gemm/gemm_kernel.h"
#include "mace/kernels/kernel.h"

namespace mace {
namespace kernels {

struct GemmCall;
struct GemmKernel;
struct GemmSource;

// How a kernel whose packed numbers are not float32 does what the functions of the same names here
// do for others.
struct GemmWay {
  int64_t (*packed_floats)(const GemmKernel &kernel, int64_t k, int64_t n);
  int64_t (*scratch_floats)(const GemmKernel &kernel, int64_t k, int64_t rows);
  void (*pack)(const GemmKernel &kernel, const GemmSource &source, int64_t n, const float *bias,
               float *packed);
  void (*run)(const GemmKernel &kernel, const GemmCall &call, int64_t panel_begin,
              int64_t panel_end);
};

struct GemmKernel {
  const char *name;
  Isa isa;
  GemmFunction function;
  int rows;
  int columns;
  int lanes;  // the last panel's width is rounded up to a multiple of this
  // Null, or how rows are packed and then met with panels of full width.
  GemmPackFunction pack;
  GemmBlockFunction block;
  // Not null: `function` and the two above are null, k is in one part, and scratch is needed.
  const GemmWay *way = nullptr;
};

// Whose vectors and costs go with it: products that pack rows are all for NEON, whatever cores they
// are for.
inline Isa VectorIsa(const GemmKernel &gemm) { return gemm.block != nullptr ? kIsaNeon : gemm.isa; }

// The tap_offsets of a product without taps.
constexpr int64_t kOneTap[1] = {0};

// The kernels of this build, whether this machine can run them or not.
const KernelList<GemmKernel> &GemmKernels();
// The best for this machine and MACE_ISA; decided at the first call.
const GemmKernel &BestGemm();

// Panels that n columns make.
int64_t GemmPanels(const GemmKernel &kernel, int64_t n);
// Floats of n packed columns with k rows in all taps together; a multiple of 16, so that packed
// matrices that follow each other are all aligned.
int64_t PackedGemmFloats(const GemmKernel &kernel, int64_t k, int64_t n, int64_t part = 0);
// Into parts of how many steps k had better be cut: `k` if it should be one. For products of one
// tap with many rows.
int64_t GemmPart(const GemmKernel &kernel, int64_t k);

// Where the right-hand side lies before it is packed:
// B_tap[l][j] = data[tap_offsets[tap] + l * stride_k + j * stride_n] for l < k.
struct GemmSource {
  const float *data;
  const int64_t *tap_offsets;
  int64_t taps;
  int64_t k;
  int64_t stride_k;
  int64_t stride_n;
  int64_t part = 0;  // steps of k in each part but the last one, 0: all; with one tap
};

// Packs n columns and their bias (n floats, null: zeros) into `packed`, which is 64-byte aligned.
// Columns past n are zeros.
void PackGemm(const GemmKernel &kernel, const GemmSource &source, int64_t n, const float *bias,
              float *packed);

// C = min(max(bias + sum of A_tap * B_tap + residual, low), high) for `lines` matrices A and C that
// share B; see GemmTile for the elements. Line y starts at a + y * a_line, and so on.
struct GemmCall {
  const float *a = nullptr;
  const int64_t *tap_offsets = nullptr;
  int64_t taps = 1;
  int64_t k = 0;  // 0 only if taps is 0
  int64_t lda = 0;
  const float *packed = nullptr;
  int64_t n = 0;
  float *c = nullptr;
  int64_t ldc = 0;
  const float *residual = nullptr;
  int64_t ldr = 0;
  float low = 0;
  float high = 0;
  int64_t m = 0;  // rows of a line
  int64_t lines = 1;
  int64_t a_line = 0;
  int64_t c_line = 0;
  int64_t residual_line = 0;
  // B is in no cache near by, and what lies behind it is read after it.
  bool streamed = false;
  // GemmScratchFloats(kernel, taps * k, m * lines, lda) floats, 64-byte aligned; or null, and rows
  // are read in place.
  float *scratch = nullptr;
  int64_t part = 0;  // as B was packed
};

// What a kernel that packs rows needs for it; for others, what it takes to copy rows that collide
// in the cache (lda, of products of one tap; 0: not known, and they are read in place). 0: nothing.
int64_t GemmScratchFloats(const GemmKernel &kernel, int64_t k, int64_t rows, int64_t lda = 0);

// Computes the columns of panels [panel_begin, panel_end).
void Gemm(const GemmKernel &kernel, const GemmCall &call, int64_t panel_begin, int64_t panel_end);

}  // namespace kernels
}  // namespace mace

#endif  // MACE_KERNELS_GEMM_GEMM_H_
