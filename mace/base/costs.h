// SPDX-License-Identifier: Apache-2.0
// What work costs on each instruction set: the one table by which the engine chooses between ways
// of a convolution (winograd.h, strassen.h) and which operators become a chain (plan_chain.h). The
// table is made from costs.yml, whose numbers `mace dev fit` measures.
#ifndef MACE_BASE_COSTS_H_
#define MACE_BASE_COSTS_H_

#include <cstddef>
#include <cstdint>

#include "mace/base/isa.h"

namespace mace {

// What a way to compute something has to do. Columns are rounded up to whole vectors.
struct Work {
  double macs = 0;     // multiply-adds
  double steps = 0;    // floats of filters that come to registers, once for each tile of rows
  double filters = 0;  // floats of filters that come from beyond the L2 cache
  double inputs = 0;   // floats that are copied or transformed before the products
  double outputs = 0;  // floats that are stored or transformed after them
};

// What a unit of each takes, in the time of a multiply-add of a product.
struct WorkCosts {
  double mac, step, filter, input, output;
};

// Which operators become a chain; see plan_chain.cc. Bytes.
struct ChainCosts {
  double byte;          // to leave the L2 cache and come back, in multiply-adds; 0: no chains
  size_t least_image;   // a smaller one stays in the L2 cache anyway
  size_t least_tiled;   // the same between tiles of Winograd convolution
  size_t step_weights;  // of an operator of the chain, at most
  size_t all_weights;
  size_t all_bytes;  // weights and windows together; 0: any
  size_t band;       // of the largest window
};

struct Costs {
  Isa isa;
  WorkCosts product;
  WorkCosts winograd_2, winograd_4;  // by the outputs along a side of a tile
  WorkCosts strassen;
  ChainCosts chains;
};

// The row of one instruction set, or of the best one among `isas`.
const Costs &CostsOf(uint32_t isas);

// In multiply-adds of a product. Filters come while others are multiplied, so that of the first
// three kinds of work the one that takes longest counts; the others come before and after.
double CostOf(const Work &work, const WorkCosts &costs);

}  // namespace mace

#endif  // MACE_BASE_COSTS_H_
