// SPDX-License-Identifier: Apache-2.0
// Largest element of each window and where it lies: what unpooling needs. One loop for any number
// of dimensions; networks that need no indices use Pooling, whose kernels are much faster.
#include "mace/ops/attrs/max_pool_with_argmax.h"

#include <algorithm>
#include <limits>
#include <memory>

#include "mace/ops/window.h"
#include "mace/runtimes/cpu/thread_pool.h"

namespace mace {
namespace ops {

class MaxPoolWithArgmaxOp : public WindowOperation {
 public:
  using WindowOperation::WindowOperation;

  MaceStatus InferType(const std::vector<DataType> &inputs,
                       std::vector<DataType> *outputs) override {
    MACE_RETURN_IF_ERROR(WindowOperation::InferType(inputs, outputs));
    if (outputs->size() > 1) (*outputs)[1] = DT_INT64;
    return MaceStatus::MACE_SUCCESS;
  }

  MaceStatus Init(OpInitContext *) override {
    MACE_RETURN_IF_ERROR(ParseAttrs(&attrs_));
    const size_t k = attrs_.kernels.size();
    if (k < 1 || k > kMostDimensions) {
      return NotSupported("kernels has ", k, " sizes; windows have 1 to ", kMostDimensions,
                          " dimensions");
    }
    for (const auto &values : {attrs_.strides, attrs_.dilations}) {
      if (!values.empty() && values.size() != k) {
        return Invalid("strides and dilations must have ", k, " values as kernels has, or none");
      }
    }
    const bool padded = attrs_.padding == MaxPoolWithArgmaxAttrs::Padding::kExplicit;
    if (padded && attrs_.paddings.size() != 2 * k) {
      return Invalid("paddings has ", attrs_.paddings.size(), " values; it must have ", 2 * k);
    }
    for (size_t i = 0; i < k; ++i) {
      WindowDimension w;
      w.kernel = attrs_.kernels[i];
      if (!attrs_.strides.empty()) w.stride = attrs_.strides[i];
      if (!attrs_.dilations.empty()) w.dilation = attrs_.dilations[i];
      w.padding = static_cast<PaddingKind>(attrs_.padding);
      if (padded) {
        w.pad_begin = attrs_.paddings[2 * i];
        w.pad_end = attrs_.paddings[2 * i + 1];
      }
      w.round_up = attrs_.round_mode == MaxPoolWithArgmaxAttrs::RoundMode::kCeil;
      MACE_RETURN_IF_ERROR(CheckWindow({w, w}));
      windows_.push_back(w);
    }
    return MaceStatus::MACE_SUCCESS;
  }

  MaceStatus InferShape(OpShapeContext *context) override {
    const Shape &in = context->Input(0).shape;
    const int k = static_cast<int>(windows_.size());
    if (in.rank() != k + 2) {
      return Invalid("input has shape ", in.ToString(), ", but must have ", k + 2, " dimensions");
    }
    std::vector<int64_t> dims(in.begin(), in.end());
    for (int i = 0; i < k; ++i) {
      WindowLayout layout;
      std::string problem;
      const size_t axis = static_cast<size_t>(first() + i);
      if (!LayOutWindow(windows_[static_cast<size_t>(i)], dims[axis], &layout, &problem)) {
        return Invalid("dimension ", axis, " of input ", in.ToString(), ": ", problem);
      }
      dims[axis] = layout.count;
    }
    for (int o = 0; o < context->OutputCount(); ++o) {
      MACE_RETURN_IF_ERROR(SetOutput(context, o, dims));
    }
    return MaceStatus::MACE_SUCCESS;
  }

  MaceStatus Plan(OpPlanContext *context) override {
    const Shape &in = context->Input(0).shape, &out = context->OutputShape(0);
    auto state = std::make_unique<State>();
    state->in = in;
    state->out = out;
    int64_t major = 1, minor = 1;
    for (int axis = in.rank() - 1; axis >= 0; --axis) {
      state->strides[axis] = minor;
      minor *= in[axis];
    }
    const int k = static_cast<int>(windows_.size());
    for (int axis = 0; axis < in.rank(); ++axis) {
      const bool spatial = axis >= first() && axis < first() + k;
      state->index_strides[axis] = state->strides[axis];
      if (spatial && attrs_.column_major) {
        // Of the last spatial dimension, which is the distance of neighbours.
        state->index_strides[axis] = major * state->strides[first() + k - 1];
        major *= in[axis];
      }
      if (!spatial) continue;
      std::string problem;
      LayOutWindow(windows_[static_cast<size_t>(axis - first())], in[axis],
                   &state->layout[axis - first()], &problem);
    }
    if (attrs_.image_index) state->index_strides[0] = 0;
    context->SetState(std::move(state));
    return MaceStatus::MACE_SUCCESS;
  }

