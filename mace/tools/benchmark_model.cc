// SPDX-License-Identifier: Apache-2.0
// benchmark_model: runs a model many times, without and with statistics of operators, and logs
// eight tables. See --help.
#include <algorithm>
#include <cstdio>

#include "mace/base/logging.h"
#include "mace/tools/flags.h"
#include "mace/tools/machine_limits.h"
#include "mace/tools/model_runner.h"
#include "mace/tools/programs.h"
#include "mace/tools/statistics.h"

namespace mace {
namespace tools {
namespace {

constexpr char kProgram[] = "benchmark_model";

struct Options {
  ModelOptions model;
  int64_t max_num_runs = 100, warmup_runs = 1;
  double max_time = 10.0;
  bool roofline = false;
};

// Runs until max_runs or max_seconds (0: no limit) are reached, and logs a section.
MaceStatus RunMany(const char *title, int64_t max_runs, double max_seconds, ModelRunner *runner,
                   OperatorStatistics *statistics, Series *times) {
  const double end = NowMicros() + max_seconds * 1e6;
  RunMetadata metadata;
  while (static_cast<int64_t>(times->size()) < max_runs &&
         (times->size() == 0 || max_seconds <= 0 || NowMicros() < end)) {
    const double begin = NowMicros();
    MACE_RETURN_IF_ERROR(runner->Run(statistics == nullptr ? nullptr : &metadata));
    times->Add(NowMicros() - begin);
    if (statistics != nullptr) statistics->Add(metadata);
  }
  for (const std::string &line : FormatTable(title, RunHeader(), {RunRow(*times)})) {
    LOG(INFO) << line;
  }
  return MaceStatus::MACE_SUCCESS;
}

MaceStatus Benchmark(const Options &options, nlohmann::json *report) {
  ModelRunner runner(options.model);
  MACE_RETURN_IF_ERROR(runner.CreateEngine());
  MACE_RETURN_IF_ERROR(runner.MakeTensors());
  runner.LogPlacements();
  if (options.model.input_file.empty()) {
    runner.FillInputs();
  } else {
    MACE_RETURN_IF_ERROR(runner.ReadInputs(options.model.input_file));
  }
  Series warmup, plain, observed;
  OperatorStatistics statistics;
  MACE_RETURN_IF_ERROR(RunMany("Warm Up", options.warmup_runs, 0, &runner, nullptr, &warmup));
  MACE_RETURN_IF_ERROR(RunMany("Run without statistics", options.max_num_runs, options.max_time,
                               &runner, nullptr, &plain));
  MACE_RETURN_IF_ERROR(RunMany("Run with statistics", options.max_num_runs, options.max_time,
                               &runner, &statistics, &observed));
  statistics.Log();
  *report = runner.Describe();
  (*report)["warmup"] = ToJson(warmup);
  (*report)["run_without_statistics"] = ToJson(plain);
  (*report)["run_with_statistics"] = ToJson(observed);
  (*report)["operators"] = statistics.ToJson();
  if (options.roofline) {
    const int64_t threads = options.model.omp_num_threads;
    (*report)["limits"] = MeasureLimits(static_cast<int>(std::max<int64_t>(1, threads)));
  }
  return MaceStatus::MACE_SUCCESS;
}

int Main(int argc, char **argv) {
  Options options;
  Flags flags;
  options.model.AddTo(&flags);
  flags.Add("max_num_runs", &options.max_num_runs, "most runs of each kind");
  flags.Add("max_time", &options.max_time, "most seconds for each kind of runs; 0: no limit");
  flags.Add("roofline", &options.roofline,
            "measure what this machine can do at best, with as many threads, into --json");
  flags.Add("warmup_runs", &options.warmup_runs, "runs before those that count");
  const MaceStatus status = flags.Parse(argc, argv);
  if (flags.help()) {
    std::printf("Runs a model many times and logs where the time goes.\n\n%s",
                flags.Usage().c_str());
    return kExitOk;
  }
  if (!status.ok()) return Fail(kProgram, status);
  if (options.model.device == "HEXAGON") {
    return Fail(kProgram, Unsupported("operators on HEXAGON cannot be timed; use mace_run"));
  }
  if (options.max_num_runs < 1 || options.warmup_runs < 0) {
    return Fail(kProgram,
                InvalidArgs("--max_num_runs must be at least 1, --warmup_runs at least 0"));
  }
  nlohmann::json report;
  MaceStatus done = Benchmark(options, &report);
  if (done.ok()) done = WriteJson(options.model.json, report);
  return done.ok() ? kExitOk : Fail(kProgram, done);
}

}  // namespace
}  // namespace tools
}  // namespace mace

int main(int argc, char **argv) { return mace::tools::Main(argc, argv); }
