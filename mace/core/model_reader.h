// SPDX-License-Identifier: Apache-2.0
// Parses model.pb. What it gives is only well-formed: see model_verifier.h for what is meant.
#ifndef MACE_CORE_MODEL_READER_H_
#define MACE_CORE_MODEL_READER_H_

#include <cstddef>

#include "mace/base/status.h"
#include "mace/core/model.h"

namespace mace {

constexpr uint32_t kModelMagic = 0x4543414d;  // the bytes "MACE"
constexpr size_t kMaxSubgraphDepth = 8;
constexpr size_t kMaxSubgraphs = 16;  // of one operator
constexpr uint32_t kMinFormatVersion = 1;
constexpr uint32_t kMaxFormatVersion = 3;

// Limits of what is read at all, so that a small file cannot make the engine take much memory.
constexpr size_t kMaxModelBytes = size_t{1} << 28;
constexpr size_t kMaxOperators = 1u << 16;
constexpr size_t kMaxTensors = 1u << 18;
constexpr size_t kMaxOperatorTensors = 1u << 12;  // inputs, and outputs, of one operator
constexpr size_t kMaxArguments = 1u << 8;         // of one operator, and of the net
constexpr size_t kMaxNameBytes = 1u << 12;

// Checks magic, format version and the checksum of the graph, then reads it. Fields that it does
// not know are passed over, as protobuf demands.
MaceStatus ReadModel(const void *graph, size_t graph_size, ModelDef *model);

}  // namespace mace

#endif  // MACE_CORE_MODEL_READER_H_
