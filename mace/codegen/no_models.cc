// SPDX-License-Identifier: Apache-2.0
// A program without models in it.
#include "mace/codegen/embedded_model.h"

namespace mace {

const EmbeddedModel *FindEmbeddedModel(const char *) { return nullptr; }
const EmbeddedModel *EmbeddedModelAt(int) { return nullptr; }

}  // namespace mace
