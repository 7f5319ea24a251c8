// SPDX-License-Identifier: Apache-2.0
// All ways of convolution. Weak: the table of a library for chosen models takes its place.
#include "mace/kernels/conv/conv.h"

namespace mace {
namespace kernels {

extern const ConvParts kConvParts __attribute__((weak));
const ConvParts kConvParts = {&kWinogradFunctions, &kStrassenFunctions};

}  // namespace kernels
}  // namespace mace
