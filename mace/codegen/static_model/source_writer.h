// SPDX-License-Identifier: Apache-2.0
// A recording as C++.
#ifndef MACE_CODEGEN_STATIC_MODEL_SOURCE_WRITER_H_
#define MACE_CODEGEN_STATIC_MODEL_SOURCE_WRITER_H_

#include <string>

#include "mace/codegen/static_model/recording.h"

namespace mace {
namespace codegen {

// The source that defines mace_static_<model>_run(arena, inputs, outputs), for a model whose name
// is an identifier. Constants lie at mace_static_<model>_constants.
std::string WriteSource(const std::string &model, const Recording &recording);

}  // namespace codegen
}  // namespace mace

#endif  // MACE_CODEGEN_STATIC_MODEL_SOURCE_WRITER_H_
