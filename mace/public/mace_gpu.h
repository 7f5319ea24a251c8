// SPDX-License-Identifier: Apache-2.0
// Tuning of the GPU's kernels, beside mace.h and mace_c.h: for programs that prepare a model for a
// device. Engines that are made with a tuned context find the fastest kernels for its GPU where its
// tuned parameters have none yet: their first run with new shapes takes seconds to minutes. The
// parameters are kept in the file that the context was given for them, if any.
#ifndef MACE_PUBLIC_MACE_GPU_H_
#define MACE_PUBLIC_MACE_GPU_H_

#include "mace/public/mace_c.h"

#ifdef __cplusplus
#include <functional>
#include <memory>

#include "mace/public/mace.h"

extern "C" {
#endif

// progress: called in between with the operators that are done and their number; may be null.
MACE_API mace_code mace_gpu_context_tune(mace_gpu_context *context,
                                         void (*progress)(void *user, int32_t done, int32_t count),
                                         void *user);

#ifdef __cplusplus
}  // extern "C"

namespace mace {

// The same for C++. INVALID_ARGS for a null context.
MACE_API MaceStatus TuneGPUContext(const std::shared_ptr<GPUContext> &context,
                                   std::function<void(int, int)> progress = nullptr);

}  // namespace mace
#endif

#endif  // MACE_PUBLIC_MACE_GPU_H_
