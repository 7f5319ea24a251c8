// SPDX-License-Identifier: Apache-2.0
// Packed weights that the next engine maps: the same results to the last bit, whatever lies in the
// folder, and weights that are stored in two bytes each.
#include <dirent.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cfloat>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>

#include "mace/base/half.h"
#include "mace/base/hash.h"
#include "test/api/models.h"

namespace mace {
namespace test {
namespace {

using Tensors = std::map<std::string, MaceTensor>;

std::vector<float> Random(int64_t count, uint32_t seed) {
  std::vector<float> values(static_cast<size_t>(count));
  for (float &value : values) {
    seed = seed * 1664525u + 1013904223u;
    value = static_cast<float>(seed >> 16) / 65536.0f - 0.5f;
  }
  return values;
}

// Weights of each kind of operator that packs them, stored as `stored_type` says; the sum reads its
// constant in each run.
ModelFiles Network(DataType stored_type = DT_INVALID) {
  ModelBuilder builder;
  uint32_t seed = 1;
  const auto weights = [&](const char *name, const std::vector<int64_t> &dims) {
    const std::vector<float> floats = Random(Shape(dims).elements(), ++seed);
    std::vector<uint16_t> twos;
    for (float value : floats) {
      uint32_t bits;
      std::memcpy(&bits, &value, sizeof(bits));
      twos.push_back(stored_type == DT_HALF ? FloatToHalf(value)
                                            : static_cast<uint16_t>(bits >> 16));
    }
    if (stored_type == DT_INVALID) {
      builder.Constant<float>(name, dims, floats);
    } else {
      builder.ConstantBytes(name, dims, DT_FLOAT, twos.data(), twos.size() * 2, stored_type);
    }
  };
  weights("filter", {16, 3, 3, 8});
  weights("bias", {16});
  weights("depthwise", {1, 3, 3, 16});
  weights("transposed", {12, 2, 2, 16});
  for (const char *name : {"scale", "offset"}) weights(name, {12});
  weights("weight", {10, 12 * 12 * 12});
  weights("matrix", {10, 20});
  weights("addend", {20});
  builder.Input("x", {1, 6, 6, 8}, DT_FLOAT, NHWC)
      .Output("y", {1, 20})
      .Constant<int32_t>("shape", {2}, {1, -1})
      .Op("Conv2D", "conv", {"x", "filter", "bias"}, {"a"}, {StringArg("padding", "SAME")})
      .Op("DepthwiseConv2d", "depthwise_conv", {"a", "depthwise"}, {"b"},
          {StringArg("padding", "SAME")})
      .Op("Deconv2D", "deconv", {"b", "transposed"}, {"c"},
          {StringArg("padding", "SAME"), IntsArg("strides", {2, 2})})
      .Op("BatchNorm", "norm", {"c", "scale", "offset"}, {"d"})
      .Op("Reshape", "flatten", {"d", "shape"}, {"e"})
      .Op("FullyConnected", "full", {"e", "weight"}, {"f"})
      .Op("MatMul", "product", {"f", "matrix"}, {"g"})
      .Op("Eltwise", "add", {"g", "addend"}, {"y"}, {StringArg("type", "SUM")});
  return builder.Build();
}

class Storage : public testing::Test {
 protected:
  void SetUp() override {
    const char *base = std::getenv("TEST_TMPDIR");
    std::string name = std::string(base == nullptr ? "/tmp" : base) + "/storage_XXXXXX";
    ASSERT_NE(mkdtemp(&name[0]), nullptr);
    folder_ = name;
  }
  void TearDown() override {
    Clear();
    rmdir(folder_.c_str());
  }
  void Clear() const {
    for (const std::string &file : Files()) unlink(file.c_str());
  }

  std::vector<std::string> Files() const {
    std::vector<std::string> files;
    DIR *directory = opendir(folder_.c_str());
    while (const struct dirent *entry = readdir(directory)) {
      if (entry->d_name[0] != '.') files.push_back(folder_ + "/" + entry->d_name);
    }
    closedir(directory);
    return files;
  }
  std::string Content() const {
    const std::vector<std::string> files = Files();
    if (files.size() != 1) return "";
    std::ifstream file(files[0], std::ios::binary);
    std::stringstream content;
    content << file.rdbuf();
    return content.str();
  }
  // In a file of its own, as engines may have mapped the old one.
  void Replace(const std::string &content) const {
    const std::string path = Files()[0];
    unlink(path.c_str());
    std::ofstream(path, std::ios::binary) << content;
  }

