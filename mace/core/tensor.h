// SPDX-License-Identifier: Apache-2.0
// A view of dense, row-major elements: what operators read and write. It owns nothing; the plan
// (or the model, or the application) owns the memory it points at.
#ifndef MACE_CORE_TENSOR_H_
#define MACE_CORE_TENSOR_H_

#include <string>

#include "mace/base/types.h"
#include "mace/core/model.h"
#include "mace/public/mace.h"

namespace mace {

struct Tensor {
  const std::string *name = nullptr;  // never null once in a net; owned by the net
  DataType dtype = DT_INVALID;
  DataFormat format = DF_NONE;
  bool is_const = false;  // elements are known when the plan is made
  Shape shape;
  const QuantizeInfo *quantize_info = nullptr;  // null: not quantized
  void *raw = nullptr;

  template <typename T>
  const T *data() const {
    return static_cast<const T *>(raw);
  }
  template <typename T>
  T *mutable_data() {
    return static_cast<T *>(raw);
  }
  int64_t elements() const { return shape.elements(); }
  size_t bytes() const { return static_cast<size_t>(shape.elements()) * DataTypeSize(dtype); }
};

}  // namespace mace

#endif  // MACE_CORE_TENSOR_H_
