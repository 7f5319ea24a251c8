// SPDX-License-Identifier: Apache-2.0
// mace_run and benchmark_model as processes: files in and out, figures, exit codes.
#include <sys/stat.h>
#include <sys/wait.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>

#include "gtest/gtest.h"
#include "mace/core/model_builder.h"
#include "nlohmann/json.hpp"

namespace mace {
namespace {

std::string Read(const std::string &path) {
  std::ifstream file(path, std::ios::binary);
  return std::string((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
}

void Write(const std::string &path, const std::string &bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

std::string Bytes(const std::vector<float> &values) {
  return std::string(reinterpret_cast<const char *>(values.data()), values.size() * sizeof(float));
}

struct Result {
  int code = -1;
  std::string text;  // standard output and standard error
};

class Programs : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = testing::TempDir() + "programs_XXXXXX";
    ASSERT_NE(mkdtemp(&folder_[0]), nullptr);
    ModelBuilder builder;
    builder.Input("in/put:0", {-1, 2})
        .Input("other", {2})
        .Output("sum 'x'", {-1, 2})
        .Constant<float>("one", {1}, {1})
        .Op("Eltwise", "add", {"in/put:0", "other"}, {"s"}, {StringArg("type", "SUM")})
        .Op("Eltwise", "add1", {"s", "one"}, {"sum 'x'"}, {StringArg("type", "SUM")});
    const ModelFiles files = builder.Build();
    Write(folder_ + "/model.pb", files.graph);
    Write(folder_ + "/model.data", files.data_string());
    Write(folder_ + "/in_in_put_0", Bytes({1, 2, 3, 4}));
    Write(folder_ + "/in_other", Bytes({10, 20}));
  }

  Result Run(const std::string &program, const std::string &arguments) const {
    const std::string log = folder_ + "/log";
    const std::string command = "mace/tools/" + program + " --model_file=" + folder_ +
                                "/model.pb --model_data_file=" + folder_ + "/model.data " +
                                arguments + " > " + log + " 2>&1";
    const int status = std::system(command.c_str());
    return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, Read(log)};
  }

  nlohmann::json Json() const { return nlohmann::json::parse(Read(folder_ + "/json")); }

  std::string folder_;
};

TEST_F(Programs, MaceRun) {
  const Result result =
      Run("mace_run", "--input_shape=2,2:2 --input_file=" + folder_ +
                          "/in --output_file=" + folder_ + "/out --round=3 --json=" + folder_ +
                          "/json --model_name=tiny --omp_num_threads=1 --malloc_check_cycle=2");
  ASSERT_EQ(result.code, 0) << result.text;
  EXPECT_EQ(Read(folder_ + "/out_sum__x_"), Bytes({12, 23, 14, 25}));
  EXPECT_NE(result.text.find("            init      warmup     run_avg\n"), std::string::npos)
      << result.text;
  EXPECT_NE(result.text.find("\ntime "), std::string::npos) << result.text;
  const nlohmann::json json = Json();
  EXPECT_EQ(json["model_name"], "tiny");
  EXPECT_GT(json["init_ms"], 0.0);
  EXPECT_GT(json["warmup_ms"], 0.0);
  EXPECT_EQ(json["runs"]["rounds"], 3);
  EXPECT_EQ(json["runs"]["times_ms"].size(), 3u);
  EXPECT_EQ(json["run_avg_ms"], json["runs"]["avg_ms"]);
  EXPECT_EQ(json["outputs"][0]["name"], "sum 'x'");
  EXPECT_EQ(json["outputs"][0]["shape"], nlohmann::json({2, 2}));
  EXPECT_EQ(json["outputs"][0]["type"], "float32");
  EXPECT_GT(json["memory"]["peak_rss_kb"], 0);
}

TEST_F(Programs, MaceRunOnAFolder) {
  mkdir((folder_ + "/inputs").c_str(), 0755);
  for (int i = 0; i < 3; ++i) {
    const float value = static_cast<float>(i);
    Write(folder_ + "/inputs/in_put_0_" + std::to_string(i), Bytes({value, value}));
    Write(folder_ + "/inputs/other_" + std::to_string(i), Bytes({1, 2}));
  }
  const Result result =
      Run("mace_run", "--input_shape=1,2:2 --input_dir=" + folder_ +
                          "/inputs --output_dir=" + folder_ + "/outputs --restart_round=2");
  ASSERT_EQ(result.code, 0) << result.text;
  EXPECT_EQ(Read(folder_ + "/outputs/sum__x__2"), Bytes({4, 5}));
}

TEST_F(Programs, BenchmarkModel) {
  const Result result = Run(
      "benchmark_model", "--input_shape=1,2:2 --max_num_runs=5 --warmup_runs=2 --json=" + folder_ +
                             "/json --cpu_affinity_policy=0");
  ASSERT_EQ(result.code, 0) << result.text;
  size_t at = 0;
  for (const char *section : {"Warm Up", "Run without statistics", "Run with statistics",
                              "Sort by Run Order", "Sort by Computation Time", "Stat by Op Type",
                              "Stat by MACs(Multiply-Accumulation)", "Summary of Ops' Stat"}) {
    const size_t found = result.text.find(section, at);
    ASSERT_NE(found, std::string::npos) << section << "\n" << result.text;
    at = found;
  }
  EXPECT_EQ(result.text.compare(0, 20, "I benchmark_model.cc"), 0) << result.text;
  EXPECT_NE(result.text.find("I statistics.cc:"), std::string::npos);
  const nlohmann::json json = Json();
  EXPECT_EQ(json["warmup"]["rounds"], 2);
  EXPECT_EQ(json["run_without_statistics"]["rounds"], 5);
  EXPECT_EQ(json["operators"]["operators"].size(), 2u);
}

TEST_F(Programs, TimeLimit) {
  const Result result = Run(
      "benchmark_model",
      "--input_shape=1,2:2 --max_num_runs=1000000000 --max_time=0.05 --json=" + folder_ + "/json");
  ASSERT_EQ(result.code, 0) << result.text;
  EXPECT_LT(Json()["run_with_statistics"]["rounds"], 1000000000);
}

TEST_F(Programs, ExitCodesAndSentences) {
  struct BadCase {
    const char *program, *arguments;
    int code;
    const char *text;
  };
  const BadCase cases[] = {
      {"mace_run", "--input_shape=2,2:2 --help", 0, "--input_shape"},
      {"mace_run", "--rounds=3", 2, "mace_run: there is no flag --rounds; did you mean --round?"},
      {"mace_run", "--round=-1 --input_shape=2,2:2", 2, "--round must be at least 0"},
      {"mace_run", "", 2, "may have different sizes [-1, 2]; choose one with --input_shape"},
      {"mace_run", "--input_shape=2,2", 2, "--input_shape has 1 shapes, but there are 2 inputs"},
      {"mace_run", "--input_shape=2,x:2", 2, "'2,x' in --input_shape is no shape"},
      {"mace_run", "--input_shape=2,3:2", 2, "has shape [2, 3], but the model was converted for"},
      {"mace_run", "--input_shape=3,2:2 --input_file=@/in", 2, "takes 24"},
      {"mace_run", "--input_shape=2,2:2 --input_file=@/none", 2, "none_in_put_0'"},
      {"mace_run", "--input_node=in/put:1 --input_shape=2,2", 2, "did you mean 'in/put:0'?"},
      {"mace_run", "--input_shape=2,2:2 --output_file=/nonexistent/out", 2, "cannot write"},
      {"mace_run", "--input_shape=2,2:2 --output_file=/no/folder/out", 2, "cannot write"},
      {"mace_run", "--input_shape=2,2:2 --json=/dev/full", 1, "cannot write '/dev/full'"},
      {"mace_run", "--input_shape=2,2:2 --device=TPU", 2, "--device is CPU, GPU or HEXAGON"},
      {"mace_run", "--input_shape=2,2:2 --device=GPU", 2, "no GPU runtime"},
      {"mace_run", "--input_shape=2,2:2 --cpu_affinity_policy=9", 2, "no CPU affinity policy 9"},
      {"mace_run", "--input_shape=2,2:2 --gpu_perf_hint=9", 2, "GPU hints are"},
      {"mace_run", "--device=GPU --limit_opencl_kernel_time=2", 2, "is 0, 1 or -1"},
      {"mace_run", "--device=GPU --opencl_queue_window_size=-2", 2, "is a number of launches"},
      {"mace_run", "--model_file=/none.pb", 2, "cannot open '/none.pb'"},
      {"mace_run", "--model_data_file=/none.data", 2, "cannot open '/none.data'"},
      {"mace_run", "--input_shape=2,2:2 --memory_limit=1", 1, "more than the 1"},
      {"mace_run", "--input_shape=2,2:2 --input_dir=/nonexistent", 2, "cannot read the folder"},
      {"benchmark_model", "--device=HEXAGON", 2, "cannot be timed"},
      {"benchmark_model", "--max_num_runs=0", 2, "--max_num_runs must be at least 1"},
      {"benchmark_model", "file", 2, "'file' is no flag"},
  };
  for (const BadCase &bad : cases) {
    std::string arguments = bad.arguments;
    if (arguments.find('@') != std::string::npos)
      arguments.replace(arguments.find('@'), 1, folder_);
    const Result result = Run(bad.program, arguments);
    EXPECT_EQ(result.code, bad.code) << arguments << "\n" << result.text;
    EXPECT_NE(result.text.find(bad.text), std::string::npos) << arguments << "\n" << result.text;
  }
}

TEST_F(Programs, DamagedFiles) {
  const std::string graph = Read(folder_ + "/model.pb"), data = Read(folder_ + "/model.data");
  Write(folder_ + "/model.pb", graph.substr(0, graph.size() - 30));
  EXPECT_EQ(Run("mace_run", "--input_shape=2,2:2").code, 2);
  Write(folder_ + "/model.pb", graph);
  Write(folder_ + "/model.data", data.substr(1));
  const Result cut = Run("mace_run", "--input_shape=2,2:2");
  EXPECT_EQ(cut.code, 2);
  EXPECT_NE(cut.text.find("model.data has 3 bytes"), std::string::npos) << cut.text;
  std::string flipped = data;
  flipped[0] = static_cast<char>(flipped[0] ^ 1);
  Write(folder_ + "/model.data", flipped);
  const Result damaged = Run("mace_run", "--input_shape=2,2:2");
  EXPECT_EQ(damaged.code, 2);
  EXPECT_NE(damaged.text.find("model.data is damaged"), std::string::npos) << damaged.text;
}

}  // namespace
}  // namespace mace
