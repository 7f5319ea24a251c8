// SPDX-License-Identifier: Apache-2.0
// What operators with graphs inside share.
#ifndef MACE_OPS_CONTROL_FLOW_H_
#define MACE_OPS_CONTROL_FLOW_H_

#include <cstring>
#include <memory>
#include <utility>
#include <vector>

#include "mace/core/operator.h"

namespace mace {
namespace ops {

inline std::vector<std::unique_ptr<Subgraph>> TakeSubgraphs(OpConstructContext *context) {
  if (context->subgraphs == nullptr) return {};
  return std::move(*context->subgraphs);
}

// Copies `from` to output o, of which InferShape knew the shape or not.
inline MaceStatus Deliver(OpContext *context, int o, const Tensor &from) {
  MACE_RETURN_IF_ERROR(context->AllocateOutput(o, from.shape));
  if (from.bytes() > 0) std::memcpy(context->output(o)->raw, from.raw, from.bytes());
  return MaceStatus::MACE_SUCCESS;
}

}  // namespace ops
}  // namespace mace

#endif  // MACE_OPS_CONTROL_FLOW_H_
