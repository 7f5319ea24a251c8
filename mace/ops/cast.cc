// SPDX-License-Identifier: Apache-2.0
// Cast: converts the element type. Floats become integers by truncation toward zero; what is beyond
// the type's bounds becomes the bound, and NaN becomes 0. Integers wrap around in smaller ones.
#include "mace/ops/attrs/cast.h"

#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <type_traits>
#include <vector>

#include "mace/ops/broadcast_rows.h"
#include "mace/ops/data_movement.h"

namespace mace {
namespace ops {

namespace {

// Stands for DT_BOOL, whose elements are bytes of value 0 or 1.
enum class Bool : uint8_t {};

template <typename To, typename From>
To Convert(From x) {
  if constexpr (std::is_same<From, Bool>::value) {
    return Convert<To>(static_cast<uint8_t>(x));
  } else if constexpr (std::is_same<To, Bool>::value) {
    return static_cast<Bool>(x != 0);
  } else if constexpr (std::is_floating_point<From>::value && std::is_integral<To>::value) {
    // 2^63 is exact as a float, the largest int64 is not: hence >= the number after it.
    constexpr From limit = static_cast<From>(std::numeric_limits<To>::max() / 2 + 1) * 2;
    if (x >= limit) return std::numeric_limits<To>::max();
    constexpr To least = std::numeric_limits<To>::min();
    if (x <= static_cast<From>(least)) return least;
    return std::isnan(x) ? To{0} : static_cast<To>(x);
  } else {
    return static_cast<To>(x);
  }
}

using ConvertRow = void (*)(const void *in, void *out, int64_t begin, int64_t end);

template <typename From, typename To>
void ConvertRange(const void *in, void *out, int64_t begin, int64_t end) {
  const From *from = static_cast<const From *>(in);
  To *to = static_cast<To *>(out);
  for (int64_t i = begin; i < end; ++i) to[i] = Convert<To>(from[i]);
}

template <typename From>
ConvertRow FindTo(DataType to) {
  switch (to) {
    case DT_FLOAT:
      return ConvertRange<From, float>;
    case DT_DOUBLE:
      return ConvertRange<From, double>;
    case DT_INT32:
      return ConvertRange<From, int32_t>;
    case DT_INT64:
      return ConvertRange<From, int64_t>;
    case DT_UINT8:
      return ConvertRange<From, uint8_t>;
    case DT_INT8:
      return ConvertRange<From, int8_t>;
    case DT_BOOL:
      return ConvertRange<From, Bool>;
    default:
      return nullptr;
  }
}

ConvertRow Find(DataType from, DataType to) {
  switch (from) {
    case DT_FLOAT:
      return FindTo<float>(to);
    case DT_DOUBLE:
      return FindTo<double>(to);
    case DT_INT32:
      return FindTo<int32_t>(to);
    case DT_INT64:
      return FindTo<int64_t>(to);
    case DT_UINT8:
      return FindTo<uint8_t>(to);
    case DT_INT8:
      return FindTo<int8_t>(to);
    case DT_BOOL:
      return FindTo<Bool>(to);
    default:
      return nullptr;
  }
}

}  // namespace

class CastOp : public Operation {
 public:
  explicit CastOp(OpConstructContext *context) : Operation(context) {}

  MaceStatus InferType(const std::vector<DataType> &inputs,
                       std::vector<DataType> *outputs) override {
    CastAttrs attrs;
    MACE_RETURN_IF_ERROR(ParseAttrs(&attrs));
    from_ = inputs[0];
    to_ = attrs.output_type;
    convert_ = Find(from_, to_);
    if (convert_ == nullptr) {
      return NotSupported("a conversion from ", DataTypeName(from_), " to ", DataTypeName(to_));
    }
    (*outputs)[0] = to_;
    return MaceStatus();
  }

  MaceStatus Plan(OpPlanContext *context) override {
    if (from_ == to_) {
      context->AliasOutput(0, 0);
    } else if (DataTypeSize(from_) == DataTypeSize(to_)) {
      context->AllowInPlace(0, 0);
    }
    return MaceStatus();
  }

  MaceStatus Run(OpContext *context) override {
    if (from_ == to_) {
      CopyTensor(context->thread_pool(), *context->input(0), context->output(0));
      return MaceStatus();
    }
    const void *in = context->input(0)->raw;
    void *out = context->output(0)->raw;
    context->thread_pool()->ParallelFor(
        context->output(0)->elements(), kElementGrain,
        [&](int64_t begin, int64_t end, int) { convert_(in, out, begin, end); });
    return MaceStatus();
  }

 private:
  DataType from_ = DT_INVALID;
  DataType to_ = DT_INVALID;
  ConvertRow convert_ = nullptr;
};

void RegisterCast(OpRegistryBase *op_registry) {
  RegisterForTypes<CastOp>(op_registry, "Cast",
                           {DT_FLOAT, DT_DOUBLE, DT_INT32, DT_INT64, DT_UINT8, DT_INT8, DT_BOOL});
}

}  // namespace ops
}  // namespace mace
