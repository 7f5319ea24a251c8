// SPDX-License-Identifier: Apache-2.0
// An operator with a window whose input 1 is a filter and input 2 an optional bias: constant ones
// are packed once, with the bias among them, as the kernels read them.
#ifndef MACE_OPS_FILTER_OPERATION_H_
#define MACE_OPS_FILTER_OPERATION_H_

#include <array>

#include "mace/ops/window.h"

namespace mace {
namespace ops {

class FilterOperation : public WindowOperation {
 public:
  using WindowOperation::WindowOperation;

 protected:
  virtual MaceStatus CheckFilter(const Shape &filter) const = 0;
  virtual int64_t OutputChannels(const Shape &filter) const = 0;
  MaceStatus CheckBias(const Shape &bias, const Shape &filter) const;
  // An error unless each dimension is one that kernels can be asked for.
  MaceStatus CheckFilterSize(const Shape &filter) const;

  // If the filter, and the bias if there is one, are constant, has them packed by
  // pack(const Tensor &filter, const Tensor *bias), which makes packed_ by context->Pack; the bias
  // is null if there is none. Not when shapes alone are asked for.
  template <typename Pack>
  MaceStatus PackConstFilter(OpInitContext *context, Pack pack) {
    const Tensor *filter = nullptr, *bias = nullptr;
    MACE_RETURN_IF_ERROR(ConstFilter(context, &filter, &bias));
    if (filter == nullptr) return MaceStatus::MACE_SUCCESS;
    MACE_RETURN_IF_ERROR(pack(*filter, bias));
    ReleaseFilter(context);
    return MaceStatus::MACE_SUCCESS;
  }

  // Its elements; null for none.
  static const float *Elements(const Tensor *bias) {
    return bias == nullptr ? nullptr : bias->data<float>();
  }

  std::array<WindowDimension, 2> WindowOf(const Shape &filter) const;

  std::array<WindowDimension, 2> window_;  // without the kernel's size
  bool has_bias_ = false;
  bool filter_is_packed_ = false;
  AlignedBuffer packed_;

 private:
  // Null filter: there is nothing to pack.
  MaceStatus ConstFilter(OpInitContext *context, const Tensor **filter, const Tensor **bias) const;
  void ReleaseFilter(OpInitContext *context);
};

}  // namespace ops
}  // namespace mace

#endif  // MACE_OPS_FILTER_OPERATION_H_
