// SPDX-License-Identifier: Apache-2.0
// The tables of a library for chosen models (see operator_tables() in ops.bzl): they take the place
// of the weak ones of the whole engine, and what they do not name is not linked. MACE_WITH_<PART>
// is 1 for parts that are kept; MACE_WITHOUT_KERNELS holds pieces of the names of kernels that are
// not; MACE_<SET> are numbers in the sets of kChosen.
#include "mace/base/chosen.h"
#include "mace/base/isa.h"
#include "mace/base/types.h"
#include "mace/core/engine_parts.h"
#include "mace/kernels/bf16/bf16_gemm.h"
#include "mace/kernels/conv/conv.h"
#include "mace/kernels/dwconv/dwconv.h"
#include "mace/kernels/dwconv/dwconv_kernel.h"
#include "mace/kernels/eltwise/activation_kernel.h"
#include "mace/kernels/eltwise/eltwise.h"
#include "mace/kernels/gemm/gemm.h"
#include "mace/kernels/gemm/gemm_kernel.h"
#include "mace/kernels/norm/norm.h"
#include "mace/kernels/pool/pool.h"
#include "mace/kernels/pool/pool_kernel.h"
#include "mace/kernels/reduce/reduce.h"
#include "mace/kernels/resize/resize.h"
#include "mace/kernels/softmax/softmax.h"
#include "mace/kernels/strassen/strassen.h"
#include "mace/kernels/winograd/winograd.h"
#include "mace/kernels/winograd/winograd_kernel.h"
#include "mace/libmace/infer_shapes.h"

#define MACE_PART(with, value) (with) ? value : nullptr

