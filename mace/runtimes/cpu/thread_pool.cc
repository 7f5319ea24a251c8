// SPDX-License-Identifier: Apache-2.0
// Worker threads, each with a share of a loop: the same part of every loop, so that it finds in its
// own cache what it wrote in the loop before. Who has done their share takes from the others', so
// that a slow or busy core holds up nobody. A worker that wakes too late for a loop does not join.
#include "mace/runtimes/cpu/thread_pool.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>

#include "mace/base/logging.h"
#include "mace/runtimes/cpu/cpu_topology.h"

namespace mace {

namespace {

// How long a thread looks for work before it parks: longer than the gap between two operators,
// shorter than what anyone notices on a battery.
constexpr std::chrono::microseconds kSpinTime(50);

void Pause() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__) || defined(__arm__)
  __asm__ __volatile__("yield");
#endif
}

// Waits for the condition, but not for long. Whether it holds.
template <typename Condition>
bool SpinUntil(const Condition &condition) {
  const auto end = std::chrono::steady_clock::now() + kSpinTime;
  do {
    for (int i = 0; i < 32; ++i) {
      if (condition()) return true;
      Pause();
    }
  } while (std::chrono::steady_clock::now() < end);
  return condition();
}

}  // namespace

class ThreadPool::Impl {
 public:
  Impl(int workers, const std::vector<int> &cores, bool spin) : cores_(cores), spin_(spin) {
    // Addresses of starts_ go to the threads.
    starts_.resize(static_cast<size_t>(workers));
    shares_ = std::vector<Share>(static_cast<size_t>(workers) + 1);
    for (int i = 0; i < workers; ++i) {
      starts_[static_cast<size_t>(i)] = {this, i + 1};
      pthread_t thread;
      const int error = pthread_create(&thread, nullptr, Start, &starts_[static_cast<size_t>(i)]);
      if (error != 0) {
        LOG(WARNING) << "only " << i << " of " << workers
                     << " worker threads could be started: " << strerror(error);
        break;
      }
      threads_.push_back(thread);
    }
  }

  ~Impl() {
    {
      std::lock_guard<std::mutex> lock(mutex_);
      stop_ = true;
      generation_.fetch_add(1);
    }
    wake_.notify_all();
    for (pthread_t thread : threads_) pthread_join(thread, nullptr);
  }

  void Run(int64_t n, int64_t grain, Task task, void *function) {
    n_ = n;
    grain_ = grain;
    chunks_ = (n - 1) / grain + 1;
    task_ = task;
    function_ = function;
    const int64_t count = static_cast<int64_t>(shares_.size());
    for (int64_t i = 0; i < count; ++i) {
      Share &share = shares_[static_cast<size_t>(i)];
      share.next.store(ShareBegin(i, count), std::memory_order_relaxed);
      share.end = ShareBegin(i + 1, count);
    }
    joined_.store(kOpen, std::memory_order_release);
    generation_.fetch_add(1);
    const int sleepers = sleepers_.load();
    if (sleepers > 0) {
      // Taken once so that a worker between its last look at generation_ and its wait is not
      // missed.
      { std::lock_guard<std::mutex> lock(mutex_); }
      if (chunks_ - 1 >= sleepers) {
        wake_.notify_all();
      } else {
        for (int64_t i = 1; i < chunks_; ++i) wake_.notify_one();
      }
    }
    TakeChunks(0);
    if (joined_.fetch_and(~kOpen) == kOpen) return;  // nobody joined, or all have left
    const auto left = [this] { return joined_.load(std::memory_order_acquire) == 0; };
    if (spin_ && SpinUntil(left)) return;
    std::unique_lock<std::mutex> lock(mutex_);
    done_.wait(lock, left);
  }

 private:
  struct StartArgument {
    Impl *impl;
    int thread;
  };

  // Bit of joined_: workers may still join the loop. The other bits count those that are in it.
  static constexpr uint32_t kOpen = 1u << 31;

  static void *Start(void *argument) {
    const StartArgument &start = *static_cast<StartArgument *>(argument);
    start.impl->Work(start.thread);
    return nullptr;
  }

  // The chunks of one thread. Apart from each other, since each is written all the time.
  struct alignas(64) Share {
    std::atomic<int64_t> next{0};
    int64_t end = 0;
  };

  // chunks_ * i / count without its product, which may be too large.
  int64_t ShareBegin(int64_t i, int64_t count) const {
    return chunks_ / count * i + chunks_ % count * i / count;
  }

