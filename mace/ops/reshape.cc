// SPDX-License-Identifier: Apache-2.0
// The same elements in another shape.
#include "mace/ops/attrs/reshape.h"

#include "mace/base/checked.h"
#include "mace/ops/data_movement.h"

namespace mace {
namespace ops {

class ReshapeOp : public AliasOperation {
 public:
  using AliasOperation::AliasOperation;

  MaceStatus Init(OpInitContext *) override { return ParseAttrs(&attrs_); }

  MaceStatus InferShape(OpShapeContext *context) override {
    const Shape &input = context->Input(0).shape;
    std::vector<int64_t> wanted = attrs_.shape;
    if (context->HasInput(1)) MACE_RETURN_IF_ERROR(Integers(*context, 1, "shape", &wanted));
    int first = 0, last = 0;
    MACE_RETURN_IF_ERROR(ReplacedDims(input.rank(), &first, &last));

    std::vector<int64_t> dims(input.begin(), input.begin() + first), replaced;
    for (size_t i = 0; i < wanted.size(); ++i) {
      int64_t dim = wanted[i];
      if (dim == 0 && attrs_.copy_zeros) {
        const size_t from = first + i;
        if (from >= static_cast<size_t>(input.rank())) {
          return Invalid("dimension ", from, " of the new shape copies that of the input, but ",
                         input.ToString(), " has none");
        }
        dim = input[static_cast<int>(from)];
      }
      replaced.push_back(dim);
    }
    MACE_RETURN_IF_ERROR(Complete(input, input.elements(first, last), &replaced));
    dims.insert(dims.end(), replaced.begin(), replaced.end());
    dims.insert(dims.end(), input.begin() + last, input.end());
    return SetOutput(context, 0, dims);
  }

 private:
  // The dimensions [first, last) of the input that the shape replaces.
  MaceStatus ReplacedDims(int rank, int *first, int *last) const {
    // A negative axis counts from behind the last dimension, as in Caffe.
    const int64_t axis = attrs_.axis < 0 ? attrs_.axis + rank + 1 : attrs_.axis;
    if (axis < 0 || axis > rank) {
      return Invalid("axis ", attrs_.axis, " is outside of [", -rank - 1, ", ", rank, "]");
    }
    if (attrs_.num_axes < -1 || attrs_.num_axes > rank - axis) {
      return Invalid("num_axes ", attrs_.num_axes, " from axis ", axis,
                     " on does not fit an input of rank ", rank);
    }
    *first = static_cast<int>(axis);
    *last = attrs_.num_axes == -1 ? rank : static_cast<int>(axis + attrs_.num_axes);
    return MaceStatus::MACE_SUCCESS;
  }

  // Computes the dimension that is -1 and checks the number of elements, those of the dimensions
  // that are replaced: another one may be 0, and tell nothing.
  MaceStatus Complete(const Shape &input, int64_t elements, std::vector<int64_t> *dims) const {
    int64_t product = 1;
    int64_t *unknown = nullptr;
    for (int64_t &dim : *dims) {
      if (dim < -1) return Invalid("the new shape has a dimension of ", dim);
      if (dim >= 0) {
        if (!CheckedMultiply(product, dim, &product)) {
          return Invalid("the new shape is too large to be addressed");
        }
      } else if (unknown != nullptr) {
        return Invalid("the new shape has more than one -1; only one dimension can be computed");
      } else {
        unknown = &dim;
      }
    }
    if (unknown != nullptr && product > 0 && elements % product == 0) {
      *unknown = elements / product;
    } else if (unknown != nullptr || product != elements) {
      return Invalid("the ", elements, " elements of input shape ", input.ToString(),
                     " do not fit the new shape ", Shape(*dims).ToString());
    }
    return MaceStatus::MACE_SUCCESS;
  }

  ReshapeAttrs attrs_;
};

void RegisterReshape(OpRegistryBase *op_registry) {
  RegisterForTypes<ReshapeOp>(op_registry, "Reshape", kAllTypes);
}

}  // namespace ops
}  // namespace mace
