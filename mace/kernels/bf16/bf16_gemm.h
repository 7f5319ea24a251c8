// SPDX-License-Identifier: Apache-2.0
// Matrix products whose factors are bfloat16 and whose sums are float32, for models that ask for
// them (data_type: bf16_fp32). Input, output, bias and residual are float32 as everywhere, so that
// any convolution, alone or in a chain, may use such a kernel in place of one of float32.
//
// How it works. A kernel here is a GemmKernel with a `way` of its own: Gemm(), PackGemm() and what
// tells sizes hand over to it, and conv.h needs to know nothing. B is rounded when it is packed. A
// block of rows of A is rounded into the thread's scratch, where it stays in the L2 cache, and then
// meets all panels of B; rounding costs a pass over A, of which each element is then used as often
// as there are columns. The error is at most 2^-7 of the sum of the terms' absolute values, from
// the rounding of both factors to 8 significant bits.
//
// A kernel is added by two functions in a source of its instruction set, <name> (Bf16Block) and
// <name>_pack (Bf16Pack), a line in kernels.inc, and the instruction set in BUILD; the test and the
// benchmark walk the list. The kernel is free to lay out packed rows of A as it likes, and says by
// `group` how many steps of k of a column lie together in B (2: dot products of pairs; 4: of
// fours).
#ifndef MACE_KERNELS_BF16_BF16_GEMM_H_
#define MACE_KERNELS_BF16_BF16_GEMM_H_

#include "mace/kernels/bf16/bf16_kernel.h"
#include "mace/kernels/gemm/gemm.h"

namespace mace {
namespace kernels {

// Its `columns` and `lanes` are equal: all panels are of full width.
struct Bf16GemmKernel : GemmKernel {
  int depth;  // to a multiple of which steps of k are rounded up
  int group;  // divides depth
  Bf16BlockFunction multiply;
  Bf16PackFunction pack_rows;
};

// The kernels of this build, whether this machine can run them or not.
const KernelList<Bf16GemmKernel> &Bf16GemmKernels();

// The best for this machine and MACE_ISA, decided at the first call; null if products of float32
// are faster: on processors without instructions for bfloat16, and on those of Intel that have no
// tiles, where vdpbf16ps takes as long as the two multiply-adds that it stands for, or longer
// (MACE_ISA=avx512bf16 chooses it there).
const Bf16GemmKernel *BestBf16Gemm();

// The way to them; best is null in a library for models that ask for no such products.
struct Bf16Part {
  const Bf16GemmKernel *(*best)();
};
extern const Bf16Part kBf16Part;

// Whether the system lets this process use what the kernel needs. Asks for it where it has to be
// asked for: Linux gives AMX tiles to processes that say so, whose signal stacks are then larger.
bool PermitBf16(const Bf16GemmKernel &kernel);

// To the nearest, ties to even; NaN stays NaN.
uint16_t FloatToBf16(float value);

}  // namespace kernels
}  // namespace mace

#endif  // MACE_KERNELS_BF16_BF16_GEMM_H_
