// SPDX-License-Identifier: Apache-2.0
// Parts of launches: their number, and along which dimension.
#include "mace/runtimes/opencl/kernel_time.h"

#include "gtest/gtest.h"

namespace mace {
namespace opencl {
namespace {

TEST(KernelTimeTest, PartsAreAsFewAsTheLimitAllows) {
  EXPECT_EQ(PartsOf(5000, 0, 100), 1u) << "no limit";
  EXPECT_EQ(PartsOf(0, 1000, 100), 1u);
  EXPECT_EQ(PartsOf(1000, 1000, 100), 1u);
  EXPECT_EQ(PartsOf(1001, 1000, 100), 2u);
  EXPECT_EQ(PartsOf(9500, 1000, 100), 10u);
  EXPECT_EQ(PartsOf(9500, 1000, 4), 4u) << "a work-group stays whole";
  EXPECT_EQ(PartsOf(9500, 1000, 1), 1u);
  EXPECT_EQ(PartsOf(1e300, 1e-3, 7), 7u);
}

TEST(KernelTimeTest, TheDimensionWithTheMostGroupsIsDivided) {
  EXPECT_EQ(SplitDimension(2, {64, 8, 1}, {16, 1, 1}), 1u);
  EXPECT_EQ(SplitDimension(2, {640, 8, 1}, {16, 1, 1}), 0u);
  EXPECT_EQ(SplitDimension(2, {16, 8, 8}, {16, 1, 1}), 2u);
  EXPECT_EQ(SplitDimension(1, {16, 4, 8}, {16, 1, 1}), 1u) << "not beyond last_split";
  EXPECT_EQ(SplitDimension(0, {16, 4, 8}, {16, 1, 1}), 0u);
}

TEST(KernelTimeTest, EstimatesGrowWithTheWork) {
  GpuCapabilities device;
  device.family = GpuFamily::kMali;
  device.compute_units = 4;
  const double small = EstimateMicros(device, 1000000, 1000);
  EXPECT_GT(small, 0);
  EXPECT_GT(EstimateMicros(device, 100000000, 1000), 50 * small);
  EXPECT_GT(EstimateMicros(device, 0, 100000000), 50 * small);
  device.compute_units = 0;
  EXPECT_GT(EstimateMicros(device, 1000000, 1000), small);
}

}  // namespace
}  // namespace opencl
}  // namespace mace
