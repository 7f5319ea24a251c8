// SPDX-License-Identifier: Apache-2.0
// PSROIPooling: each cell of a grid over a region takes the mean of channels of its own (R-FCN).
// Borders of regions are rounded to whole pixels before they are scaled, those of cells outwards.
#include "mace/ops/attrs/psroi_pooling.h"

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "mace/ops/regions.h"

namespace mace {
namespace ops {

class PSROIPoolingOp : public RegionOperation {
 public:
  using RegionOperation::RegionOperation;

  MaceStatus Init(OpInitContext *context) override {
    MACE_RETURN_IF_ERROR(ParseAttrs(&attrs_));
    return CheckTypes(*context);
  }

  MaceStatus InferShape(OpShapeContext *context) override {
    return SetGroupedCells(context, attrs_.group_size, attrs_.output_dim);
  }

  MaceStatus Run(OpContext *context) override {
    const Shape &shape = context->input(0)->shape;
    return ForCells(context, [&](const Cell &cell) { Pool(shape, cell); });
  }

 private:
  // Pixels [*first, *last) of cell i between two borders, inside an image of `size` pixels.
  void Measure(float start, float end, int64_t i, int64_t size, int64_t *first,
               int64_t *last) const {
    const float begin = std::round(start) * attrs_.spatial_scale;
    const float length = std::max((std::round(end) + 1) * attrs_.spatial_scale - begin, 0.1f);
    const float cell = length / static_cast<float>(attrs_.group_size);
    const float limit = static_cast<float>(size);
    *first =
        static_cast<int64_t>(Clamped(std::floor(static_cast<float>(i) * cell + begin), 0, limit));
    *last = static_cast<int64_t>(
        Clamped(std::ceil(static_cast<float>(i + 1) * cell + begin), 0, limit));
  }

  void Pool(const Shape &shape, const Cell &cell) const {
    const int64_t group = attrs_.group_size, width = shape[2], channels = shape[3];
    int64_t top = 0, bottom = 0, left = 0, right = 0;
    Measure(cell.region[1], cell.region[3], cell.row, shape[1], &top, &bottom);
    Measure(cell.region[0], cell.region[2], cell.column, width, &left, &right);
    const int64_t count = std::max<int64_t>(bottom - top, 0) * std::max<int64_t>(right - left, 0);
    const float *own = cell.image + cell.row * group + cell.column;
    for (int64_t d = 0; d < attrs_.output_dim; ++d, own += group * group) {
      double sum = 0;
      for (int64_t y = top; y < bottom; ++y) {
        for (int64_t x = left; x < right; ++x) {
          sum += static_cast<double>(own[(y * width + x) * channels]);
        }
      }
      cell.output[d] = count > 0 ? static_cast<float>(sum / static_cast<double>(count)) : 0;
    }
  }

  PSROIPoolingAttrs attrs_;
};

void RegisterPSROIPooling(OpRegistryBase *op_registry) {
  RegisterForTypes<PSROIPoolingOp>(op_registry, "PSROIPooling", {DT_FLOAT});
}

}  // namespace ops
}  // namespace mace
