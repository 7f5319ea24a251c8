// SPDX-License-Identifier: Apache-2.0
// GroupNorm: zero mean and unit variance over the pixels and the channels of a group, for tensors
// with channels last. One channel a group is instance normalization.
#include "mace/ops/attrs/group_norm.h"

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "mace/ops/broadcast_rows.h"
#include "mace/ops/normalization.h"

namespace mace {
namespace ops {
namespace {

// Channels that are summed side by side: a cache line of pixels whose channels are many.
constexpr int64_t kLanes = 16;
// Pixels that are summed in float before a double takes them up.
constexpr int64_t kFloatSums = 128;

struct Channels {
  const float *in;  // of the first pixel
  int64_t pixels;
  int64_t step;   // from pixel to pixel
  int64_t count;  // of channels, at most kLanes
};

// sums[c] = sum over pixels of x - shift[c], or of its square.
void Sum(const Channels &channels, bool square, const float *shift, double *sums) {
  std::fill(sums, sums + kLanes, 0.0);
  const float *x = channels.in;
  for (int64_t first = 0; first < channels.pixels; first += kFloatSums) {
    float part[kLanes] = {};
    const int64_t n = std::min(kFloatSums, channels.pixels - first);
    for (int64_t i = 0; i < n; ++i, x += channels.step) {
      for (int64_t c = 0; c < channels.count; ++c) {
        const float d = x[c] - shift[c];
        part[c] += square ? d * d : d;
      }
    }
    for (int64_t c = 0; c < channels.count; ++c) sums[c] += static_cast<double>(part[c]);
  }
}

}  // namespace

class GroupNormOp : public NormalizationOperation<GroupNormAttrs> {
 public:
  using NormalizationOperation::NormalizationOperation;

  MaceStatus InferShape(OpShapeContext *context) override {
    const Shape &input = context->Input(0).shape;
    if (input.rank() < 2) {
      return Invalid("input of shape ", input.ToString(), " has no batch and channels");
    }
    const int64_t channels = input[input.rank() - 1];
    if (attrs_.groups > 0 && channels % attrs_.groups != 0) {
      return Invalid(channels, " channels cannot be split into ", attrs_.groups, " groups");
    }
    if (const int i = WrongSize(*context, channels)) {
      return Invalid(kNames[i], " of shape ", context->Input(i).shape.ToString(),
                     " does not have one element for each of the ", channels, " channels");
    }
    context->SetOutputShape(0, input);
    return MaceStatus();
  }

  MaceStatus Run(OpContext *context) override {
    const Shape &shape = context->input(0)->shape;
    if (shape.elements() == 0) return MaceStatus();
    const int64_t channels = shape[shape.rank() - 1];
    const int64_t in_group = attrs_.groups > 0 ? channels / attrs_.groups : 1;
    // Whole groups, as many as lie in the lanes.
    const int64_t span = std::min(channels, std::max<int64_t>(1, kLanes / in_group) * in_group);
    const int64_t spans = (channels + span - 1) / span;
    const int64_t pixels = shape.elements(1, shape.rank() - 1);
    const float *in = context->input(0)->data<float>();
    const float *scale = Optional(context, 1), *offset = Optional(context, 2);
    float *out = context->output(0)->mutable_data<float>();
    const int64_t grain = std::max<int64_t>(1, kElementGrain / (pixels * span));
    context->thread_pool()->ParallelFor(
        shape[0] * spans, grain, [&](int64_t begin, int64_t end, int) {
          for (int64_t i = begin; i < end; ++i) {
            const int64_t c = i % spans * span, start = i / spans * pixels * channels + c;
            Normalize({in + start, pixels, channels, std::min(span, channels - c)}, in_group,
                      scale ? scale + c : nullptr, offset ? offset + c : nullptr, out + start);
          }
        });
    return MaceStatus();
  }

 private:
  // One group of more channels than lanes, or as many groups as lie in them.
  void Normalize(const Channels &channels, int64_t in_group, const float *scale,
                 const float *offset, float *out) const {
    float mean[kLanes] = {}, inverse[kLanes];
    for (bool square : {false, true}) {
      double sums[kLanes], all[kLanes] = {};
      for (int64_t c = 0; c < channels.count; c += kLanes) {
        Sum(Part(channels, c), square, mean, sums);
        const int64_t n = std::min(kLanes, channels.count - c);
        for (int64_t k = 0; k < n; ++k) all[Group(channels, in_group, k)] += sums[k];
      }
      const double count = static_cast<double>(in_group) * static_cast<double>(channels.pixels);
      for (int64_t k = 0; k < kLanes; ++k) {
        const double value = all[Group(channels, in_group, k)] / count;
        if (square) {
          inverse[k] =
              static_cast<float>(1 / std::sqrt(value + static_cast<double>(attrs_.epsilon)));
        } else {
          mean[k] = static_cast<float>(value);
        }
      }
    }
    for (int64_t c = 0; c < channels.count; c += kLanes) {
      Write(Part(channels, c), mean, inverse, scale ? scale + c : nullptr,
            offset ? offset + c : nullptr, out + c);
    }
  }

  static Channels Part(const Channels &channels, int64_t first) {
    return {channels.in + first, channels.pixels, channels.step,
            std::min(kLanes, channels.count - first)};
  }

  // Which of the groups that are normalized together a lane belongs to.
  static int64_t Group(const Channels &channels, int64_t in_group, int64_t lane) {
    return channels.count > kLanes ? 0 : std::min(lane, channels.count - 1) / in_group;
  }

  static void Write(const Channels &channels, const float *mean, const float *inverse,
                    const float *scale, const float *offset, float *out) {
    float factor[kLanes] = {}, addend[kLanes] = {};
    for (int64_t c = 0; c < channels.count; ++c) {
      factor[c] = scale ? inverse[c] * scale[c] : inverse[c];
      if (offset) addend[c] = offset[c];
    }
    const float *x = channels.in;
    for (int64_t i = 0; i < channels.pixels; ++i, x += channels.step, out += channels.step) {
      for (int64_t c = 0; c < channels.count; ++c) {
        out[c] = (x[c] - mean[c]) * factor[c] + addend[c];
      }
    }
  }
};

void RegisterGroupNorm(OpRegistryBase *op_registry) {
  MACE_REGISTER_OP_CLASS(op_registry, "GroupNorm", GroupNormOp, DeviceType::CPU, DT_FLOAT);
}

}  // namespace ops
}  // namespace mace
