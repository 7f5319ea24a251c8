// SPDX-License-Identifier: Apache-2.0
// What the operators share that pool regions of images: the regions are rows of image number, left,
// top, right and bottom, and over each lies a grid of cells.
#ifndef MACE_OPS_REGIONS_H_
#define MACE_OPS_REGIONS_H_

#include <cstdint>
#include <functional>

#include "mace/ops/data_movement.h"

namespace mace {
namespace ops {

// Not a number becomes the lower limit.
inline float Clamped(float value, float low, float high) {
  return value > low ? (value < high ? value : high) : low;
}

class RegionOperation : public ShapedOperation {
 public:
  using ShapedOperation::ShapedOperation;

 protected:
  // One cell of the grid over a region.
  struct Cell {
    const float *region;  // left, top, right, bottom
    const float *image;   // height * width * channels
    int64_t row;
    int64_t column;
    float *output;  // a number for each output channel
  };

  MaceStatus CheckTypes(const OpInitContext &context) const;
  // Sets the output's shape to that of the regions' cells, or says why the inputs do not fit.
  MaceStatus SetCells(OpShapeContext *context, int64_t rows, int64_t columns,
                      int64_t channels) const;
  // The same where each cell has channels of its own.
  MaceStatus SetGroupedCells(OpShapeContext *context, int64_t group, int64_t channels) const;
  // Computes all cells on all threads; an error when a region is of an image that is not there.
  MaceStatus ForCells(OpContext *context, const std::function<void(const Cell &)> &compute) const;
};

}  // namespace ops
}  // namespace mace

#endif  // MACE_OPS_REGIONS_H_
