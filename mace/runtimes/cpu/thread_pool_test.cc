// SPDX-License-Identifier: Apache-2.0
// The thread pool: every index once, whatever the number of threads; parking; many pools at once.
#include "mace/runtimes/cpu/thread_pool.h"

#include <sched.h>

#include <atomic>
#include <chrono>
#include <limits>
#include <thread>

#include "gtest/gtest.h"

namespace mace {
namespace {

class ThreadPoolTest : public testing::TestWithParam<int> {};

TEST_P(ThreadPoolTest, EachIndexOnce) {
  ThreadPool pool(GetParam(), AFFINITY_NONE);
  ASSERT_EQ(pool.num_threads(), GetParam());
  for (int64_t n : {0, 1, 2, 7, 64, 1000}) {
    for (int64_t grain : {-1, 1, 3, 64, 5000}) {
      std::vector<std::atomic<int>> seen(static_cast<size_t>(n));
      std::atomic<bool> fits{true};
      pool.ParallelFor(n, grain, [&](int64_t begin, int64_t end, int thread) {
        if (thread < 0 || thread >= pool.num_threads()) fits = false;
        if (begin >= end || end - begin > (grain < 1 ? 1 : grain)) fits = false;
        for (int64_t i = begin; i < end; ++i) ++seen[static_cast<size_t>(i)];
      });
      EXPECT_TRUE(fits) << n << " " << grain;
      for (const auto &count : seen) EXPECT_EQ(count, 1);
    }
  }
}

TEST_P(ThreadPoolTest, WritesAreSeenAfterwards) {
  ThreadPool pool(GetParam(), AFFINITY_NONE);
  std::vector<int64_t> values(257, 0);  // plain memory: the pool alone orders the threads
  constexpr int kRounds = 300;
  for (int round = 0; round < kRounds; ++round) {
    pool.ParallelFor(257, 8, [&](int64_t begin, int64_t end, int) {
      for (int64_t i = begin; i < end; ++i) values[static_cast<size_t>(i)] += i;
    });
  }
  for (int64_t i = 0; i < 257; ++i) EXPECT_EQ(values[static_cast<size_t>(i)], kRounds * i);
}

TEST_P(ThreadPoolTest, WakesWhatIsParked) {
  ThreadPool pool(GetParam(), AFFINITY_NONE);
  for (int round = 0; round < 20; ++round) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    std::atomic<int64_t> sum{0};
    pool.ParallelFor(100, 1, [&](int64_t begin, int64_t, int) { sum += begin; });
    EXPECT_EQ(sum, 4950);
  }
}

INSTANTIATE_TEST_SUITE_P(Threads, ThreadPoolTest, testing::Values(1, 2, 3, 8));

TEST(ThreadPool, ThreadsWorkAtTheSameTime) {
  ThreadPool pool(2, AFFINITY_NONE);
  std::atomic<int> arrived{0};
  // Each chunk waits for the other: with one thread this would never end.
  pool.ParallelFor(2, 1, [&](int64_t, int64_t, int) {
    ++arrived;
    while (arrived < 2) std::this_thread::yield();
  });
  EXPECT_EQ(arrived, 2);
}

TEST(ThreadPool, AThreadBeginsWithItsShare) {
  ThreadPool pool(2, AFFINITY_NONE);
  std::atomic<int64_t> first[2] = {{-1}, {-1}};
  pool.ParallelFor(80, 10, [&](int64_t begin, int64_t, int thread) {
    int64_t none = -1;
    first[thread].compare_exchange_strong(none, begin);
    // Nobody goes on before both have begun.
    while (first[0] < 0 || first[1] < 0) std::this_thread::yield();
  });
  EXPECT_EQ(first[0], 0);
  EXPECT_EQ(first[1], 40);
}

TEST(ThreadPool, OthersTakeWhatASlowThreadHasLeft) {
  ThreadPool pool(3, AFFINITY_NONE);
  std::atomic<int> done{0};
  // Whoever has chunk 1 waits for all the others: they are done by other threads, or never.
  pool.ParallelFor(30, 1, [&](int64_t begin, int64_t, int) {
    while (begin == 1 && done < 29) std::this_thread::yield();
    ++done;
  });
  EXPECT_EQ(done, 30);
}

TEST(ThreadPool, CountsOfChunksMayBeHuge) {
  ThreadPool pool(3, AFFINITY_NONE);
  constexpr int64_t kGrain = int64_t{1} << 60;
  std::atomic<int64_t> last{0};
  std::atomic<int> calls{0};
  pool.ParallelFor(std::numeric_limits<int64_t>::max(), kGrain, [&](int64_t, int64_t end, int) {
    ++calls;
    for (int64_t seen = last; seen < end && !last.compare_exchange_weak(seen, end);) {
    }
  });
  EXPECT_EQ(calls, 8);
  EXPECT_EQ(last, std::numeric_limits<int64_t>::max());
}

TEST(ThreadPool, ManyPoolsInManyThreads) {
  std::vector<std::thread> threads;
  std::atomic<int64_t> total{0};
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int round = 0; round < 10; ++round) {
        ThreadPool pool(3, AFFINITY_NONE);
        for (int i = 0; i < 20; ++i) {
          pool.ParallelFor(10, 1, [&](int64_t begin, int64_t, int) { total += begin; });
        }
      }
    });
  }
  for (std::thread &thread : threads) thread.join();
  EXPECT_EQ(total, 4 * 10 * 20 * 45);
}

TEST(ThreadPool, DefaultIsAThreadForEachCore) {
  EXPECT_GE(ThreadPool(0, AFFINITY_NONE).num_threads(), 1);
  EXPECT_EQ(ThreadPool(-1, AFFINITY_NONE).num_threads(),
            ThreadPool(0, AFFINITY_NONE).num_threads());
}

TEST(ThreadPool, PolicyWithoutFrequenciesHasNoEffect) {
  ThreadPool pool(2, AFFINITY_BIG_ONLY, "/nonexistent");
  EXPECT_EQ(pool.num_threads(), 2);
  EXPECT_TRUE(pool.cores().empty());
  std::atomic<int> count{0};
  pool.ParallelFor(5, 1, [&](int64_t, int64_t, int) { ++count; });
  EXPECT_EQ(count, 5);
}

}  // namespace
}  // namespace mace
