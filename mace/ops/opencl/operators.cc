// SPDX-License-Identifier: Apache-2.0
// The operators that have a GPU side, by type.
#include "mace/ops/opencl/operators.h"

namespace mace {
namespace opencl {

// Weak: the table of a library for chosen models may take its place; select_gpu.py reads this one.
extern const GpuOperator kGpuOperators[] __attribute__((weak));
const GpuOperator kGpuOperators[] = {
    {"Activation", SupportsActivation, BuildActivation, nullptr, false},
    {"ArgMax", SupportsArgMax, BuildArgMax, nullptr, true},
    {"BatchNorm", SupportsBatchNorm, BuildBatchNorm, nullptr, false},
    {"BatchToSpaceND", SupportsBatchToSpaceND, BuildBatchToSpaceND, nullptr, false},
    {"ChannelShuffle", SupportsChannelShuffle, BuildChannelShuffle, nullptr, false},
    {"Concat", SupportsConcat, BuildConcat, nullptr, false, nullptr, PartsOfConcat},
    {"Conv2D", SupportsConv2D, BuildConv2D, VariantsOfConv2D, false, AbsorbsConv2D, PartsOfConv2D,
     JoinsConv2D},
    {"Crop", SupportsCrop, BuildCrop, nullptr, false},
    {"Deconv2D", SupportsDeconv2D, BuildDeconv2D, nullptr, true},
    {"DepthToSpace", SupportsDepthToSpace, BuildDepthToSpace, nullptr, false},
    {"DepthwiseConv2d", SupportsDepthwiseConv2d, BuildDepthwiseConv2d, VariantsOfDepthwiseConv2d,
     false},
    {"Eltwise", SupportsEltwise, BuildEltwise, nullptr, false},
    {"Expand", SupportsExpand, BuildExpand, nullptr, true},
    {"Flatten", SupportsReshape, BuildReshape, nullptr, false},
    {"FullyConnected", SupportsFullyConnected, BuildFullyConnected, VariantsOfFullyConnected,
     false},
    {"Gather", SupportsGather, BuildGather, nullptr, true},
    {"GroupNorm", SupportsGroupNorm, BuildGroupNorm, nullptr, false},
    {"Identity", SupportsReshape, BuildReshape, nullptr, false},
    {"LSTM", SupportsLSTM, BuildLSTM, nullptr, true},
    {"LayerNorm", SupportsLayerNorm, BuildLayerNorm, nullptr, false},
    {"LocalResponseNorm", SupportsLocalResponseNorm, BuildLocalResponseNorm, nullptr, false},
    {"MatMul", SupportsMatMul, BuildMatMul, VariantsOfMatMul, false},
    {"Normalize", SupportsNormalize, BuildNormalize, nullptr, false},
    {"Pad", SupportsPad, BuildPad, nullptr, true},
    {"Pooling", SupportsPooling, BuildPooling, nullptr, false, nullptr, PartsOfPooling},
    {"Reduce", SupportsReduce, BuildReduce, nullptr, false},
    {"Reshape", SupportsReshape, BuildReshape, nullptr, true},
    {"Resize", SupportsResize, BuildResize, nullptr, true},
    {"Reverse", SupportsReverse, BuildReverse, nullptr, false},
    {"Slice", SupportsSlice, BuildSlice, nullptr, true},
    {"Softmax", SupportsSoftmax, BuildSoftmax, nullptr, false},
    {"SpaceToBatchND", SupportsSpaceToBatchND, BuildSpaceToBatchND, nullptr, false},
    {"SpaceToDepth", SupportsSpaceToDepth, BuildSpaceToDepth, nullptr, false},
    {"Split", SupportsSplit, BuildSplit, nullptr, true},
    {"SqrDiffMean", SupportsSqrDiffMean, BuildSqrDiffMean, nullptr, false},
    {"Squeeze", SupportsReshape, BuildReshape, nullptr, false},
    {"Stack", SupportsStack, BuildStack, nullptr, false},
    {"StridedSlice", SupportsStridedSlice, BuildStridedSlice, nullptr, true},
    {"Tile", SupportsTile, BuildTile, nullptr, true},
    {"Transpose", SupportsTranspose, BuildTranspose, nullptr, false},
    {"Unary", SupportsUnary, BuildUnary, nullptr, false},
    {"Unsqueeze", SupportsReshape, BuildReshape, nullptr, false},
    {"Unstack", SupportsUnstack, BuildUnstack, nullptr, false},
    {nullptr, nullptr, nullptr, nullptr, false},
};

const GpuOperator *FindGpuOperator(const std::string &type) {
  for (const GpuOperator *op = kGpuOperators; op->type != nullptr; ++op) {
    if (type == op->type) return op;
  }
  return nullptr;
}

}  // namespace opencl
}  // namespace mace
