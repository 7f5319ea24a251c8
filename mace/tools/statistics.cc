// SPDX-License-Identifier: Apache-2.0
// Times of repeated runs and of their operators, and the tables that show them.
#include "mace/tools/statistics.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <numeric>

#include "mace/base/logging.h"

namespace mace {
namespace tools {

namespace {

using nlohmann::json;

constexpr size_t kTopOperators = 10;

std::string Number(double value) {
  char text[40];
  std::snprintf(text, sizeof(text), "%.3f", value);
  return text;
}

std::string Thousands(int64_t value) {
  std::string digits = std::to_string(value);
  for (size_t at = digits.size(); at > 3;) {
    at -= 3;
    digits.insert(at, ",");
  }
  return digits;
}

template <typename T>
std::string List(const std::vector<T> &values) {
  if (values.empty()) return "";
  std::string text;
  for (const T &value : values) {
    text += (text.empty() ? "[" : ",") + std::to_string(static_cast<int64_t>(value));
  }
  return text + "]";
}

std::string Padding(const ConvPoolArgs &args) {
  switch (args.padding_type) {
    case 0:
      return "VALID";
    case 1:
      return "SAME";
    case 2:
      return List(args.paddings);
    default:
      return "";
  }
}

// Multiply-adds in a time: 1e9 a second.
double GigaMacs(int64_t macs, double micros) {
  return micros <= 0 ? 0 : static_cast<double>(macs) / micros * 1e-3;
}

double Percent(double part, double whole) { return whole <= 0 ? 0 : 100 * part / whole; }

void LogLines(const std::vector<std::string> &lines) {
  for (const std::string &line : lines) LOG(INFO) << line;
}

}  // namespace

double Series::min() const {
  return values_.empty() ? 0 : *std::min_element(values_.begin(), values_.end());
}

double Series::max() const {
  return values_.empty() ? 0 : *std::max_element(values_.begin(), values_.end());
}

double Series::sum() const { return std::accumulate(values_.begin(), values_.end(), 0.0); }

double Series::mean() const {
  return values_.empty() ? 0 : sum() / static_cast<double>(values_.size());
}

double Series::deviation() const {
  if (values_.empty()) return 0;
  const double middle = mean();
  double squares = 0;
  for (double value : values_) squares += (value - middle) * (value - middle);
  return std::sqrt(squares / static_cast<double>(values_.size()));
}

double Series::quantile(double share) const {
  if (values_.empty()) return 0;
  std::vector<double> sorted = values_;
  std::sort(sorted.begin(), sorted.end());
  const double rank = std::ceil(share * static_cast<double>(sorted.size()));
  return sorted[static_cast<size_t>(std::max(rank, 1.0)) - 1];
}

json ToJson(const Series &micros) {
  json times = json::array();
  for (double value : micros.values()) times.push_back(value / 1000);
  return {{"rounds", micros.size()},
          {"first_ms", micros.first() / 1000},
          {"last_ms", micros.last() / 1000},
          {"min_ms", micros.min() / 1000},
          {"p50_ms", micros.quantile(0.5) / 1000},
          {"p90_ms", micros.quantile(0.9) / 1000},
          {"max_ms", micros.max() / 1000},
          {"avg_ms", micros.mean() / 1000},
          {"std_ms", micros.deviation() / 1000},
          {"times_ms", times}};
}

std::vector<std::string> FormatTable(const std::string &title,
                                     const std::vector<std::string> &header,
                                     const std::vector<std::vector<std::string>> &rows) {
  std::vector<size_t> widths;
  for (size_t column = 0; column < header.size(); ++column) {
    size_t width = header[column].size();
    for (const std::vector<std::string> &row : rows) width = std::max(width, row[column].size());
    widths.push_back(width);
  }
  const auto line = [&widths](const std::vector<std::string> &cells) {
    std::string text = "|";
    for (size_t column = 0; column < widths.size(); ++column) {
      text += " " + std::string(widths[column] - cells[column].size(), ' ') + cells[column] + " |";
    }
    return text;
  };
  const std::string top = line(header), rule(top.size(), '-');
  const size_t indent = title.size() < top.size() ? (top.size() - title.size()) / 2 : 0;
  std::vector<std::string> lines = {rule, std::string(indent, ' ') + title, rule, top, rule};
  for (const std::vector<std::string> &row : rows) lines.push_back(line(row));
  lines.push_back(rule);
  lines.push_back("");
  return lines;
}

std::vector<std::string> RunHeader() {
  return {"round", "first(ms)", "curr(ms)", "min(ms)", "max(ms)", "avg(ms)", "std"};
}

std::vector<std::string> RunRow(const Series &micros) {
  return {std::to_string(micros.size()), Number(micros.first() / 1000),
          Number(micros.last() / 1000),  Number(micros.min() / 1000),
          Number(micros.max() / 1000),   Number(micros.mean() / 1000),
          Number(micros.deviation())};
}

void OperatorStatistics::Add(const RunMetadata &run) {
  if (run.op_stats.empty()) return;
  const int64_t begin = run.op_stats.front().stats.start_micros;
  double total = 0;
  for (size_t i = 0; i < run.op_stats.size(); ++i) {
    const OperatorStats &op = run.op_stats[i];
    if (i == records_.size()) {
      records_.emplace_back();
      records_[i].stats = op;
      records_[i].start = static_cast<double>(op.stats.start_micros - begin);
    }
    const double micros = static_cast<double>(op.stats.end_micros - op.stats.start_micros);
    records_[i].micros.Add(micros);
    total += micros;
  }
  totals_.Add(total);
}

double OperatorStatistics::TotalMean() const { return totals_.mean(); }

int64_t OperatorStatistics::TotalMacs() const {
  int64_t macs = 0;
  for (const Record &record : records_) macs += record.stats.macs;
  return macs;
}

std::vector<std::string> OperatorStatistics::OperatorRow(const Record &record,
                                                         double cumulated) const {
  const OperatorStats &op = record.stats;
  const double mean = record.micros.mean();
  std::string shapes;
  for (const std::vector<int64_t> &shape : op.output_shape) {
    shapes += (shapes.empty() ? "" : " ") + (shape.empty() ? "[]" : List(shape));
  }
  return {op.type,
          Number(record.start / 1000),
          Number(record.micros.first() / 1000),
          Number(mean / 1000),
          Number(Percent(mean, TotalMean())),
          Number(Percent(cumulated, TotalMean())),
          Number(GigaMacs(op.macs, mean)),
          List(op.args.strides),
          Padding(op.args),
          List(op.args.kernels),
          shapes,
          List(op.args.dilations),
          op.operator_name};
}

namespace {

const std::vector<std::string> &OperatorHeader() {
  static const std::vector<std::string> *const header = new std::vector<std::string>{
      "Op Type", "Start", "First",        "Avg(ms)",      "%",          "cdf%", "GMACPS",
      "Stride",  "Pad",   "Filter Shape", "Output Shape", "Dilatation", "name"};
  return *header;
}

}  // namespace

void OperatorStatistics::LogByRunOrder() const {
  std::vector<std::vector<std::string>> rows;
  double cumulated = 0;
  for (const Record &record : records_) {
    cumulated += record.micros.mean();
    rows.push_back(OperatorRow(record, cumulated));
  }
  LogLines(FormatTable("Sort by Run Order", OperatorHeader(), rows));
}

void OperatorStatistics::LogByTime() const {
  std::vector<const Record *> sorted;
  for (const Record &record : records_) sorted.push_back(&record);
  std::stable_sort(sorted.begin(), sorted.end(), [](const Record *a, const Record *b) {
    return a->micros.mean() > b->micros.mean();
  });
  std::vector<std::vector<std::string>> rows;
  double cumulated = 0;
  for (size_t i = 0; i < std::min(kTopOperators, sorted.size()); ++i) {
    cumulated += sorted[i]->micros.mean();
    rows.push_back(OperatorRow(*sorted[i], cumulated));
  }
  LogLines(FormatTable("Sort by Computation Time", OperatorHeader(), rows));
}

namespace {

// Sums over the operators of one type.
struct TypeSums {
  std::string type;
  int64_t count = 0;
  int64_t macs = 0;
  int64_t calls = 0;
  double micros = 0;  // of one run
};

}  // namespace

void OperatorStatistics::LogByType() const {
  std::map<std::string, TypeSums> by_type;
  for (const Record &record : records_) {
    TypeSums &sums = by_type[record.stats.type];
    sums.type = record.stats.type;
    sums.count += 1;
    sums.macs += record.stats.macs;
    sums.calls += static_cast<int64_t>(record.micros.size());
    sums.micros += record.micros.mean();
  }
  std::vector<TypeSums> sorted;
  for (const auto &[type, sums] : by_type) sorted.push_back(sums);
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const TypeSums &a, const TypeSums &b) { return a.micros > b.micros; });
  std::vector<std::vector<std::string>> rows;
  double cumulated = 0;
  for (const TypeSums &sums : sorted) {
    cumulated += sums.micros;
    rows.push_back({sums.type, std::to_string(sums.count), Number(sums.micros / 1000),
                    Number(Percent(sums.micros, TotalMean())),
                    Number(Percent(cumulated, TotalMean())), Thousands(sums.macs),
                    Number(GigaMacs(sums.macs, sums.micros)), std::to_string(sums.calls)});
  }
  LogLines(FormatTable(
      "Stat by Op Type",
      {"Op Type", "Count", "Avg(ms)", "%", "cdf%", "MACs", "GMACPS", "Called times"}, rows));
}

