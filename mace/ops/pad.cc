// SPDX-License-Identifier: Apache-2.0
// Adds elements before and after each dimension, or cuts where paddings are negative. Dimensions
// behind the last padded one are moved as one block; the output is made row by row of those.
#include "mace/ops/attrs/pad.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "mace/base/checked.h"
#include "mace/kernels/copy/copy_bytes.h"
#include "mace/ops/data_movement.h"
#include "mace/ops/element_value.h"
#include "mace/runtimes/cpu/thread_pool.h"

namespace mace {
namespace ops {

namespace {

using Mode = PadAttrs::Mode;

// The input's index for index i of the output counted from the input's first element; -1 where the
// constant belongs. Reflection goes on to and fro when the padding is longer than the input.
int64_t SourceIndex(Mode mode, int64_t i, int64_t n) {
  if (i >= 0 && i < n) return i;
  if (mode == Mode::kConstant) return -1;
  if (mode == Mode::kEdge || n == 1) return i < 0 ? 0 : n - 1;
  const int64_t period = mode == Mode::kWrap ? n : mode == Mode::kReflect ? 2 * (n - 1) : 2 * n;
  const int64_t place = (i % period + period) % period;
  if (place < n) return place;
  return mode == Mode::kReflect ? period - place : period - 1 - place;
}

struct PadState : public OpState {
  int outer = 0;                 // dimensions before the row
  int64_t block = 0;             // bytes behind the row
  int64_t rows = 1;              // product of the outer output dimensions
  int64_t dims[kMaxRank] = {};   // of the input: outer ones and the row
  int64_t sizes[kMaxRank] = {};  // of the output
  int64_t before[kMaxRank] = {};
};

}  // namespace

class PadOp : public ShapedOperation {
 public:
  using ShapedOperation::ShapedOperation;

  MaceStatus InferType(const std::vector<DataType> &inputs,
                       std::vector<DataType> *outputs) override {
    if (inputs.size() > 1 && inputs[1] != DT_INVALID) {
      MACE_RETURN_IF_ERROR(CheckIntegerType("paddings", inputs[1]));
    }
    if (inputs.size() > 2 && inputs[2] != DT_INVALID) {
      MACE_RETURN_IF_ERROR(CheckSameTypes({inputs[0], inputs[2]}));
    }
    return ShapedOperation::InferType(inputs, outputs);
  }

  MaceStatus Init(OpInitContext *context) override {
    MACE_RETURN_IF_ERROR(ParseAttrs(&attrs_));
    if (attrs_.constant_value == 0) return MaceStatus::MACE_SUCCESS;  // of any type
    if (!MakeElementValue(attrs_.constant_value, context->InputType(0), &value_)) {
      return Invalid("constant_value ", attrs_.constant_value, " cannot be represented as ",
                     DataTypeName(context->InputType(0)));
    }
    return MaceStatus::MACE_SUCCESS;
  }

  MaceStatus InferShape(OpShapeContext *context) override {
    const Shape &input = context->Input(0).shape;
    std::vector<int64_t> paddings;
    MACE_RETURN_IF_ERROR(Paddings(*context, &paddings));
    if (paddings.size() != 2 * static_cast<size_t>(input.rank())) {
      return Invalid("paddings has ", paddings.size(), " entries; input shape ", input.ToString(),
                     " needs two for each dimension");
    }
    if (context->InputCount() > 2 && context->HasInput(2) && context->Input(2).elements() != 1) {
      return Invalid("the value must be one element, not of shape ",
                     context->Input(2).shape.ToString());
    }
    std::vector<int64_t> dims;
    for (int i = 0; i < input.rank(); ++i) {
      const size_t p = 2 * static_cast<size_t>(i);
      const int64_t before = paddings[p], after = paddings[p + 1];
      int64_t dim = 0;
      if (!CheckedAdd(before, after, &dim) || !CheckedAdd(dim, input[i], &dim) || dim < 0) {
        return Invalid("dimension ", i, " of input shape ", input.ToString(),
                       " cannot be padded by ", before, " and ", after);
      }
      if (input[i] == 0 && dim > 0 && attrs_.mode != Mode::kConstant) {
        return Invalid("dimension ", i, " of input shape ", input.ToString(),
                       " has no elements to pad with");
      }
      dims.push_back(dim);
    }
    return SetOutput(context, 0, dims);
  }

