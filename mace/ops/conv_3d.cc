// SPDX-License-Identifier: Apache-2.0
// Convolution of volumes in groups, by the tiles of a matrix product.
#include "mace/ops/attrs/conv_3d.h"

#include "mace/ops/volume_convolution.h"

namespace mace {
namespace ops {

class Conv3DOp : public VolumeConvolution {
 public:
  explicit Conv3DOp(OpConstructContext *context) : VolumeConvolution(context, false) {}

  MaceStatus Init(OpInitContext *context) override {
    Conv3DAttrs attrs;
    MACE_RETURN_IF_ERROR(ParseAttrs(&attrs));
    return InitConvolution(context, attrs);
  }
};

void RegisterConv3D(OpRegistryBase *op_registry) {
  MACE_REGISTER_OP_CLASS(op_registry, "Conv3D", Conv3DOp, DeviceType::CPU, DT_FLOAT);
}

}  // namespace ops
}  // namespace mace
