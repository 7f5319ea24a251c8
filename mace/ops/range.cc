// SPDX-License-Identifier: Apache-2.0
// Numbers from start to limit (excluded) in steps of delta.
#include <cmath>
#include <type_traits>

#include "mace/ops/data_movement.h"

namespace mace {
namespace ops {

namespace {

// How many there are; false when that is no number. In the arithmetic of the element type, as numpy
// and TensorFlow have it: 0.3f in steps of 0.1f are 3, in double they would be 4.
bool CountOf(float start, float limit, float delta, int64_t *count) {
  const float steps = std::ceil((limit - start) / delta);
  if (!(steps < 4e18f)) return false;
  *count = steps > 0 ? static_cast<int64_t>(steps) : 0;
  return true;
}

bool CountOf(int64_t start, int64_t limit, int64_t delta, int64_t *count) {
  if (delta > 0 ? start >= limit : start <= limit) {
    *count = 0;
    return true;
  }
  const uint64_t a = static_cast<uint64_t>(start), b = static_cast<uint64_t>(limit);
  const uint64_t distance = delta > 0 ? b - a : a - b;
  const uint64_t step = delta > 0 ? static_cast<uint64_t>(delta) : 0 - static_cast<uint64_t>(delta);
  const uint64_t steps = 1 + (distance - 1) / step;
  if (steps > (uint64_t{1} << 62)) return false;
  *count = static_cast<int64_t>(steps);
  return true;
}

}  // namespace

template <DeviceType D, typename T>
class RangeOp : public ShapedOperation {
 public:
  using ShapedOperation::ShapedOperation;

  MaceStatus InferType(const std::vector<DataType> &inputs,
                       std::vector<DataType> *outputs) override {
    MACE_RETURN_IF_ERROR(CheckSameTypes(inputs));
    return ShapedOperation::InferType(inputs, outputs);
  }

  MaceStatus InferShape(OpShapeContext *context) override {
    static const char *const kNames[3] = {"start", "limit", "delta"};
    T values[3];
    for (int i = 0; i < 3; ++i) {
      const Tensor &input = context->Input(i);
      if (input.elements() != 1) {
        return Invalid(kNames[i], " must be one number, but has shape ", input.shape.ToString());
      }
      MACE_RETURN_IF_ERROR(context->NeedElements(i, kNames[i]));
      values[i] = input.data<T>()[0];
    }
    if (values[2] == 0) return Invalid("delta is 0");
    int64_t count = 0;
    if (!Count(values, &count)) {
      return Invalid("there is no number of steps of ", values[2], " from ", values[0], " to ",
                     values[1]);
    }
    return SetOutput(context, 0, {count});
  }

  MaceStatus Run(OpContext *context) override {
    const T start = context->input(0)->data<T>()[0], delta = context->input(2)->data<T>()[0];
    T *output = context->output(0)->mutable_data<T>();
    for (int64_t i = 0; i < context->output(0)->elements(); ++i)
      output[i] = Number(start, delta, i);
    return MaceStatus::MACE_SUCCESS;
  }

 private:
  using Wide = std::conditional_t<std::is_same<T, float>::value, float, int64_t>;

  static bool Count(const T *values, int64_t *count) {
    return CountOf(static_cast<Wide>(values[0]), static_cast<Wide>(values[1]),
                   static_cast<Wide>(values[2]), count);
  }

  // The result is in range, but i * delta of integers need not be: it wraps and comes back.
  static T Number(T start, T delta, int64_t i) {
    if constexpr (std::is_same<T, float>::value) {
      return start + static_cast<float>(i) * delta;
    } else {
      return static_cast<T>(static_cast<uint64_t>(start) +
                            static_cast<uint64_t>(i) * static_cast<uint64_t>(delta));
    }
  }
};

void RegisterRange(OpRegistryBase *op_registry) {
  MACE_REGISTER_OP(op_registry, "Range", RangeOp, DeviceType::CPU, float);
  MACE_REGISTER_OP(op_registry, "Range", RangeOp, DeviceType::CPU, int32_t);
  MACE_REGISTER_OP(op_registry, "Range", RangeOp, DeviceType::CPU, int64_t);
}

}  // namespace ops
}  // namespace mace