  MaceStatus Plan(OpPlanContext *context) override {
    const Tensor &input = context->Input(0);
    const Shape &output = context->OutputShape(0);
    std::vector<int64_t> paddings;
    MACE_RETURN_IF_ERROR(Paddings(*context, &paddings));
    auto state = std::make_unique<PadState>();
    int row = input.shape.rank() - 1;
    while (row > 0 && paddings[2 * row] == 0 && paddings[2 * row + 1] == 0) --row;
    row = std::max(row, 0);
    state->outer = row;
    state->block = static_cast<int64_t>(DataTypeSize(input.dtype));
    // A tensor of rank 0 is a row of one element.
    state->dims[0] = state->sizes[0] = 1;
    for (int i = 0; i < input.shape.rank(); ++i) {
      if (i > row) {
        state->block *= input.shape[i];
        continue;
      }
      state->dims[i] = input.shape[i];
      state->sizes[i] = output[i];
      state->before[i] = paddings[2 * i];
      if (i < row) state->rows *= output[i];
    }
    context->SetState(std::move(state));
    return MaceStatus::MACE_SUCCESS;
  }

  MaceStatus Run(OpContext *context) override {
    const PadState &state = *static_cast<const PadState *>(context->state());
    Tensor *output = context->output(0);
    if (output->elements() == 0) return MaceStatus::MACE_SUCCESS;
    const uint8_t *src = context->input(0)->data<uint8_t>();
    uint8_t *dst = output->mutable_data<uint8_t>();
    const int64_t element = static_cast<int64_t>(DataTypeSize(output->dtype));
    const Tensor *given = context->input_count() > 2 ? context->input(2) : nullptr;
    const uint8_t *value = given == nullptr ? value_.bytes : given->data<uint8_t>();
    const int64_t row_bytes = state.sizes[state.outer] * state.block;
    context->thread_pool()->ParallelFor(
        state.rows, std::max<int64_t>(1, kGrainBytes / row_bytes),
        [&](int64_t begin, int64_t end, int) {
          for (int64_t row = begin; row < end; ++row) {
            const int64_t from = SourceRow(state, row);
            if (from < 0) {
              kernels::FillElements(dst + row * row_bytes, value, element, row_bytes / element);
            } else {
              MakeRow(state, src + from * state.dims[state.outer] * state.block, value, element,
                      dst + row * row_bytes);
            }
          }
        });
    return MaceStatus::MACE_SUCCESS;
  }

 private:
  MaceStatus Paddings(const OpShapeContext &context, std::vector<int64_t> *paddings) const {
    if (context.InputCount() > 1 && context.HasInput(1)) {
      return Integers(context, 1, "paddings", paddings);
    }
    *paddings = attrs_.paddings;
    return MaceStatus::MACE_SUCCESS;
  }

  // The row of the input that belongs to a row of the output, -1 when it is constant.
  int64_t SourceRow(const PadState &state, int64_t row) const {
    int64_t source = 0, stride = 1;
    for (int i = state.outer - 1; i >= 0; --i) {
      const int64_t index =
          SourceIndex(attrs_.mode, row % state.sizes[i] - state.before[i], state.dims[i]);
      if (index < 0) return -1;
      source += index * stride;
      stride *= state.dims[i];
      row /= state.sizes[i];
    }
    return source;
  }

  void MakeRow(const PadState &state, const uint8_t *src, const uint8_t *value, int64_t element,
               uint8_t *dst) const {
    const int64_t n = state.dims[state.outer], size = state.sizes[state.outer];
    const int64_t before = state.before[state.outer], block = state.block;
    // What comes from the input as it is: [first, last) of the output.
    const int64_t first = std::min(std::max<int64_t>(before, 0), size);
    const int64_t last = std::min(std::max(before + n, first), size);
    if (last > first) {
      kernels::CopyBytes(dst + first * block, src + (first - before) * block,
                         static_cast<size_t>((last - first) * block));
    }
    if (attrs_.mode == Mode::kConstant) {
      kernels::FillElements(dst, value, element, first * block / element);
      kernels::FillElements(dst + last * block, value, element, (size - last) * block / element);
      return;
    }
    for (int64_t i = 0; i < first; ++i) CopyBlock(state, src, i, dst);
    for (int64_t i = last; i < size; ++i) CopyBlock(state, src, i, dst);
  }

  void CopyBlock(const PadState &state, const uint8_t *src, int64_t i, uint8_t *dst) const {
    const int64_t index =
        SourceIndex(attrs_.mode, i - state.before[state.outer], state.dims[state.outer]);
    kernels::CopyBytes(dst + i * state.block, src + index * state.block,
                       static_cast<size_t>(state.block));
  }

  static constexpr int64_t kGrainBytes = 64 * 1024;
  PadAttrs attrs_;
  ElementValue value_;
};

void RegisterPad(OpRegistryBase *op_registry) {
  RegisterForTypes<PadOp>(op_registry, "Pad", kAllTypes);
}

}  // namespace ops
}  // namespace mace
