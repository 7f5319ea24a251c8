// SPDX-License-Identifier: Apache-2.0
// What this machine could do at best: the roofline that ops_benchmark compares operators with.
#ifndef MACE_OPS_OPS_BENCHMARK_LIMITS_H_
#define MACE_OPS_OPS_BENCHMARK_LIMITS_H_

#include <cstdint>
#include <string>

#include "mace/runtimes/cpu/thread_pool.h"

namespace mace {
namespace ops {
namespace test {

// The least time that an operator can take, and how near it comes.
struct Roofline {
  double nanoseconds = 0;
  bool copies = false;  // the time of moving its bytes; else that of its multiply-adds
  double share = 0;     // of the limit that is attained; over 1 where an algorithm does with less
  double wanted = 0;    // what a good kernel attains
};

class MachineLimits {
 public:
  // Measures for `seconds` how fast the product's kernel is when all lies in the L1 cache.
  MachineLimits(int threads, double seconds);

  // In nanoseconds, of all threads together.
  double macs_per_nanosecond() const { return macs_per_nanosecond_; }
  // Of memcpy of `bytes` / 2 bytes, which reads and writes `bytes`, measured for `seconds`.
  double CopyNanoseconds(int64_t bytes, double seconds);

  // Of an operator that took `nanoseconds`. `moved`: bytes of its inputs and outputs; how long they
  // take to copy is measured now, since other programs disturb both alike.
  Roofline Of(const std::string &op, int64_t macs, int64_t moved, double nanoseconds,
              double seconds);

 private:
  ThreadPool pool_;
  double macs_per_nanosecond_ = 0;
};

}  // namespace test
}  // namespace ops
}  // namespace mace

#endif  // MACE_OPS_OPS_BENCHMARK_LIMITS_H_
