// SPDX-License-Identifier: Apache-2.0
// TensorFlow's SpaceToBatchND over height and width: pads with zeros, then row r and column s of
// each block go to image (r * block_width + s) * N + n of the output.
#include "mace/ops/attrs/space_to_batch_nd.h"

#include <cstring>

#include "mace/base/checked.h"
#include "mace/ops/data_movement.h"

namespace mace {
namespace ops {

class SpaceToBatchNDOp : public ImageRowOperation {
 public:
  using ImageRowOperation::ImageRowOperation;

  MaceStatus Init(OpInitContext *) override { return ParseAttrs(&attrs_); }

  MaceStatus InferShape(OpShapeContext *context) override {
    const Shape &input = context->Input(0).shape;
    if (input.rank() != 4) return Invalid("the input must be NHWC, not ", input.ToString());
    std::vector<int64_t> dims = input.ToVector();
    for (int i = 0; i < 2; ++i) {
      const int64_t block = attrs_.block_shape[i];
      const int64_t before = attrs_.paddings[2 * i], after = attrs_.paddings[2 * i + 1];
      int64_t padded = 0;
      if (!CheckedAdd(before, after, &padded) || !CheckedAdd(padded, input[1 + i], &padded) ||
          !CheckedMultiply(dims[0], block, &dims[0])) {
        return Invalid("the output would be too large to be addressed");
      }
      if (padded % block != 0) {
        return Invalid("dimension ", 1 + i, " of input shape ", input.ToString(), ", padded by ",
                       before, " and ", after, ", is not a multiple of the block of ", block);
      }
      dims[1 + i] = padded / block;
    }
    return SetOutput(context, 0, dims);
  }

 private:
  void MakeRow(const Tensor &input, int64_t row, const Shape &output, uint8_t *dst) const override {
    const int64_t batch = input.shape[0], height = input.shape[1], width = input.shape[2];
    const int64_t pixel = output[3] * static_cast<int64_t>(DataTypeSize(input.dtype));
    const int64_t columns = output[2];
    const int64_t image = row / output[1], place = image / batch;
    const int64_t y = row % output[1] * attrs_.block_shape[0] + place / attrs_.block_shape[1] -
                      attrs_.paddings[0];
    const int64_t step = attrs_.block_shape[1];
    const int64_t first = place % step - attrs_.paddings[2];  // of column 0; x of the input
    if (y < 0 || y >= height) {
      std::memset(dst, 0, static_cast<size_t>(columns * pixel));
      return;
    }
    const uint8_t *src = input.data<uint8_t>() + (image % batch * height + y) * width * pixel;
    for (int64_t column = 0; column < columns; ++column) {
      const int64_t x = first + column * step;
      if (x < 0 || x >= width) {
        std::memset(dst + column * pixel, 0, static_cast<size_t>(pixel));
      } else {
        std::memcpy(dst + column * pixel, src + x * pixel, static_cast<size_t>(pixel));
      }
    }
  }

  SpaceToBatchNDAttrs attrs_;
};

void RegisterSpaceToBatchND(OpRegistryBase *op_registry) {
  RegisterForTypes<SpaceToBatchNDOp>(op_registry, "SpaceToBatchND", {DT_FLOAT});
}

}  // namespace ops
}  // namespace mace
