// SPDX-License-Identifier: Apache-2.0
// Runs one of two graphs (ONNX If). What both give in the same shape is planned; the rest has the
// shape that the run gives it.
#include <cstring>
#include <memory>
#include <vector>

#include "mace/ops/control_flow.h"
#include "mace/ops/data_movement.h"

namespace mace {
namespace ops {

class IfOp : public ShapedOperation {
 public:
  explicit IfOp(OpConstructContext *context)
      : ShapedOperation(context), branches_(TakeSubgraphs(context)) {}

  MaceStatus InferType(const std::vector<DataType> &inputs,
                       std::vector<DataType> *outputs) override {
    if (branches_.size() != 2) return Invalid("it needs two subgraphs");
    const std::vector<DataType> captures(inputs.begin() + 1, inputs.end());
    for (const auto &branch : branches_) {
      if (branch->input_types() != captures) {
        return Invalid("its inputs after the condition are not those of its subgraphs");
      }
      if (branch->output_types().size() != outputs->size()) {
        return Invalid("it has ", outputs->size(), " outputs, but a subgraph has ",
                       branch->output_types().size());
      }
    }
    *outputs = branches_[0]->output_types();
    if (branches_[1]->output_types() != *outputs) {
      return Invalid("its two subgraphs give different types");
    }
    return MaceStatus::MACE_SUCCESS;
  }

  MaceStatus Init(OpInitContext *context) override {
    // Who asks is not run when only shapes are wanted: the graphs inside could not be.
    static_cast<void>(context->shape_only());
    return MaceStatus::MACE_SUCCESS;
  }

  MaceStatus InferShape(OpShapeContext *context) override {
    const Tensor &condition = context->Input(0);
    if (condition.elements() != 1) {
      return Invalid("the condition must be one element, but has shape ",
                     condition.shape.ToString());
    }
    std::vector<Shape> captures, shapes, other;
    for (int i = 1; i < context->InputCount(); ++i) captures.push_back(context->Input(i).shape);
    std::vector<bool> late, other_late;
    if (condition.is_const && condition.raw != nullptr) {
      const size_t taken = condition.data<uint8_t>()[0] != 0 ? 0 : 1;
      MACE_RETURN_IF_ERROR(branches_[taken]->InferShapes(captures, &shapes, &late));
      other = shapes;
      other_late = late;
    } else if (!branches_[0]->InferShapes(captures, &shapes, &late).ok() ||
               !branches_[1]->InferShapes(captures, &other, &other_late).ok()) {
      // A branch need not be possible for shapes that the condition guards against.
      for (int o = 0; o < context->OutputCount(); ++o) context->SetOutputLate(o);
      return MaceStatus::MACE_SUCCESS;
    }
    for (int o = 0; o < context->OutputCount(); ++o) {
      const size_t k = static_cast<size_t>(o);
      if (late[k] || other_late[k] || shapes[k] != other[k]) {
        context->SetOutputLate(o);
      } else {
        context->SetOutputShape(o, shapes[k]);
      }
    }
    return MaceStatus::MACE_SUCCESS;
  }

  MaceStatus Plan(OpPlanContext *context) override {
    inputs_.reserve(static_cast<size_t>(context->InputCount()));
    return MaceStatus::MACE_SUCCESS;
  }

  MaceStatus Run(OpContext *context) override {
    inputs_.clear();
    for (int i = 1; i < context->input_count(); ++i) inputs_.push_back(context->input(i));
    Subgraph &branch = *branches_[context->input(0)->data<uint8_t>()[0] != 0 ? 0 : 1];
    MACE_RETURN_IF_ERROR(branch.Run(inputs_));
    for (int o = 0; o < context->output_count(); ++o) {
      MACE_RETURN_IF_ERROR(Deliver(context, o, branch.output(static_cast<size_t>(o))));
    }
    return MaceStatus::MACE_SUCCESS;
  }

 private:
  std::vector<std::unique_ptr<Subgraph>> branches_;  // then, else
  std::vector<const Tensor *> inputs_;
};

void RegisterIf(OpRegistryBase *op_registry) {
  RegisterForTypes<IfOp>(op_registry, "If", {DT_BOOL});
}

}  // namespace ops
}  // namespace mace
