// SPDX-License-Identifier: Apache-2.0
// Where: elements of the second input where the condition holds, else of the third.
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "mace/kernels/eltwise/broadcast.h"
#include "mace/ops/broadcast_rows.h"
#include "mace/ops/data_movement.h"

namespace mace {
namespace ops {

namespace {

struct WhereState : public OpState {
  explicit WhereState(const kernels::Broadcast<3> &made) : rows(made) {}
  const kernels::Broadcast<3> rows;
};

}  // namespace

class WhereOp : public ShapedOperation {
 public:
  explicit WhereOp(OpConstructContext *context) : ShapedOperation(context) {}

  MaceStatus InferType(const std::vector<DataType> &inputs,
                       std::vector<DataType> *outputs) override {
    if (inputs[0] != DT_BOOL) {
      return Invalid("the condition must be bool, not ", DataTypeName(inputs[0]));
    }
    MACE_RETURN_IF_ERROR(CheckSameTypes({inputs[1], inputs[2]}));
    (*outputs)[0] = inputs[1];
    return MaceStatus();
  }

  MaceStatus InferShape(OpShapeContext *context) override {
    Shape pair, output;
    if (!kernels::BroadcastShapes(context->Input(1).shape, context->Input(2).shape, &pair) ||
        !kernels::BroadcastShapes(context->Input(0).shape, pair, &output)) {
      return Invalid("shapes ", context->Input(0).shape.ToString(), ", ",
                     context->Input(1).shape.ToString(), " and ",
                     context->Input(2).shape.ToString(), " cannot be broadcast with each other");
    }
    return SetOutput(context, 0, output.ToVector());
  }

  MaceStatus Plan(OpPlanContext *context) override {
    auto state = std::make_unique<WhereState>(kernels::Broadcast<3>::Make(
        context->OutputShape(0),
        {&context->Input(0).shape, &context->Input(1).shape, &context->Input(2).shape}));
    for (int i : {1, 2}) {
      if (state->rows.SameAsOutput(i)) context->AllowInPlace(0, i);
    }
    context->SetState(std::move(state));
    return MaceStatus();
  }

  MaceStatus Run(OpContext *context) override {
    switch (DataTypeSize(context->output(0)->dtype)) {
      case 1:
        Select<uint8_t>(context);
        break;
      case 2:
        Select<uint16_t>(context);
        break;
      case 4:
        Select<uint32_t>(context);
        break;
      default:
        Select<uint64_t>(context);
        break;
    }
    return MaceStatus();
  }

 private:
  template <typename T>
  static void Select(OpContext *context) {
    const kernels::Broadcast<3> &rows = static_cast<WhereState *>(context->state())->rows;
    const uint8_t *condition = context->input(0)->data<uint8_t>();
    const T *a = context->input(1)->data<T>(), *b = context->input(2)->data<T>();
    T *out = context->output(0)->mutable_data<T>();
    const int last = rows.rank - 1;
    const int64_t step = rows.strides[0][last], step_a = rows.strides[1][last],
                  step_b = rows.strides[2][last];
    context->thread_pool()->ParallelFor(
        rows.elements, kElementGrain, [&](int64_t begin, int64_t end, int) {
          rows.ForEachRow(begin, end, end, [&](int64_t first, int64_t n, const int64_t *offsets) {
            const uint8_t *c = condition + offsets[0];
            const T *x = a + offsets[1], *y = b + offsets[2];
            for (int64_t i = 0; i < n; ++i) {
              out[first + i] = c[i * step] != 0 ? x[i * step_a] : y[i * step_b];
            }
          });
        });
  }
};

void RegisterWhere(OpRegistryBase *op_registry) {
  RegisterForTypes<WhereOp>(op_registry, "Where", kAllTypes);
}

}  // namespace ops
}  // namespace mace
