// SPDX-License-Identifier: Apache-2.0
// Normalize: divides by the L2 norm over the channels of each pixel, or over a whole image, then
// multiplies by a scale (Caffe SSD).
#include <algorithm>
#include <cmath>
#include <cstdint>

#include "mace/kernels/norm/norm.h"
#include "mace/kernels/reduce/reduce.h"
#include "mace/ops/attrs/normalize.h"
#include "mace/ops/broadcast_rows.h"
#include "mace/ops/data_movement.h"

namespace mace {
namespace ops {

class NormalizeOp : public ShapedOperation {
 public:
  explicit NormalizeOp(OpConstructContext *context) : ShapedOperation(context) {}

  MaceStatus Init(OpInitContext *context) override {
    MACE_RETURN_IF_ERROR(ParseAttrs(&attrs_));
    if (context->InputType(1) != DT_FLOAT) {
      return Invalid("scale must be float32, not ", DataTypeName(context->InputType(1)));
    }
    return MaceStatus();
  }

  MaceStatus InferShape(OpShapeContext *context) override {
    const Shape &input = context->Input(0).shape;
    const int64_t scales = context->Input(1).shape.elements();
    if (input.rank() < 2) {
      return Invalid("the input of shape ", input.ToString(), " is not a batch of pixels");
    }
    if (scales != 1 && scales != input.dim(-1)) {
      return Invalid("scale has ", scales, " elements, it needs 1 or the ", input.dim(-1),
                     " channels of the input of shape ", input.ToString());
    }
    context->SetOutputShape(0, input);
    return MaceStatus();
  }

  MaceStatus Plan(OpPlanContext *context) override {
    context->AllowInPlace(0, 0);
    if (!attrs_.across_spatial) return MaceStatus();
    const Shape &input = context->Input(0).shape;
    context->RequestScratch(static_cast<size_t>(Parts(input)) * sizeof(float));
    return MaceStatus();
  }

  MaceStatus Run(OpContext *context) override {
    const Shape &shape = context->input(0)->shape;
    if (shape.elements() == 0) return MaceStatus();
    if (attrs_.across_spatial) {
      for (int64_t n = 0; n < shape[0]; ++n) NormalizeImage(context, n * ImageElements(shape));
      return MaceStatus();
    }
    ForPixels(context, 0, shape.elements(), [&](const float *pixel, int64_t channels) {
      return Factor(
          static_cast<double>(kernels::Reduce().row(kernels::kReduceSumSquare, pixel, channels)));
    });
    return MaceStatus();
  }

 private:
  static int64_t ImageElements(const Shape &shape) { return shape.elements(1, shape.rank()); }
  static int64_t Parts(const Shape &shape) {
    return (ImageElements(shape) + kElementGrain - 1) / kElementGrain;
  }

  float Factor(double sum_of_squares) const {
    return static_cast<float>(1 / std::sqrt(sum_of_squares + static_cast<double>(attrs_.epsilon)));
  }

  void NormalizeImage(OpContext *context, int64_t first) const {
    const Shape &shape = context->input(0)->shape;
    const int64_t elements = ImageElements(shape);
    const float *in = context->input(0)->data<float>() + first;
    float *parts = static_cast<float *>(context->scratch());
    // Each part is one call, whatever the number of threads, so that sums do not depend on it.
    context->thread_pool()->ParallelFor(Parts(shape), 1, [&](int64_t begin, int64_t end, int) {
      for (int64_t i = begin; i < end; ++i) {
        const int64_t start = i * kElementGrain;
        parts[i] = kernels::Reduce().row(kernels::kReduceSumSquare, in + start,
                                         std::min(kElementGrain, elements - start));
      }
    });
    double sum = 0;
    for (int64_t i = 0; i < Parts(shape); ++i) sum += static_cast<double>(parts[i]);
    const float factor = Factor(sum);
    ForPixels(context, first, elements, [factor](const float *, int64_t) { return factor; });
  }

  // Multiplies each pixel of `elements` numbers by what `factor` says of it, and by the scale.
  template <typename PixelFactor>
  static void ForPixels(OpContext *context, int64_t first, int64_t elements,
                        const PixelFactor &factor) {
    const int64_t channels = context->input(0)->shape.dim(-1);
    const float *in = context->input(0)->data<float>() + first;
    const float *scale = context->input(1)->data<float>();
    const bool one_scale = context->input(1)->elements() == 1;
    float *out = context->output(0)->mutable_data<float>() + first;
    const kernels::NormFunctions &kernel = kernels::Norm();
    const int64_t grain = std::max<int64_t>(1, kElementGrain / channels);
    context->thread_pool()->ParallelFor(
        elements / channels, grain, [&](int64_t begin, int64_t end, int) {
          for (int64_t i = begin * channels; i < end * channels; i += channels) {
            kernel.scale(in + i, factor(in + i, channels), scale, one_scale, channels, out + i);
          }
        });
  }

  NormalizeAttrs attrs_;
};

void RegisterNormalize(OpRegistryBase *op_registry) {
  MACE_REGISTER_OP_CLASS(op_registry, "Normalize", NormalizeOp, DeviceType::CPU, DT_FLOAT);
}

}  // namespace ops
}  // namespace mace
