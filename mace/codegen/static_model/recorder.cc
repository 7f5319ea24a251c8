// SPDX-License-Identifier: Apache-2.0
// Writes down what kernels are asked to do.
#include "mace/codegen/static_model/recorder.h"

#include <cstring>
#include <type_traits>

#include "mace/base/status.h"
#include "mace/codegen/static_model/arguments.h"
#include "mace/codegen/static_model/visitors.h"
#include "mace/kernels/copy/kernels.h"

namespace mace {
namespace codegen {

namespace {

using kernels::RowStep;

template <typename Arguments>
void Repeat(const Call &call, const Memory &memory) {
  Arguments arguments;
  Loader loader(call.values, memory);
  arguments.Fields(loader);
  arguments.Do();
}

}  // namespace

template <typename Arguments>
void Recorder::Add(const std::string &function, Arguments arguments) {
  if (recording() && !recording_->steps.empty()) {
    UseTable(function);
    Call call;
    call.function = function;
    Saver saver(this, &call.values);
    arguments.Fields(saver);
    call.repeat = Repeat<Arguments>;
    recording_->steps.back().calls.push_back(std::move(call));
  }
  known_.clear();
}

namespace {

constexpr int64_t kFloatBytes = sizeof(float);

// Who is told by the tables of functions below.
Recorder *told = nullptr;

// The elements of the two inputs of a row.
void KnowRows(RowStep step, const float *a, const float *b, int64_t n) {
  told->Know(a, (step == RowStep::kSecond ? 1 : n) * kFloatBytes);
  told->Know(b, (step == RowStep::kFirst ? 1 : n) * kFloatBytes);
}

// What of the arguments may be constants.
template <typename Arguments>
void KnowInputs(const Arguments &) {}
void KnowInputs(const BinaryArguments &x) { KnowRows(x.step, x.a, x.b, x.n); }
void KnowInputs(const CompareArguments &x) { KnowRows(x.step, x.a, x.b, x.n); }
void KnowInputs(const WeightedSumArguments &x) { KnowRows(x.step, x.a, x.b, x.n); }
void KnowInputs(const PreluArguments &x) { KnowRows(x.step, x.in, x.slope, x.n); }
void KnowInputs(const ScaleOffsetArguments &x) {
  told->Know(x.scale, x.n * kFloatBytes);
  told->Know(x.offset, x.n * kFloatBytes);
}

template <typename Arguments>
void Tell(const char *function, Arguments arguments) {
  if (kernels::listened_depth == 0) {
    KnowInputs(arguments);
    told->Add(function, arguments);
  } else {
    told->UseTable(function);
  }
  ++kernels::listened_depth;
  arguments.Do();
  --kernels::listened_depth;
}

const kernels::EltwiseFunctions kEltwise = {
    [](kernels::BinaryFunction function, RowStep step, const float *a, const float *b, float *out,
       int64_t n) {
      Tell("eltwise.binary", BinaryArguments{function, step, a, b, out, n});
    },
    [](kernels::BinaryFunction function, RowStep step, const float *a, const float *b, uint8_t *out,
       int64_t n) {
      Tell("eltwise.compare", CompareArguments{function, step, a, b, out, n});
    },
    [](RowStep step, float factor_a, const float *a, float factor_b, const float *b, float *out,
       int64_t n) {
      Tell("eltwise.weighted_sum", WeightedSumArguments{step, factor_a, a, factor_b, b, out, n});
    },
    [](kernels::UnaryFunction function, const float *in, float *out, int64_t n) {
      Tell("eltwise.unary", UnaryArguments{function, in, out, n});
    },
    [](const kernels::ActivationParams &params, const float *in, float *out, int64_t n) {
      Tell("eltwise.activate", ActivateArguments{params, in, out, n});
    },
    [](RowStep step, const float *in, const float *slope, float *out, int64_t n) {
      Tell("eltwise.prelu", PreluArguments{step, in, slope, out, n});
    },
    [](const float *in, const float *scale, const float *offset, float *out, int64_t n) {
      Tell("eltwise.scale_offset", ScaleOffsetArguments{in, scale, offset, out, n});
    },
};

const kernels::ReduceFunctions kReduce = {
    // Where a result goes is not known here: operators call ReduceRow.
    [](kernels::ReduceFunction function, const float *in, int64_t n) {
      return tables.reduce->row(function, in, n);
    },
    [](kernels::ReduceFunction function, const float *in, int64_t rows, int64_t stride,
       int64_t width, float *out) {
      Tell("reduce.columns", ReduceColumnsArguments{function, in, rows, stride, width, out});
    },
};

const kernels::SoftmaxFunctions kSoftmax = {
    [](bool log, const float *in, float *out, int64_t count, int64_t n) {
      Tell("softmax.rows", SoftmaxRowsArguments{log, in, out, count, n});
    },
    [](bool log, const float *in, float *out, int64_t n, int64_t stride, int64_t width) {
      Tell("softmax.columns", SoftmaxColumnsArguments{log, in, out, n, stride, width});
    },
};

// The name of the kernel in a family's list that has these functions.
template <typename List, typename Functions>
std::pair<const char *, uint32_t> NameOf(const List &list, const Functions &functions) {
  for (const auto &kernel : list) {
    if (kernel.functions == &functions) return {kernel.name, kernel.isa};
  }
  return {"", 0};
}

bool Within(const char *pointer, const void *base, size_t bytes, int64_t *offset) {
  const char *first = static_cast<const char *>(base);
  if (base == nullptr || pointer < first || pointer > first + bytes) return false;
  *offset = pointer - first;
  return true;
}

}  // namespace

Recorder::Recorder(Recording *recording) : recording_(recording) {
  tables = {&kernels::Eltwise(), &kernels::Reduce(), &kernels::Softmax()};
  told = this;
  kernels::listener = this;
}

Recorder::~Recorder() {
  kernels::listener = nullptr;
  told = nullptr;
}

void Recorder::Record(const RunMemory *memory) {
  memory_ = memory;
  mode_ = Mode::kRecord;
}

void Recorder::Check(const RunMemory *memory, const Memory *shadow) {
  memory_ = memory;
  shadow_ = shadow;
  step_ = 0;
  mode_ = Mode::kCheck;
}

void Recorder::BeginStep(const Operation &operation) {
  if (!recording()) return;
  recording_->steps.emplace_back();
  recording_->steps.back().type = operation.type();
  recording_->steps.back().name = operation.name();
}

bool Recorder::SameMemory(size_t scratch_begin, size_t scratch_end) const {
  const Memory &real = memory_->memory;
  const size_t bytes = memory_->arena_bytes;
  bool same =
      std::memcmp(real.arena, shadow_->arena, scratch_begin) == 0 &&
      std::memcmp(real.arena + scratch_end, shadow_->arena + scratch_end, bytes - scratch_end) == 0;
  for (size_t o = 0; o < real.outputs.size(); ++o) {
    same = same && std::memcmp(real.outputs[o], shadow_->outputs[o], memory_->output_bytes[o]) == 0;
  }
  return same;
}

void Recorder::EndStep(const void *scratch, size_t scratch_bytes) {
  if (mode_ != Mode::kCheck) return;
  RecordedStep &step = recording_->steps[step_++];
  const Memory &real = memory_->memory;
  for (const Call &call : step.calls) {
    ++kernels::listened_depth;
    call.repeat(call, *shadow_);
    --kernels::listened_depth;
  }
  const size_t begin =
      scratch == nullptr ? 0 : static_cast<size_t>(static_cast<const char *>(scratch) - real.arena);
  const size_t end = scratch == nullptr ? 0 : begin + scratch_bytes;
  if (!SameMemory(begin, end) && step.problem.empty()) {
    step.problem = "it computes more than the kernels do that straight-line code can call";
  }
  // So that the steps after it are judged by what they do.
  std::memcpy(shadow_->arena, real.arena, memory_->arena_bytes);
  for (size_t o = 0; o < real.outputs.size(); ++o) {
    std::memcpy(shadow_->outputs[o], real.outputs[o], memory_->output_bytes[o]);
  }
}

void Recorder::Know(const void *data, int64_t bytes) {
  if (data == nullptr || bytes < 0) return;
  known_.emplace_back(static_cast<const char *>(data), static_cast<size_t>(bytes));
}

Place Recorder::Find(const void *pointer) {
  Place place;
  if (pointer == nullptr) return place;
  const char *at = static_cast<const char *>(pointer);
  const Memory &memory = memory_->memory;
  if (Within(at, memory.arena, memory_->arena_bytes, &place.offset)) {
    place.space = Place::Space::kArena;
    return place;
  }
  for (size_t i = 0; i < memory.inputs.size(); ++i) {
    if (!Within(at, memory.inputs[i], memory_->input_bytes[i], &place.offset)) continue;
    place.space = Place::Space::kInput;
    place.index = static_cast<int>(i);
    return place;
  }
  for (size_t o = 0; o < memory.outputs.size(); ++o) {
    if (!Within(at, memory.outputs[o], memory_->output_bytes[o], &place.offset)) continue;
    place.space = Place::Space::kOutput;
    place.index = static_cast<int>(o);
    return place;
  }
  place.space = Place::Space::kConstants;
  for (const auto &[data, bytes] : known_) {
    if (data != at) continue;
    place.offset = recording_->constants.Add(data, bytes);
    return place;
  }
  for (const auto &[data, bytes] : memory_->constants) {
    if (!Within(at, data, bytes, &place.offset)) continue;
    place.offset += recording_->constants.Add(data, bytes);
    return place;
  }
  if (recording_->steps.back().problem.empty()) {
    recording_->steps.back().problem = "it has memory of its own";
  }
  return Place();
}

void Recorder::UseTable(const std::string &function) {
  if (!recording()) return;
  std::pair<const char *, uint32_t> table;
  const char *type = nullptr, *alias = nullptr;
  if (function.compare(0, 8, "eltwise.") == 0) {
    table = NameOf(kernels::EltwiseKernels(), *tables.eltwise);
    recording_->eltwise_table = table.first;
    type = "EltwiseFunctions";
    alias = "eltwise";
  } else if (function.compare(0, 7, "reduce.") == 0) {
    table = NameOf(kernels::ReduceKernels(), *tables.reduce);
    type = "ReduceFunctions";
    alias = "reduce";
  } else if (function.compare(0, 8, "softmax.") == 0) {
    table = NameOf(kernels::SoftmaxKernels(), *tables.softmax);
    type = "SoftmaxFunctions";
    alias = "softmax";
  } else {
    return;
  }
  recording_->isas |= table.second;
  recording_->tables[alias] = {type, table.first};
}

std::string Recorder::Declare(const std::string &type, const std::string &name, Isa isa,
                              const std::string &fields) {
  recording_->isas |= isa;
  recording_->kernels["kernel_" + name] =
      MakeString(type, " kernel_", name, " = {\"\", static_cast<Isa>(", static_cast<uint32_t>(isa),
                 "), ", fields, "}");
  return "kernel_" + name;
}

std::string Recorder::Declare(const kernels::GemmKernel &kernel) {
  // Kernels with a way of their own are never chosen here, see BestBf16Gemm.
  const auto &[name, isa, function, rows, columns, lanes, pack, block, way] = kernel;
  const std::string own = name;
  return Declare("GemmKernel", own, isa,
                 MakeString(own, ", ", rows, ", ", columns, ", ", lanes, ", ",
                            pack == nullptr ? "nullptr" : own + "_pack", ", ",
                            block == nullptr ? "nullptr" : own + "_block"));
}

std::string Recorder::Declare(const kernels::DwconvKernel &kernel) {
  const auto &[name, isa, function, window, stride, rows, lanes] = kernel;
  return Declare("DwconvKernel", name, isa,
                 MakeString(name, ", ", window, ", ", stride, ", ", rows, ", ", lanes));
}

std::string Recorder::Declare(const kernels::PoolKernel &kernel) {
  const auto &[name, isa, function, max, lanes] = kernel;
  return Declare("PoolKernel", name, isa,
                 MakeString(name, ", ", max ? "true" : "false", ", ", lanes));
}

std::string Recorder::Declare(const kernels::WinogradKernel &kernel) {
  const auto &[name, isa, side, input, output] = kernel;
  return Declare("WinogradKernel", name, isa,
                 MakeString(side, ", ", name, "_input, ", name, "_output"));
}

void Recorder::OnGemm(const kernels::GemmKernel &kernel, const kernels::GemmCall &call,
                      int64_t panel_begin, int64_t panel_end) {
  Know(call.packed,
       kernels::PackedGemmFloats(kernel, call.taps * call.k, call.n, call.part) * kFloatBytes);
  Know(call.tap_offsets, call.taps * static_cast<int64_t>(sizeof(int64_t)));
  Add("Gemm", GemmArguments{&kernel, call, panel_begin, panel_end});
}

void Recorder::OnPackGemm(const kernels::GemmKernel &kernel, const kernels::GemmSource &source,
                          int64_t n, const float *bias, float *packed) {
  Know(source.tap_offsets, source.taps * static_cast<int64_t>(sizeof(int64_t)));
  Add("PackGemm", PackGemmArguments{&kernel, source, n, bias, packed});
}

void Recorder::OnCopyPadded(const float *image, int64_t height, int64_t width, int64_t pixel_floats,
                            int64_t y0, int64_t y1, int64_t x0, int64_t x1, float *out) {
  Add("CopyPadded", CopyPaddedArguments{image, height, width, pixel_floats, y0, y1, x0, x1, out});
}

void Recorder::OnDwconvTile(const kernels::DwconvPlan &plan,
                            const kernels::DwconvEpilogue &epilogue, const float *input,
                            const float *packed, float *output, int64_t tile, float *scratch) {
  const kernels::DwconvShape &s = plan.shape;
  const int64_t taps = s.kernel_h * s.kernel_w;
  Know(packed, kernels::PackedDwconvFloats(plan.kernel->lanes, taps, s.out_c()) * kFloatBytes);
  Add("RunDwconvTile", DwconvArguments{plan, epilogue, input, packed, output, tile, scratch});
}

void Recorder::OnStrassenTile(const kernels::StrassenPlan &plan, const kernels::StrassenCall &call,
                              int64_t tile) {
  Know(call.packed, plan.packed_floats * kFloatBytes);
  Add("RunStrassenTile", StrassenArguments{plan, call, tile});
}

void Recorder::OnWinogradTile(const kernels::WinogradPlan &plan, const kernels::WinogradCall &call,
                              int64_t tile) {
  Know(call.packed, plan.packed_floats * kFloatBytes);
  Add("RunWinogradTile", WinogradArguments{plan, call, tile});
}

void Recorder::OnPoolRows(const kernels::PoolKernel &kernel, const kernels::PoolShape &shape,
                          const float *input, float *output, int64_t begin, int64_t end) {
  Add("RunPoolRows", PoolArguments{&kernel, shape, input, output, begin, end});
}

void Recorder::OnCopyBlock(const char *kernel, const kernels::CopyBlock &block, const uint8_t *src,
                           uint8_t *dst) {
  for (int i = 0; i < kernels::kTransposeKernelCount; ++i) {
    const kernels::TransposeKernel &transpose = kernels::kTransposeKernels[i];
    if (std::strcmp(transpose.name, kernel) != 0) continue;
    if (recording()) {
      recording_->transposes.insert(kernel);
      recording_->isas |= transpose.isa;
    }
    return Add(kernel, CopyBlockArguments{transpose.function, block, src, dst});
  }
  Add("CopyBlocks", CopyBlockArguments{kernels::CopyBlocks, block, src, dst});
}

void Recorder::OnCopyBytes(void *dst, const void *src, size_t bytes) {
  Know(src, static_cast<int64_t>(bytes));
  Add("CopyBytes", CopyBytesArguments{dst, src, bytes});
}

void Recorder::OnFillElements(void *dst, const void *element, int64_t element_bytes,
                              int64_t count) {
  Know(element, element_bytes);
  Add("FillElements", FillElementsArguments{dst, element, element_bytes, count});
}

void Recorder::OnReduceRow(int32_t function, const float *in, int64_t n, float *out) {
  UseTable("reduce.row");
  Add("CombineRow", ReduceRowArguments{static_cast<kernels::ReduceFunction>(function), in, n, out});
}

const kernels::EltwiseFunctions &Recorder::InPlaceOf(const kernels::EltwiseFunctions &) {
  return kEltwise;
}

const kernels::ReduceFunctions &Recorder::InPlaceOf(const kernels::ReduceFunctions &) {
  return kReduce;
}

const kernels::SoftmaxFunctions &Recorder::InPlaceOf(const kernels::SoftmaxFunctions &) {
  return kSoftmax;
}

}  // namespace codegen
}  // namespace mace
