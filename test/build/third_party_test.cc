// SPDX-License-Identifier: Apache-2.0
// The outside libraries compile for each target and do what we need of them.
#include <string>

#include "CL/cl.h"
#include "cxxopts.hpp"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "hwy/highway.h"
#include "nlohmann/json.hpp"
#include "protozero/pbf_reader.hpp"
#include "protozero/pbf_writer.hpp"

HWY_BEFORE_NAMESPACE();
namespace mace {
namespace HWY_NAMESPACE {

float SumOfSquares(const float *values, size_t count) {
  namespace hn = hwy::HWY_NAMESPACE;
  const hn::CappedTag<float, 4> d;
  auto sum = hn::Zero(d);
  for (size_t i = 0; i < count; i += hn::Lanes(d)) {
    const auto v = hn::LoadU(d, values + i);
    sum = hn::MulAdd(v, v, sum);
  }
  return hn::GetLane(hn::SumOfLanes(d, sum));
}

}  // namespace HWY_NAMESPACE
}  // namespace mace
HWY_AFTER_NAMESPACE();

namespace mace {
namespace {

TEST(ThirdParty, Highway) {
  const float values[8] = {1, 2, 3, 4, 5, 6, 7, 8};
  EXPECT_EQ(HWY_NAMESPACE::SumOfSquares(values, 8), 204.0f);
}

TEST(ThirdParty, Protozero) {
  std::string bytes;
  protozero::pbf_writer writer(bytes);
  writer.add_string(3, "mace");
  protozero::pbf_reader reader(bytes);
  ASSERT_TRUE(reader.next(3));
  EXPECT_EQ(reader.get_string(), "mace");
  protozero::pbf_reader truncated(bytes.data(), bytes.size() - 1);
  ASSERT_TRUE(truncated.next(3));
  EXPECT_THROW(truncated.get_string(), protozero::end_of_buffer_exception);
}

TEST(ThirdParty, Json) {
  const auto json = nlohmann::json::parse(R"({"a": [1, 2]})");
  EXPECT_EQ(json["a"][1], 2);
}

TEST(ThirdParty, Cxxopts) {
  cxxopts::Options options("program");
  options.add_options()("round", "", cxxopts::value<int>());
  const char *argv[] = {"program", "--round=3"};
  EXPECT_EQ(options.parse(2, argv)["round"].as<int>(), 3);
}

TEST(ThirdParty, OpenClHeaders) { EXPECT_EQ(CL_TARGET_OPENCL_VERSION, 200); }

TEST(ThirdParty, GoogleMock) { EXPECT_THAT("mace", ::testing::StartsWith("ma")); }

}  // namespace
}  // namespace mace
