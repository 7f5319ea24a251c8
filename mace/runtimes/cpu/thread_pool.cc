// SPDX-License-Identifier: Apache-2.0
// Worker threads that take chunks of a loop in turn.
#include "mace/runtimes/cpu/thread_pool.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

namespace mace {

class ThreadPool::Impl {
 public:
  explicit Impl(int workers) {
    for (int i = 1; i <= workers; ++i) threads_.emplace_back([this, i] { Work(i); });
  }

  ~Impl() {
    {
      std::lock_guard<std::mutex> lock(mutex_);
      stop_ = true;
    }
    wake_.notify_all();
    for (std::thread &thread : threads_) thread.join();
  }

  void Run(int64_t n, int64_t grain, Task task, void *function) {
    {
      std::lock_guard<std::mutex> lock(mutex_);
      n_ = n;
      grain_ = grain;
      task_ = task;
      function_ = function;
      next_.store(0, std::memory_order_relaxed);
      busy_ = static_cast<int>(threads_.size());
      ++generation_;
    }
    wake_.notify_all();
    TakeChunks(0);
    std::unique_lock<std::mutex> lock(mutex_);
    done_.wait(lock, [this] { return busy_ == 0; });
  }

 private:
  void TakeChunks(int thread) {
    for (;;) {
      const int64_t begin = next_.fetch_add(grain_, std::memory_order_relaxed);
      if (begin >= n_) return;
      task_(function_, begin, std::min(begin + grain_, n_), thread);
    }
  }

  void Work(int thread) {
    uint64_t seen = 0;
    for (;;) {
      {
        std::unique_lock<std::mutex> lock(mutex_);
        wake_.wait(lock, [&] { return stop_ || generation_ != seen; });
        if (stop_) return;
        seen = generation_;
      }
      TakeChunks(thread);
      std::lock_guard<std::mutex> lock(mutex_);
      if (--busy_ == 0) done_.notify_one();
    }
  }

  std::mutex mutex_;
  std::condition_variable wake_, done_;
  std::vector<std::thread> threads_;
  uint64_t generation_ = 0;
  int busy_ = 0;
  bool stop_ = false;
  int64_t n_ = 0, grain_ = 1;
  Task task_ = nullptr;
  void *function_ = nullptr;
  std::atomic<int64_t> next_{0};
};

ThreadPool::ThreadPool(int num_threads, CPUAffinityPolicy)
    : num_threads_(num_threads > 0
                       ? num_threads
                       : std::max(1, static_cast<int>(std::thread::hardware_concurrency()))) {
  if (num_threads_ > 1) impl_ = std::make_unique<Impl>(num_threads_ - 1);
}

ThreadPool::~ThreadPool() = default;

void ThreadPool::Dispatch(int64_t n, int64_t grain, Task task, void *function) {
  if (n <= 0) return;
  if (grain < 1) grain = 1;
  if (impl_ == nullptr || n <= grain) {
    for (int64_t begin = 0; begin < n; begin += grain) {
      task(function, begin, std::min(begin + grain, n), 0);
    }
    return;
  }
  impl_->Run(n, grain, task, function);
}

}  // namespace mace
