// SPDX-License-Identifier: Apache-2.0
// GRU over sequences.
#include "mace/ops/attrs/gru.h"

#include "mace/ops/recurrent.h"

namespace mace {
namespace ops {

class GRUOp : public RecurrentOperation {
 public:
  explicit GRUOp(OpConstructContext *context) : RecurrentOperation(context, RecurrentCell::kGru) {}

  MaceStatus Init(OpInitContext *context) override {
    GRUAttrs attrs;
    MACE_RETURN_IF_ERROR(ParseAttrs(&attrs));
    MACE_RETURN_IF_ERROR(ReadAttrs(attrs));
    linear_before_reset_ = attrs.linear_before_reset;
    return PackConstWeights(context);
  }
};

void RegisterGRU(OpRegistryBase *op_registry) {
  MACE_REGISTER_OP_CLASS(op_registry, "GRU", GRUOp, DeviceType::CPU, DT_FLOAT);
}

}  // namespace ops
}  // namespace mace
