// SPDX-License-Identifier: Apache-2.0
// Finds the fastest kernels for the operators of a segment.
#include "mace/runtimes/opencl/tuner.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "mace/base/hash.h"
#include "mace/base/logging.h"

namespace mace {
namespace opencl {

namespace {

// What stands for the builder's own choice: it was the best.
constexpr char kDefault[] = "default";
// A launch takes the host up to so many microseconds; it must stay ahead of the GPU.
constexpr int64_t kEnqueueMicros = 14;
// Two choices that differ by less are the same: the builder's own wins.
constexpr double kGain = 0.99;

void AppendArguments(const OperatorDef &def, std::string *text) {
  *text += def.type;
  for (const Argument &argument : def.arg) {
    *text += MakeString(";", argument.name, "=", argument.f, ",", argument.i, ",", argument.s);
    for (float f : argument.floats) *text += MakeString(",", f);
    for (int64_t i : argument.ints) *text += MakeString(",", i);
  }
}

// Sizes of work-groups to try where a kernel takes any.
constexpr int64_t kLocal[][3] = {{8, 8, 1},  {16, 4, 1},  {4, 16, 1}, {16, 8, 1}, {8, 16, 1},
                                 {32, 4, 1}, {32, 8, 1},  {64, 1, 1}, {64, 2, 1}, {128, 1, 1},
                                 {8, 4, 4},  {4, 8, 4},   {16, 4, 4}, {32, 2, 2}, {4, 4, 4},
                                 {1, 64, 1}, {16, 16, 1}, {2, 32, 2}};

}  // namespace

std::string TuningKey(const GpuOpContext &context) {
  std::string text;
  AppendArguments(*context.def, &text);
  if (context.sum != nullptr) {
    text += "|";
    AppendArguments(*context.sum, &text);
  }
  for (const OperatorDef *sibling : context.siblings) {
    text += "&";
    AppendArguments(*sibling, &text);
  }
  for (const std::vector<GpuTensor> *tensors : {&context.inputs, &context.outputs}) {
    text += "|";
    for (const GpuTensor &tensor : *tensors) {
      if (!tensor.present) {
        text += "-";
        continue;
      }
      text += MakeString(tensor.shape.ToString(), static_cast<int>(tensor.dtype),
                         tensor.constant != nullptr ? "c" : "", tensor.whole_channels, ",",
                         tensor.first_channel, ";");
    }
  }
  text += MakeString("|", context.second_memory, context.images() ? "image" : "buffer",
                     context.half_arithmetic ? ",fp16"
                     : context.half          ? ",half"
                                             : ",float");
  char hash[17];
  snprintf(
      hash, sizeof(hash), "%016llx",
      static_cast<unsigned long long>(XxHash64(text.data(), text.size(), kEmbeddedKernelsHash)));
  return MakeString(context.def->type, ":", hash);
}

TunedChoice TunedChoice::Parse(const std::string &text) {
  TunedChoice choice;
  const size_t times = text.find('#'), at = text.find('@');
  for (size_t i = times; i != std::string::npos; i = text.find(',', i + 1)) {
    choice.micros.push_back(std::strtod(text.c_str() + i + 1, nullptr));
  }
  choice.variant = text.substr(0, std::min(at, times));
  if (choice.variant == kDefault) choice.variant.clear();
  int size[3] = {0, 0, 0};
  if (at != std::string::npos &&
      std::sscanf(text.c_str() + at, "@%dx%dx%d", &size[0], &size[1], &size[2]) == 3) {
    const bool sane = std::all_of(size, size + 3, [](int s) { return s > 0 && s <= 4096; });
    for (size_t d = 0; sane && d < 3; ++d) choice.local[d] = size[d];
  }
  return choice;
}

MaceStatus Tuner::MakeSpin() {
  KernelLaunch launch;
  launch.program = launch.kernel = "spin";
  MACE_RETURN_IF_ERROR(gpu_->context()->programs()->NewKernel(launch, &spin_));
  const float zero = 0;
  MACE_RETURN_IF_ERROR(gpu_->UploadBytes(&zero, sizeof(zero), &spin_memory_));
  const cl_mem memory = spin_memory_->get();
  MACE_RETURN_IF_ERROR(
      ClStatus("clSetKernelArg", Cl().clSetKernelArg(spin_.get(), 0, sizeof(memory), &memory)));
  spins_per_micro_ = 100;
  for (int round = 0; round < 2; ++round) {
    std::vector<EventHandle> events;
    Spin(500, &events);
    MACE_RETURN_IF_ERROR(ClStatus("clFinish", Cl().clFinish(gpu_->queue())));
    if (events.empty()) return RuntimeError("the driver records no times");
    const double micros = Segment::Micros(events[0], events[0]);
    if (micros > 0) spins_per_micro_ *= 500 / std::max(micros, 1.0);
  }
  return MaceStatus::MACE_SUCCESS;
}

void Tuner::Spin(int64_t micros, std::vector<EventHandle> *events) {
  const cl_int rounds =
      static_cast<cl_int>(std::min(1e9, static_cast<double>(micros) * spins_per_micro_));
  const size_t one = 1;
  cl_event event = nullptr;
  if (Cl().clSetKernelArg(spin_.get(), 1, sizeof(rounds), &rounds) == CL_SUCCESS &&
      Cl().clEnqueueNDRangeKernel(gpu_->queue(), spin_.get(), 1, nullptr, &one, &one, 0, nullptr,
                                  &event) == CL_SUCCESS) {
    events->emplace_back(event);
  }
}

MaceStatus Tuner::Measure(size_t op, const Segment &tried, int times, double *micros) {
  std::vector<std::pair<const Segment *, const Segment::Launch *>> row;
  const auto add = [&row](const Segment &segment) {
    for (const Segment::Launch &launch : segment.launches_) row.emplace_back(&segment, &launch);
  };
  if (op > 0) add(*chain_[op - 1]);
  add(tried);
  if (op + 1 < chain_.size()) add(*chain_[op + 1]);
  const int64_t launches = static_cast<int64_t>(row.size());
  *micros = 0;
  int rounds = 1;
  for (int t = -1; t < times; ++t) {
    std::vector<EventHandle> begin, end;
    Spin(std::min<int64_t>(launches * rounds * kEnqueueMicros + 60, 5000), &begin);
    for (int r = 0; r < rounds; ++r) {
      for (const auto &[segment, launch] : row) {
        const bool last = r + 1 == rounds && launch == row.back().second;
        MACE_RETURN_IF_ERROR(segment->EnqueueAlone(*launch, last ? &end : nullptr));
      }
    }
    MACE_RETURN_IF_ERROR(ClStatus("clFinish", Cl().clFinish(gpu_->queue())));
    if (begin.empty() || end.empty()) return RuntimeError("the driver records no times");
    const double time = Segment::MicrosBetween(begin.back(), end.back()) / rounds;
    if (t < 0) {
      // The first time warms up, and says how often the row fits the time that is worth it.
      const double fit =
          std::min(8000 / std::max(time, 1.0), 300.0 / static_cast<double>(launches));
      rounds = static_cast<int>(std::max(1.0, std::min(30.0, fit)));
    } else if (*micros == 0 || time < *micros) {
      *micros = time;
    }
  }
  return MaceStatus::MACE_SUCCESS;
}

MaceStatus Tuner::Try(size_t op, const std::string &choice, int times, double *micros) {
  Alone tried;
  MACE_RETURN_IF_ERROR(builder_->BuildAlone(op, choice, &tried));
  return Measure(op, *tried, times, micros);
}

MaceStatus Tuner::AppendTimes(size_t op, std::string *choice) {
  for (size_t i = 0; i < chain_[op]->launches_.size(); ++i) {
    std::vector<EventHandle> events;
    for (int t = 0; t < 2; ++t) {
      MACE_RETURN_IF_ERROR(chain_[op]->EnqueueAlone(chain_[op]->launches_[i], &events));
    }
    MACE_RETURN_IF_ERROR(ClStatus("clFinish", Cl().clFinish(gpu_->queue())));
    const double micros = events.empty() ? 0 : Segment::Micros(events.back(), events.back());
    *choice += MakeString(i == 0 ? "#" : ",", micros);
  }
  return MaceStatus::MACE_SUCCESS;
}

MaceStatus Tuner::TuneOne(size_t op, const GpuOpContext &context, std::string *best) {
  const GpuOperator *builder = FindGpuOperator(context.def->type);
  std::vector<std::string> choices;
  if (builder->variants != nullptr) choices = builder->variants(context);
  std::vector<std::pair<double, std::string>> found;
  double own = 0;
  MACE_RETURN_IF_ERROR(Try(op, kDefault, 3, &own));
  found.emplace_back(own * kGain, kDefault);
  const auto add = [&](const std::string &choice) {
    double micros = 0;
    const MaceStatus status = Try(op, choice, 2, &micros);
    // What the driver refuses is no candidate.
    if (status.ok()) found.emplace_back(micros, choice);
    VLOG(2) << context.def->name << " " << choice << ": " << micros << " us " << status.message();
  };
  for (const std::string &choice : choices) add(choice);
  std::sort(found.begin(), found.end());
  const std::string fastest = found[0].second;
  // A work-group for kernels that take any; several launches are left alone.
  Alone alone;
  MACE_RETURN_IF_ERROR(builder_->BuildAlone(op, fastest, &alone));
  if (alone->launches_.size() == 1 && !alone->launches_[0].fixed_local) {
    for (const auto &local : kLocal) {
      if (local[0] * local[1] * local[2] > gpu_->capabilities().max_work_group) continue;
      bool fits = true;
      for (size_t d = 0; d < 3; ++d) {
        fits = fits && (local[d] == 1 ||
                        local[d] < 2 * static_cast<int64_t>(alone->launches_[0].global[d]));
      }
      if (fits) add(MakeString(fastest, "@", local[0], "x", local[1], "x", local[2]));
    }
    std::sort(found.begin(), found.end());
  }
  // The best of the first measurement may owe it to chance.
  std::pair<double, std::string> least = {0, kDefault};
  for (size_t i = 0; i < std::min<size_t>(found.size(), 4); ++i) {
    double micros = 0;
    if (!Try(op, found[i].second, 6, &micros).ok()) continue;
    if (found[i].second == kDefault) micros *= kGain;
    if (least.first == 0 || micros < least.first) least = {micros, found[i].second};
  }
  *best = least.second;
  VLOG(1) << "tuned " << context.def->type << " '" << context.def->name << "': " << *best << ", "
          << own << " us before, " << least.first << " after, with its neighbours";
  return MaceStatus::MACE_SUCCESS;
}

MaceStatus Tuner::Tune() {
  Context *context = gpu_->context();
  const size_t count = builder_->operators();
  std::vector<std::string> keys(count);
  std::vector<size_t> wanted;
  for (size_t op = 0; op < count; ++op) {
    GpuOpContext described;
    MACE_RETURN_IF_ERROR(builder_->Describe(op, &described));
    keys[op] = TuningKey(described);
    if (context->Parameters(keys[op]).empty()) wanted.push_back(op);
  }
  if (wanted.empty()) return MaceStatus::MACE_SUCCESS;
  MACE_RETURN_IF_ERROR(MakeSpin());
  chain_.resize(count);
  for (size_t op = 0; op < count; ++op) {
    MACE_RETURN_IF_ERROR(builder_->BuildAlone(op, context->Parameters(keys[op]), &chain_[op]));
  }
  int done = 0;
  for (size_t op : wanted) {
    if (gpu_->options().progress) {
      gpu_->options().progress(done++, static_cast<int>(wanted.size()));
    }
    std::string best = context->Parameters(keys[op]);  // there when it occurred before
    if (best.empty()) {
      GpuOpContext described;
      MACE_RETURN_IF_ERROR(builder_->Describe(op, &described));
      best = kDefault;
      if (!chain_[op]->launches_.empty()) {
        const MaceStatus status = TuneOne(op, described, &best);
        if (!status.ok()) {
          LOG(WARNING) << described.def->type << " '" << described.def->name
                       << "' is not tuned: " << status.message();
          best = kDefault;
        }
      }
      MACE_RETURN_IF_ERROR(builder_->BuildAlone(op, best, &chain_[op]));
      MACE_RETURN_IF_ERROR(AppendTimes(op, &best));
      context->SetParameters(keys[op], best);
    } else {
      MACE_RETURN_IF_ERROR(builder_->BuildAlone(op, best, &chain_[op]));
    }
  }
  if (gpu_->options().progress) gpu_->options().progress(done, done);
  return context->SaveTuned();
}

}  // namespace opencl
}  // namespace mace