void OperatorStatistics::LogMacs() const {
  const int64_t macs = TotalMacs();
  LogLines(FormatTable(
      "Stat by MACs(Multiply-Accumulation)", {"total", "round", "first(G/s)", "avg(G/s)", "std"},
      {{Thousands(macs), std::to_string(totals_.size()), Number(GigaMacs(macs, totals_.first())),
        Number(GigaMacs(macs, totals_.mean())), Number(totals_.deviation())}}));
}

void OperatorStatistics::Log() const {
  LogByRunOrder();
  LogByTime();
  LogByType();
  LogMacs();
  LogLines(FormatTable("Summary of Ops' Stat", RunHeader(), {RunRow(totals_)}));
}

json OperatorStatistics::ToJson() const {
  json operators = json::array();
  for (const Record &record : records_) {
    const OperatorStats &op = record.stats;
    json entry = {{"name", op.operator_name},
                  {"type", op.type},
                  {"start_ms", record.start / 1000},
                  {"first_ms", record.micros.first() / 1000},
                  {"avg_ms", record.micros.mean() / 1000},
                  {"percent", Percent(record.micros.mean(), TotalMean())},
                  {"macs", op.macs},
                  {"gmacs_per_s", GigaMacs(op.macs, record.micros.mean())},
                  {"output_shapes", op.output_shape}};
    if (!op.args.strides.empty()) {
      entry["strides"] = op.args.strides;
      entry["padding"] = Padding(op.args);
      entry["dilations"] = op.args.dilations;
      entry["filter_shape"] = op.args.kernels;
    }
    operators.push_back(entry);
  }
  return {{"operators", operators},
          {"total_macs", TotalMacs()},
          {"gmacs_per_s", GigaMacs(TotalMacs(), totals_.mean())},
          {"sum", tools::ToJson(totals_)}};
}

}  // namespace tools
}  // namespace mace
