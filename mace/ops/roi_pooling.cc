// SPDX-License-Identifier: Apache-2.0
// ROIPooling: the largest element in each cell of a grid over a region (Fast R-CNN). Borders of
// regions are rounded to whole pixels, those of cells outwards, so that cells may overlap.
#include "mace/ops/attrs/roi_pooling.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

#include "mace/ops/regions.h"

namespace mace {
namespace ops {

namespace {

// Pixels [first, last) of cell i of n between two borders, inside an image of `size` pixels.
struct Pixels {
  Pixels(float start, float end, int64_t i, int64_t n, int64_t size) {
    const float cell = std::max(end - start + 1, 1.0f) / static_cast<float>(n);
    const float limit = static_cast<float>(size);
    first =
        static_cast<int64_t>(Clamped(std::floor(static_cast<float>(i) * cell) + start, 0, limit));
    last = static_cast<int64_t>(
        Clamped(std::ceil(static_cast<float>(i + 1) * cell) + start, 0, limit));
  }
  int64_t first;
  int64_t last;
};

}  // namespace

class ROIPoolingOp : public RegionOperation {
 public:
  using RegionOperation::RegionOperation;

  MaceStatus Init(OpInitContext *context) override {
    MACE_RETURN_IF_ERROR(ParseAttrs(&attrs_));
    return CheckTypes(*context);
  }

  MaceStatus InferShape(OpShapeContext *context) override {
    const Shape &input = context->Input(0).shape;
    return SetCells(context, attrs_.pooled_size[0], attrs_.pooled_size[1],
                    input.rank() == 4 ? input[3] : 0);
  }

  MaceStatus Run(OpContext *context) override {
    const Shape &shape = context->input(0)->shape;
    const int64_t width = shape[2], channels = shape[3];
    return ForCells(context, [&](const Cell &cell) {
      float borders[4];
      for (int i = 0; i < 4; ++i) borders[i] = std::round(cell.region[i] * attrs_.spatial_scale);
      const Pixels rows(borders[1], borders[3], cell.row, attrs_.pooled_size[0], shape[1]);
      const Pixels columns(borders[0], borders[2], cell.column, attrs_.pooled_size[1], width);
      const bool empty = rows.first >= rows.last || columns.first >= columns.last;
      std::fill(cell.output, cell.output + channels,
                empty ? 0 : std::numeric_limits<float>::lowest());
      for (int64_t y = rows.first; y < rows.last; ++y) {
        for (int64_t x = columns.first; x < columns.last; ++x) {
          const float *pixel = cell.image + (y * width + x) * channels;
          for (int64_t c = 0; c < channels; ++c) {
            cell.output[c] = std::max(cell.output[c], pixel[c]);
          }
        }
      }
    });
  }

 private:
  ROIPoolingAttrs attrs_;
};

void RegisterROIPooling(OpRegistryBase *op_registry) {
  RegisterForTypes<ROIPoolingOp>(op_registry, "ROIPooling", {DT_FLOAT});
}

}  // namespace ops
}  // namespace mace
