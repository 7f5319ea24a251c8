// SPDX-License-Identifier: Apache-2.0
// Runs the plan of a convolution on all threads.
#include "mace/ops/convolution.h"

namespace mace {
namespace ops {

void RunConvolution(const ConvolutionState &state, const kernels::ConvEpilogue &epilogue,
                    const float *packed, OpContext *context) {
  float *scratch = static_cast<float *>(context->scratch());
  if (packed == nullptr) {
    const Tensor *bias = context->input_count() > 2 ? context->input(2) : nullptr;
    kernels::PackConv(state.plan, context->input(1)->data<float>(),
                      bias == nullptr ? nullptr : bias->data<float>(), scratch);
    packed = scratch;
    scratch += state.packed_scratch_floats;
  }
  const float *input = context->input(0)->data<float>();
  float *output = context->output(0)->mutable_data<float>();
  context->thread_pool()->ParallelFor(
      state.plan.tiles, 1, [&, packed, scratch](int64_t begin, int64_t end, int thread) {
        float *own = scratch + thread * state.thread_scratch_floats;
        for (int64_t tile = begin; tile < end; ++tile) {
          kernels::RunConvTile(state.plan, epilogue, input, packed, output, tile, own);
        }
      });
}

}  // namespace ops
}  // namespace mace
