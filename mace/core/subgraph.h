// SPDX-License-Identifier: Apache-2.0
// A graph inside an operator: a net of its own, whose plans are kept by the shapes of its inputs.
#ifndef MACE_CORE_SUBGRAPH_H_
#define MACE_CORE_SUBGRAPH_H_

#include <memory>
#include <string>
#include <vector>

#include "mace/core/net.h"
#include "mace/core/plan.h"

namespace mace {

class NetSubgraph : public Subgraph {
 public:
  // A subgraph of a verified model. constants: those of the model, which are copied. options: of
  // the net that it is in.
  static MaceStatus Make(const NetDef &def, const Constants &constants, const Net::Options &options,
                         std::unique_ptr<Subgraph> *subgraph);

  const std::vector<DataType> &input_types() const override { return input_types_; }
  const std::vector<DataType> &output_types() const override { return output_types_; }
  MaceStatus InferShapes(const std::vector<Shape> &inputs, std::vector<Shape> *outputs,
                         std::vector<bool> *late) override;
  MaceStatus Run(const std::vector<const Tensor *> &inputs) override;
  const Tensor &output(size_t i) const override { return outputs_[last_][i].tensor; }

 private:
  struct Output {
    Tensor tensor;
    AlignedBuffer memory;
  };
  // Makes the plan for shapes_ the first of plans_.
  MaceStatus UsePlan();
  static MaceStatus Grow(size_t bytes, AlignedBuffer *memory);

  Net net_;
  PlanOptions plan_options_;
  std::vector<DataType> input_types_, output_types_;
  std::vector<Shape> shapes_;
  std::vector<std::unique_ptr<Plan>> plans_;  // last used first
  AlignedBuffer arena_;
  // Of this run and of the one before.
  std::vector<Output> outputs_[2];
  size_t last_ = 0;
  std::vector<const void *> input_pointers_;
  std::vector<void *> output_pointers_;
};

}  // namespace mace

#endif  // MACE_CORE_SUBGRAPH_H_
