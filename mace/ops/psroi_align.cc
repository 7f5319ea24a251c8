// SPDX-License-Identifier: Apache-2.0
// PSROIAlign: each cell of a grid over a region takes the mean of samples of channels of its own,
// interpolated between pixels (R-FCN with PSROIAlign for Caffe). Samples beyond the last pixels
// add nothing, and are counted.
#include "mace/ops/attrs/psroi_align.h"

#include <algorithm>
#include <cstdint>

#include "mace/ops/regions.h"

namespace mace {
namespace ops {

class PSROIAlignOp : public RegionOperation {
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
    return ForCells(context, [&](const Cell &cell) { Align(shape, cell); });
  }

 private:
  // The extent of a cell along one dimension, inside the centers of the first and last pixel.
  struct Extent {
    float first;
    float last;
    float step;  // between samples
  };

  Extent Measure(float start, float end, int64_t i, int64_t size) const {
    const float begin = start * attrs_.spatial_scale;
    const float length = std::max((end + 1) * attrs_.spatial_scale - begin, 0.1f);
    const float cell = length / static_cast<float>(attrs_.group_size);
    const float limit = static_cast<float>(size - 1);
    return {Clamped(static_cast<float>(i) * cell + begin, 0, limit),
            Clamped(static_cast<float>(i + 1) * cell + begin, 0, limit),
            cell / static_cast<float>(attrs_.sample_num + 1)};
  }

  void Align(const Shape &shape, const Cell &cell) const {
    const int64_t group = attrs_.group_size, samples = attrs_.sample_num;
    const int64_t width = shape[2], channels = shape[3];
    std::fill(cell.output, cell.output + attrs_.output_dim, 0.0f);
    if (shape[1] == 0 || width == 0) return;
    const Extent rows = Measure(cell.region[1], cell.region[3], cell.row, shape[1]);
    const Extent columns = Measure(cell.region[0], cell.region[2], cell.column, width);
    const float *own = cell.image + cell.row * group + cell.column;
    const float weight = 1 / static_cast<float>(samples * samples);
    for (int64_t i = 1; i <= samples; ++i) {
      const float y = rows.first + static_cast<float>(i) * rows.step;
      if (!(y < rows.last)) continue;
      for (int64_t j = 1; j <= samples; ++j) {
        const float x = columns.first + static_cast<float>(j) * columns.step;
        if (!(x < columns.last)) continue;
        // y and x are below the last pixel, so there is one below and to the right.
        const int64_t top = static_cast<int64_t>(y), left = static_cast<int64_t>(x);
        const float b = y - static_cast<float>(top), r = x - static_cast<float>(left);
        const float *upper = own + (top * width + left) * channels;
        const float *lower = upper + width * channels;
        for (int64_t d = 0; d < attrs_.output_dim; ++d) {
          const int64_t c = d * group * group;
          const float value = (1 - b) * ((1 - r) * upper[c] + r * upper[c + channels]) +
                              b * ((1 - r) * lower[c] + r * lower[c + channels]);
          cell.output[d] += weight * value;
        }
      }
    }
  }

  PSROIAlignAttrs attrs_;
};

void RegisterPSROIAlign(OpRegistryBase *op_registry) {
  RegisterForTypes<PSROIAlignOp>(op_registry, "PSROIAlign", {DT_FLOAT});
}

}  // namespace ops
}  // namespace mace
