// SPDX-License-Identifier: Apache-2.0
// What the sources of a model as straight-line code include: the kernels that they call, and where
// memory lies.
#ifndef MACE_CODEGEN_STATIC_MODEL_STATIC_MODEL_H_
#define MACE_CODEGEN_STATIC_MODEL_STATIC_MODEL_H_

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
namespace kernels {

// What a run works on: the caller's inputs and outputs, and an arena.
struct StaticMemory {
  char *arena;
  const void *const *inputs;
  void *const *outputs;
};

// What lies `offset` bytes after `base`.
template <typename T>
inline T *At(const void *base, int64_t offset) {
  return reinterpret_cast<T *>(reinterpret_cast<uintptr_t>(base) + static_cast<uintptr_t>(offset));
}

inline void CombineRow(const ReduceFunctions &reduce, ReduceFunction function, const float *in,
                       int64_t n, float *out) {
  *out = reduce.row(function, in, n);
}

}  // namespace kernels
}  // namespace mace

#endif  // MACE_CODEGEN_STATIC_MODEL_STATIC_MODEL_H_