  // First the thread's own share, then what is left of the others'.
  void TakeChunks(int thread) {
    const size_t count = shares_.size();
    for (size_t i = 0; i < count; ++i) {
      Share &share = shares_[(static_cast<size_t>(thread) + i) % count];
      // A look first: a share that is used up is not written by everyone again.
      while (share.next.load(std::memory_order_relaxed) < share.end) {
        const int64_t chunk = share.next.fetch_add(1, std::memory_order_relaxed);
        if (chunk >= share.end) break;
        const int64_t begin = chunk * grain_;
        task_(function_, begin, std::min(grain_, n_ - begin) + begin, thread);
      }
    }
  }

  bool Join() {
    uint32_t joined = joined_.load(std::memory_order_relaxed);
    while ((joined & kOpen) != 0) {
      if (joined_.compare_exchange_weak(joined, joined + 1, std::memory_order_acq_rel,
                                        std::memory_order_relaxed)) {
        return true;
      }
    }
    return false;
  }

  void Leave() {
    if (joined_.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
    // The last of a closed loop; the lock as in Run().
    { std::lock_guard<std::mutex> lock(mutex_); }
    done_.notify_one();
  }

  void Work(int thread) {
    if (!cores_.empty()) BindThread(cores_);
    uint64_t seen = 0;
    for (;;) {
      const auto more = [&] { return generation_.load(std::memory_order_acquire) != seen; };
      if (!spin_ || !SpinUntil(more)) {
        std::unique_lock<std::mutex> lock(mutex_);
        sleepers_.fetch_add(1);
        wake_.wait(lock, [&] { return generation_.load() != seen; });
        sleepers_.fetch_sub(1);
      }
      seen = generation_.load();
      if (stop_.load()) return;
      if (Join()) {
        TakeChunks(thread);
        Leave();
      }
    }
  }

  const std::vector<int> cores_;
  const bool spin_;
  std::vector<StartArgument> starts_;
  std::vector<Share> shares_;  // of the loop; the first is the caller's
  std::vector<pthread_t> threads_;
  std::mutex mutex_;
  std::condition_variable wake_, done_;
  std::atomic<uint64_t> generation_{0};
  std::atomic<int> sleepers_{0};
  std::atomic<bool> stop_{false};
  // The loop; written only while joined_ is 0.
  int64_t n_ = 0, grain_ = 1, chunks_ = 0;
  Task task_ = nullptr;
  void *function_ = nullptr;
  std::atomic<uint32_t> joined_{0};
};

ThreadPool::ThreadPool(int num_threads, CPUAffinityPolicy policy, const std::string &sysfs) {
  const std::vector<int> allowed = AllowedCores();
  CoreChoice choice = ChooseCores(ReadCores(sysfs, allowed), num_threads, policy);
  if (!choice.cores.empty()) {
    // Tried by a thread that can be spared: on success all of them will succeed.
    if (!BindThread(choice.cores)) {
      choice.warning = std::string("threads cannot be bound to cores: ") + strerror(errno);
      choice.cores.clear();
    }
    BindThread(allowed);
  }
  if (!choice.warning.empty()) {
    LOG(WARNING) << "the CPU affinity policy has no effect: " << choice.warning;
  }
  num_threads_ = choice.num_threads;
  cores_ = choice.cores;
  const size_t usable = cores_.empty() ? allowed.size() : cores_.size();
  // With more threads than cores, one that spins keeps another from working.
  const bool spin = static_cast<size_t>(num_threads_) <= usable;
  if (num_threads_ > 1) impl_ = std::make_unique<Impl>(num_threads_ - 1, cores_, spin);
}

ThreadPool::~ThreadPool() = default;

void ThreadPool::Dispatch(int64_t n, int64_t grain, Task task, void *function) {
  if (n <= 0) return;
  if (grain < 1) grain = 1;
  if (impl_ == nullptr || n <= grain) {
    for (int64_t begin = 0; begin < n; begin += std::min(grain, n - begin)) {
      task(function, begin, begin + std::min(grain, n - begin), 0);
    }
    return;
  }
  impl_->Run(n, grain, task, function);
}

ThreadPool::CallerBinding::CallerBinding(const ThreadPool &pool) {
  static_assert(sizeof(cpu_set_t) <= sizeof(old_cores_));
  if (pool.cores().empty()) return;
  cpu_set_t *old_cores = reinterpret_cast<cpu_set_t *>(old_cores_);
  bound_ = sched_getaffinity(0, sizeof(*old_cores), old_cores) == 0 && BindThread(pool.cores());
}

ThreadPool::CallerBinding::~CallerBinding() {
  if (bound_) {
    sched_setaffinity(0, sizeof(cpu_set_t), reinterpret_cast<const cpu_set_t *>(old_cores_));
  }
}

}  // namespace mace
