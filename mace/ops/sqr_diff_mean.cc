// SPDX-License-Identifier: Apache-2.0
// SqrDiffMean: mean of (input - centre)^2 over axes, the variance when the centre is the mean. Rows
// of differences stay in a small buffer, so that the tensor is read once and nothing is written.
#include "mace/ops/attrs/sqr_diff_mean.h"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <utility>

#include "mace/kernels/eltwise/eltwise.h"
#include "mace/kernels/reduce/reduce.h"
#include "mace/ops/broadcast_rows.h"
#include "mace/ops/reduction.h"

namespace mace {
namespace ops {

namespace {

constexpr int64_t kRows = 16;  // of kReduceColumns: a buffer that stays in the first cache

// [outer][reduced][inner] elements; each block of rows leaves one partial sum a column.
struct SqrDiffMeanState : public OpState {
  int64_t outer = 1;
  int64_t reduced = 1;
  int64_t inner = 1;
  int64_t rows = 1;  // of a block
  int64_t blocks = 1;
  int64_t chunks = 1;  // of columns
};

// Sums squares of `rows` rows of at most kReduceColumns columns minus a centre for each column.
void SumColumns(const float *in, const float *centre, int64_t rows, int64_t stride, int64_t width,
                float *out) {
  const kernels::EltwiseFunctions &eltwise = kernels::Eltwise();
  const kernels::ReduceFunctions &reduce = kernels::Reduce();
  float buffer[kRows * kReduceColumns], part[kReduceColumns];
  std::fill_n(out, width, 0.0f);
  for (int64_t row = 0; row < rows; row += kRows) {
    const int64_t n = std::min(kRows, rows - row);
    for (int64_t r = 0; r < n; ++r) {
      eltwise.binary(kernels::kBinarySub, kernels::RowStep::kBoth, in + (row + r) * stride, centre,
                     buffer + r * kReduceColumns, width);
    }
    reduce.columns(kernels::kReduceSumSquare, buffer, n, kReduceColumns, width, part);
    eltwise.binary(kernels::kBinarySum, kernels::RowStep::kBoth, out, part, out, width);
  }
}

float SumRow(const float *in, float centre, int64_t n) {
  float buffer[kRows * kReduceColumns], sum = 0;
  for (int64_t i = 0; i < n; i += kRows * kReduceColumns) {
    const int64_t width = std::min(kRows * kReduceColumns, n - i);
    kernels::Eltwise().binary(kernels::kBinarySub, kernels::RowStep::kFirst, in + i, &centre,
                              buffer, width);
    sum += kernels::Reduce().row(kernels::kReduceSumSquare, buffer, width);
  }
  return sum;
}

}  // namespace

class SqrDiffMeanOp : public ReductionOperation {
 public:
  explicit SqrDiffMeanOp(OpConstructContext *context) : ReductionOperation(context) {}

  MaceStatus Init(OpInitContext *) override { return ParseAttrs(&attrs_); }

  MaceStatus InferShape(OpShapeContext *context) override {
    const Shape &input = context->Input(0).shape, &centre = context->Input(1).shape;
    bool reduced[kMaxRank];
    MACE_RETURN_IF_ERROR(Neighbours(input, reduced));
    Shape kept;
    Shape output;
    for (int i = 0; i < input.rank(); ++i) {
      kept.push_back(reduced[i] ? 1 : input[i]);
      if (!reduced[i] || attrs_.keepdims) output.push_back(kept[i]);
    }
    if (centre != kept) {
      return Invalid("the centre is ", centre.ToString(), " and not ", kept.ToString(),
                     ", the input with 1 in place of the axes");
    }
    context->SetOutputShape(0, output);
    return MaceStatus();
  }

