// SPDX-License-Identifier: Apache-2.0
// Speed of single operators, on any target:
//   ops_benchmark --filter=.*CONV_2D.* --threads=1
//   ops_benchmark --roofline        how near each comes to what the machine can do
//   ops_benchmark --kernels         convolutions by all kernels that can compute them
// The flags of Google Benchmark that choose and print are understood as well.
#include <algorithm>
#include <chrono>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <regex>
#include <string>
#include <vector>

#include "mace/ops/ops_benchmark_cases.h"
#include "mace/ops/ops_benchmark_gpu.h"
#include "mace/ops/ops_benchmark_kernels.h"
#include "mace/ops/ops_benchmark_limits.h"

namespace mace {
namespace ops {
namespace test {
namespace {

constexpr int64_t kLeastIterations = 10, kMostIterations = 1000000000;

struct Options {
  std::string filter = ".*";
  double seconds = 0.5;  // at least this long, unless one round alone takes longer
  int threads = 1;
  bool json = false;
  bool list = false;
  bool roofline = false;
  bool kernels = false;
};

struct Measured {
  int64_t iterations = 0;
  int64_t moved_bytes = 0;  // of all inputs and outputs; 0 where nobody asked
  double nanoseconds = 0;   // of one round
  double least = 0;         // of one round in the fastest batch
};

double Now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// One round to warm up, then rounds until the time is over. The clock is read between batches
// alone, which grow, so that it costs nothing where a round takes less than a microsecond.
MaceStatus Measure(const Options &options, OpsTestNet *net, Measured *measured) {
  int64_t done = -1, next_look = 0;
  double started = 0, elapsed = 0, last = 0, least = 1e9;
  int64_t last_rounds = 0;
  const auto again = [&] {
    if (++done == 0) return true;
    if (done == 1) started = Now();
    const int64_t rounds = done - 1;
    if (rounds < next_look) return true;
    elapsed = Now() - started;
    if (rounds > last_rounds) {
      least = std::min(least, (elapsed - last) / static_cast<double>(rounds - last_rounds));
      last = elapsed;
      last_rounds = rounds;
    }
    next_look = rounds + std::max<int64_t>(1, rounds / 8);
    const bool long_enough = rounds >= kLeastIterations && elapsed >= options.seconds;
    return !long_enough && rounds < kMostIterations;
  };
  MACE_RETURN_IF_ERROR(net->RepeatOp(options.threads, again));
  measured->iterations = done - 1;
  measured->nanoseconds = elapsed * 1e9 / static_cast<double>(done - 1);
  measured->least = least * 1e9;
  return MaceStatus();
}

// Bytes of all inputs and outputs of a net that has run.
int64_t MovedBytes(const BenchmarkCase &one, const OpsTestNet &net) {
  size_t bytes = 0;
  for (size_t i = 0; i < one.inputs.size(); ++i) {
    bytes += net.Get("input" + std::to_string(i)).bytes.size();
  }
  for (int o = 0; o < one.outputs; ++o) {
    bytes += net.Get("output" + std::to_string(o)).bytes.size();
  }
  return static_cast<int64_t>(bytes);
}

// What the least time is beside the limit; '!' where it should be nearer.
void PrintRoofline(const Options &options, const Roofline &limit) {
  const char *by = limit.copies ? "copy" : "MACs";
  if (options.json) {
    printf(", \"limit_ns\": %.1f, \"limited_by\": \"%s\", \"share_of_limit\": %.3f",
           limit.nanoseconds, by, limit.share);
    return;
  }
  printf(" %12.0f %5s %5.0f%s", limit.nanoseconds, by, limit.share * 100,
         limit.share < limit.wanted ? " !" : "");
}

void Print(const Options &options, const std::string &name, int64_t input_bytes,
           const Measured &measured, int64_t macs, const Roofline *limit,
           const std::vector<KernelTime> &kernels, bool first) {
  const double seconds = measured.nanoseconds * 1e-9;
  const double bytes = static_cast<double>(input_bytes) / seconds;
  const double rate = static_cast<double>(macs) / seconds;
  if (options.json) {
    printf("%s\n    {\"name\": \"%s\", \"run_type\": \"iteration\", \"iterations\": %" PRId64
           ", \"real_time\": %.1f, \"time_unit\": \"ns\", \"bytes_per_second\": %.1f",
           first ? "" : ",", name.c_str(), measured.iterations, measured.nanoseconds, bytes);
    if (macs > 0) printf(", \"macs\": %" PRId64 ", \"MACs/s\": %.1f", macs, rate);
    if (measured.moved_bytes > 0) printf(", \"moved_bytes\": %" PRId64, measured.moved_bytes);
    if (limit != nullptr) PrintRoofline(options, *limit);
    if (!kernels.empty()) printf(", %s", KernelJson(kernels).c_str());
    printf("}");
  } else {
    printf("%-64s %12.0f %12" PRId64 " %12.2f", name.c_str(), measured.nanoseconds,
           measured.iterations, bytes * 1e-6);
    if (macs > 0) {
      printf(" %8.2f", rate * 1e-9);
    } else if (limit != nullptr) {
      printf(" %8s", "");
    }
    if (limit != nullptr) PrintRoofline(options, *limit);
    printf("\n%s", KernelLines(kernels).c_str());
  }
  fflush(stdout);
}

// Measures what the filter chooses, and prints a line for each.
class Runner {
 public:
  explicit Runner(const Options &options) : options_(options), filter_(options.filter) {}

