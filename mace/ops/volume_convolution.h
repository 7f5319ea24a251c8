// SPDX-License-Identifier: Apache-2.0
// Conv3D and Deconv3D: both are run by kernels/conv/volume.h, with filters ODHWI that are packed
// once if they are constant, and in each run if they are computed.
#ifndef MACE_OPS_VOLUME_CONVOLUTION_H_
#define MACE_OPS_VOLUME_CONVOLUTION_H_

#include <array>
#include <string>
#include <vector>

#include "mace/kernels/conv/volume.h"
#include "mace/ops/activation_params.h"
#include "mace/ops/window.h"

namespace mace {
namespace ops {

class VolumeConvolution : public WindowOperation {
 public:
  VolumeConvolution(OpConstructContext *context, bool transposed)
      : WindowOperation(context), transposed_(transposed) {}

  MaceStatus InferType(const std::vector<DataType> &inputs,
                       std::vector<DataType> *outputs) override;
  MaceStatus InferShape(OpShapeContext *context) override;
  MaceStatus Plan(OpPlanContext *context) override;
  MaceStatus Run(OpContext *context) override;
  int64_t Macs(const OpShapeContext &context) const override;

 protected:
  template <typename Attrs>
  MaceStatus InitConvolution(OpInitContext *context, const Attrs &attrs) {
    MACE_RETURN_IF_ERROR(FuseInto(attrs, &epilogue_));
    group_ = attrs.group;
    for (int i = 0; i < 3; ++i) {
      window_[i].stride = attrs.strides[i];
      window_[i].dilation = attrs.dilations[i];
      window_[i].padding = attrs.padding;
      window_[i].pad_begin = attrs.paddings[2 * i];
      window_[i].pad_end = attrs.paddings[2 * i + 1];
    }
    return PackConstFilter(context);
  }

  std::array<int64_t, 3> output_paddings_ = {0, 0, 0};

 private:
  struct State;

  MaceStatus PackConstFilter(OpInitContext *context);
  MaceStatus CheckWindows(const std::array<WindowDimension, 3> &window) const;
  MaceStatus CheckFilter(const Shape &filter, const Shape *bias) const;
  MaceStatus LayOut(const OpShapeContext &context, std::array<WindowLayout, 3> *layout) const;
  std::array<WindowDimension, 3> WindowOf(const Shape &filter) const;
  // Without the sizes of in- and output.
  kernels::VolumeShape FilterGeometry(const Shape &filter) const;

  const bool transposed_;
  std::array<WindowDimension, 3> window_;  // without the kernel's size
  kernels::ConvEpilogue epilogue_;
  int64_t group_ = 1;
  bool has_bias_ = false;
  bool filter_is_packed_ = false;
  AlignedBuffer packed_;
};

}  // namespace ops
}  // namespace mace

#endif  // MACE_OPS_VOLUME_CONVOLUTION_H_