  MaceStatus Plan(OpPlanContext *context) override {
    const Shape &input = context->Input(0).shape;
    bool reduced[kMaxRank];
    MACE_RETURN_IF_ERROR(Neighbours(input, reduced));
    auto state = std::make_unique<SqrDiffMeanState>();
    for (int i = 0; i < input.rank(); ++i) {
      const bool before = std::find(reduced, reduced + i, true) == reduced + i;
      int64_t *size = reduced[i] ? &state->reduced : before ? &state->outer : &state->inner;
      *size *= input[i];
    }
    state->chunks = std::max<int64_t>(1, (state->inner + kReduceColumns - 1) / kReduceColumns);
    state->rows = std::max<int64_t>(1, ReduceBlockRows(state->outer, state->reduced, state->inner));
    state->blocks = (state->reduced + state->rows - 1) / state->rows;
    if (state->blocks > 1) {
      context->RequestScratch(static_cast<size_t>(state->outer * state->blocks * state->inner) *
                              sizeof(float));
    }
    context->SetState(std::move(state));
    return MaceStatus();
  }

  MaceStatus Run(OpContext *context) override {
    const auto &state = *static_cast<const SqrDiffMeanState *>(context->state());
    float *out = context->output(0)->mutable_data<float>();
    const int64_t results = state.outer * state.inner;
    if (results == 0) return MaceStatus();
    float *sums = state.blocks > 1 ? static_cast<float *>(context->scratch()) : out;
    Sum(context, state, sums);
    for (int64_t o = 0; o < state.outer && state.blocks > 1; ++o) {
      kernels::Reduce().columns(kernels::kReduceSum, sums + o * state.blocks * state.inner,
                                state.blocks, state.inner, state.inner, out + o * state.inner);
    }
    const float count = static_cast<float>(state.reduced);
    if (state.reduced == 0) std::fill_n(out, results, 0.0f);
    kernels::Eltwise().binary(kernels::kBinaryDiv, kernels::RowStep::kFirst, out, &count, out,
                              results);
    return MaceStatus();
  }

 private:
  MaceStatus Neighbours(const Shape &input, bool (&reduced)[kMaxRank]) const {
    MACE_RETURN_IF_ERROR(ReducedAxes(attrs_.axis, input, reduced));
    int groups = 0;
    for (int i = 0; i < input.rank(); ++i) groups += reduced[i] && (i == 0 || !reduced[i - 1]);
    if (groups > 1) return NotSupported("axes that are no neighbours; use Eltwise and Reduce");
    return MaceStatus();
  }

  static void Sum(OpContext *context, const SqrDiffMeanState &state, float *sums) {
    const float *in = context->input(0)->data<float>();
    const float *centre = context->input(1)->data<float>();
    const int64_t unit = state.rows * std::min(state.inner, kReduceColumns);
    const int64_t grain = std::max<int64_t>(1, kElementGrain / unit);
    const int64_t tasks = state.outer * state.blocks * state.chunks;
    context->thread_pool()->ParallelFor(tasks, grain, [&](int64_t begin, int64_t end, int) {
      for (int64_t i = begin; i < end; ++i) {
        const int64_t column = i % state.chunks * kReduceColumns;
        const int64_t block = i / state.chunks % state.blocks;
        const int64_t o = i / state.chunks / state.blocks, row = block * state.rows;
        const int64_t rows = std::min(state.rows, state.reduced - row);
        const float *from = in + (o * state.reduced + row) * state.inner + column;
        const float *middle = centre + o * state.inner + column;
        float *to = sums + (o * state.blocks + block) * state.inner + column;
        if (state.inner == 1) {
          *to = SumRow(from, *middle, rows);
        } else {
          SumColumns(from, middle, rows, state.inner,
                     std::min(kReduceColumns, state.inner - column), to);
        }
      }
    });
  }

  SqrDiffMeanAttrs attrs_;
};

void RegisterSqrDiffMean(OpRegistryBase *op_registry) {
  MACE_REGISTER_OP_CLASS(op_registry, "SqrDiffMean", SqrDiffMeanOp, DeviceType::CPU, DT_FLOAT);
}

}  // namespace ops
}  // namespace mace