  int RunAll() {
    Begin();
    for (const BenchmarkCase &one : BenchmarkCases()) {
      if (Wanted(one.Name())) RunOnCpu(one);
      for (bool half : {false, true}) {
        if (!GpuBenchmark::MayRun(one)) continue;
        const std::string name = GpuBenchmark::Name(one, half);
        if (Wanted(name)) RunOnGpu(one, half, name);
      }
    }
    if (options_.json) printf("\n  ]\n}\n");
    if (gpu_missing_ > 0) {
      fprintf(stderr, "%d benchmarks of the GPU were left out: %s\n", gpu_missing_,
              gpu_status_.information().c_str());
    } else if (first_ && failures_ == 0 && !options_.list) {
      fprintf(stderr, "no benchmark matches '%s'%s\n", options_.filter.c_str(),
              GpuBenchmark::IsBuilt() ? "" : "; those of the GPU want --define=opencl=true");
    }
    return failures_ == 0 ? 0 : 1;
  }

 private:
  void Begin() {
    if (options_.roofline && !options_.list) {
      limits_ = std::make_unique<MachineLimits>(options_.threads, options_.seconds);
    }
    if (options_.list) return;
    if (options_.json) {
      printf("{\n  \"context\": {\"threads\": %d},\n  \"benchmarks\": [", options_.threads);
      return;
    }
    if (limits_ != nullptr) {
      printf("%d threads multiply and add %.1f GMAC/s from the L1 cache\n", options_.threads,
             limits_->macs_per_nanosecond());
    }
    printf("%-64s %12s %12s %12s %8s%s\n", "Benchmark", "Time (ns)", "Iterations", "Input (MB/s)",
           "GMACPS", limits_ != nullptr ? "   Limit (ns)    by     %" : "");
  }

  // Whether to measure; a list has the name then.
  bool Wanted(const std::string &name) const {
    if (!std::regex_search(name, filter_)) return false;
    if (options_.list) printf("%s\n", name.c_str());
    return !options_.list;
  }

  void Fail(const std::string &name, const MaceStatus &status) {
    fprintf(stderr, "%s: %s\n", name.c_str(), status.information().c_str());
    ++failures_;
  }

