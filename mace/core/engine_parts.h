// SPDX-License-Identifier: Apache-2.0
// What the engine needs for some models alone. A library for chosen models (mace build --selective)
// defines the table itself and leaves parts out; a model that needs one is then refused.
#ifndef MACE_CORE_ENGINE_PARTS_H_
#define MACE_CORE_ENGINE_PARTS_H_

#include <memory>
#include <vector>

#include "mace/core/plan.h"

namespace mace {

// Makes a graph inside an operator; see NetSubgraph::Make.
using MakeSubgraph = MaceStatus (*)(const NetDef &def, const Constants &constants,
                                    const Net::Options &options,
                                    std::unique_ptr<Subgraph> *subgraph);
MaceStatus MakeNetSubgraph(const NetDef &def, const Constants &constants,
                           const Net::Options &options, std::unique_ptr<Subgraph> *subgraph);

// Null: not in this library.
struct EngineParts {
  MakeSubgraph subgraphs = nullptr;    // of If and Loop
  const PlanLate *late = nullptr;      // shapes that only a run knows
  const PlanFusion *fusion = nullptr;  // sums and concatenations that cost no pass over memory
  bool storage = false;                // packed weights of an earlier engine, in a file
  bool expand = false;                 // weights that are stored in fewer bytes than float32
  bool async = false;                  // runs that their caller does not wait for
};

extern const EngineParts kEngineParts;

}  // namespace mace

#endif  // MACE_CORE_ENGINE_PARTS_H_
