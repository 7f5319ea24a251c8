// SPDX-License-Identifier: Apache-2.0
// The input as it is.
#include "mace/ops/data_movement.h"

namespace mace {
namespace ops {

class IdentityOp : public AliasOperation {
 public:
  using AliasOperation::AliasOperation;
};

void RegisterIdentity(OpRegistryBase *op_registry) {
  RegisterForTypes<IdentityOp>(op_registry, "Identity", kAllTypes);
}

}  // namespace ops
}  // namespace mace
