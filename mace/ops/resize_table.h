// SPDX-License-Identifier: Apache-2.0
// Which input pixels an output pixel of a resized line is made of.
#ifndef MACE_OPS_RESIZE_TABLE_H_
#define MACE_OPS_RESIZE_TABLE_H_

#include <cstdint>
#include <vector>

#include "mace/ops/attrs/resize.h"

namespace mace {
namespace ops {

// For output pixel x: places[x * taps + t] with weights[x * taps + t], t < taps. Nearest has one
// tap of weight 1, bilinear two, bicubic four; areas, and both with antialias, as many as it takes.
// Places are inside the input: pixels beyond the border are those of the border, or have weight 0
// with exclude_outside.
struct ResizeTable {
  int taps = 1;
  std::vector<int32_t> places;
  std::vector<float> weights;
  // TF_CROP_AND_RESIZE: output pixels that lie outside of the input.
  std::vector<int64_t> outside;
  bool is_identity = false;  // output pixel x is input pixel x
};

// `scale` is output size / input size when it was given as a number, else 0: the sizes tell.
// Both sizes are from 1 to 2^30. dimension: 0 height, 1 width.
ResizeTable MakeResizeTable(const ResizeAttrs &attrs, int dimension, int64_t input_size,
                            int64_t output_size, float scale);

}  // namespace ops
}  // namespace mace

#endif  // MACE_OPS_RESIZE_TABLE_H_
