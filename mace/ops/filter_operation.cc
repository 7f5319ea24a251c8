// SPDX-License-Identifier: Apache-2.0
// Filters and biases: their checks, and what is done once those that are constant are packed.
#include "mace/ops/filter_operation.h"

namespace mace {
namespace ops {

MaceStatus FilterOperation::CheckBias(const Shape &bias, const Shape &filter) const {
  const int64_t channels = OutputChannels(filter);
  if (bias.elements() == channels) return MaceStatus::MACE_SUCCESS;
  return Invalid("bias has shape ", bias.ToString(), ", but filter ", filter.ToString(), " has ",
                 channels, " output channels");
}

MaceStatus FilterOperation::CheckFilterSize(const Shape &filter) const {
  for (int64_t dim : filter) {
    if (dim < 1 || dim > kLargest) {
      return Invalid("filter has shape ", filter.ToString(), "; dimensions must be from 1 to ",
                     kLargest);
    }
  }
  return MaceStatus::MACE_SUCCESS;
}

std::array<WindowDimension, 2> FilterOperation::WindowOf(const Shape &filter) const {
  std::array<WindowDimension, 2> window = window_;
  window[0].kernel = filter[1];
  window[1].kernel = filter[2];
  return window;
}

MaceStatus FilterOperation::ConstFilter(OpInitContext *context, const Tensor **filter,
                                        const Tensor **bias) const {
  const Tensor *found = context->ConstInput(1), *addend = context->ConstInput(2);
  if (found == nullptr || (has_bias_ && addend == nullptr)) return MaceStatus::MACE_SUCCESS;
  MACE_RETURN_IF_ERROR(CheckFilter(found->shape));
  if (has_bias_) MACE_RETURN_IF_ERROR(CheckBias(addend->shape, found->shape));
  if (context->shape_only()) return MaceStatus::MACE_SUCCESS;
  *filter = found;
  if (has_bias_) *bias = addend;
  return MaceStatus::MACE_SUCCESS;
}

void FilterOperation::ReleaseFilter(OpInitContext *context) {
  filter_is_packed_ = true;
  context->ReleaseConstInput(1);
  if (has_bias_) context->ReleaseConstInput(2);
}

}  // namespace ops
}  // namespace mace
