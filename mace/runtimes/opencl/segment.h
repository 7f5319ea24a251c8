// SPDX-License-Identifier: Apache-2.0
// Operators on the GPU, ready to run: a list of copies and kernels with their arguments set. Run
// hands the list to the driver and waits once, for the last output.
#ifndef MACE_RUNTIMES_OPENCL_SEGMENT_H_
#define MACE_RUNTIMES_OPENCL_SEGMENT_H_

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "mace/core/accelerator.h"
#include "mace/runtimes/opencl/gpu.h"
#include "mace/runtimes/opencl/range_check.h"
#include "mace/runtimes/opencl/recording.h"

namespace mace {
namespace opencl {

class Segment : public AcceleratorSegment {
 public:
  explicit Segment(Gpu *gpu)
      : device_(gpu->context()->device()),
        queue_(gpu->queue()),
        kernel_micros_(gpu->options().kernel_micros),
        queued_kernels_(static_cast<size_t>(gpu->options().queued_kernels)),
        ops_() {
    // Limits are kept between single launches.
    recordable_ = kernel_micros_ == 0 && queued_kernels_ == 0 && Recording::PaysOff(*device_);
  }
  ~Segment() override;
  MaceStatus Run(RunMetadata *metadata) override;
  AcceleratorMemory memory() const override { return memory_; }

 private:
  friend class SegmentBuilder;
  friend class Tuner;
  struct Launch {
    KernelHandle kernel;
    bool fixed_local = false;
    size_t op = 0;  // among ops_; ops_.size(): a border of the segment
    cl_uint dimensions = 1;
    std::array<size_t, 3> global = {1, 1, 1}, local = {1, 1, 1};
    // Launched in this many parts along this dimension, which may be divided; else it is 3.
    size_t parts = 1, split = 3;
    // For a RangeCheck: its buffers and its name.
    std::vector<cl_mem> buffers{};
    std::string name{};
  };
  // Between a tensor of the host and a buffer.
  struct Copy {
    const Tensor *tensor = nullptr;
    cl_mem memory = nullptr;
    size_t bytes = 0;
    // Memory of the host that the device reads and writes by itself, and where it is mapped; null
    // where the two share memory, or where the driver has none to give.
    MemoryHandle staging{};
    void *staged = nullptr;
  };

  // Staging for a copy between memories, if there can be.
  void Stage(Copy *copy) const;
  MaceStatus Upload(const Copy &copy);
  MaceStatus Download(const Copy &copy, bool last);
  // number: of the launch.
  MaceStatus Enqueue(size_t number, std::vector<EventHandle> *events);
  // Waits until there is room in the queue for one more.
  MaceStatus WaitForRoom(const std::vector<EventHandle> *events) const;
  // Divides launches by how long they took.
  void DivideLaunches(const std::vector<EventHandle> &events);
  MaceStatus EnqueueAll(std::vector<EventHandle> *events);
  // Executes the launches as a recording, which the first call makes. False, and nothing was done,
  // where there can be none.
  bool Replay();
  bool Record();
  MaceStatus Submit(std::vector<EventHandle> *events);
  // From the beginning of one kernel to the end of another, which may be itself.
  static double Micros(const EventHandle &from, const EventHandle &to);
  // From the end of one to the end of another.
  static double MicrosBetween(const EventHandle &from, const EventHandle &to);
  // For the tuner: one kernel, with no record of whose it is.
  MaceStatus EnqueueAlone(const Launch &launch, std::vector<EventHandle> *events) const;
  void Report(const std::vector<EventHandle> &events, int64_t begin_micros,
              RunMetadata *metadata) const;

  Device *device_;
  cl_command_queue queue_;
  const int kernel_micros_;  // limits, 0: none
  const size_t queued_kernels_;
  int measured_runs_ = 0;
  std::unique_ptr<RangeCheck> check_;  // null: not wanted
  std::vector<AcceleratorOp> ops_;
  std::vector<Launch> launches_;
  std::vector<size_t> event_launches_;  // by event
  std::vector<Copy> uploads_, downloads_;
  std::vector<SharedMemory> shared_;  // weights and blocks of activations
  std::vector<MemoryHandle> images_;
  AcceleratorMemory memory_;
  bool recordable_ = false;
  std::unique_ptr<Recording> recording_;
};

}  // namespace opencl
}  // namespace mace

#endif  // MACE_RUNTIMES_OPENCL_SEGMENT_H_
