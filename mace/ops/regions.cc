// SPDX-License-Identifier: Apache-2.0
// Shapes and indices of regions of images.
#include "mace/ops/regions.h"

#include <algorithm>

#include "mace/base/checked.h"
#include "mace/runtimes/cpu/thread_pool.h"

namespace mace {
namespace ops {

MaceStatus RegionOperation::CheckTypes(const OpInitContext &context) const {
  if (context.InputType(1) == DT_FLOAT) return MaceStatus::MACE_SUCCESS;
  return Invalid("regions must be float32, not ", DataTypeName(context.InputType(1)));
}

MaceStatus RegionOperation::SetCells(OpShapeContext *context, int64_t rows, int64_t columns,
                                     int64_t channels) const {
  const Shape &input = context->Input(0).shape, &regions = context->Input(1).shape;
  if (input.rank() != 4 || regions.rank() != 2 || regions[1] != 5) {
    return Invalid("the input of shape ", input.ToString(), " must be NHWC, and the regions of ",
                   regions.ToString(), " rows of five numbers");
  }
  return SetOutput(context, 0, {regions[0], rows, columns, channels});
}

MaceStatus RegionOperation::SetGroupedCells(OpShapeContext *context, int64_t group,
                                            int64_t channels) const {
  const Shape &input = context->Input(0).shape;
  int64_t needed = 0;
  if (!CheckedMultiply(group, group, &needed) || !CheckedMultiply(needed, channels, &needed) ||
      input.rank() != 4 || input[3] != needed) {
    return Invalid("the input of shape ", input.ToString(), " must be NHWC with ", channels,
                   " channels (output_dim) for each of ", group, " x ", group, " cells");
  }
  return SetCells(context, group, group, channels);
}

MaceStatus RegionOperation::ForCells(OpContext *context,
                                     const std::function<void(const Cell &)> &compute) const {
  const Tensor &input = *context->input(0);
  const float *images = input.data<float>();
  const float *regions = context->input(1)->data<float>();
  const Shape &shape = context->output(0)->shape;
  float *output = context->output(0)->mutable_data<float>();
  for (int64_t r = 0; r < shape[0]; ++r) {
    const float image = regions[5 * r];
    if (!(image >= 0 && image < static_cast<float>(input.shape[0]))) {
      return Invalid("region ", r, " is of image ", image, ", and there are ", input.shape[0]);
    }
  }
  if (shape.elements() == 0) return MaceStatus::MACE_SUCCESS;
  const int64_t image_size = input.shape.elements(1, 4);
  const int64_t cells = shape.elements(0, 3);
  context->thread_pool()->ParallelFor(
      cells, std::max<int64_t>(1, 256 / shape[3]), [&](int64_t begin, int64_t end, int) {
        for (int64_t i = begin; i < end; ++i) {
          const float *region = regions + i / (shape[1] * shape[2]) * 5;
          compute({region + 1, images + static_cast<int64_t>(region[0]) * image_size,
                   i / shape[2] % shape[1], i % shape[2], output + i * shape[3]});
        }
      });
  return MaceStatus::MACE_SUCCESS;
}

}  // namespace ops
}  // namespace mace
