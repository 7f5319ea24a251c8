// SPDX-License-Identifier: Apache-2.0
// All kernels that can compute a convolution, each measured as a network would run it: for
// ops_benchmark, which shows whether the right one was chosen, and for `mace dev fit`.
#ifndef MACE_KERNELS_CONV_CONV_WAYS_H_
#define MACE_KERNELS_CONV_CONV_WAYS_H_

#include <functional>
#include <string>
#include <vector>

#include "mace/kernels/conv/conv.h"
#include "mace/kernels/dwconv/dwconv.h"

namespace mace {
namespace kernels {

// A kernel that can do the case on this machine.
struct Way {
  std::string name;
  bool chosen = false;  // by the engine
  const GemmKernel *gemm = nullptr;
  const WinogradKernel *winograd = nullptr;  // null and not strassen: a plain product
  bool strassen = false;
  // Computes the case once, on one thread; holds all that it needs.
  std::function<void()> run;
  // Reads the input, which in a network the operator before has just written.
  std::function<void()> touch;
};

// The ways of kernels in `isas`, but for the references; shape.winograd and
// shape.strassen are not looked at.
std::vector<Way> ConvWays(const ConvShape &shape, bool transposed, uint32_t isas);
std::vector<Way> DwconvWays(const DwconvShape &shape, uint32_t isas);

// The least processor time of a run in nanoseconds. Before each run the L2 cache is filled with
// other things and the input is read, as weights in a network come from further away. Runs at least
// `runs` times and for `seconds`.
class WayTimer {
 public:
  WayTimer();
  double Least(const Way &way, int runs, double seconds);
  // For a byte to leave the L2 cache and come back, in nanoseconds.
  double ByteNanoseconds(double seconds);

 private:
  void Flush();
  std::vector<char> other_;
  volatile int64_t sum_ = 0;  // keeps reads from being optimized away
};

}  // namespace kernels
}  // namespace mace

#endif  // MACE_KERNELS_CONV_CONV_WAYS_H_