  MaceStatus Run(OpContext *context) override {
    const State &state = *static_cast<const State *>(context->state());
    Tensor *indices = context->output_count() > 1 ? context->output(1) : nullptr;
    int64_t taps = 1;
    for (const WindowDimension &w : windows_) taps *= w.kernel;
    context->thread_pool()->ParallelFor(
        state.out.elements(), std::max<int64_t>(1, kGrainTaps / std::max<int64_t>(1, taps)),
        [&](int64_t begin, int64_t end, int) {
          for (int64_t i = begin; i < end; ++i) {
            const Best best = Largest(state, *context->input(0), i);
            Store(best.value, i, context->output(0));
            if (indices != nullptr) indices->mutable_data<int64_t>()[i] = best.index;
          }
        });
    return MaceStatus::MACE_SUCCESS;
  }

 private:
  static constexpr int kMostDimensions = kMaxRank - 2;
  static constexpr int64_t kGrainTaps = 8 * 1024;

  struct State : OpState {
    Shape in, out;
    std::array<int64_t, kMaxRank> strides, index_strides;
    std::array<WindowLayout, kMostDimensions> layout;
  };
  struct Best {
    float value;
    int64_t index;
  };

  // The first of the dimensions that windows slide over.
  int first() const { return attrs_.channels_last ? 1 : 2; }

  // float holds every number of the types exactly.
  static float Load(const Tensor &tensor, int64_t i) {
    if (tensor.dtype == DT_FLOAT) return tensor.data<float>()[i];
    return tensor.dtype == DT_INT8 ? static_cast<float>(tensor.data<int8_t>()[i])
                                   : static_cast<float>(tensor.data<uint8_t>()[i]);
  }
  static void Store(float value, int64_t i, Tensor *tensor) {
    if (tensor->dtype == DT_FLOAT) {
      tensor->mutable_data<float>()[i] = value;
    } else if (tensor->dtype == DT_INT8) {
      tensor->mutable_data<int8_t>()[i] = static_cast<int8_t>(std::max(value, -128.0f));
    } else {
      tensor->mutable_data<uint8_t>()[i] = static_cast<uint8_t>(std::max(value, 0.0f));
    }
  }

  // Of the window of output element i. A window that lies in the padding alone has the index -1.
  Best Largest(const State &s, const Tensor &input, int64_t i) const {
    const int rank = s.in.rank(), k = static_cast<int>(windows_.size());
    int64_t offset = 0, index = 0;
    std::array<int64_t, kMostDimensions> begin, tap = {};
    for (int axis = rank - 1; axis >= 0; --axis) {
      const int64_t at = i % s.out[axis];
      i /= s.out[axis];
      const int d = axis - first();
      if (d >= 0 && d < k) {
        begin[d] = at * windows_[static_cast<size_t>(d)].stride - s.layout[d].pad_begin;
      } else {
        offset += at * s.strides[axis];
        index += at * s.index_strides[axis];
      }
    }
    Best best = {-std::numeric_limits<float>::infinity(), -1};
    for (;;) {
      int64_t tap_offset = offset, tap_index = index;
      bool inside = true;
      for (int d = 0; d < k; ++d) {
        const int64_t at = begin[d] + tap[d] * windows_[static_cast<size_t>(d)].dilation;
        inside = inside && at >= 0 && at < s.in[first() + d];
        tap_offset += at * s.strides[first() + d];
        tap_index += at * s.index_strides[first() + d];
      }
      if (inside) {
        const float value = Load(input, tap_offset);
        if (best.index < 0 || value > best.value) best = {value, tap_index};
      }
      int d = k - 1;
      while (d >= 0 && ++tap[d] == windows_[static_cast<size_t>(d)].kernel) tap[d--] = 0;
      if (d < 0) return best;
    }
  }

  MaxPoolWithArgmaxAttrs attrs_;
  std::vector<WindowDimension> windows_;
};

void RegisterMaxPoolWithArgmax(OpRegistryBase *op_registry) {
  RegisterForTypes<MaxPoolWithArgmaxOp>(op_registry, "MaxPoolWithArgmax",
                                        {DT_FLOAT, DT_INT8, DT_UINT8});
}

}  // namespace ops
}  // namespace mace
