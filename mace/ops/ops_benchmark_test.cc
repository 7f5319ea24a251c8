// SPDX-License-Identifier: Apache-2.0
// Every operator that computes has a benchmark, and every benchmark can be run.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <set>
#include <string>
#include <vector>

#include "mace/base/isa.h"
#include "mace/core/op_schema.h"
#include "mace/ops/ops_benchmark_cases.h"
#include "mace/ops/ops_benchmark_gpu.h"
#include "mace/ops/ops_benchmark_kernels.h"
#include "mace/ops/ops_benchmark_limits.h"

namespace mace {
namespace ops {
namespace test {
namespace {

// These move nothing, or run other operators.
const std::set<std::string> kWithout = {"Flatten", "Identity", "If",      "Loop",
                                        "Reshape", "Shape",    "Squeeze", "Unsqueeze"};

TEST(OpsBenchmarkTest, EveryOperatorHasOne) {
  std::set<std::string> covered, names;
  for (const BenchmarkCase &one : BenchmarkCases()) {
    covered.insert(one.op);
    EXPECT_TRUE(names.insert(one.Name()).second) << one.Name() << " is there twice";
  }
  for (int i = 0; i < kOpSchemaCount; ++i) {
    const std::string op = kOpSchemas[i].name;
    EXPECT_NE(covered.count(op), kWithout.count(op)) << op;
  }
}

TEST(OpsBenchmarkTest, EachCanBePlanned) {
  for (const BenchmarkCase &one : BenchmarkCases()) {
    OpsTestNet net;
    AddBenchmarkCase(one, &net);
    EXPECT_TRUE(Succeeds(net.RepeatOp(1, [] { return false; }))) << one.Name();
  }
}

TEST(OpsBenchmarkTest, OneIsRun) {
  for (const BenchmarkCase &one : BenchmarkCases()) {
    if (one.op != "FullyConnected") continue;
    EXPECT_EQ(one.Name(), "MACE_BM_FULLY_CONNECTED_1x1024_1000_float_CPU");
    EXPECT_EQ(one.InputBytes(), 4096);
    OpsTestNet net;
    AddBenchmarkCase(one, &net);
    int rounds = 0;
    EXPECT_TRUE(Succeeds(net.RepeatOp(2, [&] { return rounds++ < 3; })));
    EXPECT_EQ(rounds, 4);
    EXPECT_EQ(net.macs(), 1024 * 1000);
  }
}

TEST(OpsBenchmarkTest, GpuCasesHaveNames) {
  int convolutions = 0, typed = 0;
  for (const BenchmarkCase &one : BenchmarkCases()) {
    if (!GpuBenchmark::MayRun(one)) continue;
    EXPECT_TRUE(GpuBenchmark::IsBuilt());
    convolutions += one.op == "Conv2D";
    typed += one.inputs[0].dtype != DT_FLOAT;
    if (one.op != "FullyConnected") continue;
    EXPECT_EQ(GpuBenchmark::Name(one, false), "MACE_BM_FULLY_CONNECTED_1x1024_1000_float_GPU");
    EXPECT_EQ(GpuBenchmark::Name(one, true), "MACE_BM_FULLY_CONNECTED_1x1024_1000_half_GPU");
    EXPECT_EQ(GpuBenchmark::InputBytes(one, true) * 2, one.InputBytes());
  }
  EXPECT_EQ(convolutions > 0, GpuBenchmark::IsBuilt());
  EXPECT_EQ(typed, 0);
}

TEST(OpsBenchmarkTest, OneIsRunOnTheGpu) {
  setenv("MACE_OPENCL_DEVICE", "Portable Computing Language", 0);
  GpuBenchmark gpu;
  const MaceStatus opened = gpu.Open();
  if (!GpuBenchmark::IsBuilt()) {
    EXPECT_NE(opened.information().find("opencl=true"), std::string::npos);
    return;
  }
  if (!opened.ok()) GTEST_SKIP() << opened.information();
  int run = 0, refused = 0;
  for (const BenchmarkCase &one : BenchmarkCases()) {
    if (one.op != "FullyConnected" && one.op != "ArgMax" && one.op != "SpaceToDepth") continue;
    if (!GpuBenchmark::MayRun(one)) continue;
    for (bool half : {false, true}) {
      GpuTime time;
      EXPECT_TRUE(Succeeds(gpu.Measure(one, half, 0, 3, &time))) << one.Name();
      EXPECT_EQ(time.iterations, 3);
      EXPECT_GT(time.nanoseconds, 0);
      EXPECT_EQ(time.macs, one.op == "FullyConnected" ? 1024 * 1000 : 0);
      ++run;
    }
    // The GPU executes no operator on whole numbers.
    BenchmarkCase other = one;
    other.inputs[0].dtype = DT_INT32;
    GpuTime time;
    refused += gpu.Measure(other, false, 0, 1, &time).ok() ? 0 : 1;
  }
  EXPECT_GE(run, 6);
  EXPECT_EQ(refused * 2, run);
}

TEST(OpsBenchmarkTest, OneKernelIsChosenForEachConvolution) {
  for (const BenchmarkCase &one : BenchmarkCases()) {
    const std::vector<kernels::Way> ways = KernelsOf(one);
    const bool convolution = one.op == "Conv2D" || one.op == "Deconv2D" ||
                             one.op == "DepthwiseConv2d" || one.op == "FullyConnected";
    if (!convolution) {
      EXPECT_TRUE(ways.empty()) << one.Name();
      continue;
    }
    const auto chosen = [](const kernels::Way &way) { return way.chosen; };
    // The references are not among them.
    const int64_t wanted = ways.empty() ? 0 : 1;
    EXPECT_EQ(std::count_if(ways.begin(), ways.end(), chosen), wanted) << one.Name();
    EXPECT_EQ(ways.empty(), SupportedIsas() == kIsaReference) << one.Name();
    if (one.op != "FullyConnected") continue;
    for (const KernelTime &time : TimeKernels(ways, 0)) EXPECT_GT(time.nanoseconds, 0) << time.name;
  }
}

TEST(OpsBenchmarkTest, FasterKernelsAreSaidSo) {
  const std::vector<KernelTime> times = {{"a", false, 94}, {"b", true, 100}, {"c", false, 96}};
  const std::string lines = KernelLines(times);
  EXPECT_NE(lines.find("  * b "), std::string::npos) << lines;
  EXPECT_NE(lines.find("94 faster by 6 %\n"), std::string::npos) << lines;
  EXPECT_EQ(lines.find("faster"), lines.rfind("faster")) << lines;
  EXPECT_NE(KernelJson(times).find("{\"name\": \"c\", \"nanoseconds\": 96.0, \"chosen\": false, "
                                   "\"faster\": false}]"),
            std::string::npos)
      << KernelJson(times);
}

TEST(OpsBenchmarkTest, LimitsAreTheLargerOfCopiesAndProducts) {
  for (int threads : {1, 2}) {
    MachineLimits limits(threads, 0.001);
    ASSERT_GT(limits.macs_per_nanosecond(), 0);
    EXPECT_GT(limits.CopyNanoseconds(1 << 20, 0.001), 0);
    EXPECT_GT(limits.CopyNanoseconds(0, 0.001), 0);
    const Roofline products = limits.Of("Conv2D", int64_t{1} << 40, 64, 1e15, 0.001);
    EXPECT_FALSE(products.copies);
    const double expected = static_cast<double>(int64_t{1} << 40) / limits.macs_per_nanosecond();
    EXPECT_NEAR(products.nanoseconds, expected, 1e-6 * expected);
    EXPECT_NEAR(products.share, expected / 1e15, 1e-6);
    const Roofline copies = limits.Of("Concat", 0, 1 << 20, 1, 0.001);
    EXPECT_TRUE(copies.copies);
    EXPECT_EQ(copies.share, copies.nanoseconds);
    EXPECT_LT(limits.Of("DepthwiseConv2d", 0, 1, 1, 0.001).wanted, products.wanted);
  }
}

}  // namespace
}  // namespace test
}  // namespace ops
}  // namespace mace
