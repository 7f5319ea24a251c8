// SPDX-License-Identifier: Apache-2.0
// The operators that have a GPU side, by type.
#include "mace/ops/opencl/operators.h"

namespace mace {
namespace opencl {

const GpuOperator kGpuOperators[] = {
    {"Activation", SupportsActivation, BuildActivation, nullptr, false},
    {"BatchNorm", SupportsBatchNorm, BuildBatchNorm, nullptr, false},
    {"Concat", SupportsConcat, BuildConcat, nullptr, false},
    {"Conv2D", SupportsConv2D, BuildConv2D, VariantsOfConv2D, false},
    {"DepthwiseConv2d", SupportsDepthwiseConv2d, BuildDepthwiseConv2d, VariantsOfDepthwiseConv2d,
     false},
    {"Eltwise", SupportsEltwise, BuildEltwise, nullptr, false},
    {"Flatten", SupportsReshape, BuildReshape, nullptr, false},
    {"FullyConnected", SupportsFullyConnected, BuildFullyConnected, VariantsOfFullyConnected,
     false},
    {"Identity", SupportsReshape, BuildReshape, nullptr, false},
    {"MatMul", SupportsMatMul, BuildMatMul, VariantsOfMatMul, false},
    {"Pooling", SupportsPooling, BuildPooling, nullptr, false},
    {"Reduce", SupportsReduce, BuildReduce, nullptr, false},
    {"Reshape", SupportsReshape, BuildReshape, nullptr, true},
    {"Softmax", SupportsSoftmax, BuildSoftmax, nullptr, false},
    {"Split", SupportsSplit, BuildSplit, nullptr, true},
    {"Squeeze", SupportsReshape, BuildReshape, nullptr, false},
    {"Unary", SupportsUnary, BuildUnary, nullptr, false},
    {"Unsqueeze", SupportsReshape, BuildReshape, nullptr, false},
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
