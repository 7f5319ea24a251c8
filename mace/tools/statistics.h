// SPDX-License-Identifier: Apache-2.0
// Times of repeated runs and of their operators, and the tables that show them.
#ifndef MACE_TOOLS_STATISTICS_H_
#define MACE_TOOLS_STATISTICS_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "mace/public/mace.h"
#include "nlohmann/json.hpp"

namespace mace {
namespace tools {

// Values in the order in which they were measured.
class Series {
 public:
  void Add(double value) { values_.push_back(value); }
  size_t size() const { return values_.size(); }
  const std::vector<double> &values() const { return values_; }
  // 0 when there is no value.
  double first() const { return values_.empty() ? 0 : values_.front(); }
  double last() const { return values_.empty() ? 0 : values_.back(); }
  double min() const;
  double max() const;
  double mean() const;
  double sum() const;
  // Standard deviation of the values, seen as all there are.
  double deviation() const;
  // The value below which `share` (0 to 1) of the values lie, nearest rank.
  double quantile(double share) const;

 private:
  std::vector<double> values_;
};

// {"rounds", "first_ms", "last_ms", "min_ms", "p50_ms", "p90_ms", "max_ms", "avg_ms", "std_ms",
// "times_ms"}, of times in microseconds.
nlohmann::json ToJson(const Series &micros);

// Lines of a table: rule, title in the middle, rule, header, rule, rows, rule, empty line.
std::vector<std::string> FormatTable(const std::string &title,
                                     const std::vector<std::string> &header,
                                     const std::vector<std::vector<std::string>> &rows);

// The row of a section on repeated runs, and its header. As documented: milliseconds, the standard
// deviation alone in microseconds.
std::vector<std::string> RunHeader();
std::vector<std::string> RunRow(const Series &micros);

// Collects the statistics of operators over many runs.
class OperatorStatistics {
 public:
  void Add(const RunMetadata &run);

  // Writes the five sections on operators to the log.
  void Log() const;
  nlohmann::json ToJson() const;

 private:
  struct Record {
    OperatorStats stats;  // of the first run
    double start = 0;     // microseconds after the start of the first operator, first run
    Series micros;
  };
  std::vector<std::string> OperatorRow(const Record &record, double cumulated) const;
  void LogByRunOrder() const;
  void LogByTime() const;
  void LogByType() const;
  void LogMacs() const;
  double TotalMean() const;
  int64_t TotalMacs() const;

  std::vector<Record> records_;  // in the order of execution
  Series totals_;                // sums of all operators of a run
};

}  // namespace tools
}  // namespace mace

#endif  // MACE_TOOLS_STATISTICS_H_
