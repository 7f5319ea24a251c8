// SPDX-License-Identifier: Apache-2.0
// What the operators that move data or compute shapes share.
#include "mace/ops/data_movement.h"

#include <algorithm>
#include <utility>

#include "mace/base/isa.h"
#include "mace/kernels/copy/copy_bytes.h"
#include "mace/runtimes/cpu/thread_pool.h"

namespace mace {
namespace ops {

namespace {

int64_t Clamp(int64_t value, int64_t low, int64_t high) {
  return std::min(std::max(value, low), high);
}

}  // namespace

Strides ByteStrides(const Shape &shape, int64_t element_bytes) {
  Strides strides = {};
  int64_t stride = element_bytes;
  for (int i = shape.rank() - 1; i >= 0; --i) {
    strides[i] = stride;
    // Products past a dimension of 0 are never used, but must not overflow.
    if (shape[i] != 0) stride *= shape[i];
  }
  return strides;
}

DimRange ClampedRange(int64_t dim, int64_t start, int64_t end, int64_t step) {
  if (start < 0) start += dim;
  if (end < 0) end += dim;
  if (step > 0) {
    start = Clamp(start, 0, dim);
    end = Clamp(end, 0, dim);
    return {start, step, end > start ? 1 + (end - start - 1) / step : 0};
  }
  start = Clamp(start, -1, dim - 1);
  end = Clamp(end, -1, dim - 1);
  step = std::max(step, -INT64_MAX);  // so that it can be negated
  return {start, step, start > end ? 1 + (start - end - 1) / -step : 0};
}

kernels::StridedCopy SliceCopy(const Shape &shape, int64_t element_bytes, const DimRange *ranges,
                               const int64_t *dst_strides) {
  const Strides src_strides = ByteStrides(shape, element_bytes);
  Shape result = shape;
  for (int i = 0; i < shape.rank(); ++i) result[i] = ranges[i].count;
  const Strides dense = ByteStrides(result, element_bytes);
  kernels::StridedCopy copy(element_bytes);
  int64_t offset = 0;
  for (int i = 0; i < shape.rank(); ++i) {
    const DimRange &range = ranges[i];
    // The step of a single element may be any number.
    const int64_t src_stride = range.count > 1 ? range.step * src_strides[i] : 0;
    copy.Add(range.count, src_stride, dst_strides == nullptr ? dense[i] : dst_strides[i]);
    if (range.count > 0) offset += range.start * src_strides[i];
  }
  copy.SetOffsets(offset, 0);
  return copy;
}

void RunCopy(ThreadPool *pool, const kernels::StridedCopy &copy, const void *src, void *dst) {
  if (copy.bytes() < 2 * kCopyGrainBytes) {
    copy.Run(src, dst, 0, copy.units());
    return;
  }
  const int64_t unit_bytes = std::max<int64_t>(1, copy.bytes() / copy.units());
  const int64_t grain = std::max<int64_t>(1, kCopyGrainBytes / unit_bytes);
  pool->ParallelFor(copy.units(), grain,
                    [&](int64_t begin, int64_t end, int) { copy.Run(src, dst, begin, end); });
}

void CopyTensor(ThreadPool *pool, const Tensor &src, Tensor *dst) {
  if (src.raw == dst->raw) return;
  const char *from = src.data<char>();
  char *to = dst->mutable_data<char>();
  const int64_t bytes = static_cast<int64_t>(dst->bytes());
  if (bytes == 0) return;
  if (bytes < 2 * kCopyGrainBytes) {
    kernels::CopyBytes(to, from, static_cast<size_t>(bytes));
    return;
  }
  pool->ParallelFor(bytes, kCopyGrainBytes, [=](int64_t begin, int64_t end, int) {
    kernels::CopyBytes(to + begin, from + begin, static_cast<size_t>(end - begin));
  });
}

MaceStatus ShapedOperation::SetOutput(OpShapeContext *context, int o,
                                      const std::vector<int64_t> &dims) const {
  if (dims.size() > static_cast<size_t>(kMaxRank)) {
    return NotSupported("the output would have ", dims.size(), " dimensions, the most are ",
                        kMaxRank);
  }
  const Shape shape(dims);
  size_t bytes = 0;
  // As if of the largest type: offsets in bytes then fit for every type.
  if (!CheckedBytes(shape, 8, &bytes)) {
    return Invalid("the output would have the shape ", shape.ToString(),
                   ", which is negative or too large to be addressed");
  }
  context->SetOutputShape(o, shape);
  return MaceStatus::MACE_SUCCESS;
}

MaceStatus ShapedOperation::Integers(const OpShapeContext &context, int i, const char *what,
                                     std::vector<int64_t> *values) const {
  const MaceStatus status = context.IntegerInput(i, what, values);
  if (status.ok()) return status;
  return MaceStatus(status.code(), MakeString(type(), " '", name(), "': ", status.message()));
}

MaceStatus ShapedOperation::CheckAxis(int64_t axis, int rank, int *normalized) const {
  if (NormalizeAxis(axis, rank, normalized)) return MaceStatus::MACE_SUCCESS;
  if (rank == 0) return Invalid("axis ", axis, " names a dimension, but there is none");
  return Invalid("axis ", axis, " is outside of [", -rank, ", ", rank - 1, "]");
}

MaceStatus ShapedOperation::CheckAxes(const std::vector<int64_t> &axes, int rank,
                                      std::vector<int> *normalized) const {
  normalized->clear();
  for (int64_t axis : axes) {
    int index = 0;
    MACE_RETURN_IF_ERROR(CheckAxis(axis, rank, &index));
    if (std::find(normalized->begin(), normalized->end(), index) != normalized->end()) {
      return Invalid("axis ", axis, " is named twice");
    }
    normalized->push_back(index);
  }
  return MaceStatus::MACE_SUCCESS;
}

MaceStatus ShapedOperation::CheckSameTypes(const std::vector<DataType> &inputs) const {
  for (DataType dtype : inputs) {
    if (dtype != inputs[0]) {
      return Invalid("inputs must have one type, but there are ", DataTypeName(inputs[0]), " and ",
                     DataTypeName(dtype), "; cast one of them");
    }
  }
  return MaceStatus::MACE_SUCCESS;
}

MaceStatus ShapedOperation::CheckIntegerType(const char *what, DataType dtype) const {
  if (dtype == DT_INT32 || dtype == DT_INT64) return MaceStatus::MACE_SUCCESS;
  return Invalid(what, " must be int32 or int64, not ", DataTypeName(dtype));
}

MaceStatus AliasOperation::Plan(OpPlanContext *context) {
  context->AliasOutput(0, 0);
  return MaceStatus::MACE_SUCCESS;
}

MaceStatus AliasOperation::Run(OpContext *context) {
  CopyTensor(context->thread_pool(), *context->input(0), context->output(0));
  return MaceStatus::MACE_SUCCESS;
}

MaceStatus CopyOperation::Plan(OpPlanContext *context) {
  auto state = std::make_unique<State>();
  // With nothing to write, strides may be products of numbers that no element bounds.
  bool empty = true;
  for (int o = 0; o < context->OutputCount(); ++o) {
    empty = empty && context->OutputShape(o).elements() == 0;
  }
  if (!empty) MACE_RETURN_IF_ERROR(MakeSteps(*context, &state->steps));
  for (Step &step : state->steps) step.copy.Prepare(SupportedIsas());
  context->SetState(std::move(state));
  return MaceStatus::MACE_SUCCESS;
}

MaceStatus CopyOperation::Run(OpContext *context) {
  for (const Step &step : static_cast<const State *>(context->state())->steps) {
    if (step.copy.units() == 0) continue;
    const void *from = context->input(step.input)->raw;
    char *to = static_cast<char *>(context->output(step.output)->raw);
    if (step.part_offset >= 0 && from == to + step.part_offset) continue;
    RunCopy(context->thread_pool(), step.copy, from, to);
  }
  return MaceStatus::MACE_SUCCESS;
}

MaceStatus RangeOperation::InferShape(OpShapeContext *context) {
  std::vector<DimRange> ranges;
  MACE_RETURN_IF_ERROR(Ranges(*context, &ranges));
  std::vector<int64_t> dims;
  for (const DimRange &range : ranges) dims.push_back(range.count);
  return SetOutput(context, 0, dims);
}

MaceStatus RangeOperation::MakeSteps(const OpShapeContext &context, std::vector<Step> *steps) {
  std::vector<DimRange> ranges;
  MACE_RETURN_IF_ERROR(Ranges(context, &ranges));
  const Tensor &input = context.Input(0);
  steps->push_back({0, 0, SliceCopy(input.shape, ElementBytes(context), ranges.data())});
  return MaceStatus::MACE_SUCCESS;
}

MaceStatus ImageRowOperation::Run(OpContext *context) {
  const Tensor &input = *context->input(0);
  Tensor *output = context->output(0);
  const Shape &shape = output->shape;
  if (shape.elements() == 0) return MaceStatus::MACE_SUCCESS;
  const int64_t row_bytes =
      shape.elements(2, 4) * static_cast<int64_t>(DataTypeSize(output->dtype));
  context->thread_pool()->ParallelFor(
      shape[0] * shape[1], std::max<int64_t>(1, kCopyGrainBytes / row_bytes),
      [&](int64_t begin, int64_t end, int) {
        for (int64_t row = begin; row < end; ++row) {
          MakeRow(input, row, shape, output->mutable_data<uint8_t>() + row * row_bytes);
        }
      });
  return MaceStatus::MACE_SUCCESS;
}

}  // namespace ops
}  // namespace mace
