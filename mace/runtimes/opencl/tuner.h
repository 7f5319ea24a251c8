// SPDX-License-Identifier: Apache-2.0
// Finds the fastest kernels for the operators of a segment, by trying them on the device between
// their neighbours in the network.
#ifndef MACE_RUNTIMES_OPENCL_TUNER_H_
#define MACE_RUNTIMES_OPENCL_TUNER_H_

#include <memory>
#include <string>
#include <vector>

#include "mace/runtimes/opencl/segment_builder.h"

namespace mace {
namespace opencl {

// Names what the best kernel of an operator depends on, but for the device: a hash of the kernels'
// sources, the operator with its attributes, shapes and types, and how tensors are stored.
std::string TuningKey(const GpuOpContext &context);

// A tuned parameter: the builder's variant, the size of work-groups after "@", and after "#" the
// microseconds that each of its kernels takes, with commas between.
struct TunedChoice {
  std::string variant;
  std::array<int64_t, 3> local = {0, 0, 0};  // zeros: as the builder says
  std::vector<double> micros{};

  // An unknown text is the builder's own choice.
  static TunedChoice Parse(const std::string &text);
};

class Tuner {
 public:
  // builder: after its fusions, before its operators are added.
  Tuner(Gpu *gpu, const SegmentBuilder *builder) : gpu_(gpu), builder_(builder) {}
  // Gives the context parameters for all operators that have none yet.
  MaceStatus Tune();

 private:
  using Alone = std::unique_ptr<Segment>;
  MaceStatus MakeSpin();
  void Spin(int64_t micros, std::vector<EventHandle> *events);
  // Microseconds of the operators from first to last in a row, with `tried` in the place of `op`.
  MaceStatus Measure(size_t op, const Segment &tried, int times, double *micros);
  MaceStatus Try(size_t op, const std::string &choice, int times, double *micros);
  // Appends what the kernels of `op`, as it is chosen, take.
  MaceStatus AppendTimes(size_t op, std::string *choice);
  MaceStatus TuneOne(size_t op, const GpuOpContext &context, std::string *best);

  Gpu *gpu_;
  const SegmentBuilder *builder_;
  std::vector<Alone> chain_;  // each operator as it is chosen so far
  KernelHandle spin_;
  SharedMemory spin_memory_;
  double spins_per_micro_ = 0;
};

}  // namespace opencl
}  // namespace mace

#endif  // MACE_RUNTIMES_OPENCL_TUNER_H_
