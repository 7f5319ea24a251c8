// SPDX-License-Identifier: Apache-2.0
// LSTM on the GPU: one launch for each step, which is what a step waits for.
#include "mace/ops/attrs/lstm.h"

#include "mace/ops/opencl/builder.h"
#include "mace/ops/opencl/operators.h"

namespace mace {
namespace opencl {

namespace {

enum Input { kInput, kWeight, kRecurrence, kBias, kLengths, kHidden, kCell, kPeepholes };

// More launches than these take longer than the CPU.
constexpr int64_t kMostSteps = 512;

// [D][4 * H][columns] as [D][columns][H][4].
std::vector<float> ByUnit(const float *weights, int64_t directions, int64_t hidden,
                          int64_t columns) {
  std::vector<float> result;
  result.reserve(static_cast<size_t>(directions * columns * hidden * 4));
  for (int64_t d = 0; d < directions; ++d) {
    for (int64_t k = 0; k < columns; ++k) {
      for (int64_t j = 0; j < hidden; ++j) {
        for (int64_t gate = 0; gate < 4; ++gate) {
          result.push_back(weights[((d * 4 + gate) * hidden + j) * columns + k]);
        }
      }
    }
  }
  return result;
}

// [D][parts * H], of which the first `gates` parts are one for each gate, as [D][H][4]. halves: the
// next `gates` parts are added, as a bias has two.
std::vector<float> Gates(const float *values, int64_t directions, int64_t hidden, int64_t parts,
                         int64_t gates, bool halves) {
  std::vector<float> result(static_cast<size_t>(directions * hidden * 4), 0.0f);
  for (int64_t d = 0; values != nullptr && d < directions; ++d) {
    const float *own = values + d * parts * hidden;
    for (int64_t j = 0; j < hidden; ++j) {
      for (int64_t gate = 0; gate < gates; ++gate) {
        float &to = result[static_cast<size_t>((d * hidden + j) * 4 + gate)];
        to = own[gate * hidden + j];
        if (halves) to += own[(gates + gate) * hidden + j];
      }
    }
  }
  return result;
}

}  // namespace

MaceStatus SupportsLSTM(const GpuOpContext &context) {
  ops::LSTMAttrs attrs;
  MACE_RETURN_IF_ERROR(context.ParseAttrs(&attrs));
  for (int i = 0; i < static_cast<int>(context.inputs.size()); ++i) {
    if (context.HasInput(i) && i != kLengths && context.Input(i).dtype != DT_FLOAT) {
      return Refuse(context, "its input ", i, " is not float32");
    }
  }
  for (int i : {kWeight, kRecurrence}) MACE_RETURN_IF_ERROR(NeedConstant(context, i, "weight"));
  MACE_RETURN_IF_ERROR(NeedConstant(context, kBias, "bias"));
  MACE_RETURN_IF_ERROR(NeedConstant(context, kPeepholes, "peepholes"));
  if (context.HasInput(kLengths)) {
    return Refuse(context, "its sequences have lengths of their own");
  }
  if (!attrs.activations.empty() || attrs.clip != 0) {
    return Refuse(context, "it has activations of its own or clips; the GPU has the usual ones");
  }
  const int64_t steps = context.Input(kInput).shape[0];
  if (steps <= kMostSteps) return MaceStatus::MACE_SUCCESS;
  return Refuse(context, "its ", steps, " steps would be as many launches; the GPU takes up to ",
                kMostSteps);
}

MaceStatus BuildLSTM(const GpuOpContext &wanted, GpuStep *step) {
  ops::LSTMAttrs attrs;
  MACE_RETURN_IF_ERROR(wanted.ParseAttrs(&attrs));
  const GpuOpContext context = InBuffers(wanted, step);
  const Shape &in = context.Input(kInput).shape;
  const int64_t steps = in[0], batch = in[1], inputs = in[2];
  const int64_t directions = context.Input(kWeight).shape[0];
  const int64_t hidden = context.Input(kRecurrence).shape[2];
  const int64_t all = directions * batch * hidden;
  const KernelArgument weight = AddMatrix(
      context, ByUnit(context.Constant(kWeight), directions, hidden, inputs), hidden * 4, step);
  const KernelArgument recurrence = AddMatrix(
      context, ByUnit(context.Constant(kRecurrence), directions, hidden, hidden), hidden * 4, step);
  const auto vector = [&](const float *values, int64_t parts, int64_t gates, bool halves) {
    const std::vector<float> each = Gates(values, directions, hidden, parts, gates, halves);
    return AddVector(each.data(), static_cast<int64_t>(each.size()), step);
  };
  const KernelArgument bias = vector(context.Constant(kBias), 8, 4, true);
  const KernelArgument peepholes = vector(context.Constant(kPeepholes), 3, 3, false);
  const KernelArgument h = AddScratch(2 * all, true, step), c = AddScratch(all, true, step);

  KernelLaunch begin = context.NewLaunch("lstm", "lstm_begin");
  if (attrs.input_forget) Define(&begin, "INPUT_FORGET", 1);
  for (int i : {kHidden, kCell}) {
    if (!context.HasInput(i)) continue;
    Define(&begin, i == kHidden ? "HIDDEN" : "CELL", 1);
    begin.arguments.push_back(KernelArgument::Input(i));
  }
  begin.arguments.insert(begin.arguments.end(), {h, c, KernelArgument::Int(Int(all))});
  begin.global = {all, 1, 1};
  begin.local = LocalSize(context, begin.global);
  const std::vector<std::string> defines = begin.defines;
  step->launches.push_back(std::move(begin));

  for (int64_t t = 0; t < steps; ++t) {
    KernelLaunch launch = context.NewLaunch("lstm", "lstm_step");
    launch.defines = defines;  // one program for both
    launch.arguments = {KernelArgument::Input(kInput),
                        weight,
                        recurrence,
                        bias,
                        peepholes,
                        h,
                        c,
                        KernelArgument::Output(0),
                        KernelArgument::Output(1),
                        KernelArgument::Output(2),
                        KernelArgument::IntVector(
                            {Int(inputs), Int(hidden), Int(batch), Int(directions), Int(steps),
                             Int(t), attrs.direction == ops::DirectionKind::kReverse ? 1 : 0, 0})};
    launch.global = {hidden, batch, directions};
    launch.local = LocalSize(context, launch.global);
    step->launches.push_back(std::move(launch));
  }
  return MaceStatus::MACE_SUCCESS;
}

}  // namespace opencl
}  // namespace mace
