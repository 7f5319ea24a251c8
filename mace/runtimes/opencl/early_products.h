// SPDX-License-Identifier: Apache-2.0
// Which operators of a network compute in float although fp16_fp16 is asked for: the first ones.
// What they round away goes through all others: with InceptionV3, seven convolutions of 94 made
// nine tenths of the error, and with MobileNetV1 the first six most of it.
#ifndef MACE_RUNTIMES_OPENCL_EARLY_PRODUCTS_H_
#define MACE_RUNTIMES_OPENCL_EARLY_PRODUCTS_H_

#include <string>
#include <vector>

#include "mace/core/model.h"

namespace mace {
namespace opencl {

// First outputs, sorted, of the convolutions and matrix products that have fewer than six such
// operators on every way from the inputs of the network. Operators are in an order of execution.
std::vector<std::string> EarlyProducts(const NetDef &net);

}  // namespace opencl
}  // namespace mace

#endif  // MACE_RUNTIMES_OPENCL_EARLY_PRODUCTS_H_
