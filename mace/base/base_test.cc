// SPDX-License-Identifier: Apache-2.0
// The base library: shapes, checked arithmetic, half, hash, names, files, log.
#include <sys/wait.h>
#include <unistd.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "mace/base/allocator.h"
#include "mace/base/checked.h"
#include "mace/base/closest_name.h"
#include "mace/base/half.h"
#include "mace/base/hash.h"
#include "mace/base/isa.h"
#include "mace/base/logging.h"
#include "mace/base/mapped_file.h"
#include "mace/base/types.h"

namespace mace {
namespace {

TEST(ShapeTest, Basics) {
  const Shape shape = {2, 3, 4};
  EXPECT_EQ(shape.rank(), 3);
  EXPECT_EQ(shape.elements(), 24);
  EXPECT_EQ(shape.elements(1, 3), 12);
  EXPECT_EQ(shape.dim(-1), 4);
  EXPECT_EQ(shape.ToString(), "[2, 3, 4]");
  EXPECT_EQ(Shape().elements(), 1);
  EXPECT_EQ(Shape().ToString(), "[]");
  EXPECT_NE(shape, Shape({2, 3}));
  EXPECT_NE(shape, Shape({2, 3, 5}));
  EXPECT_EQ(Shape(std::vector<int64_t>(9, 1)).rank(), kMaxRank);
  EXPECT_EQ(shape.ToVector(), std::vector<int64_t>({2, 3, 4}));
}

TEST(ShapeTest, CheckedBytes) {
  size_t bytes = 1;
  EXPECT_TRUE(CheckedBytes({2, 3}, 4, &bytes));
  EXPECT_EQ(bytes, 24u);
  EXPECT_TRUE(CheckedBytes({}, 8, &bytes));
  EXPECT_EQ(bytes, 8u);
  EXPECT_TRUE(CheckedBytes({1 << 20, 0, 5}, 4, &bytes));
  EXPECT_EQ(bytes, 0u);
  EXPECT_FALSE(CheckedBytes({-1}, 4, &bytes));
  EXPECT_FALSE(CheckedBytes({int64_t{1} << 62}, 4, &bytes));
  EXPECT_FALSE(CheckedBytes({int64_t{1} << 32, int64_t{1} << 32}, 1, &bytes));
  // Shape::elements() would overflow on its way to 0.
  EXPECT_FALSE(CheckedBytes({int64_t{1} << 40, int64_t{1} << 40, 0}, 4, &bytes));
  EXPECT_EQ(CheckedBytes({int64_t{1} << 31, 4}, 1, &bytes), sizeof(size_t) == 8);
}

TEST(Checked, Arithmetic) {
  int32_t result = 0;
  EXPECT_TRUE(CheckedAdd(2, 3, &result));
  EXPECT_EQ(result, 5);
  EXPECT_FALSE(CheckedAdd(std::numeric_limits<int32_t>::max(), 1, &result));
  EXPECT_FALSE(CheckedMultiply(1 << 20, 1 << 20, &result));
  EXPECT_TRUE(InRange(0, 10, 10));
  EXPECT_TRUE(InRange(10, 0, 10));
  EXPECT_FALSE(InRange(11, 0, 10));
  EXPECT_FALSE(InRange(~uint64_t{0}, 2, 10));
  EXPECT_FALSE(InRange(5, ~uint64_t{0}, 10));
  EXPECT_EQ(AlignUp(0, 64), 0u);
  EXPECT_EQ(AlignUp(65, 64), 128u);
}

TEST(Half, EveryValueSurvivesTheWayToFloatAndBack) {
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    const float value = HalfToFloat(static_cast<uint16_t>(bits));
    if (std::isnan(value)) {
      EXPECT_GT(bits & 0x7fffu, 0x7c00u);
      EXPECT_TRUE(std::isnan(HalfToFloat(FloatToHalf(value))));
    } else {
      EXPECT_EQ(FloatToHalf(value), bits);
    }
  }
}

TEST(Half, Rounds) {
  EXPECT_EQ(FloatToHalf(1.0f), 0x3c00);
  EXPECT_EQ(FloatToHalf(65504.0f), 0x7bff);
  EXPECT_EQ(FloatToHalf(65519.0f), 0x7bff);
  EXPECT_EQ(FloatToHalf(65520.0f), 0x7c00);
  EXPECT_EQ(FloatToHalf(-1e10f), 0xfc00);
  // Between two numbers: to the even one.
  EXPECT_EQ(FloatToHalf(1.0f + 1.0f / 2048), 0x3c00);
  EXPECT_EQ(FloatToHalf(1.0f + 3.0f / 2048), 0x3c02);
  EXPECT_EQ(FloatToHalf(std::ldexp(1.0f, -24)), 0x0001);
  EXPECT_EQ(FloatToHalf(std::ldexp(1.0f, -25)), 0x0000);
  EXPECT_EQ(FloatToHalf(std::ldexp(3.0f, -25)), 0x0002);
  EXPECT_EQ(FloatToHalf(-std::ldexp(1.0f, -30)), 0x8000);
}

TEST(Hash, VectorsOfTheSpecification) {
  EXPECT_EQ(XxHash64("", 0), 0xEF46DB3751D8E999u);
  EXPECT_EQ(XxHash64("a", 1), 0xD24EC4F1A98C6E5Bu);
  EXPECT_EQ(XxHash64("abc", 3), 0x44BC2CF5AD770999u);
  // The specification's sanity buffer: bytes of a generator that begins with the 32-bit prime 1.
  std::vector<uint8_t> bytes(222);
  uint64_t generator = 2654435761u;
  for (uint8_t &byte : bytes) {
    byte = static_cast<uint8_t>(generator >> 56);
    generator *= 11400714785074694797u;
  }
  EXPECT_EQ(XxHash64(bytes.data(), 1), 0xE934A84ADB052768u);
  EXPECT_EQ(XxHash64(bytes.data(), 14), 0x8282DCC4994E35C8u);
  EXPECT_EQ(XxHash64(bytes.data(), 222), 0xB641AE8CB691C174u);
}

TEST(ClosestNameTest, Suggests) {
  const std::vector<std::string> names = {"input", "conv/weights:0", "Output"};
  EXPECT_EQ(ClosestName("inptu", names), "input");
  EXPECT_EQ(ClosestName("INPUT", names), "input");
  EXPECT_EQ(ClosestName("conv/weights", names), "conv/weights:0");
  EXPECT_EQ(ClosestName("output", names), "Output");
  EXPECT_EQ(ClosestName("something else", names), "");
  EXPECT_EQ(ClosestName("", names), "");
  EXPECT_EQ(ClosestName(std::string(1000, 'x'), names), "");
  EXPECT_EQ(DidYouMean("inptu", names), "; did you mean 'input'?");
  EXPECT_EQ(DidYouMean("zzzzzz", names), "");
}

TEST(MappedFileTest, ReadsAndReleases) {
  const std::string path = testing::TempDir() + "mapped_file";
  const size_t size = 100000;
  std::FILE *file = std::fopen(path.c_str(), "wb");
  for (size_t i = 0; i < size; ++i) std::fputc(static_cast<int>(i % 251), file);
  std::fclose(file);
  MappedFile mapped;
  ASSERT_TRUE(mapped.Open(path).ok());
  ASSERT_EQ(mapped.size(), size);
  const uint8_t *bytes = static_cast<const uint8_t *>(mapped.data());
  mapped.Release(0, size);
  mapped.Release(5000, 20000);
  mapped.Release(size, 0);
  mapped.Release(size + 1, 5);  // outside: nothing happens
  for (size_t i = 0; i < size; ++i) ASSERT_EQ(bytes[i], i % 251);
  mapped.Close();
  EXPECT_EQ(mapped.data(), nullptr);
}

TEST(MappedFileTest, Refusals) {
  MappedFile mapped;
  EXPECT_NE(mapped.Open("/nonexistent/file").message().find("No such file"), std::string::npos);
  EXPECT_NE(mapped.Open("/").message().find("not a regular file"), std::string::npos);
  const std::string path = testing::TempDir() + "empty_file";
  std::fclose(std::fopen(path.c_str(), "wb"));
  EXPECT_TRUE(mapped.Open(path).ok());
  EXPECT_EQ(mapped.size(), 0u);
}

TEST(Allocator, KeptBlocksDoNotOverlap) {
  struct Block {
    char *memory;
    size_t bytes;
  };
  std::vector<Block> blocks;
  // More than a slab, and blocks that have memory of their own.
  for (size_t bytes : {size_t{1}, size_t{64}, size_t{100}, size_t{3} << 20, size_t{5} << 20}) {
    for (int i = 0; i < 6; ++i) {
      char *memory = static_cast<char *>(AllocateKept(bytes));
      ASSERT_NE(memory, nullptr);
      EXPECT_EQ(reinterpret_cast<uintptr_t>(memory) % kMemoryAlignment, 0u);
      memory[0] = memory[bytes - 1] = static_cast<char>(blocks.size());
      blocks.push_back({memory, bytes});
    }
  }
  for (size_t i = 0; i < blocks.size(); ++i) {
    EXPECT_EQ(blocks[i].memory[0], static_cast<char>(i));
    EXPECT_EQ(blocks[i].memory[blocks[i].bytes - 1], static_cast<char>(i));
    for (size_t j = 0; j < i; ++j) {
      EXPECT_TRUE(blocks[i].memory + blocks[i].bytes <= blocks[j].memory ||
                  blocks[j].memory + blocks[j].bytes <= blocks[i].memory);
    }
  }
  for (const Block &block : blocks) FreeKept(block.memory, block.bytes);
  EXPECT_EQ(AllocateKept(0), nullptr);
  FreeKept(nullptr, 0);
  FreeKept(nullptr, 10);
  SetAllocationHook([](size_t) { return false; });
  EXPECT_EQ(AllocateKept(10), nullptr);
  SetAllocationHook(nullptr);
}

TEST(Allocator, AlignsAndFails) {
  for (size_t bytes : {size_t{1}, size_t{100}, size_t{5} << 20}) {
    void *memory = AllocateAligned(bytes);
    ASSERT_NE(memory, nullptr);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(memory) % kMemoryAlignment, 0u);
    static_cast<char *>(memory)[bytes - 1] = 1;
    FreeAligned(memory);
  }
  EXPECT_EQ(AllocateAligned(0), nullptr);
  EXPECT_EQ(AllocateAligned(std::numeric_limits<size_t>::max()), nullptr);
  SetAllocationHook([](size_t bytes) { return bytes < 10; });
  EXPECT_EQ(AllocateAligned(10), nullptr);
  FreeAligned(AllocateAligned(9));
  SetAllocationHook(nullptr);
}

