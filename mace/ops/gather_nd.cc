// SPDX-License-Identifier: Apache-2.0
// Takes slices that tuples of indices name (ONNX GatherND, TensorFlow GatherNd).
#include "mace/ops/attrs/gather_nd.h"

#include <algorithm>
#include <cstring>

#include "mace/ops/indexing.h"
#include "mace/runtimes/cpu/thread_pool.h"

namespace mace {
namespace ops {

class GatherNDOp : public IndexOperation {
 public:
  using IndexOperation::IndexOperation;

  MaceStatus Init(OpInitContext *) override { return ParseAttrs(&attrs_); }

  MaceStatus InferShape(OpShapeContext *context) override {
    const Shape &input = context->Input(0).shape, &indices = context->Input(1).shape;
    const int64_t batch = attrs_.batch_dims;
    if (indices.rank() < 1 || batch >= indices.rank() || indices.dim(-1) > input.rank() - batch) {
      return Invalid("indices of shape ", indices.ToString(), " do not go with input shape ",
                     input.ToString(), " and ", batch,
                     " batch dimensions: the last dimension of the indices is the length of a "
                     "tuple, one number for each dimension that it names");
    }
    const int first = static_cast<int>(batch);
    std::vector<int64_t> dims(indices.begin(), indices.end() - 1);
    for (int i = 0; i < first; ++i) {
      if (indices[i] == input[i]) continue;
      return Invalid("batch dimension ", i, " is ", input[i], " in the input and ", indices[i],
                     " in the indices");
    }
    dims.insert(dims.end(), input.begin() + first + indices.dim(-1), input.end());
    return SetOutput(context, 0, dims);
  }

  MaceStatus Run(OpContext *context) override {
    const Tensor &input = *context->input(0), &indices = *context->input(1);
    Tensor *output = context->output(0);
    if (output->elements() == 0) return MaceStatus::MACE_SUCCESS;
    const int first = static_cast<int>(attrs_.batch_dims);
    const int64_t element = static_cast<int64_t>(DataTypeSize(input.dtype));
    const IndexTuples tuples(indices, input.shape, first, element);
    int64_t place = 0, bound = 0;
    for (int64_t t = 0; t < tuples.count(); ++t) {
      if (tuples.Offset(t, &place, &bound) >= 0) continue;
      return Outside(indices, place, bound, input.shape);
    }
    const int64_t in_batch = input.shape.elements(first, input.shape.rank()) * element;
    const int64_t of_batch = tuples.count() / input.shape.elements(0, first);
    const int64_t block = tuples.block();
    const uint8_t *src = input.data<uint8_t>();
    uint8_t *dst = output->mutable_data<uint8_t>();
    context->thread_pool()->ParallelFor(
        tuples.count(), std::max<int64_t>(1, kCopyGrainBytes / (block + 8)),
        [&](int64_t begin, int64_t end, int) {
          int64_t unused = 0;
          for (int64_t t = begin; t < end; ++t) {
            const uint8_t *from =
                src + t / of_batch * in_batch + tuples.Offset(t, &unused, &unused);
            std::memcpy(dst + t * block, from, static_cast<size_t>(block));
          }
        });
    return MaceStatus::MACE_SUCCESS;
  }

 private:
  GatherNDAttrs attrs_;
};

void RegisterGatherND(OpRegistryBase *op_registry) {
  RegisterForTypes<GatherNDOp>(op_registry, "GatherND", kAllTypes);
}

}  // namespace ops
}  // namespace mace
