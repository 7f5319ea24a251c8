// SPDX-License-Identifier: Apache-2.0
// Matrix products in float32 by seven products of quarters where the definition has eight (Strassen
// 1969, with the 15 sums of Winograd's variant; Higham, Accuracy and Stability of Numerical
// Algorithms, chapter 23): 1x1 convolutions with many channels and pixels.
//
// How it works. A has rows of k, packed B k rows of n columns; each is cut in the middle both ways.
//   S1 = A21 + A22   S2 = S1 - A11   S3 = A11 - A21   S4 = A12 - S2
//   T1 = B12 - B11   T2 = B22 - T1   T3 = B22 - B12   T4 = T2 - B21
//   C11 = A11 B11 + A12 B21          U = A11 B11 + S2 T2
//   C12 = U + S1 T1 + S4 B22         C21 = U + S3 T3 - A22 T4         C22 = U + S1 T1 + S3 T3
// The sums of B are made when it is packed, so that packed filters take 7 / 4 of the room. The
// products go through gemm.h straight to the quarters of C, which serve as their own intermediate
// sums. Rows are taken in groups of some hundred, whose quarters stay in the L2 cache; a group's
// upper and lower half are the rows of A1 and A2. Of an odd number of rows the last one is
// multiplied by the definition, B12 being B11 + T1.
//
// Sums differ from those of the definition by rounding in proportion to the largest elements, not
// to the terms of each sum: 1e-6 of the largest output is usual.
#ifndef MACE_KERNELS_STRASSEN_STRASSEN_H_
#define MACE_KERNELS_STRASSEN_STRASSEN_H_

#include <cstdint>

#include "mace/base/costs.h"
#include "mace/kernels/eltwise/activation.h"
#include "mace/kernels/gemm/gemm.h"

namespace mace {
namespace kernels {

// What B is packed as.
constexpr int kStrassenMatrices = 7;

// Whether `gemm` can be used for B of k rows and n columns.
bool StrassenFits(const GemmKernel &gemm, int64_t k, int64_t n);
// Whether it may be faster so than plainly: rows and filters are not too few for it.
bool StrassenMayPay(const GemmKernel &gemm, int64_t rows, int64_t k, int64_t n);
// What a product has to do so, in the units of mace/base/costs.h; and plainly.
Work StrassenWork(const GemmKernel &gemm, int64_t rows, int64_t k, int64_t n);
Work ProductWork(const GemmKernel &gemm, int64_t rows, int64_t k, int64_t n);
// Whether it is faster so than plainly; false for 0 rows, which are not known.
bool StrassenPays(const GemmKernel &gemm, int64_t rows, int64_t k, int64_t n);

// Everything decided for one product. StrassenFits(*gemm, k, n).
struct StrassenPlan {
  const GemmKernel *gemm = nullptr;
  int64_t rows = 1, k = 2, n = 2;
  int64_t out_stride = 2;  // floats from a row of C to the next, n or more
  int64_t groups = 1;      // of rows
  int64_t splits = 1;      // ranges of panels of half of the columns
  int64_t tiles = 1;       // pieces of work: a group times a range
  int64_t part = 0;        // steps of k in a part of half of it; see GemmPart
  int64_t matrix_floats = 0;
  int64_t packed_floats = 0;
  int64_t sums_floats = 0;     // of S, after the GEMM's own scratch
  int64_t scratch_floats = 0;  // for each thread
};

// For `threads` threads to keep busy. What is packed depends on gemm, k and n alone.
StrassenPlan PlanStrassen(const GemmKernel &gemm, int64_t rows, int64_t k, int64_t n, int threads);

// B[l][j] = filter[j * k + l]; bias has n floats or is null; `packed` is 64-byte aligned.
void PackStrassen(const StrassenPlan &plan, const float *filter, const float *bias, float *packed);

// C = f(min(max(A * B + bias + residual, low), high)), rows of A following each other.
struct StrassenCall {
  const float *a = nullptr;
  const float *packed = nullptr;
  float *c = nullptr;
  const float *residual = nullptr;  // null, or lies as C does, in other memory
  float low = 0, high = 0;
  ActivationParams activation;
  float *scratch = nullptr;  // plan.scratch_floats, 64-byte aligned
};

// Computes piece `tile` of plan.tiles.
void RunStrassenTile(const StrassenPlan &plan, const StrassenCall &call, int64_t tile);

// All of the above, for callers that can do without it.
struct StrassenFunctions {
  decltype(&StrassenPays) pays;
  decltype(&PlanStrassen) plan;
  decltype(&PackStrassen) pack;
  decltype(&RunStrassenTile) run_tile;
};
extern const StrassenFunctions kStrassenFunctions;

}  // namespace kernels
}  // namespace mace

#endif  // MACE_KERNELS_STRASSEN_STRASSEN_H_