namespace mace {

namespace {

using namespace kernels;  // NOLINT: the names of the sets' members

// -1 stands for all.
template <typename... Numbers>
constexpr uint32_t Set(Numbers... numbers) {
  uint32_t set = 0;
  ((set |= static_cast<int>(numbers) < 0 ? ~0u : 1u << static_cast<int>(numbers)), ...);
  return set;
}

}  // namespace

const Chosen kChosen = {Set(MACE_TYPES), Set(MACE_BINARY), Set(MACE_UNARY), Set(MACE_ACTIVATIONS),
                        Set(MACE_REDUCTIONS)};
const EngineParts kEngineParts = {MACE_PART(MACE_WITH_SUBGRAPHS, MakeNetSubgraph),
                                  MACE_PART(MACE_WITH_LATE, &kPlanLate),
                                  MACE_PART(MACE_WITH_FUSION, &kPlanFusion),
                                  MACE_WITH_STORAGE != 0,
                                  MACE_WITH_EXPAND != 0,
                                  MACE_WITH_ASYNC != 0};
const InferPart kInferPart = {MACE_PART(MACE_WITH_INFER_SHAPES, InferShapes)};

namespace kernels {

const ConvParts kConvParts = {MACE_PART(MACE_WITH_WINOGRAD, &kWinogradFunctions),
                              MACE_PART(MACE_WITH_STRASSEN, &kStrassenFunctions)};
const Bf16Part kBf16Part = {
    MACE_PART((Set(MACE_TYPES) >> static_cast<int>(DT_BFLOAT16) & 1u) != 0, BestBf16Gemm)};
const ActivationPart kActivationPart = {MACE_PART(MACE_WITH_ACTIVATIONS, ApplyAnyActivationF32)};

namespace {

constexpr char kWithout[] = MACE_WITHOUT_KERNELS;

constexpr bool StartsWith(const char *text, const char *part) {
  for (; *part != 0 && *part != ','; ++text, ++part) {
    if (*text != *part) return false;
  }
  return true;
}

// The reference kernels can do everything, so that a library is never wrong for a model, only slow.
constexpr bool Kept(const char *name, Isa isa) {
  if (isa == kIsaReference) return true;
  for (int i = 0; kWithout[i] != 0; ++i) {
    if (kWithout[i] == ',' || (i > 0 && kWithout[i - 1] != ',')) continue;
    for (const char *at = name; *at != 0; ++at) {
      if (StartsWith(at, kWithout + i)) return false;
    }
  }
  return true;
}

}  // namespace

// No machine has instruction set 0.
#define MACE_ISA_OF(name, isa) (Kept(#name, isa) ? (isa) : static_cast<Isa>(0))
#define MACE_IF_KEPT(name, isa, function) (Kept(#name, isa) ? (function) : nullptr)

extern const DwconvKernel kDwconvTable[];
const DwconvKernel kDwconvTable[] = {
#define MACE_DWCONV_KERNEL(name, isa, window, stride, rows, lanes) \
  {#name, MACE_ISA_OF(name, isa), MACE_IF_KEPT(name, isa, name), window, stride, rows, lanes},
#include "mace/kernels/dwconv/kernels.inc"
#undef MACE_DWCONV_KERNEL
};

extern const GemmKernel kGemmTable[];
const GemmKernel kGemmTable[] = {
#define MACE_GEMM_KERNEL(name, isa, rows, columns, lanes)                                        \
  {#name,  MACE_ISA_OF(name, isa), MACE_IF_KEPT(name, isa, name), rows, columns, lanes, nullptr, \
   nullptr},
#define MACE_GEMM_BLOCK_KERNEL(name, isa, rows, columns, lanes) \
  {#name,                                                       \
   MACE_ISA_OF(name, isa),                                      \
   MACE_IF_KEPT(name, isa, name),                               \
   rows,                                                        \
   columns,                                                     \
   lanes,                                                       \
   MACE_IF_KEPT(name, isa, name##_pack),                        \
   MACE_IF_KEPT(name, isa, name##_block)},
#include "mace/kernels/gemm/kernels.inc"
#undef MACE_GEMM_KERNEL
#undef MACE_GEMM_BLOCK_KERNEL
};

extern const PoolKernel kPoolTable[];
const PoolKernel kPoolTable[] = {
#define MACE_POOL_KERNEL(name, isa, max, lanes) \
  {#name, MACE_ISA_OF(name, isa), MACE_IF_KEPT(name, isa, name), max, lanes},
#include "mace/kernels/pool/kernels.inc"
#undef MACE_POOL_KERNEL
};

extern const WinogradKernel kWinogradTable[];
const WinogradKernel kWinogradTable[] = {
#define MACE_WINOGRAD_KERNEL(name, isa, side)                                  \
  {#name, MACE_ISA_OF(name, isa), side, MACE_IF_KEPT(name, isa, name##_input), \
   MACE_IF_KEPT(name, isa, name##_output)},
#include "mace/kernels/winograd/kernels.inc"
#undef MACE_WINOGRAD_KERNEL
};

extern const ActivationKernel kActivationTable[];
const ActivationKernel kActivationTable[] = {
#define MACE_FUNCTION_KERNEL(name, isa) \
  {#name, MACE_ISA_OF(name, isa), MACE_IF_KEPT(name, isa, name##_activate)},
#include "mace/kernels/eltwise/kernels.inc"
#undef MACE_FUNCTION_KERNEL
};

#define MACE_SELECTED_ROW(name, isa) \
  {#name, MACE_ISA_OF(name, isa), MACE_IF_KEPT(name, isa, &name)},

#define MACE_FAMILY Eltwise
#define MACE_FAMILY_KERNELS "mace/kernels/eltwise/kernels.inc"
#define MACE_FAMILY_ROW MACE_SELECTED_ROW
#include "mace/kernels/function_table.inc"

#define MACE_FAMILY Norm
#define MACE_FAMILY_KERNELS "mace/kernels/norm/kernels.inc"
#define MACE_FAMILY_ROW MACE_SELECTED_ROW
#include "mace/kernels/function_table.inc"

#define MACE_FAMILY Reduce
#define MACE_FAMILY_KERNELS "mace/kernels/reduce/kernels.inc"
#define MACE_FAMILY_ROW MACE_SELECTED_ROW
#include "mace/kernels/function_table.inc"

#define MACE_FAMILY Resize
#define MACE_FAMILY_KERNELS "mace/kernels/resize/kernels.inc"
#define MACE_FAMILY_ROW MACE_SELECTED_ROW
#include "mace/kernels/function_table.inc"

#define MACE_FAMILY Softmax
#define MACE_FAMILY_KERNELS "mace/kernels/softmax/kernels.inc"
#define MACE_FAMILY_ROW MACE_SELECTED_ROW
#include "mace/kernels/function_table.inc"

}  // namespace kernels
}  // namespace mace
