// SPDX-License-Identifier: Apache-2.0
// What LSTM, GRU and RNN have in common: a step of each is one product with the recurrence and
// functions of its rows. The products with the input are made for many steps at once.
#ifndef MACE_OPS_RECURRENT_H_
#define MACE_OPS_RECURRENT_H_

#include <string>
#include <vector>

#include "mace/kernels/eltwise/activation.h"
#include "mace/kernels/gemm/gemm.h"
#include "mace/ops/attr_groups.h"
#include "mace/ops/data_movement.h"
#include "mace/runtimes/cpu/thread_pool.h"

namespace mace {
namespace ops {

// A function of gates: one of the kernels', or one of those that recurrent layers alone have.
struct GateFunction {
  enum Kind { kKernel, kAffine, kThresholdedRelu, kScaledTanh, kSoftsign };
  Kind kind = kKernel;
  kernels::ActivationParams params;
  float alpha = 0;
  float beta = 0;
};

enum class RecurrentCell { kRnn, kGru, kLstm };

// Shapes as in ops.yml: T steps, B sequences, I inputs, H hidden units, D directions, G gates.
class RecurrentOperation : public ShapedOperation {
 public:
  RecurrentOperation(OpConstructContext *context, RecurrentCell cell);

  MaceStatus InferType(const std::vector<DataType> &inputs,
                       std::vector<DataType> *outputs) override;
  MaceStatus InferShape(OpShapeContext *context) override;
  MaceStatus Plan(OpPlanContext *context) override;
  MaceStatus Run(OpContext *context) override;
  int64_t Macs(const OpShapeContext &context) const override;

 protected:
  // Takes the attributes that all share.
  template <typename Attrs>
  MaceStatus ReadAttrs(const Attrs &attrs) {
    direction_ = attrs.direction;
    clip_ = attrs.clip;
    return ReadFunctions(attrs.activations, attrs.activation_alpha, attrs.activation_beta);
  }
  MaceStatus PackConstWeights(OpInitContext *context);

  bool linear_before_reset_ = false;
  bool input_forget_ = false;

 private:
  struct State;
  struct Step;

  int functions() const { return cell_ == RecurrentCell::kLstm ? 3 : static_cast<int>(cell_) + 1; }
  int gates() const { return cell_ == RecurrentCell::kLstm ? 4 : 2 * static_cast<int>(cell_) + 1; }
  int directions() const { return direction_ == DirectionKind::kBidirectional ? 2 : 1; }
  bool is_gru() const { return cell_ == RecurrentCell::kGru; }
  // Columns of the first product with the recurrence; a GRU makes another one of H columns.
  int64_t first_columns(int64_t hidden) const { return (is_gru() ? 2 : gates()) * hidden; }

  MaceStatus ReadFunctions(const std::string &names, const std::vector<float> &alpha,
                           const std::vector<float> &beta);
  MaceStatus CheckWeights(const Shape &weight, const Shape &recurrence, const Shape *bias) const;
  // Floats of the packed weights of one direction, and of scratch for packing.
  int64_t PackedFloats(int64_t inputs, int64_t hidden) const;
  // Packs the weights of all directions; bias may be null, `sums` has 5 * H floats.
  void Pack(const Tensor &weight, const Tensor &recurrence, const Tensor *bias, float *sums,
            float *packed) const;
  void RunDirection(const State &state, OpContext *context, const float *packed, int direction,
                    float *scratch) const;
  void RunStep(const Step &step) const;
  void UpdateRow(const Step &step, int64_t row) const;
  void ApplyGate(int function, int direction, float *x, int64_t n) const;

  const RecurrentCell cell_;
  DirectionKind direction_ = DirectionKind::kForward;
  float clip_ = 0;
  std::vector<GateFunction> functions_;
  AlignedBuffer packed_;
  bool is_packed_ = false;
};

}  // namespace ops
}  // namespace mace

#endif  // MACE_OPS_RECURRENT_H_
