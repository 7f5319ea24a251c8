// SPDX-License-Identifier: Apache-2.0
// BatchNorm: a factor and an offset for each channel (the last dimension), then an activation.
// scale, offset, mean and var become the two once: when they are constants, in Init.
#include "mace/ops/attrs/batch_norm.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>

#include "mace/kernels/eltwise/eltwise.h"
#include "mace/ops/activation_params.h"
#include "mace/ops/broadcast_rows.h"
#include "mace/ops/data_movement.h"

namespace mace {
namespace ops {

class BatchNormOp : public ShapedOperation {
 public:
  explicit BatchNormOp(OpConstructContext *context) : ShapedOperation(context) {}

  MaceStatus Init(OpInitContext *context) override {
    BatchNormAttrs attrs;
    MACE_RETURN_IF_ERROR(ParseAttrs(&attrs));
    params_ = MakeActivationParams(attrs);
    const char *problem = ActivationProblem(params_);
    if (problem != nullptr) return Invalid(problem);
    epsilon_ = attrs.epsilon;
    has_statistics_ = context->InputType(kMean) != DT_INVALID;
    if (has_statistics_ != (context->InputType(kVar) != DT_INVALID)) {
      return Invalid("mean and var go together, one of them is missing");
    }
    const Tensor *inputs[kInputs] = {};
    bool all_const = !context->shape_only();
    for (int i = kScale; i <= last_input(); ++i) {
      if (context->InputType(i) != DT_FLOAT) {
        return Invalid("input ", i, " must be float32, not ", DataTypeName(context->InputType(i)));
      }
      inputs[i] = context->ConstInput(i);
      all_const = all_const && inputs[i] != nullptr;
    }
    if (!all_const) return MaceStatus();
    channels_ = inputs[kScale]->elements();
    for (int i = kScale; i <= last_input(); ++i) {
      if (inputs[i]->elements() == channels_) continue;
      return Invalid("input ", i, " of shape ", inputs[i]->shape.ToString(), " does not have the ",
                     channels_, " elements of the scale");
    }
    const size_t bytes = PeriodBytes(channels_);
    MACE_RETURN_IF_ERROR(context->Pack("", bytes, &packed_, [&](void *packed) {
      Fold(inputs, channels_, static_cast<float *>(packed));
    }));
    is_packed_ = true;
    for (int i = kScale; i <= last_input(); ++i) context->ReleaseConstInput(i);
    return MaceStatus();
  }

  MaceStatus InferShape(OpShapeContext *context) override {
    const Shape &input = context->Input(0).shape;
    if (input.rank() == 0) return Invalid("the input is a scalar, it has no channels");
    for (int i = kScale; i <= last_input(); ++i) {
      const Shape &shape = context->Input(i).shape;
      if (shape.elements() == input.dim(-1) && shape.rank() > 0 && shape.dim(-1) == input.dim(-1)) {
        continue;
      }
      return Invalid("input ", i, " of shape ", shape.ToString(), " does not fit the ",
                     input.dim(-1), " channels of the input of shape ", input.ToString());
    }
    context->SetOutputShape(0, input);
    return MaceStatus();
  }

  MaceStatus Plan(OpPlanContext *context) override {
    context->AllowInPlace(0, 0);
    if (!is_packed_) context->RequestScratch(PeriodBytes(context->Input(0).shape.dim(-1)));
    return MaceStatus();
  }

  MaceStatus Run(OpContext *context) override {
    const int64_t channels = context->input(0)->shape.dim(-1);
    const float *scale = packed_.as<float>();
    if (!is_packed_) {
      const Tensor *inputs[kInputs] = {};
      for (int i = kScale; i <= last_input(); ++i) inputs[i] = context->input(i);
      Fold(inputs, channels, static_cast<float *>(context->scratch()));
      scale = static_cast<const float *>(context->scratch());
    }
    const int64_t period = Repeats(channels) * channels;
    const float *offset = scale + period;
    const kernels::EltwiseFunctions &kernel = kernels::Eltwise();
    const float *in = context->input(0)->data<float>();
    float *out = context->output(0)->mutable_data<float>();
    context->thread_pool()->ParallelFor(
        context->output(0)->elements(), kElementGrain, [&](int64_t begin, int64_t end, int) {
          while (begin < end) {
            const int64_t phase = begin % channels;
            const int64_t n = std::min({end - begin, period - phase, kLongestRow});
            kernel.scale_offset(in + begin, scale + phase, offset + phase, out + begin, n);
            if (params_.kind != kernels::kActivationNoop) {
              kernel.activate(params_, out + begin, out + begin, n);
            }
            begin += n;
          }
        });
    return MaceStatus();
  }

  int64_t Macs(const OpShapeContext &context) const override {
    return context.OutputShape(0).elements();
  }

 private:
  enum { kScale = 1, kOffset, kMean, kVar, kInputs };

  int last_input() const { return has_statistics_ ? kVar : kOffset; }

  // Few channels are repeated, so that rows are not short.
  static int64_t Repeats(int64_t channels) {
    return channels == 0 ? 0 : 1 + (kLongestRow / 2) / channels;
  }
  static size_t PeriodBytes(int64_t channels) {
    return static_cast<size_t>(2 * Repeats(channels) * channels) * sizeof(float);
  }

  // Factors, then offsets, each repeated.
  void Fold(const Tensor *const *inputs, int64_t channels, float *packed) const {
    const int64_t repeats = Repeats(channels);
    float *offsets = packed + repeats * channels;
    for (int64_t c = 0; c < channels; ++c) {
      double scale = inputs[kScale]->data<float>()[c];
      double offset = inputs[kOffset]->data<float>()[c];
      if (has_statistics_) {
        scale /= std::sqrt(static_cast<double>(inputs[kVar]->data<float>()[c]) +
                           static_cast<double>(epsilon_));
        offset -= static_cast<double>(inputs[kMean]->data<float>()[c]) * scale;
      }
      packed[c] = static_cast<float>(scale);
      offsets[c] = static_cast<float>(offset);
    }
    const size_t bytes = static_cast<size_t>(channels) * sizeof(float);
    for (int64_t i = 1; i < repeats; ++i) {
      std::memcpy(packed + i * channels, packed, bytes);
      std::memcpy(offsets + i * channels, offsets, bytes);
    }
  }

  kernels::ActivationParams params_;
  float epsilon_ = 0;
  bool has_statistics_ = false;
  bool is_packed_ = false;
  int64_t channels_ = 0;
  AlignedBuffer packed_;
};

void RegisterBatchNorm(OpRegistryBase *op_registry) {
  MACE_REGISTER_OP_CLASS(op_registry, "BatchNorm", BatchNormOp, DeviceType::CPU, DT_FLOAT);
}

}  // namespace ops
}  // namespace mace
