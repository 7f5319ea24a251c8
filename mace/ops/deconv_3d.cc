// SPDX-License-Identifier: Apache-2.0
// Transposed convolution of volumes in groups, by the tiles of a matrix product.
#include "mace/ops/attrs/deconv_3d.h"

#include "mace/ops/volume_convolution.h"

namespace mace {
namespace ops {

class Deconv3DOp : public VolumeConvolution {
 public:
  explicit Deconv3DOp(OpConstructContext *context) : VolumeConvolution(context, true) {}

  MaceStatus Init(OpInitContext *context) override {
    Deconv3DAttrs attrs;
    MACE_RETURN_IF_ERROR(ParseAttrs(&attrs));
    output_paddings_ = attrs.output_paddings;
    return InitConvolution(context, attrs);
  }
};

void RegisterDeconv3D(OpRegistryBase *op_registry) {
  MACE_REGISTER_OP_CLASS(op_registry, "Deconv3D", Deconv3DOp, DeviceType::CPU, DT_FLOAT);
}

}  // namespace ops
}  // namespace mace
