// SPDX-License-Identifier: Apache-2.0
// Worker threads of one engine. They wait a moment for more work, then park; the caller works too.
// Nothing here allocates after construction.
#ifndef MACE_RUNTIMES_CPU_THREAD_POOL_H_
#define MACE_RUNTIMES_CPU_THREAD_POOL_H_

#include <cstdint>
#include <memory>
#include <string>
#include <type_traits>
#include <vector>

#include "mace/public/mace.h"

namespace mace {

class ThreadPool {
 public:
  // num_threads counts the caller; 0 or less: one for each core that the policy allows. Where the
  // policy cannot be followed, or a thread not be started, a warning says so and the rest goes on.
  ThreadPool(int num_threads, CPUAffinityPolicy policy,
             const std::string &sysfs = "/sys/devices/system/cpu");
  ~ThreadPool();
  ThreadPool(const ThreadPool &) = delete;
  ThreadPool &operator=(const ThreadPool &) = delete;

  int num_threads() const { return num_threads_; }
  // The cores that threads are bound to; empty when they are not bound.
  const std::vector<int> &cores() const { return cores_; }

  // Binds the calling thread, which belongs to the application, as the workers are bound, and puts
  // it back where it was at the end of its life.
  class CallerBinding {
   public:
    explicit CallerBinding(const ThreadPool &pool);
    ~CallerBinding();
    CallerBinding(const CallerBinding &) = delete;
    CallerBinding &operator=(const CallerBinding &) = delete;

   private:
    bool bound_ = false;
    // A cpu_set_t, whose header is not needed by those who include this one.
    alignas(8) unsigned char old_cores_[128];
  };

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
  std::vector<int> cores_;
  std::unique_ptr<Impl> impl_;
};

}  // namespace mace

#endif  // MACE_RUNTIMES_CPU_THREAD_POOL_H_
