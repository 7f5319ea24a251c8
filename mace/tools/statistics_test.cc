// SPDX-License-Identifier: Apache-2.0
// Figures of series of times, and the tables of operators.
#include "mace/tools/statistics.h"

#include "gtest/gtest.h"

namespace mace {
namespace tools {
namespace {

TEST(SeriesTest, Figures) {
  Series series;
  EXPECT_EQ(series.mean(), 0);
  EXPECT_EQ(series.min(), 0);
  EXPECT_EQ(series.quantile(0.9), 0);
  for (double value : {4.0, 1.0, 3.0, 2.0}) series.Add(value);
  EXPECT_EQ(series.first(), 4);
  EXPECT_EQ(series.last(), 2);
  EXPECT_EQ(series.min(), 1);
  EXPECT_EQ(series.max(), 4);
  EXPECT_EQ(series.mean(), 2.5);
  EXPECT_NEAR(series.deviation(), 1.118034, 1e-6);
  EXPECT_EQ(series.quantile(0.5), 2);
  EXPECT_EQ(series.quantile(0.9), 4);
  EXPECT_EQ(series.quantile(0), 1);
  const nlohmann::json json = ToJson(series);
  EXPECT_EQ(json["rounds"], 4);
  EXPECT_EQ(json["avg_ms"], 0.0025);
  EXPECT_EQ(json["times_ms"].size(), 4u);
}

TEST(Table, AlignsColumns) {
  const std::vector<std::string> lines =
      FormatTable("Title", {"a", "long header"}, {{"value", "1"}, {"x", "22"}});
  const std::vector<std::string> expected = {
      "-----------------------", "         Title",          "-----------------------",
      "|     a | long header |", "-----------------------", "| value |           1 |",
      "|     x |          22 |", "-----------------------", "",
  };
  EXPECT_EQ(lines, expected);
}

RunMetadata Metadata(int64_t start, int64_t conv_micros, int64_t softmax_micros) {
  RunMetadata run;
  OperatorStats conv;
  conv.operator_name = "conv";
  conv.type = "Conv2D";
  conv.output_shape = {{1, 2, 3, 4}};
  conv.macs = 5000;
  conv.args.strides = {2, 2};
  conv.args.padding_type = 1;
  conv.args.dilations = {1, 1};
  conv.args.kernels = {8, 3, 3, 4};
  conv.stats = {start, start + conv_micros};
  OperatorStats softmax;
  softmax.operator_name = "softmax";
  softmax.type = "Softmax";
  softmax.output_shape = {{1, 10}};
  softmax.stats = {start + conv_micros, start + conv_micros + softmax_micros};
  run.op_stats = {conv, softmax};
  return run;
}

TEST(OperatorStatisticsTest, SectionsAndJson) {
  OperatorStatistics statistics;
  statistics.Add(Metadata(1000, 10, 30));
  statistics.Add(Metadata(5000, 30, 50));
  const nlohmann::json json = statistics.ToJson();
  EXPECT_EQ(json["total_macs"], 5000);
  ASSERT_EQ(json["operators"].size(), 2u);
  const nlohmann::json &conv = json["operators"][0];
  EXPECT_EQ(conv["name"], "conv");
  EXPECT_EQ(conv["avg_ms"], 0.02);
  EXPECT_EQ(conv["padding"], "SAME");
  EXPECT_NEAR(conv["percent"], 100.0 / 3, 1e-9);
  EXPECT_EQ(conv["gmacs_per_s"], 0.25);
  EXPECT_EQ(json["operators"][1]["start_ms"], 0.01);
  EXPECT_EQ(json["operators"][1].count("strides"), 0u);

  testing::internal::CaptureStderr();
  statistics.Log();
  const std::string log = testing::internal::GetCapturedStderr();
  for (const char *section : {"Sort by Run Order", "Sort by Computation Time", "Stat by Op Type",
                              "Stat by MACs(Multiply-Accumulation)", "Summary of Ops' Stat"}) {
    EXPECT_NE(log.find(section), std::string::npos) << section;
  }
  EXPECT_NE(log.find("|  Conv2D | 0.000 | 0.010 |   0.020 | 33.333 |"), std::string::npos) << log;
  EXPECT_NE(log.find("|  [2,2] | SAME |    [8,3,3,4] |    [1,2,3,4] |"), std::string::npos) << log;
  // The slower operator comes first when sorted by time.
  const size_t by_time = log.find("Sort by Computation Time");
  EXPECT_LT(log.find("Softmax", by_time), log.find("Conv2D", by_time));
}

}  // namespace
}  // namespace tools
}  // namespace mace
