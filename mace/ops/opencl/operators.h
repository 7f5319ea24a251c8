// SPDX-License-Identifier: Apache-2.0
// The GPU sides of operators, one function each to say whether it can, and one to build. Those that
// can be tuned have a third. See GpuOperator in launch.h.
#ifndef MACE_OPS_OPENCL_OPERATORS_H_
#define MACE_OPS_OPENCL_OPERATORS_H_

#include <string>
#include <vector>

#include "mace/runtimes/opencl/launch.h"

namespace mace {
namespace opencl {

#define MACE_GPU_OPERATOR(Name)                           \
  MaceStatus Supports##Name(const GpuOpContext &context); \
  MaceStatus Build##Name(const GpuOpContext &context, GpuStep *step)

MACE_GPU_OPERATOR(Activation);
MACE_GPU_OPERATOR(ArgMax);
MACE_GPU_OPERATOR(BatchNorm);
MACE_GPU_OPERATOR(BatchToSpaceND);
MACE_GPU_OPERATOR(ChannelShuffle);
MACE_GPU_OPERATOR(Concat);
MACE_GPU_OPERATOR(Conv2D);
MACE_GPU_OPERATOR(Crop);
MACE_GPU_OPERATOR(Deconv2D);
MACE_GPU_OPERATOR(DepthToSpace);
MACE_GPU_OPERATOR(DepthwiseConv2d);
MACE_GPU_OPERATOR(Eltwise);
MACE_GPU_OPERATOR(Expand);
MACE_GPU_OPERATOR(FullyConnected);
MACE_GPU_OPERATOR(Gather);
MACE_GPU_OPERATOR(GroupNorm);
MACE_GPU_OPERATOR(LSTM);
MACE_GPU_OPERATOR(LayerNorm);
MACE_GPU_OPERATOR(LocalResponseNorm);
MACE_GPU_OPERATOR(MatMul);
MACE_GPU_OPERATOR(Normalize);
MACE_GPU_OPERATOR(Pad);
MACE_GPU_OPERATOR(Pooling);
MACE_GPU_OPERATOR(Reduce);
MACE_GPU_OPERATOR(Reshape);
MACE_GPU_OPERATOR(Resize);
MACE_GPU_OPERATOR(Reverse);
MACE_GPU_OPERATOR(Slice);
MACE_GPU_OPERATOR(Softmax);
MACE_GPU_OPERATOR(SpaceToBatchND);
MACE_GPU_OPERATOR(SpaceToDepth);
MACE_GPU_OPERATOR(Split);
MACE_GPU_OPERATOR(SqrDiffMean);
MACE_GPU_OPERATOR(Stack);
MACE_GPU_OPERATOR(StridedSlice);
MACE_GPU_OPERATOR(Tile);
MACE_GPU_OPERATOR(Transpose);
MACE_GPU_OPERATOR(Unary);
MACE_GPU_OPERATOR(Unstack);

#undef MACE_GPU_OPERATOR

std::vector<std::string> VariantsOfConv2D(const GpuOpContext &context);
bool AbsorbsConv2D(const OperatorDef &def, const OperatorDef &user);
bool PartsOfConv2D(const GpuOpContext &context, bool output);
bool JoinsConv2D(const GpuOpContext &first, const GpuOpContext &second, bool apart);
bool PartsOfConcat(const GpuOpContext &context, bool output);
bool PartsOfPooling(const GpuOpContext &context, bool output);
std::vector<std::string> VariantsOfDepthwiseConv2d(const GpuOpContext &context);
std::vector<std::string> VariantsOfFullyConnected(const GpuOpContext &context);
std::vector<std::string> VariantsOfMatMul(const GpuOpContext &context);

}  // namespace opencl
}  // namespace mace

#endif  // MACE_OPS_OPENCL_OPERATORS_H_
