// SPDX-License-Identifier: Apache-2.0
// Sequences through recurrent cells. With one sequence a step is bound by reading the packed
// recurrence, which threads share out by panels.
#include "mace/ops/recurrent.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <memory>

namespace mace {
namespace ops {

namespace {

enum Input { kInput, kWeight, kRecurrence, kBias, kLengths, kHidden, kCell, kPeepholes };

// Rows of the input that are multiplied at a time: enough to use each packed panel well, and few
// enough to stay in the cache until the steps read them.
constexpr int64_t kChunkRows = 128;
// Multiply-adds, and elements of gates, worth another thread.
constexpr int64_t kGrainMacs = 32 * 1024;
constexpr int64_t kGrainElements = 4 * 1024;
constexpr float kInfinity = std::numeric_limits<float>::infinity();

struct NamedFunction {
  const char *name;
  GateFunction::Kind kind;
  int kernel;
  float alpha, beta;  // defaults
};

constexpr NamedFunction kFunctions[] = {
    {"Sigmoid", GateFunction::kKernel, kernels::kActivationSigmoid, 0, 0},
    {"Tanh", GateFunction::kKernel, kernels::kActivationTanh, 0, 0},
    {"Relu", GateFunction::kKernel, kernels::kActivationRelu, 0, 0},
    {"LeakyRelu", GateFunction::kKernel, kernels::kActivationLeakyRelu, 0.01f, 0},
    {"HardSigmoid", GateFunction::kKernel, kernels::kActivationHardSigmoid, 0.2f, 0.5f},
    {"Elu", GateFunction::kKernel, kernels::kActivationElu, 1, 0},
    {"Softplus", GateFunction::kKernel, kernels::kActivationSoftplus, 0, 0},
    {"Affine", GateFunction::kAffine, 0, 1, 0},
    {"ThresholdedRelu", GateFunction::kThresholdedRelu, 0, 1, 0},
    {"ScaledTanh", GateFunction::kScaledTanh, 0, 1, 1},
    {"Softsign", GateFunction::kSoftsign, 0, 0, 0},
};

int64_t RoundUp(int64_t floats) { return (floats + 15) / 16 * 16; }

// The columns of a product, shared out among threads, each with `thread_floats` of scratch.
void RunProduct(ThreadPool *pool, const kernels::GemmCall &call, float *scratch,
                int64_t thread_floats) {
  const kernels::GemmKernel &kernel = kernels::BestGemm();
  const int64_t panel_macs = call.m * call.k * kernel.columns;
  pool->ParallelFor(kernels::GemmPanels(kernel, call.n),
                    std::max<int64_t>(1, kGrainMacs / std::max<int64_t>(1, panel_macs)),
                    [&](int64_t begin, int64_t end, int thread) {
                      kernels::GemmCall own = call;
                      own.scratch = thread_floats > 0 ? scratch + thread * thread_floats : nullptr;
                      kernels::Gemm(kernel, own, begin, end);
                    });
}

kernels::GemmCall MakeCall(const float *a, int64_t rows, int64_t k, const float *packed, int64_t n,
                           float *c, int64_t ldc) {
  kernels::GemmCall call;
  call.tap_offsets = kernels::kOneTap;
  call.a = a;
  call.lda = call.k = k;
  call.packed = packed;
  call.n = n;
  call.c = c;
  call.ldc = ldc;
  call.m = rows;
  call.low = -kInfinity;
  call.high = kInfinity;
  return call;
}

int64_t LengthOf(const Tensor &lengths, int64_t row) {
  return lengths.dtype == DT_INT32 ? lengths.data<int32_t>()[row] : lengths.data<int64_t>()[row];
}

}  // namespace

struct RecurrentOperation::State : OpState {
  int64_t steps = 0, batch = 0, inputs = 0, hidden = 0;
  int64_t chunk = 1;  // steps that are multiplied with the weights at a time
  int64_t packed_floats = 0;
  int64_t projection_floats = 0, row_floats = 0;  // rounded up: [chunk * B][G * H], [B][G * H]
  int64_t state_floats = 0;                       // [B][H]
  int64_t thread_floats = 0;                      // of products, for each thread
};

// What one step works on.
struct RecurrentOperation::Step {
  const State *state;
  ThreadPool *pool;
  float *scratch;  // of products
  int direction;
  int64_t time;
  const float *recurrence;  // packed
  const float *second;      // packed, of a GRU
  const float *projection;  // [B][G * H]
  const float *peepholes;   // [3 * H] or null
  const Tensor *lengths;    // or null
  float *gates;             // [B][G * H]
  float *extra;             // [B][H]
  float *hidden;            // [B][H], the state
  float *cell;              // [B][H]
  float *output;            // row b at output + b * H
};

RecurrentOperation::RecurrentOperation(OpConstructContext *context, RecurrentCell cell)
    : ShapedOperation(context), cell_(cell) {}

MaceStatus RecurrentOperation::InferType(const std::vector<DataType> &inputs,
                                         std::vector<DataType> *outputs) {
  for (size_t i = 1; i < inputs.size(); ++i) {
    if (inputs[i] == DT_INVALID) continue;
    if (i == kLengths) {
      MACE_RETURN_IF_ERROR(CheckIntegerType("lengths", inputs[i]));
    } else if (inputs[i] != DT_FLOAT) {
      return NotSupported("input ", i, " is ", DataTypeName(inputs[i]), "; it must be float32");
    }
  }
  return ShapedOperation::InferType(inputs, outputs);
}

MaceStatus RecurrentOperation::ReadFunctions(const std::string &names,
                                             const std::vector<float> &alpha,
                                             const std::vector<float> &beta) {
  static constexpr const char *kDefaults[] = {"Tanh", "Sigmoid,Tanh", "Sigmoid,Tanh,Tanh"};
  std::string list = names.empty() ? kDefaults[static_cast<int>(cell_)] : names;
  if (names.empty() && directions() == 2) list += "," + list;
  const size_t count = static_cast<size_t>(functions() * directions());
  if (!(clip_ >= 0)) return Invalid("clip is ", clip_, "; it must not be negative");
  if ((!alpha.empty() && alpha.size() != count) || (!beta.empty() && beta.size() != count)) {
    return Invalid("activation_alpha and activation_beta must have ", count,
                   " elements, one for each function, or none");
  }
  for (size_t begin = 0; begin <= list.size();) {
    const size_t end = std::min(list.find(',', begin), list.size());
    const std::string name = list.substr(begin, end - begin);
    begin = end + 1;
    const NamedFunction *found =
        std::find_if(std::begin(kFunctions), std::end(kFunctions),
                     [&](const NamedFunction &f) { return name == f.name; });
    if (found == std::end(kFunctions)) {
      return NotSupported("there is no function '", name, "' for gates");
    }
    const size_t i = functions_.size();
    GateFunction function;
    function.kind = found->kind;
    function.alpha = i < alpha.size() ? alpha[i] : found->alpha;
    function.beta = i < beta.size() ? beta[i] : found->beta;
    function.params.kind = found->kernel;
    function.params.coefficient = function.alpha;
    function.params.offset = function.beta;
    functions_.push_back(function);
  }
  if (functions_.size() != count) {
    return Invalid("activations names ", functions_.size(), " functions; there must be ", count);
  }
  return MaceStatus::MACE_SUCCESS;
}

MaceStatus RecurrentOperation::CheckWeights(const Shape &weight, const Shape &recurrence,
                                            const Shape *bias) const {
  if (recurrence.rank() != 3 || weight.rank() != 3 || recurrence.elements() == 0 ||
      weight.elements() == 0) {
    return Invalid("weight has shape ", weight.ToString(), " and recurrence ",
                   recurrence.ToString(), "; they must have 3 dimensions and not be empty");
  }
  const int64_t d = directions(), h = recurrence[2], g = gates();
  if (recurrence[0] != d || recurrence[1] % g != 0 || recurrence[1] / g != h) {
    return Invalid("recurrence has shape ", recurrence.ToString(), "; with ", d, " directions and ",
                   g, " gates it must be [", d, ", ", g, " * hidden units, hidden units]");
  }
  if (weight[0] != d || weight[1] != g * h) {
    return Invalid("weight has shape ", weight.ToString(), ", which must begin with ", d, ", ",
                   g * h, " to fit recurrence ", recurrence.ToString());
  }
  if (bias != nullptr && (bias->rank() != 2 || (*bias)[0] != d || (*bias)[1] != 2 * g * h)) {
    return Invalid("bias has shape ", bias->ToString(), ", which must be [", d, ", ", 2 * g * h,
                   "]");
  }
  return MaceStatus::MACE_SUCCESS;
}

MaceStatus RecurrentOperation::InferShape(OpShapeContext *context) {
  const Shape &input = context->Input(kInput).shape;
  const Shape &recurrence = context->Input(kRecurrence).shape;
  MACE_RETURN_IF_ERROR(
      CheckWeights(context->Input(kWeight).shape, recurrence,
                   context->HasInput(kBias) ? &context->Input(kBias).shape : nullptr));
  if (input.rank() != 3 || input[2] != context->Input(kWeight).shape[2]) {
    return Invalid("input has shape ", input.ToString(), ", which must be [steps, sequences, ",
                   context->Input(kWeight).shape[2], "]");
  }
  const int64_t d = directions(), h = recurrence[2], batch = input[1];
  const auto check = [&](int i, const char *what, const std::vector<int64_t> &dims) -> MaceStatus {
    if (!context->HasInput(i) || context->Input(i).shape == Shape(dims)) {
      return MaceStatus::MACE_SUCCESS;
    }
    return Invalid(what, " has shape ", context->Input(i).shape.ToString(), ", which must be ",
                   Shape(dims).ToString());
  };
  MACE_RETURN_IF_ERROR(check(kLengths, "lengths", {batch}));
  MACE_RETURN_IF_ERROR(check(kHidden, "initial_hidden", {d, batch, h}));
  if (cell_ == RecurrentCell::kLstm) {
    MACE_RETURN_IF_ERROR(check(kCell, "initial_cell", {d, batch, h}));
    MACE_RETURN_IF_ERROR(check(kPeepholes, "peepholes", {d, 3 * h}));
  }
  MACE_RETURN_IF_ERROR(SetOutput(context, 0, {input[0], d, batch, h}));
  for (int o = 1; o < context->OutputCount(); ++o) {
    MACE_RETURN_IF_ERROR(SetOutput(context, o, {d, batch, h}));
  }
  return MaceStatus::MACE_SUCCESS;
}

int64_t RecurrentOperation::PackedFloats(int64_t inputs, int64_t hidden) const {
  const kernels::GemmKernel &kernel = kernels::BestGemm();
  return kernels::PackedGemmFloats(kernel, inputs, gates() * hidden) +
         kernels::PackedGemmFloats(kernel, hidden, first_columns(hidden)) +
         (is_gru() ? kernels::PackedGemmFloats(kernel, hidden, hidden) : 0);
}

void RecurrentOperation::Pack(const Tensor &weight, const Tensor &recurrence, const Tensor *bias,
                              float *sums, float *packed) const {
  const kernels::GemmKernel &kernel = kernels::BestGemm();
  const int64_t h = recurrence.shape[2], inputs = weight.shape[2], n = gates() * h;
  const int64_t first = first_columns(h);
  for (int d = 0; d < directions(); ++d) {
    const float *w = weight.data<float>() + d * n * inputs;
    const float *r = recurrence.data<float>() + d * n * h;
    const float *b = bias == nullptr ? nullptr : bias->data<float>() + d * 2 * n;
    // Both biases are added with the input, but for that which the reset gate multiplies.
    const int64_t joined = is_gru() && linear_before_reset_ ? first : n;
    for (int64_t i = 0; b != nullptr && i < n; ++i) {
      sums[i] = i < joined ? b[i] + b[n + i] : b[i];
    }
    kernels::PackGemm(kernel, {w, kernels::kOneTap, 1, inputs, 1, inputs}, n,
                      b == nullptr ? nullptr : sums, packed);
    packed += kernels::PackedGemmFloats(kernel, inputs, n);
    kernels::PackGemm(kernel, {r, kernels::kOneTap, 1, h, 1, h}, first, nullptr, packed);
    packed += kernels::PackedGemmFloats(kernel, h, first);
    if (!is_gru()) continue;
    kernels::PackGemm(kernel, {r + first * h, kernels::kOneTap, 1, h, 1, h}, h,
                      b != nullptr && linear_before_reset_ ? b + n + first : nullptr, packed);
    packed += kernels::PackedGemmFloats(kernel, h, h);
  }
}

MaceStatus RecurrentOperation::PackConstWeights(OpInitContext *context) {
  const Tensor *weight = context->ConstInput(kWeight);
  const Tensor *recurrence = context->ConstInput(kRecurrence);
  const Tensor *bias = context->ConstInput(kBias);
  const bool has_bias = context->InputType(kBias) != DT_INVALID;
  if (weight == nullptr || recurrence == nullptr || (has_bias && bias == nullptr)) {
    return MaceStatus::MACE_SUCCESS;
  }
  MACE_RETURN_IF_ERROR(
      CheckWeights(weight->shape, recurrence->shape, has_bias ? &bias->shape : nullptr));
  if (context->shape_only()) return MaceStatus::MACE_SUCCESS;
  const int64_t h = recurrence->shape[2];
  const size_t bytes =
      static_cast<size_t>(directions() * PackedFloats(weight->shape[2], h)) * sizeof(float);
  MACE_RETURN_IF_ERROR(context->Pack(kernels::BestGemm().name, bytes, &packed_, [&](void *packed) {
    std::vector<float> sums(static_cast<size_t>(gates() * h));
    Pack(*weight, *recurrence, has_bias ? bias : nullptr, sums.data(),
         static_cast<float *>(packed));
  }));
  is_packed_ = true;
  context->ReleaseConstInput(kWeight);
  context->ReleaseConstInput(kRecurrence);
  if (has_bias) context->ReleaseConstInput(kBias);
  return MaceStatus::MACE_SUCCESS;
}

MaceStatus RecurrentOperation::Plan(OpPlanContext *context) {
  const Shape &input = context->Input(kInput).shape;
  auto state = std::make_unique<State>();
  state->steps = input[0];
  state->batch = input[1];
  state->inputs = input[2];
  state->hidden = context->Input(kRecurrence).shape[2];
  const int64_t n = gates() * state->hidden;
  state->chunk = std::clamp<int64_t>(kChunkRows / std::max<int64_t>(1, state->batch), 1,
                                     std::max<int64_t>(1, state->steps));
  state->row_floats = RoundUp(state->batch * n);
  state->projection_floats = RoundUp(state->chunk * state->batch * n);
  state->state_floats = RoundUp(state->batch * state->hidden);
  if (!is_packed_) {
    state->packed_floats = directions() * PackedFloats(state->inputs, state->hidden) + RoundUp(n);
  }
  const int64_t floats =
      state->packed_floats + state->projection_floats + state->row_floats + 3 * state->state_floats;
  constexpr int64_t kMostBytes = std::numeric_limits<ptrdiff_t>::max();
  if (floats > kMostBytes / static_cast<int64_t>(sizeof(float))) {
    return Invalid("a step of ", state->batch, " sequences and ", state->hidden,
                   " hidden units is too large to be addressed");
  }
  context->RequestScratch(static_cast<size_t>(floats) * sizeof(float));
  context->SetState(std::move(state));
  return MaceStatus::MACE_SUCCESS;
}

MaceStatus RecurrentOperation::Run(OpContext *context) {
  const State &state = *static_cast<const State *>(context->state());
  if (state.batch == 0) return MaceStatus::MACE_SUCCESS;
  const Tensor *lengths = context->input_count() > kLengths ? context->input(kLengths) : nullptr;
  for (int64_t b = 0; lengths != nullptr && b < state.batch; ++b) {
    const int64_t length = LengthOf(*lengths, b);
    if (length < 0 || length > state.steps) {
      return Invalid("lengths[", b, "] is ", length, "; it must be from 0 to ", state.steps);
    }
  }
  float *scratch = static_cast<float *>(context->scratch());
  const float *packed = packed_.as<float>();
  if (!is_packed_) {
    const Tensor *bias = context->input_count() > kBias ? context->input(kBias) : nullptr;
    float *sums = scratch + state.packed_floats - RoundUp(gates() * state.hidden);
    Pack(*context->input(kWeight), *context->input(kRecurrence), bias, sums, scratch);
    packed = scratch;
    scratch += state.packed_floats;
  }
  for (int d = 0; d < directions(); ++d) {
    RunDirection(state, context, packed + d * PackedFloats(state.inputs, state.hidden), d, scratch);
  }
  return MaceStatus::MACE_SUCCESS;
}

void RecurrentOperation::RunDirection(const State &s, OpContext *context, const float *packed,
                                      int direction, float *scratch) const {
  const kernels::GemmKernel &kernel = kernels::BestGemm();
  const int64_t n = gates() * s.hidden, size = s.batch * s.hidden;
  const auto input = [&](int i) -> const float * {
    const Tensor *tensor = i < context->input_count() ? context->input(i) : nullptr;
    return tensor == nullptr ? nullptr : tensor->data<float>();
  };
  const auto copy_or_zero = [size](const float *from, float *to) {
    if (from == nullptr) {
      std::memset(to, 0, static_cast<size_t>(size) * sizeof(float));
    } else {
      std::memcpy(to, from, static_cast<size_t>(size) * sizeof(float));
    }
  };
  Step step;
  step.state = &s;
  step.pool = context->thread_pool();
  step.direction = direction;
  step.recurrence = packed + kernels::PackedGemmFloats(kernel, s.inputs, n);
  step.second =
      step.recurrence + kernels::PackedGemmFloats(kernel, s.hidden, first_columns(s.hidden));
  step.lengths = context->input_count() > kLengths ? context->input(kLengths) : nullptr;
  const bool lstm = cell_ == RecurrentCell::kLstm;
  step.peepholes = lstm ? input(kPeepholes) : nullptr;
  if (step.peepholes != nullptr) step.peepholes += direction * 3 * s.hidden;
  float *projection = scratch;
  step.gates = projection + s.projection_floats;
  step.extra = step.gates + s.row_floats;
  step.hidden = step.extra + s.state_floats;
  step.cell = step.hidden + s.state_floats;
  step.scratch = step.cell + s.state_floats;
  const auto initial = [&](int i) {
    const float *from = input(i);
    return from == nullptr ? nullptr : from + direction * size;
  };
  copy_or_zero(initial(kHidden), step.hidden);
  copy_or_zero(lstm ? initial(kCell) : nullptr, step.cell);
  const bool reverse = direction == 1 || direction_ == DirectionKind::kReverse;
  float *output = context->output(0)->mutable_data<float>();
  for (int64_t done = 0; done < s.steps; done += s.chunk) {
    const int64_t count = std::min(s.chunk, s.steps - done);
    const int64_t first = reverse ? s.steps - done - count : done;
    RunProduct(step.pool,
               MakeCall(input(kInput) + first * s.batch * s.inputs, count * s.batch, s.inputs,
                        packed, n, projection, n),
               step.scratch, s.thread_floats);
    for (int64_t i = 0; i < count; ++i) {
      const int64_t in_chunk = reverse ? count - 1 - i : i;
      step.time = first + in_chunk;
      step.projection = projection + in_chunk * s.batch * n;
      step.output = output + (step.time * directions() + direction) * size;
      RunStep(step);
    }
  }
  if (context->output_count() > 1) {
    copy_or_zero(step.hidden, context->output(1)->mutable_data<float>() + direction * size);
  }
  if (lstm && context->output_count() > 2) {
    copy_or_zero(step.cell, context->output(2)->mutable_data<float>() + direction * size);
  }
}

void RecurrentOperation::RunStep(const Step &step) const {
  const State &s = *step.state;
  const int64_t n = gates() * s.hidden, h = s.hidden, first = first_columns(h);
  kernels::GemmCall call = MakeCall(step.hidden, s.batch, h, step.recurrence, first, step.gates, n);
  call.residual = step.projection;
  call.ldr = n;
  RunProduct(step.pool, call, step.scratch, s.thread_floats);
  const int64_t grain = std::max<int64_t>(1, kGrainElements / n);
  if (is_gru()) {
    step.pool->ParallelFor(s.batch, grain, [&](int64_t begin, int64_t end, int) {
      for (int64_t b = begin; b < end; ++b) {
        float *z = step.gates + b * n, *r = z + h;
        ApplyGate(0, step.direction, z, 2 * h);
        if (linear_before_reset_) continue;
        for (int64_t i = 0; i < h; ++i) step.extra[b * h + i] = r[i] * step.hidden[b * h + i];
      }
    });
    call = MakeCall(linear_before_reset_ ? step.hidden : step.extra, s.batch, h, step.second, h,
                    step.gates + first, n);
    if (!linear_before_reset_) {
      call.residual = step.projection + first;
      call.ldr = n;
    }
    RunProduct(step.pool, call, step.scratch, s.thread_floats);
  }
  step.pool->ParallelFor(s.batch, grain, [&](int64_t begin, int64_t end, int) {
    for (int64_t b = begin; b < end; ++b) UpdateRow(step, b);
  });
}

// From the products to the new state of one sequence, unless it has ended.
void RecurrentOperation::UpdateRow(const Step &step, int64_t row) const {
  const int64_t h = step.state->hidden, n = gates() * h;
  float *gates = step.gates + row * n, *hidden = step.hidden + row * h;
  float *output = step.output + row * h;
  if (step.lengths != nullptr && step.time >= LengthOf(*step.lengths, row)) {
    std::memset(output, 0, static_cast<size_t>(h) * sizeof(float));
    return;
  }
  const int d = step.direction;
  switch (cell_) {
    case RecurrentCell::kRnn:
      ApplyGate(0, d, gates, h);
      std::memcpy(hidden, gates, static_cast<size_t>(h) * sizeof(float));
      break;
    case RecurrentCell::kGru: {
      const float *z = gates, *r = z + h, *projection = step.projection + row * n + 2 * h;
      float *candidate = gates + 2 * h;
      if (linear_before_reset_) {
        for (int64_t i = 0; i < h; ++i) candidate[i] = projection[i] + r[i] * candidate[i];
      }
      ApplyGate(1, d, candidate, h);
      for (int64_t i = 0; i < h; ++i) hidden[i] = (1 - z[i]) * candidate[i] + z[i] * hidden[i];
      break;
    }
    case RecurrentCell::kLstm: {
      float *in = gates, *out = in + h, *forget = out + h, *candidate = forget + h;
      float *cell = step.cell + row * h;
      const float *p = step.peepholes;
      for (int64_t i = 0; p != nullptr && i < h; ++i) {
        in[i] += p[i] * cell[i];
        forget[i] += p[2 * h + i] * cell[i];
      }
      ApplyGate(0, d, in, h);
      if (!input_forget_) ApplyGate(0, d, forget, h);
      ApplyGate(1, d, candidate, h);
      for (int64_t i = 0; i < h; ++i) {
        cell[i] = (input_forget_ ? 1 - in[i] : forget[i]) * cell[i] + in[i] * candidate[i];
        if (p != nullptr) out[i] += p[h + i] * cell[i];
      }
      ApplyGate(0, d, out, h);
      std::memcpy(hidden, cell, static_cast<size_t>(h) * sizeof(float));
      ApplyGate(2, d, hidden, h);
      for (int64_t i = 0; i < h; ++i) hidden[i] *= out[i];
      break;
    }
  }
  std::memcpy(output, hidden, static_cast<size_t>(h) * sizeof(float));
}

void RecurrentOperation::ApplyGate(int function, int direction, float *x, int64_t n) const {
  const GateFunction &f = functions_[static_cast<size_t>(direction * functions() + function)];
  // As onnxruntime understands the definition, the cell state is not bounded.
  const bool bounded = clip_ > 0 && function < 2;
  for (int64_t i = 0; bounded && i < n; ++i) x[i] = std::clamp(x[i], -clip_, clip_);
  switch (f.kind) {
    case GateFunction::kKernel:
      kernels::ApplyActivationF32(f.params, x, x, n);
      return;
    case GateFunction::kAffine:
      for (int64_t i = 0; i < n; ++i) x[i] = f.alpha * x[i] + f.beta;
      return;
    case GateFunction::kThresholdedRelu:
      for (int64_t i = 0; i < n; ++i) x[i] = x[i] > f.alpha ? x[i] : 0.0f;
      return;
    case GateFunction::kScaledTanh:
      for (int64_t i = 0; i < n; ++i) x[i] = f.alpha * std::tanh(f.beta * x[i]);
      return;
    case GateFunction::kSoftsign:
      for (int64_t i = 0; i < n; ++i) x[i] = x[i] / (1 + std::fabs(x[i]));
      return;
  }
}

int64_t RecurrentOperation::Macs(const OpShapeContext &context) const {
  const Shape &weight = context.Input(kWeight).shape;
  const Shape &input = context.Input(kInput).shape;
  return input.elements(0, 2) * weight.elements(0, 2) *
         (weight[2] + context.Input(kRecurrence).shape[2]);
}

}  // namespace ops
}  // namespace mace
