// SPDX-License-Identifier: Apache-2.0
// A run allocates nothing once its shape is known: counted in every function that gives out memory,
// for both interfaces and for several threads.
#include <atomic>
#include <cstdlib>
#include <new>

#include "mace/base/allocator.h"
#include "mace/public/mace_c.h"
#include "test/api/models.h"

namespace {

std::atomic<int64_t> allocations{0};

}  // namespace

// The linker sends calls of the library to these (see BUILD).
extern "C" {

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);
int __real_posix_memalign(void **memory, size_t alignment, size_t size);

void *__wrap_malloc(size_t size) {
  ++allocations;
  return __real_malloc(size);
}
void *__wrap_calloc(size_t count, size_t size) {
  ++allocations;
  return __real_calloc(count, size);
}
void *__wrap_realloc(void *memory, size_t size) {
  ++allocations;
  return __real_realloc(memory, size);
}
int __wrap_posix_memalign(void **memory, size_t alignment, size_t size) {
  ++allocations;
  return __real_posix_memalign(memory, alignment, size);
}

}  // extern "C"

void *operator new(size_t size) {
  ++allocations;
  void *memory = __real_malloc(size == 0 ? 1 : size);
  if (memory == nullptr) std::abort();
  return memory;
}
void *operator new[](size_t size) { return operator new(size); }
void *operator new(size_t size, const std::nothrow_t &) noexcept { return operator new(size); }
void *operator new[](size_t size, const std::nothrow_t &) noexcept { return operator new(size); }
void operator delete(void *memory) noexcept { std::free(memory); }
void operator delete[](void *memory) noexcept { std::free(memory); }
void operator delete(void *memory, size_t) noexcept { std::free(memory); }
void operator delete[](void *memory, size_t) noexcept { std::free(memory); }

namespace mace {
namespace test {
namespace {

using Tensors = std::map<std::string, MaceTensor>;

TEST(Allocation, AreCounted) {
  const int64_t before = allocations;
  FreeAligned(AllocateAligned(100));
  EXPECT_EQ(allocations, before + 1);
  operator delete(operator new(4));
  EXPECT_GE(allocations, before + 2);
}

class AllocationTest : public testing::TestWithParam<int> {
 protected:
  MaceEngineConfig Config() const {
    MaceEngineConfig config;
    EXPECT_TRUE(config.SetCPUThreadPolicy(GetParam(), AFFINITY_NONE).ok());
    return config;
  }
};

TEST_P(AllocationTest, NoneInARun) {
  const ModelFiles files = SmallNet();
  const auto engine = MakeEngine(files, Config());
  ASSERT_NE(engine, nullptr);
  const Tensors inputs = {{"input", FloatTensor({1, 8, 8, 3}, Numbers(192))}};
  Tensors outputs = {{"output", EmptyTensor({1, 5})}};
  // The first run may set up what the system keeps for each thread.
  ASSERT_MACE_OK(engine->Run(inputs, &outputs));
  const int64_t before = allocations;
  for (int i = 0; i < 10; ++i) {
    const MaceStatus status = engine->Run(inputs, &outputs);
    if (!status.ok()) break;
  }
  EXPECT_EQ(allocations, before);
}

TEST_P(AllocationTest, NoneWhenShapesAlternate) {
  const ModelFiles files = AddOneModel();
  const auto engine = MakeEngine(files, Config());
  ASSERT_NE(engine, nullptr);
  const Tensors small = {{"input", FloatTensor({1, 4}, Numbers(4))}};
  const Tensors large = {{"input", FloatTensor({50, 4}, Numbers(200))}};
  Tensors outputs = {{"output", EmptyTensor({50, 4})}};
  ASSERT_MACE_OK(engine->Run(small, &outputs));
  ASSERT_MACE_OK(engine->Run(large, &outputs));
  const int64_t before = allocations;
  bool ok = true;
  for (int i = 0; i < 10; ++i) {
    ok = ok && engine->Run(small, &outputs).ok() && engine->Run(large, &outputs).ok();
  }
  EXPECT_EQ(allocations, before);
  EXPECT_TRUE(ok);
}

TEST_P(AllocationTest, NoneInTheCInterface) {
  const ModelFiles files = SmallNet();
  mace_config config;
  mace_config_init(&config);
  config.num_threads = GetParam();
  mace_engine *engine = nullptr;
  ASSERT_EQ(mace_engine_create(files.graph.data(), files.graph.size(), files.data(),
                               files.data_size, nullptr, &config, &engine),
            0)
      << mace_last_error();
  std::vector<float> input = Numbers(192), output(5);
  mace_tensor in = {"input", 1, 0, 4, {1, 8, 8, 3}, input.data(), input.size() * sizeof(float)};
  mace_tensor out = {"output", 1, 0, 0, {}, output.data(), output.size() * sizeof(float)};
  ASSERT_EQ(mace_engine_run(engine, &in, 1, &out, 1, nullptr, nullptr), 0);
  const int64_t before = allocations;
  int code = 0;
  for (int i = 0; i < 10; ++i) code |= mace_engine_run(engine, &in, 1, &out, 1, nullptr, nullptr);
  EXPECT_EQ(allocations, before);
  EXPECT_EQ(code, 0);
  mace_engine_destroy(engine);
}

INSTANTIATE_TEST_SUITE_P(Threads, AllocationTest, testing::Values(1, 3));

}  // namespace
}  // namespace test
}  // namespace mace
