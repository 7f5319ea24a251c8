// SPDX-License-Identifier: Apache-2.0
// TensorFlow's BatchToSpaceND over height and width: image (r * block_width + s) * N + n becomes
// row r and column s of each block of image n, then the borders are cropped.
#include "mace/ops/attrs/batch_to_space_nd.h"

#include <cstring>

#include "mace/base/checked.h"
#include "mace/ops/data_movement.h"

namespace mace {
namespace ops {

class BatchToSpaceNDOp : public ImageRowOperation {
 public:
  using ImageRowOperation::ImageRowOperation;

  MaceStatus Init(OpInitContext *) override { return ParseAttrs(&attrs_); }

  MaceStatus InferShape(OpShapeContext *context) override {
    const Shape &input = context->Input(0).shape;
    if (input.rank() != 4) return Invalid("the input must be NHWC, not ", input.ToString());
    std::vector<int64_t> dims = input.ToVector();
    for (int i = 0; i < 2; ++i) {
      const int64_t block = attrs_.block_shape[i];
      const int64_t before = attrs_.crops[2 * i], after = attrs_.crops[2 * i + 1];
      int64_t crop = 0, &dim = dims[1 + i];
      if (dims[0] % block != 0) {
        return Invalid("the ", input[0], " images of the input are not a multiple of the block of ",
                       attrs_.block_shape[0], " x ", attrs_.block_shape[1]);
      }
      dims[0] /= block;
      if (!CheckedMultiply(dim, block, &dim) || !CheckedAdd(before, after, &crop) || crop > dim) {
        return Invalid("dimension ", 1 + i, " of input shape ", input.ToString(), " times ", block,
                       " cannot be cropped by ", before, " and ", after);
      }
      dim -= crop;
    }
    return SetOutput(context, 0, dims);
  }

 private:
  void MakeRow(const Tensor &input, int64_t row, const Shape &output, uint8_t *dst) const override {
    const int64_t pixel = output[3] * static_cast<int64_t>(DataTypeSize(input.dtype));
    const int64_t batch = output[0];
    const int64_t block_height = attrs_.block_shape[0], block_width = attrs_.block_shape[1];
    const int64_t y = row % output[1] + attrs_.crops[0];
    for (int64_t column = 0; column < output[2]; ++column) {
      const int64_t x = column + attrs_.crops[2];
      const int64_t place = y % block_height * block_width + x % block_width;
      const int64_t image = place * batch + row / output[1];
      const int64_t src =
          (image * input.shape[1] + y / block_height) * input.shape[2] + x / block_width;
      std::memcpy(dst + column * pixel, input.data<uint8_t>() + src * pixel,
                  static_cast<size_t>(pixel));
    }
  }

  BatchToSpaceNDAttrs attrs_;
};

void RegisterBatchToSpaceND(OpRegistryBase *op_registry) {
  RegisterForTypes<BatchToSpaceNDOp>(op_registry, "BatchToSpaceND", {DT_FLOAT});
}

}  // namespace ops
}  // namespace mace
