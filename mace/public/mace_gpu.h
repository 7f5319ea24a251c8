// SPDX-License-Identifier: Apache-2.0
// More about a GPUContext than most applications need, beside mace.h and mace_c.h: tuning of its
// kernels, limits that leave the GPU to others in time, and compiling in the background. Each
// counts for the engines that are initialized with the context afterwards.
#ifndef MACE_PUBLIC_MACE_GPU_H_
#define MACE_PUBLIC_MACE_GPU_H_

#include "mace/public/mace_c.h"

#ifdef __cplusplus
#include <functional>
#include <memory>

#include "mace/public/mace.h"

extern "C" {
#endif

// Tuning, for programs that prepare a model for a device. Engines find the fastest kernels for the
// GPU where its tuned parameters have none yet: their first run with new shapes takes seconds to
// minutes. The parameters are kept in the file that the context was given for them, if any.
// progress: called in between with the operators that are done and their number; may be null.
MACE_API mace_code mace_gpu_context_tune(mace_gpu_context *context,
                                         void (*progress)(void *user, int32_t done, int32_t count),
                                         void *user);

// A user interface is drawn by the same GPU, and only between kernels. kernel_micros: a kernel that
// takes longer is launched in parts of about so many microseconds, 1000 for
// limit_opencl_kernel_time: 1 of deployment files; from the third run on by what they took in the
// first two, before that by tuned parameters or an estimate. Results stay the same to the last bit.
// queued_kernels: a run hands the driver at most so many launches ahead of the GPU, as
// opencl_queue_window_size does. 0: as the model was converted; negative: no limit.
MACE_API mace_code mace_gpu_context_limit(mace_gpu_context *context, int32_t kernel_micros,
                                          int32_t queued_kernels);

// Drivers compile for seconds where nothing is kept from earlier starts (SetStoragePath).
// background 1: the engine is usable at once, and the CPU answers while a thread compiles; from the
// first run after that the GPU does, and for inputs of another shape the CPU again until that is
// planned. Until then MaceEngine::Placements says CPU. Where the GPU cannot be used, the CPU goes
// on if it is allowed to (SetCPUFallback), and otherwise runs return the reason.
MACE_API mace_code mace_gpu_context_compile_in_background(mace_gpu_context *context,
                                                          int32_t background);

#ifdef __cplusplus
}  // extern "C"

namespace mace {

// The same for C++. INVALID_ARGS for a null context.
MACE_API MaceStatus TuneGPUContext(const std::shared_ptr<GPUContext> &context,
                                   std::function<void(int, int)> progress = nullptr);
MACE_API MaceStatus LimitGPUContext(const std::shared_ptr<GPUContext> &context, int kernel_micros,
                                    int queued_kernels);
MACE_API MaceStatus CompileGPUContextInBackground(const std::shared_ptr<GPUContext> &context,
                                                  bool background);

}  // namespace mace
#endif

#endif  // MACE_PUBLIC_MACE_GPU_H_