  void RunOnCpu(const BenchmarkCase &one) {
    OpsTestNet net;
    AddBenchmarkCase(one, &net);
    Measured measured;
    MaceStatus status = Measure(options_, &net, &measured);
    Roofline limit;
    const bool wants_bytes = options_.json || limits_ != nullptr;
    if (status.ok() && wants_bytes) status = net.RunOp();
    if (!status.ok()) return Fail(one.Name(), status);
    if (wants_bytes) measured.moved_bytes = MovedBytes(one, net);
    if (limits_ != nullptr) {
      limit = limits_->Of(one.op, net.macs(), measured.moved_bytes, measured.least,
                          options_.seconds / 4);
    }
    std::vector<KernelTime> kernels;
    if (options_.kernels) kernels = TimeKernels(KernelsOf(one), options_.seconds / 4);
    Print(options_, one.Name(), one.InputBytes(), measured, net.macs(),
          limits_ != nullptr ? &limit : nullptr, kernels, first_);
    first_ = false;
  }

  void RunOnGpu(const BenchmarkCase &one, bool half, const std::string &name) {
    if (gpu_ == nullptr) {
      gpu_ = std::make_unique<GpuBenchmark>();
      gpu_status_ = gpu_->Open();
    }
    if (!gpu_status_.ok()) {
      ++gpu_missing_;
      return;
    }
    GpuTime time;
    const MaceStatus status = gpu_->Measure(one, half, options_.seconds, kLeastIterations, &time);
    if (status.code() == MaceStatus::MACE_UNSUPPORTED) {
      fprintf(stderr, "%s is left out: %s\n", name.c_str(), status.information().c_str());
      return;
    }
    if (!status.ok()) return Fail(name, status);
    Measured measured;
    measured.iterations = time.iterations;
    measured.nanoseconds = time.nanoseconds;
    Print(options_, name, GpuBenchmark::InputBytes(one, half), measured, time.macs, nullptr, {},
          first_);
    first_ = false;
  }

  const Options &options_;
  const std::regex filter_;
  std::unique_ptr<MachineLimits> limits_;
  std::unique_ptr<GpuBenchmark> gpu_;  // opened with its first case
  MaceStatus gpu_status_;
  int gpu_missing_ = 0, failures_ = 0;
  bool first_ = true;
};

bool TakesValue(const std::string &word, const std::string &flag, std::string *value) {
  if (word.compare(0, flag.size() + 1, flag + "=") != 0) return false;
  *value = word.substr(flag.size() + 1);
  return true;
}

int Main(int argc, char **argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    std::string value;
    if (TakesValue(word, "--filter", &value) || TakesValue(word, "--benchmark_filter", &value)) {
      options.filter = value == "all" ? ".*" : value;
    } else if (TakesValue(word, "--threads", &value)) {
      options.threads = std::max(1, std::atoi(value.c_str()));
    } else if (TakesValue(word, "--benchmark_min_time", &value)) {
      options.seconds = std::max(0.0, std::atof(value.c_str()));
    } else if (TakesValue(word, "--benchmark_format", &value)) {
      options.json = value == "json";
    } else if (word == "--roofline") {
      options.roofline = true;
    } else if (word == "--kernels") {
      options.kernels = true;
    } else if (word == "--benchmark_list_tests") {
      options.list = true;
    } else {
      fprintf(stderr,
              "%s: '%s' is no flag; there are --filter=REGEX --threads=N --roofline --kernels "
              "--benchmark_min_time=S --benchmark_format=console|json --benchmark_list_tests\n",
              argv[0], word.c_str());
      return 2;
    }
  }
  try {
    return Runner(options).RunAll();
  } catch (const std::regex_error &error) {
    fprintf(stderr, "%s: '%s' is no regular expression: %s\n", argv[0], options.filter.c_str(),
            error.what());
    return 2;
  }
}

}  // namespace
}  // namespace test
}  // namespace ops
}  // namespace mace

int main(int argc, char **argv) { return mace::ops::test::Main(argc, argv); }