  // Elements of y; empty with the reason in `status` if there is no engine. warned: something was
  // said meanwhile.
  std::vector<float> Run(const ModelFiles &files, const std::string &folder, bool *warned = nullptr,
                         int threads = 1, MaceStatus *status = nullptr) {
    MaceEngineConfig config;
    MaceStatus all;
    testing::internal::CaptureStderr();
    config.SetStoragePath(folder);
    config.SetCPUThreadPolicy(threads, AFFINITY_NONE);
    MaceEngine engine(config);
    all = InitEngine(files, &engine);
    Tensors outputs = {{"y", EmptyTensor({1, 20})}};
    if (all.ok()) all = engine.Run({{"x", FloatTensor({1, 6, 6, 8}, Random(288, 99))}}, &outputs);
    log_ = testing::internal::GetCapturedStderr();
    if (warned != nullptr) *warned = !log_.empty();
    if (status != nullptr) *status = all;
    EXPECT_TRUE(status != nullptr || all.ok()) << all.information();
    if (all.ok()) packed_ = engine.memory_usage().packed_weights;
    return all.ok() ? Values(outputs["y"]) : std::vector<float>();
  }

  std::string folder_, log_;
  size_t packed_ = 0;
};

TEST_F(Storage, TheSecondEngineComputesTheSame) {
  for (DataType type : {DT_INVALID, DT_HALF, DT_BFLOAT16}) {
    const ModelFiles files = Network(type);
    const std::vector<float> expected = Run(files, "");
    const size_t packed = packed_;
    EXPECT_GT(packed, 0u);
    EXPECT_TRUE(Files().empty());
    bool warned = true;
    for (int threads : {1, 1, 3, 2}) {
      EXPECT_EQ(Run(files, folder_, &warned, threads), expected) << type;
      EXPECT_FALSE(warned) << log_;
      EXPECT_EQ(packed_, packed);
      ASSERT_EQ(Files().size(), 1u);
      EXPECT_GT(Content().size(), packed);
    }
    struct stat info;
    ASSERT_EQ(stat(Files()[0].c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777, 0600u);
    Clear();
  }
}

TEST_F(Storage, WeightsComeFromTheFile) {
  const ModelFiles files = Network();
  const std::vector<float> expected = Run(files, folder_);
  // Of weights that the file has nothing is read: what they became does not matter. Elements that
  // each run reads are compared.
  ModelFiles damaged = files;
  damaged.blocks[0].bytes[5] ^= 1;
  EXPECT_EQ(Run(damaged, folder_), expected);
  damaged = files;
  damaged.blocks.back().bytes[0] ^= 1;  // of "shape", the last one
  MaceStatus status;
  Run(damaged, folder_, nullptr, 1, &status);
  EXPECT_TRUE(Fails(status, MaceStatus::MACE_INVALID_ARGS, "damaged"));
  // And without the file all are.
  Clear();
  damaged = files;
  damaged.blocks[0].bytes[5] ^= 1;
  for (int threads : {1, 2}) {
    Run(damaged, folder_, nullptr, threads, &status);
    EXPECT_TRUE(Fails(status, MaceStatus::MACE_INVALID_ARGS, "damaged"));
  }
}

TEST_F(Storage, EachBytesDamageIsFound) {
  const ModelFiles files = Network();
  const std::vector<float> expected = Run(files, folder_);
  const std::string good = Content();
  ASSERT_GT(good.size(), 1000u);
  bool warned = false;
  int damaged = 0, found = 0;
  // Some of the head, and fewer of the blocks.
  for (size_t at = 0; at < good.size(); at += at < 600 ? 11 : 1997) {
    std::string bad = good;
    bad[at] ^= 0x10;
    Replace(bad);
    ASSERT_EQ(Run(files, folder_, &warned), expected) << at;
    // Only what fills up to the next block is not looked at.
    ASSERT_EQ(Content() == good, warned) << at;
    found += warned ? 1 : 0;
    ++damaged;
  }
  EXPECT_GT(found, damaged * 9 / 10);
  for (size_t size : {size_t{0}, size_t{1}, size_t{63}, size_t{64}, size_t{100}, good.size() - 1}) {
    Replace(good.substr(0, size));
    ASSERT_EQ(Run(files, folder_, &warned), expected) << size;
    EXPECT_TRUE(warned);
    ASSERT_EQ(Content(), good);
  }
}

// Numbers that no engine writes, with the right checksum.
TEST_F(Storage, HostileNumbers) {
  const ModelFiles files = Network();
  const std::vector<float> expected = Run(files, folder_);
  const std::string good = Content();
  constexpr uint64_t kNumbers[] = {
      0, 1, 63, 64, 1u << 20, uint64_t{1} << 32, uint64_t{1} << 63, ~uint64_t{0}, ~uint64_t{63}};
  ASSERT_GT(good.size(), 64u);
  uint64_t entries;
  std::memcpy(&entries, &good[48], sizeof(entries));
  const size_t head = 64 + 40 * entries;
  for (size_t at = 16; at < head; at += 8) {
    for (uint64_t number : kNumbers) {
      std::string bad = good;
      std::memcpy(&bad[at], &number, sizeof(number));
      const uint64_t checksum = XxHash64(&bad[16], head - 16);
      std::memcpy(&bad[8], &checksum, sizeof(checksum));
      Replace(bad);
      ASSERT_EQ(Run(files, folder_), expected) << at << " " << number;
    }
    if (at >= 64 + 80 && at < head - 80) at += 40;  // some blocks stand for all
  }
}

TEST_F(Storage, OfAnotherProcessorOrVersion) {
  const ModelFiles files = Network();
  const std::vector<float> expected = Run(files, folder_);
  const std::string good = Content();
  uint64_t entries;
  std::memcpy(&entries, &good[48], sizeof(entries));
  std::string other = good;
  other[24] ^= 1;
  const uint64_t checksum = XxHash64(&other[16], 64 + 40 * entries - 16);
  std::memcpy(&other[8], &checksum, sizeof(checksum));
  Replace(other);
  EXPECT_EQ(Run(files, folder_), expected);
  EXPECT_NE(log_.find("another version of MACE or for another processor"), std::string::npos)
      << log_;
  EXPECT_EQ(Content(), good);
}

TEST_F(Storage, EachModelHasItsFile) {
  const ModelFiles one = Network(), other = Network(DT_HALF);
  const std::vector<float> expected = Run(one, ""), expected_other = Run(other, "");
  EXPECT_NE(expected, expected_other);
  for (int round = 0; round < 2; ++round) {
    EXPECT_EQ(Run(one, folder_), expected);
    EXPECT_EQ(Run(other, folder_), expected_other);
    EXPECT_EQ(Files().size(), 2u);
  }
}

TEST_F(Storage, FoldersThatCannotBeWritten) {
  const ModelFiles files = Network();
  const std::vector<float> expected = Run(files, "");
  EXPECT_EQ(Run(files, "/proc/no/such/folder"), expected);
  EXPECT_NE(log_.find("packed weights are not kept"), std::string::npos) << log_;
  // What lies there is no file.
  Run(files, folder_);
  const std::string path = Files()[0];
  unlink(path.c_str());
  ASSERT_EQ(mkdir(path.c_str(), 0700), 0);
  EXPECT_EQ(Run(files, folder_), expected);
  EXPECT_NE(log_.find("is not a regular file"), std::string::npos) << log_;
  rmdir(path.c_str());
}

TEST_F(Storage, FullDisk) {
  const ModelFiles files = Network();
  const std::vector<float> expected = Run(files, "");
  struct rlimit old;
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &old), 0);
  signal(SIGXFSZ, SIG_IGN);
  // More than what the test itself keeps of the log, less than the file.
  struct rlimit small = old;
  small.rlim_cur = 20000;
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  EXPECT_EQ(Run(files, folder_), expected);
  setrlimit(RLIMIT_FSIZE, &old);
  EXPECT_NE(log_.find("packed weights are not kept"), std::string::npos) << log_;
  EXPECT_TRUE(Files().empty());
}

TEST_F(Storage, NumbersOfTwoBytes) {
  // Each number comes out as it is defined: of the model that adds it to zero.
  for (DataType type : {DT_HALF, DT_BFLOAT16}) {
    std::vector<uint16_t> numbers(65536 - 3);
    for (size_t i = 0; i < numbers.size(); ++i) numbers[i] = static_cast<uint16_t>(i);
    const int64_t count = static_cast<int64_t>(numbers.size());
    ModelBuilder builder;
    builder.Input("x", {1})
        .Output("y", {count})
        .ConstantBytes("numbers", {count}, DT_FLOAT, numbers.data(), numbers.size() * 2, type)
        .Op("Eltwise", "add", {"numbers", "x"}, {"y"}, {StringArg("type", "SUM")});
    const auto engine = MakeEngine(builder.Build());
    ASSERT_NE(engine, nullptr);
    Tensors outputs = {{"y", EmptyTensor({count})}};
    ASSERT_MACE_OK(engine->Run({{"x", FloatTensor({1}, {0.0f})}}, &outputs));
    const std::vector<float> values = Values(outputs["y"]);
    for (size_t i = 0; i < numbers.size(); ++i) {
      float expected;
      const uint32_t bits = static_cast<uint32_t>(numbers[i]) << 16;
      std::memcpy(&expected, &bits, sizeof(expected));
      if (type == DT_HALF) expected = HalfToFloat(numbers[i]);
      if (expected != expected) {
        ASSERT_NE(values[i], values[i]) << i;
#if defined(__arm__)
      } else if (std::fabs(expected) < FLT_MIN) {
        // Vectors of 32-bit Arm take subnormal numbers for 0.
        ASSERT_TRUE(values[i] == 0 || values[i] == expected) << i;
#endif
      } else {
        ASSERT_EQ(values[i], expected) << i;
      }
    }
  }
}

}  // namespace
}  // namespace test
}  // namespace mace