TEST(Isa, ReferenceIsAlwaysThere) {
  EXPECT_NE(SupportedIsas() & kIsaReference, 0u);
  EXPECT_EQ(SupportedIsas() & ~DetectedIsas(), 0u);
  EXPECT_STREQ(IsaName(kIsaAvx2), "avx2");
#if defined(__aarch64__)
  EXPECT_NE(DetectedIsas() & kIsaNeon, 0u);
#elif defined(__x86_64__)
  EXPECT_EQ(DetectedIsas() & kIsaNeon, 0u);
#endif
}

TEST(Types, SizesAndNames) {
  EXPECT_EQ(DataTypeSize(DT_INT64), 8u);
  EXPECT_EQ(DataTypeSize(DT_HALF), 2u);
  EXPECT_EQ(DataTypeSize(DT_INVALID), 0u);
  EXPECT_EQ(DataTypeSize(static_cast<DataType>(1000)), 0u);
  EXPECT_STREQ(DataTypeName(DT_FLOAT), "float32");
  EXPECT_STREQ(DataTypeName(static_cast<DataType>(-5)), "invalid");
}

// The log reads its levels once: each case is a process of its own. The parent's environment is
// what it was.
std::string LogOf(const char *level, const char *vlog_level, void (*write)()) {
  const std::string path = testing::TempDir() + "log";
  std::fflush(nullptr);
  const pid_t child = fork();
  if (child == 0) {
    if (std::freopen(path.c_str(), "w", stderr) == nullptr) _exit(1);
    if (level != nullptr) setenv("MACE_CPP_MIN_LOG_LEVEL", level, 1);
    if (vlog_level != nullptr) setenv("MACE_CPP_MIN_VLOG_LEVEL", vlog_level, 1);
    write();
    std::fflush(stderr);
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  std::string text;
  std::FILE *file = std::fopen(path.c_str(), "r");
  for (int c = std::fgetc(file); c != EOF; c = std::fgetc(file)) text += static_cast<char>(c);
  std::fclose(file);
  return text + (WIFSIGNALED(status) ? "signal" : "");
}

void WriteAll() {
  LOG(INFO) << "one " << 1;
  LOG(WARNING) << "two " << 2.5;
  LOG(ERROR) << "three " << true << 'c' << std::string("s");
  VLOG(1) << "first";
  VLOG(2) << "second";
}

TEST(Logging, Levels) {
  const std::string all = LogOf(nullptr, nullptr, WriteAll);
  EXPECT_NE(all.find("I base_test.cc:"), std::string::npos) << all;
  EXPECT_NE(all.find(" one 1\nW "), std::string::npos) << all;
  EXPECT_NE(all.find(" two 2.5\nE "), std::string::npos) << all;
  EXPECT_NE(all.find(" three truecs\n"), std::string::npos) << all;
  EXPECT_EQ(all.find("first"), std::string::npos) << all;
  const std::string errors = LogOf("2", nullptr, WriteAll);
  EXPECT_EQ(errors.find("two"), std::string::npos) << errors;
  EXPECT_NE(errors.find("three"), std::string::npos) << errors;
  EXPECT_EQ(LogOf("4", nullptr, WriteAll), "");
  const std::string verbose = LogOf(nullptr, "1", WriteAll);
  EXPECT_NE(verbose.find("first"), std::string::npos) << verbose;
  EXPECT_EQ(verbose.find("second"), std::string::npos) << verbose;
  EXPECT_NE(LogOf("abc", nullptr, WriteAll).find("is not a number"), std::string::npos);
}

TEST(Logging, FatalAborts) {
  const std::string text = LogOf(nullptr, nullptr, [] { MACE_CHECK(1 == 2) << "why"; });
  EXPECT_NE(text.find("Check failed: 1 == 2 why"), std::string::npos) << text;
  EXPECT_NE(text.find("signal"), std::string::npos) << text;
  EXPECT_EQ(LogOf(nullptr, nullptr, [] { MACE_CHECK(1 == 1) << "why"; }), "");
  // An emulator may add a line of its own about the signal.
  const std::string silent = LogOf("4", nullptr, [] { LOG(FATAL) << "why"; });
  EXPECT_EQ(silent.find("why"), std::string::npos) << silent;
  EXPECT_NE(silent.find("signal"), std::string::npos) << silent;
}

}  // namespace
}  // namespace mace
