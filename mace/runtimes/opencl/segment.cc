// SPDX-License-Identifier: Apache-2.0
// Operators on the GPU, ready to run.
#include "mace/runtimes/opencl/segment.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <utility>

#include "mace/base/logging.h"
#include "mace/runtimes/opencl/kernel_time.h"

namespace mace {
namespace opencl {

namespace {

// In how many runs kernels are measured to limit their time: the first one may be slower.
constexpr int kMeasuredRuns = 2;

int64_t NowMicros() {
  using std::chrono::duration_cast;
  using std::chrono::microseconds;
  return duration_cast<microseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

cl_ulong Moment(const EventHandle &event, cl_profiling_info what) {
  cl_ulong nanos = 0;
  Cl().clGetEventProfilingInfo(event.get(), what, sizeof(nanos), &nanos, nullptr);
  return nanos;
}

}  // namespace

Segment::~Segment() {
  // A run that failed may have left work behind that uses what is released now.
  for (const std::vector<Copy> *copies : {&uploads_, &downloads_}) {
    for (const Copy &copy : *copies) {
      if (copy.staged == nullptr) continue;
      Cl().clEnqueueUnmapMemObject(queue_, copy.staging.get(), copy.staged, 0, nullptr, nullptr);
    }
  }
  Cl().clFinish(queue_);
}

void Segment::Stage(Copy *copy) const {
  if (device_->capabilities().unified_memory) return;
  cl_int error = CL_SUCCESS;
  MemoryHandle staging(Cl().clCreateBuffer(
      device_->context(), CL_MEM_READ_WRITE | CL_MEM_ALLOC_HOST_PTR, copy->bytes, nullptr, &error));
  if (error != CL_SUCCESS) return;
  void *mapped = Cl().clEnqueueMapBuffer(queue_, staging.get(), CL_TRUE, CL_MAP_READ | CL_MAP_WRITE,
                                         0, copy->bytes, 0, nullptr, nullptr, &error);
  if (error != CL_SUCCESS) return;
  copy->staging = std::move(staging);
  copy->staged = mapped;
}

MaceStatus Segment::Upload(const Copy &copy) {
  if (InjectFailure()) return ClStatus("clEnqueueWriteBuffer", CL_OUT_OF_RESOURCES);
  if (!device_->capabilities().unified_memory) {
    // The last run has ended, so that nothing reads the staging memory any more.
    if (copy.staged != nullptr) std::memcpy(copy.staged, copy.tensor->raw, copy.bytes);
    return ClStatus(
        "clEnqueueWriteBuffer",
        Cl().clEnqueueWriteBuffer(queue_, copy.memory, CL_FALSE, 0, copy.bytes,
                                  copy.staged != nullptr ? copy.staged : copy.tensor->raw, 0,
                                  nullptr, nullptr));
  }
  cl_int error = CL_SUCCESS;
  void *mapped = Cl().clEnqueueMapBuffer(queue_, copy.memory, CL_TRUE, CL_MAP_WRITE, 0, copy.bytes,
                                         0, nullptr, nullptr, &error);
  MACE_RETURN_IF_ERROR(ClStatus("clEnqueueMapBuffer", error));
  std::memcpy(mapped, copy.tensor->raw, copy.bytes);
  return ClStatus("clEnqueueUnmapMemObject",
                  Cl().clEnqueueUnmapMemObject(queue_, copy.memory, mapped, 0, nullptr, nullptr));
}

MaceStatus Segment::Download(const Copy &copy, bool last) {
  if (!device_->capabilities().unified_memory) {
    // The queue is in order: when the last one is there, all are.
    return ClStatus(
        "clEnqueueReadBuffer",
        Cl().clEnqueueReadBuffer(queue_, copy.memory, last ? CL_TRUE : CL_FALSE, 0, copy.bytes,
                                 copy.staged != nullptr ? copy.staged : copy.tensor->raw, 0,
                                 nullptr, nullptr));
  }
  cl_int error = CL_SUCCESS;
  void *mapped = Cl().clEnqueueMapBuffer(queue_, copy.memory, CL_TRUE, CL_MAP_READ, 0, copy.bytes,
                                         0, nullptr, nullptr, &error);
  MACE_RETURN_IF_ERROR(ClStatus("clEnqueueMapBuffer", error));
  std::memcpy(copy.tensor->raw, mapped, copy.bytes);
  return ClStatus("clEnqueueUnmapMemObject",
                  Cl().clEnqueueUnmapMemObject(queue_, copy.memory, mapped, 0, nullptr, nullptr));
}

MaceStatus Segment::WaitForRoom(const std::vector<EventHandle> *events) const {
  if (queued_kernels_ == 0 || events->size() < queued_kernels_) {
    return MaceStatus::MACE_SUCCESS;
  }
  // The queue is in order: all before it are done, too.
  const cl_event oldest = (*events)[events->size() - queued_kernels_].get();
  return ClStatus("clWaitForEvents", Cl().clWaitForEvents(1, &oldest));
}

MaceStatus Segment::Enqueue(size_t number, std::vector<EventHandle> *events) {
  const Launch &launch = launches_[number];
  if (InjectFailure()) return ClStatus("clEnqueueNDRangeKernel", CL_OUT_OF_RESOURCES);
  if (check_ != nullptr) MACE_RETURN_IF_ERROR(check_->Allow(queue_, launch.buffers));
  const size_t split = launch.split < 3 ? launch.split : 0;
  const size_t groups = launch.global[split] / launch.local[split];
  size_t begin = 0;
  for (size_t part = 0; part < launch.parts; ++part) {
    const size_t end = groups * (part + 1) / launch.parts;
    if (begin == end) continue;
    std::array<size_t, 3> offset = {0, 0, 0}, global = launch.global;
    offset[split] = begin * launch.local[split];
    global[split] = (end - begin) * launch.local[split];
    begin = end;
    MACE_RETURN_IF_ERROR(WaitForRoom(events));
    cl_event event = nullptr;
    const cl_int error = Cl().clEnqueueNDRangeKernel(
        queue_, launch.kernel.get(), launch.dimensions, launch.parts == 1 ? nullptr : offset.data(),
        global.data(), launch.local.data(), 0, nullptr, events == nullptr ? nullptr : &event);
    MACE_RETURN_IF_ERROR(ClStatus("clEnqueueNDRangeKernel", error));
    if (events != nullptr) {
      events->emplace_back(event);
      event_launches_.push_back(number);
    }
    // Other users of the GPU get their turn between parts that are submitted by themselves.
    if (launch.parts > 1) Cl().clFlush(queue_);
  }
  return check_ == nullptr ? MaceStatus(MaceStatus::MACE_SUCCESS)
                           : check_->Verify(queue_, launch.name);
}

double Segment::Micros(const EventHandle &from, const EventHandle &to) {
  return static_cast<double>(Moment(to, CL_PROFILING_COMMAND_END) -
                             Moment(from, CL_PROFILING_COMMAND_START)) *
         1e-3;
}

double Segment::MicrosBetween(const EventHandle &from, const EventHandle &to) {
  return static_cast<double>(Moment(to, CL_PROFILING_COMMAND_END) -
                             Moment(from, CL_PROFILING_COMMAND_END)) *
         1e-3;
}

MaceStatus Segment::EnqueueAlone(const Launch &launch, std::vector<EventHandle> *events) const {
  cl_event event = nullptr;
  const cl_int error = Cl().clEnqueueNDRangeKernel(
      queue_, launch.kernel.get(), launch.dimensions, nullptr, launch.global.data(),
      launch.local.data(), 0, nullptr, events == nullptr ? nullptr : &event);
  if (event != nullptr) events->emplace_back(event);
  return ClStatus("clEnqueueNDRangeKernel", error);
}

bool Segment::Record() {
  recording_ = Recording::New(*device_, queue_);
  if (recording_ == nullptr) return false;
  cl_int error = CL_SUCCESS;
  for (size_t i = 0; i < launches_.size() && error == CL_SUCCESS; ++i) {
    const Launch &launch = launches_[i];
    error = recording_->Add(launch.kernel.get(), launch.dimensions, launch.global.data(),
                            launch.local.data());
  }
  if (error == CL_SUCCESS) error = recording_->Finish();
  VLOG(1) << launches_.size() << " GPU kernels are recorded: " << error;
  return error == CL_SUCCESS;
}

bool Segment::Replay() {
  recordable_ =
      recordable_ && (recording_ != nullptr || Record()) && recording_->Replay() == CL_SUCCESS;
  // What fails once is not tried again.
  if (!recordable_) recording_ = nullptr;
  return recordable_;
}

MaceStatus Segment::EnqueueAll(std::vector<EventHandle> *events) {
  for (size_t number = 0; number < launches_.size(); ++number) {
    const MaceStatus status = Enqueue(number, events);
    const size_t op = launches_[number].op;
    if (status.ok() || op >= ops_.size()) {
      MACE_RETURN_IF_ERROR(status);
      continue;
    }
    const OperatorDef &def = *ops_[op].def;
    return MaceStatus(status.code(), MakeString(def.type, " '", def.name, "': ", status.message()));
  }
  return MaceStatus::MACE_SUCCESS;
}

MaceStatus Segment::Submit(std::vector<EventHandle> *events) {
  for (const Copy &copy : uploads_) MACE_RETURN_IF_ERROR(Upload(copy));
  // Single kernels are measured, limited and checked one by one.
  const bool at_once = events == nullptr && recordable_ && check_ == nullptr;
  if (!at_once || !Replay()) MACE_RETURN_IF_ERROR(EnqueueAll(events));
  for (size_t i = 0; i < downloads_.size(); ++i) {
    MACE_RETURN_IF_ERROR(Download(downloads_[i], i + 1 == downloads_.size()));
  }
  for (const Copy &copy : downloads_) {
    if (copy.staged != nullptr) std::memcpy(copy.tensor->raw, copy.staged, copy.bytes);
  }
  return downloads_.empty() ? ClStatus("clFinish", Cl().clFinish(queue_))
                            : MaceStatus(MaceStatus::MACE_SUCCESS);
}

MaceStatus Segment::Run(RunMetadata *metadata) {
  std::vector<EventHandle> events;
  event_launches_.clear();
  const int64_t begin_micros = metadata == nullptr ? 0 : NowMicros();
  const bool measure = kernel_micros_ > 0 && measured_runs_ < kMeasuredRuns;
  const bool wants_events = metadata != nullptr || measure || queued_kernels_ > 0;
  const MaceStatus status = Submit(wants_events ? &events : nullptr);
  // The application's memory may go when Run returns.
  if (!status.ok()) Cl().clFinish(queue_);
  if (metadata != nullptr && status.ok()) Report(events, begin_micros, metadata);
  if (measure && status.ok()) DivideLaunches(events);
  return status;
}

void Segment::DivideLaunches(const std::vector<EventHandle> &events) {
  ++measured_runs_;
  std::vector<double> micros(launches_.size(), 0);
  for (size_t e = 0; e < events.size(); ++e)
    micros[event_launches_[e]] += Micros(events[e], events[e]);
  for (size_t number = 0; number < launches_.size(); ++number) {
    Launch &launch = launches_[number];
    // A driver that records no times leaves the estimate.
    if (launch.split > 2 || micros[number] <= 0) continue;
    launch.parts = PartsOf(micros[number], kernel_micros_,
                           launch.global[launch.split] / launch.local[launch.split]);
  }
}

void Segment::Report(const std::vector<EventHandle> &events, int64_t begin_micros,
                     RunMetadata *metadata) const {
  std::vector<std::pair<cl_ulong, cl_ulong>> times(ops_.size(), {0, 0});
  cl_ulong first = 0, now = 0;
  for (size_t e = 0; e < events.size(); ++e) {
    const cl_ulong begin = Moment(events[e], CL_PROFILING_COMMAND_START);
    const cl_ulong end = Moment(events[e], CL_PROFILING_COMMAND_END);
    if (first == 0) first = now = begin;
    const size_t op = launches_[event_launches_[e]].op;
    if (op >= ops_.size()) continue;
    auto &[op_begin, op_end] = times[op];
    if (op_begin == 0) op_begin = begin;
    op_end = std::max(end, begin);
  }
  for (size_t op = 0; op < ops_.size(); ++op) {
    if (times[op].first != 0) {
      now = times[op].second;
    } else {
      times[op] = {now, now};  // nothing to execute
    }
    OperatorStats stats;
    stats.stats.start_micros =
        begin_micros + static_cast<int64_t>((times[op].first - first) / 1000);
    stats.stats.end_micros = begin_micros + static_cast<int64_t>((times[op].second - first) / 1000);
    stats.operator_name = ops_[op].def->name;
    stats.type = ops_[op].def->type;
    for (const Tensor *output : ops_[op].outputs) {
      stats.output_shape.push_back(output->shape.ToVector());
    }
    stats.args = ops_[op].args;
    stats.macs = ops_[op].macs;
    metadata->op_stats.push_back(std::move(stats));
  }
}

}  // namespace opencl
}  // namespace mace
