// SPDX-License-Identifier: Apache-2.0
// Cumulate: sums or products of all elements up to each one along an axis. Computed in 64 bits;
// integers wrap around.
#include "mace/ops/attrs/cumulate.h"

#include <algorithm>
#include <cstdint>
#include <type_traits>
#include <vector>

#include "mace/ops/broadcast_rows.h"
#include "mace/ops/data_movement.h"
#include "mace/ops/wide.h"

namespace mace {
namespace ops {

class CumulateOp : public ShapedOperation {
 public:
  explicit CumulateOp(OpConstructContext *context) : ShapedOperation(context) {}

  MaceStatus Init(OpInitContext *context) override {
    MACE_RETURN_IF_ERROR(ParseAttrs(&attrs_));
    if (context->InputType(0) != DT_BOOL) return MaceStatus();
    return NotSupported("arithmetic of bools; cast the input to int32");
  }

  MaceStatus InferShape(OpShapeContext *context) override {
    const Shape &input = context->Input(0).shape;
    int axis = 0;
    MACE_RETURN_IF_ERROR(CheckAxis(attrs_.axis, input.rank(), &axis));
    context->SetOutputShape(0, input);
    return MaceStatus();
  }

  MaceStatus Run(OpContext *context) override {
    if (IsFloatType(context->input(0)->dtype)) {
      RunWide<double, double>(context);
    } else {
      RunWide<int64_t, uint64_t>(context);
    }
    return MaceStatus();
  }

 private:
  // Lines of neighbouring elements are scanned side by side; a line's own elements lie `inner`
  // apart. U is what elements are combined as.
  template <typename W, typename U>
  void RunWide(OpContext *context) const {
    const Tensor &input = *context->input(0);
    if (input.elements() == 0) return;
    int axis = 0;
    NormalizeAxis(attrs_.axis, input.shape.rank(), &axis);
    const int64_t size = input.shape[axis];
    const int64_t inner = input.shape.elements(axis + 1, input.shape.rank());
    const int64_t width = std::min(inner, kWideBlock), blocks = (inner + width - 1) / width;
    const bool product = attrs_.type == CumulateAttrs::Type::kProd;
    Tensor *output = context->output(0);
    const int64_t grain = std::max<int64_t>(1, kElementGrain / (size * width));
    context->thread_pool()->ParallelFor(
        input.shape.elements(0, axis) * blocks, grain, [&](int64_t begin, int64_t end, int) {
          W row[kWideBlock], total[kWideBlock];
          for (int64_t i = begin; i < end; ++i) {
            const int64_t column = i % blocks * width;
            const int64_t n = std::min(width, inner - column);
            std::fill(total, total + n, static_cast<W>(product ? 1 : 0));
            for (int64_t d = 0; d < size; ++d) {
              const int64_t place = attrs_.reverse ? size - 1 - d : d;
              const int64_t first = (i / blocks * size + place) * inner + column;
              Widen(input.dtype, ElementAt(input.raw, input.dtype, first), 1, n, row);
              void *to = ElementAt(output->raw, input.dtype, first);
              if (attrs_.exclusive) Write(input.dtype, total, n, to);
              for (int64_t k = 0; k < n; ++k) {
                const U a = static_cast<U>(total[k]), b = static_cast<U>(row[k]);
                total[k] = static_cast<W>(product ? a * b : a + b);
              }
              if (!attrs_.exclusive) Write(input.dtype, total, n, to);
            }
          }
        });
  }

  static void Write(DataType dtype, const int64_t *in, int64_t n, void *dst) {
    Narrow(dtype, in, false, n, dst);
  }
  static void Write(DataType dtype, const double *in, int64_t n, void *dst) {
    Narrow(dtype, in, n, dst);
  }

  CumulateAttrs attrs_;
};

void RegisterCumulate(OpRegistryBase *op_registry) {
  RegisterForTypes<CumulateOp>(op_registry, "Cumulate", kAllTypes);
}

}  // namespace ops
}  // namespace mace
