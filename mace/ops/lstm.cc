// SPDX-License-Identifier: Apache-2.0
// LSTM over sequences.
#include "mace/ops/attrs/lstm.h"

#include "mace/ops/recurrent.h"

namespace mace {
namespace ops {

class LSTMOp : public RecurrentOperation {
 public:
  explicit LSTMOp(OpConstructContext *context)
      : RecurrentOperation(context, RecurrentCell::kLstm) {}

  MaceStatus Init(OpInitContext *context) override {
    LSTMAttrs attrs;
    MACE_RETURN_IF_ERROR(ParseAttrs(&attrs));
    MACE_RETURN_IF_ERROR(ReadAttrs(attrs));
    input_forget_ = attrs.input_forget;
    return PackConstWeights(context);
  }
};

void RegisterLSTM(OpRegistryBase *op_registry) {
  MACE_REGISTER_OP_CLASS(op_registry, "LSTM", LSTMOp, DeviceType::CPU, DT_FLOAT);
}

}  // namespace ops
}  // namespace mace
