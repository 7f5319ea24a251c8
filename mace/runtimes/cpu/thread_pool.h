// SPDX-License-Identifier: Apache-2.0
// Worker threads of one engine. They park when idle; the caller works too. Nothing here allocates
// after construction.
#ifndef MACE_RUNTIMES_CPU_THREAD_POOL_H_
#define MACE_RUNTIMES_CPU_THREAD_POOL_H_

#include <cstdint>
#include <memory>
#include <type_traits>

#include "mace/public/mace.h"

namespace mace {

class ThreadPool {
 public:
  // num_threads counts the caller; 0 or less: one for each core that the policy allows.
  ThreadPool(int num_threads, CPUAffinityPolicy policy);
  ~ThreadPool();
  ThreadPool(const ThreadPool &) = delete;
  ThreadPool &operator=(const ThreadPool &) = delete;

  int num_threads() const { return num_threads_; }

  // Calls f(begin, end, thread) for ranges that cover [0, n), each of at most `grain` items (at
  // least 1), thread in [0, num_threads()). Returns when all are done. One call at a time.
  template <typename F>
  void ParallelFor(int64_t n, int64_t grain, F &&f) {
    using Function = std::remove_reference_t<F>;
    Dispatch(
        n, grain,
        [](void *function, int64_t begin, int64_t end, int thread) {
          (*static_cast<Function *>(function))(begin, end, thread);
        },
        const_cast<void *>(static_cast<const void *>(&f)));
  }

 private:
  using Task = void (*)(void *function, int64_t begin, int64_t end, int thread);
  void Dispatch(int64_t n, int64_t grain, Task task, void *function);

  class Impl;
  int num_threads_;
  std::unique_ptr<Impl> impl_;
};

}  // namespace mace

#endif  // MACE_RUNTIMES_CPU_THREAD_POOL_H_
