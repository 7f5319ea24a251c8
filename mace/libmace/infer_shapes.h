// SPDX-License-Identifier: Apache-2.0
// What the converter asks of the engine. A library for chosen models (mace build --selective) has
// no use for it: its own table is empty.
#ifndef MACE_LIBMACE_INFER_SHAPES_H_
#define MACE_LIBMACE_INFER_SHAPES_H_

#include <cstddef>

#include "mace/public/mace.h"
#include "mace/public/mace_c.h"

namespace mace {

struct EngineConfig;
struct ModelSource;

// What the caller wants to be told.
struct InferListener {
  mace_shape_fn shape = nullptr;
  mace_problem_fn problem = nullptr;
  mace_placement_fn placement = nullptr;
  void *user = nullptr;
};

MaceStatus InferShapes(const ModelSource &source, const EngineConfig &config,
                       const mace_tensor *inputs, size_t input_count,
                       const InferListener &listener);

struct InferPart {
  // Null: not in this library.
  decltype(&InferShapes) infer;
};
extern const InferPart kInferPart;

}  // namespace mace

#endif  // MACE_LIBMACE_INFER_SHAPES_H_
