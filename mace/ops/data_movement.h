// SPDX-License-Identifier: Apache-2.0
// What the operators that move data or compute shapes share: checks of outside numbers, operators
// whose output is their input in another shape, and operators that are lists of strided copies.
#ifndef MACE_OPS_DATA_MOVEMENT_H_
#define MACE_OPS_DATA_MOVEMENT_H_

#include <array>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <vector>

#include "mace/core/op_registry.h"
#include "mace/core/operator.h"
#include "mace/kernels/copy/copy.h"

namespace mace {
namespace ops {

// Registers one class that serves several element types of the CPU.
template <typename OperationType>
void RegisterForTypes(OpRegistryBase *op_registry, const char *type,
                      std::initializer_list<DataType> dtypes) {
  for (DataType dtype : dtypes) {
    op_registry->Register(type, DeviceType::CPU, dtype,
                          OpRegistryBase::DefaultCreator<OperationType>);
  }
}

// What ops.yml calls [any].
constexpr std::initializer_list<DataType> kAllTypes = {
    DT_FLOAT, DT_UINT8,  DT_HALF,  DT_INT32,  DT_BFLOAT16, DT_INT8,  DT_INT64,
    DT_BOOL,  DT_DOUBLE, DT_INT16, DT_UINT16, DT_UINT32,   DT_UINT64};

using Strides = std::array<int64_t, kMaxRank>;
// Distance in bytes of neighbours along each dimension of a dense tensor.
Strides ByteStrides(const Shape &shape, int64_t element_bytes);

// Below this many bytes a copy is over before another thread has woken.
constexpr int64_t kCopyGrainBytes = 64 * 1024;

// Elements start, start + step, ... along one dimension.
struct DimRange {
  int64_t start;
  int64_t step;
  int64_t count;
};
// The elements from start to end (excluded) in steps, clamped to a dimension of size `dim`.
// Negative indices count from the end; with a negative step the end may lie before the first
// element. The step is not 0; every other number is welcome. The rule of ONNX and numpy.
DimRange ClampedRange(int64_t dim, int64_t start, int64_t end, int64_t step);
// Cuts `ranges` (one for each dimension of `shape`, inside it) out of a dense tensor; the result
// is dense, or has the distances `dst_strides` (in bytes) where they are given. Not yet prepared.
kernels::StridedCopy SliceCopy(const Shape &shape, int64_t element_bytes, const DimRange *ranges,
                               const int64_t *dst_strides = nullptr);

// Runs a prepared copy, on several threads when it is large.
void RunCopy(ThreadPool *pool, const kernels::StridedCopy &copy, const void *src, void *dst);

// Copies a whole tensor unless both have the same memory.
void CopyTensor(ThreadPool *pool, const Tensor &src, Tensor *dst);

class ShapedOperation : public Operation {
 public:
  explicit ShapedOperation(OpConstructContext *context) : Operation(context) {}

 protected:
  // Sets the shape of output o; an error when a dimension is negative, the rank exceeds kMaxRank or
  // the elements could not be addressed.
  MaceStatus SetOutput(OpShapeContext *context, int o, const std::vector<int64_t> &dims) const;
  // The elements of integer input i; `what` names it in messages.
  MaceStatus Integers(const OpShapeContext &context, int i, const char *what,
                      std::vector<int64_t> *values) const;
  MaceStatus CheckAxis(int64_t axis, int rank, int *normalized) const;
  // All axes normalized; an error when one is outside or occurs twice.
  MaceStatus CheckAxes(const std::vector<int64_t> &axes, int rank,
                       std::vector<int> *normalized) const;
  // An error when the inputs that are there differ in type.
  MaceStatus CheckSameTypes(const std::vector<DataType> &inputs) const;
  MaceStatus CheckIntegerType(const char *what, DataType dtype) const;
};

// An operator whose output 0 has the elements of input 0 in the same order.
class AliasOperation : public ShapedOperation {
 public:
  using ShapedOperation::ShapedOperation;

  MaceStatus Plan(OpPlanContext *context) override;
  MaceStatus Run(OpContext *context) override;
};

// An operator that is a list of copies from inputs to outputs, made when it is planned.
class CopyOperation : public ShapedOperation {
 public:
  using ShapedOperation::ShapedOperation;

  MaceStatus Plan(OpPlanContext *context) override;
  MaceStatus Run(OpContext *context) override;

 protected:
  struct Step {
    int input;
    int output;
    kernels::StridedCopy copy;
    // Not negative: nothing is to be done if the input lies this many bytes into the output.
    int64_t part_offset = -1;
  };
  // Appends the steps for the planned shapes, of which not all are empty; Plan prepares them.
  virtual MaceStatus MakeSteps(const OpShapeContext &context, std::vector<Step> *steps) = 0;
  static int64_t ElementBytes(const OpShapeContext &context, int input = 0) {
    return static_cast<int64_t>(DataTypeSize(context.Input(input).dtype));
  }

 private:
  struct State : public OpState {
    std::vector<Step> steps;
  };
};

// Takes a range of each dimension of its first input.
class RangeOperation : public CopyOperation {
 public:
  using CopyOperation::CopyOperation;

  MaceStatus InferShape(OpShapeContext *context) override;

 protected:
  MaceStatus MakeSteps(const OpShapeContext &context, std::vector<Step> *steps) override;
  // One range for each dimension, inside of it.
  virtual MaceStatus Ranges(const OpShapeContext &context, std::vector<DimRange> *ranges) const = 0;
};

// Puts the rows of its output, NHWC images, together one by one.
class ImageRowOperation : public ShapedOperation {
 public:
  using ShapedOperation::ShapedOperation;

  MaceStatus Run(OpContext *context) override;

 protected:
  // Writes row `row` of all rows of all output images.
  virtual void MakeRow(const Tensor &input, int64_t row, const Shape &output,
                       uint8_t *dst) const = 0;
};

}  // namespace ops
}  // namespace mace

#endif  // MACE_OPS_DATA_MOVEMENT_H_
