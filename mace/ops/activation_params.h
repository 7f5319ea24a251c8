// SPDX-License-Identifier: Apache-2.0
// From the attributes of the activation group in ops.yml to what the kernels take.
#ifndef MACE_OPS_ACTIVATION_PARAMS_H_
#define MACE_OPS_ACTIVATION_PARAMS_H_

#include "mace/base/chosen.h"
#include "mace/base/status.h"
#include "mace/kernels/eltwise/activation.h"
#include "mace/ops/attrs/activation.h"

namespace mace {
namespace ops {

#define MACE_SAME_ACTIVATION(kernel_kind, name)                                              \
  static_assert(static_cast<int>(ActivationAttrs::Activation::name) == kernels::kernel_kind, \
                "kernels and ops.yml number activations alike")
MACE_SAME_ACTIVATION(kActivationNoop, kNoop);
MACE_SAME_ACTIVATION(kActivationRelu, kRelu);
MACE_SAME_ACTIVATION(kActivationRelux, kRelux);
MACE_SAME_ACTIVATION(kActivationTanh, kTanh);
MACE_SAME_ACTIVATION(kActivationSigmoid, kSigmoid);
MACE_SAME_ACTIVATION(kActivationLeakyRelu, kLeakyrelu);
MACE_SAME_ACTIVATION(kActivationHardSigmoid, kHardsigmoid);
MACE_SAME_ACTIVATION(kActivationHardSwish, kHardswish);
MACE_SAME_ACTIVATION(kActivationElu, kElu);
MACE_SAME_ACTIVATION(kActivationSilu, kSilu);
MACE_SAME_ACTIVATION(kActivationPrelu, kPrelu);
MACE_SAME_ACTIVATION(kActivationSoftplus, kSoftplus);
MACE_SAME_ACTIVATION(kActivationGelu, kGelu);
MACE_SAME_ACTIVATION(kActivationMish, kMish);
MACE_SAME_ACTIVATION(kActivationSelu, kSelu);
MACE_SAME_ACTIVATION(kActivationGeluTanh, kGeluTanh);
#undef MACE_SAME_ACTIVATION

// The group's kinds are the first of those of the operator Activation.
static_assert(static_cast<int>(ActivationKind::kSilu) == kernels::kActivationSilu,
              "kernels and ops.yml number activations alike");

template <typename Attrs>
kernels::ActivationParams MakeActivationParams(const Attrs &attrs) {
  kernels::ActivationParams params;
  params.kind = static_cast<int>(attrs.activation);
  params.max_limit = attrs.max_limit;
  params.coefficient = attrs.activation_coefficient;
  params.offset = attrs.activation_offset;
  return params;
}

// Null, or what is wrong with the attributes, as the rest of a sentence.
inline const char *ActivationProblem(const kernels::ActivationParams &params) {
  if (params.kind == kernels::kActivationRelux && !(params.max_limit > 0)) {
    return "activation RELUX needs a max_limit above 0";
  }
  if (params.kind > kernels::kActivationRelux && kernels::kActivationPart.apply == nullptr) {
    return "of activations, this library of chosen models has RELU and RELUX alone; build it for "
           "this model, or with the part 'activations'";
  }
  if (!Contains(kChosen.activations, params.kind))
    return "this activation, since this library was built for other models; "
           "run mace build --selective with this model too";
  return nullptr;
}

}  // namespace ops
}  // namespace mace

#endif  // MACE_OPS_ACTIVATION_PARAMS_H_
