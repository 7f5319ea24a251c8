// SPDX-License-Identifier: Apache-2.0
// RNN over sequences.
#include "mace/ops/attrs/rnn.h"

#include "mace/ops/recurrent.h"

namespace mace {
namespace ops {

class RNNOp : public RecurrentOperation {
 public:
  explicit RNNOp(OpConstructContext *context) : RecurrentOperation(context, RecurrentCell::kRnn) {}

  MaceStatus Init(OpInitContext *context) override {
    RNNAttrs attrs;
    MACE_RETURN_IF_ERROR(ParseAttrs(&attrs));
    MACE_RETURN_IF_ERROR(ReadAttrs(attrs));
    return PackConstWeights(context);
  }
};

void RegisterRNN(OpRegistryBase *op_registry) {
  MACE_REGISTER_OP_CLASS(op_registry, "RNN", RNNOp, DeviceType::CPU, DT_FLOAT);
}

}  // namespace ops
}  // namespace mace
