// SPDX-License-Identifier: Apache-2.0
// mace_run: runs a model on files of raw tensors and reports times. See --help.
#include <dirent.h>
#include <sys/stat.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

#include <algorithm>
#include <cstdio>

#include "mace/base/logging.h"
#include "mace/tools/flags.h"
#include "mace/tools/model_runner.h"
#include "mace/tools/programs.h"
#include "mace/tools/statistics.h"

namespace mace {
namespace tools {
namespace {

constexpr char kProgram[] = "mace_run";

struct Options {
  ModelOptions model;
  std::string output_file, input_dir, output_dir = "output";
  int64_t round = 1, restart_round = 1, malloc_check_cycle = -1;
};

// Bytes that the C library has given out; only glibc tells.
void LogHeap(int64_t round) {
#if defined(__GLIBC__) && (__GLIBC__ > 2 || __GLIBC_MINOR__ >= 33)
  const struct mallinfo2 info = mallinfo2();
  LOG(INFO) << "round " << round << ": " << info.uordblks << " bytes in use on the heap, "
            << info.hblkhd << " mapped";
#else
  LOG(INFO) << "round " << round << ": this C library does not tell how much memory is in use";
#endif
}

MaceStatus TimedRun(ModelRunner *runner, double *micros) {
  const double begin = NowMicros();
  MACE_RETURN_IF_ERROR(runner->Run());
  *micros = NowMicros() - begin;
  return MaceStatus::MACE_SUCCESS;
}

// One engine from its creation to the outputs of the last round.
MaceStatus RunOnce(const Options &options, nlohmann::json *report) {
  ModelRunner runner(options.model);
  MACE_RETURN_IF_ERROR(runner.CreateEngine());
  LOG(INFO) << "Total init latency: " << runner.init_micros() / 1000 << " ms";
  MACE_RETURN_IF_ERROR(runner.MakeTensors());
  if (options.model.input_file.empty()) {
    runner.FillInputs();
  } else {
    MACE_RETURN_IF_ERROR(runner.ReadInputs(options.model.input_file));
  }
  runner.LogPlacements();
  double warmup = 0;
  const double cpu_begin = CpuMicros();
  MACE_RETURN_IF_ERROR(TimedRun(&runner, &warmup));
  const double warmup_cpu = CpuMicros() - cpu_begin;
  LOG(INFO) << "1st warm up run latency: " << warmup / 1000 << " ms";
  Series rounds;
  for (int64_t i = 0; i < options.round; ++i) {
    double micros = 0;
    MACE_RETURN_IF_ERROR(TimedRun(&runner, &micros));
    rounds.Add(micros);
    if (options.malloc_check_cycle >= 1 && i % options.malloc_check_cycle == 0) LogHeap(i);
  }
  // The report of the Python tools takes this row apart.
  std::printf("========================================================\n");
  std::printf("     %11s %11s %11s\n", "init", "warmup", "run_avg");
  std::printf("========================================================\n");
  std::printf("time %11.3f %11.3f %11.3f\n", runner.init_micros() / 1000, warmup / 1000,
              rounds.mean() / 1000);
  std::fflush(stdout);
  if (!options.output_file.empty()) MACE_RETURN_IF_ERROR(runner.WriteOutputs(options.output_file));
  *report = runner.Describe();
  (*report)["warmup_ms"] = warmup / 1000;
  (*report)["warmup_cpu_ms"] = warmup_cpu / 1000;
  (*report)["run_avg_ms"] = rounds.mean() / 1000;
  (*report)["runs"] = ToJson(rounds);
  return MaceStatus::MACE_SUCCESS;
}

// What follows the first input's name in the names of the files of a folder, sorted.
MaceStatus Suffixes(const std::string &folder, const std::string &first_input,
                    std::vector<std::string> *suffixes) {
  DIR *directory = opendir(folder.c_str());
  if (directory == nullptr) return InvalidArgs("cannot read the folder '", folder, "'");
  const std::string prefix = FileName(first_input);
  while (const struct dirent *entry = readdir(directory)) {
    const std::string name = entry->d_name;
    if (name.compare(0, prefix.size(), prefix) == 0)
      suffixes->push_back(name.substr(prefix.size()));
  }
  closedir(directory);
  std::sort(suffixes->begin(), suffixes->end());
  if (!suffixes->empty()) return MaceStatus::MACE_SUCCESS;
  return InvalidArgs("no file of the folder '", folder, "' has a name that begins with '", prefix,
                     "'");
}

// Each set of inputs of a folder once; outputs get the same suffixes in another folder.
MaceStatus RunFolder(const Options &options, nlohmann::json *report) {
  ModelRunner runner(options.model);
  MACE_RETURN_IF_ERROR(runner.CreateEngine());
  MACE_RETURN_IF_ERROR(runner.MakeTensors());
  if (runner.engine()->inputs().empty()) return InvalidArgs("the model has no inputs to read");
  std::vector<std::string> suffixes;
  MACE_RETURN_IF_ERROR(Suffixes(options.input_dir, runner.engine()->inputs()[0].name, &suffixes));
  mkdir(options.output_dir.c_str(), 0777);  // if it cannot be made, writing says so
  Series rounds;
  for (const std::string &suffix : suffixes) {
    MACE_RETURN_IF_ERROR(runner.ReadInputs(options.input_dir, suffix));
    double micros = 0;
    MACE_RETURN_IF_ERROR(TimedRun(&runner, &micros));
    rounds.Add(micros);
    MACE_RETURN_IF_ERROR(runner.WriteOutputs(options.output_dir, suffix));
  }
  LOG(INFO) << suffixes.size() << " inputs, " << rounds.mean() / 1000 << " ms on average";
  *report = runner.Describe();
  (*report)["warmup_ms"] = rounds.first() / 1000;
  (*report)["run_avg_ms"] = rounds.mean() / 1000;
  (*report)["runs"] = ToJson(rounds);
  (*report)["suffixes"] = suffixes;
  return MaceStatus::MACE_SUCCESS;
}

int Main(int argc, char **argv) {
  Options options;
  Flags flags;
  options.model.AddTo(&flags);
  flags.Add("output_file", &options.output_file,
            "outputs are written to <output_file>_<name>, raw; empty: not at all");
  flags.Add("input_dir", &options.input_dir,
            "folder with files <name><anything>, each set of which is run once");
  flags.Add("output_dir", &options.output_dir, "folder for the outputs of --input_dir");
  flags.Add("round", &options.round, "runs after the first");
  flags.Add("restart_round", &options.restart_round, "how often all is done anew");
  flags.Add("malloc_check_cycle", &options.malloc_check_cycle,
            "log the memory in use every that many rounds; -1: never");
  MaceStatus status = flags.Parse(argc, argv);
  if (flags.help()) {
    std::printf("Runs a model on files of raw tensors and reports times.\n\n%s",
                flags.Usage().c_str());
    return kExitOk;
  }
  if (!status.ok()) return Fail(kProgram, status);
  if (options.round < 0 || options.restart_round < 1) {
    return Fail(kProgram, InvalidArgs("--round must be at least 0, --restart_round at least 1"));
  }
  nlohmann::json report;
  for (int64_t i = 0; i < options.restart_round; ++i) {
    VLOG(1) << "restart round " << i;
    status = options.input_dir.empty() ? RunOnce(options, &report) : RunFolder(options, &report);
    if (!status.ok()) return Fail(kProgram, status);
  }
  report["restart_rounds"] = options.restart_round;
  status = WriteJson(options.model.json, report);
  return status.ok() ? kExitOk : Fail(kProgram, status);
}

}  // namespace
}  // namespace tools
}  // namespace mace

int main(int argc, char **argv) { return mace::tools::Main(argc, argv); }
