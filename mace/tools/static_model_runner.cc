// SPDX-License-Identifier: Apache-2.0
// mace_run for models as straight-line code: the same flags, files and figures, as far as there is
// something behind them.
#include "mace/tools/static_model_runner.h"

#include <sys/resource.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "mace/base/allocator.h"
#include "mace/base/status.h"
#include "mace/tools/flags.h"
#include "mace/tools/programs.h"

namespace mace {
namespace tools {
namespace {

constexpr int kExitUsage = 2;

struct Options {
  std::string model_name, input_shape, input_file, output_file, json;
  int64_t round = 1;
  // Of the engine, and without meaning here.
  std::string device = "CPU", gpu_data_type, gpu_memory_type;
  int64_t omp_num_threads = 1, cpu_affinity_policy = 0, gpu_perf_hint = 0, gpu_priority_hint = 0;
  int64_t limit_opencl_kernel_time = -1, opencl_queue_window_size = -1;

  void AddTo(Flags *flags) {
    flags->Add("model_name", &model_name, "name of the model");
    flags->Add("input_shape", &input_shape, "not needed: shapes are those of the model");
    flags->Add("input_file", &input_file, "inputs are read from <input_file>_<name>, raw");
    flags->Add("output_file", &output_file, "outputs are written to <output_file>_<name>, raw");
    flags->Add("round", &round, "runs after the first");
    flags->Add("json", &json, "file to write all figures to, as JSON");
    flags->Add("device", &device, "CPU");
    flags->Add("gpu_data_type", &gpu_data_type, "of the engine alone");
    flags->Add("gpu_memory_type", &gpu_memory_type, "of the engine alone");
    flags->Add("gpu_perf_hint", &gpu_perf_hint, "of the engine alone");
    flags->Add("gpu_priority_hint", &gpu_priority_hint, "of the engine alone");
    flags->Add("limit_opencl_kernel_time", &limit_opencl_kernel_time, "of the engine alone");
    flags->Add("opencl_queue_window_size", &opencl_queue_window_size, "of the engine alone");
    flags->Add("omp_num_threads", &omp_num_threads, "straight-line code has one thread");
    flags->Add("cpu_affinity_policy", &cpu_affinity_policy, "of the engine alone");
  }
};

const StaticEntry *Find(const std::string &name) {
  for (const StaticEntry *entry = kStaticModels; entry->name != nullptr; ++entry) {
    if (name.empty() || name == entry->name) return entry;
  }
  return nullptr;
}

// Memory of a run, as the generated functions take it.
struct Tensors {
  std::vector<void *> pointers;
  MaceStatus Allocate(const StaticTensor *tensors, int count) {
    for (int i = 0; i < count; ++i) {
      const size_t bytes = tensors[i].bytes == 0 ? 1 : tensors[i].bytes;
      pointers.push_back(AllocateAligned(bytes));
      if (pointers.back() == nullptr) return OutOfResources("cannot allocate ", bytes, " bytes");
      std::memset(pointers.back(), 0, bytes);
    }
    return MaceStatus::MACE_SUCCESS;
  }
  ~Tensors() {
    for (void *pointer : pointers) FreeAligned(pointer);
  }
};

MaceStatus ReadInputs(const StaticEntry &model, const std::string &prefix, const Tensors &inputs) {
  for (int i = 0; i < model.input_count; ++i) {
    const StaticTensor &tensor = model.inputs[i];
    const std::string path = prefix + "_" + FileName(tensor.name);
    std::ifstream file(path, std::ios::binary);
    file.read(static_cast<char *>(inputs.pointers[static_cast<size_t>(i)]),
              static_cast<std::streamsize>(tensor.bytes));
    if (!file.good() || file.peek() != std::ifstream::traits_type::eof()) {
      return InvalidArgs("'", path, "' must have the ", tensor.bytes, " bytes of input '",
                         tensor.name, "'");
    }
  }
  return MaceStatus::MACE_SUCCESS;
}

MaceStatus WriteFile(const std::string &path, const void *data, size_t bytes) {
  std::ofstream file(path, std::ios::binary);
  file.write(static_cast<const char *>(data), static_cast<std::streamsize>(bytes));
  file.close();
  if (file.good()) return MaceStatus::MACE_SUCCESS;
  return OutOfResources("cannot write '", path, "'");
}

nlohmann::json ToJson(const StaticTensor *tensors, int count) {
  nlohmann::json list = nlohmann::json::array();
  for (int i = 0; i < count; ++i) {
    const std::vector<int64_t> shape(tensors[i].dims, tensors[i].dims + tensors[i].rank);
    list.push_back({{"name", tensors[i].name}, {"type", tensors[i].dtype}, {"shape", shape}});
  }
  return list;
}

// Runs once; the time goes to *micros.
MaceStatus RunOnce(const StaticEntry &model, const Tensors &inputs, const Tensors &outputs,
                   double *micros) {
  const double begin = NowMicros();
  const int code = model.run(inputs.pointers.data(), outputs.pointers.data(), nullptr);
  *micros = NowMicros() - begin;
  if (code == 0) return MaceStatus::MACE_SUCCESS;
  return RuntimeError("running '", model.name, "' gave the code ", code);
}

MaceStatus Run(const Options &options, nlohmann::json *report) {
  const StaticEntry *model = Find(options.model_name);
  if (model == nullptr) {
    return InvalidArgs("there is no model '", options.model_name, "' in this program");
  }
  if (options.device != "CPU") return Unsupported("straight-line code runs on the CPU alone");
  const double begin = NowMicros();
  if (const char *problem = model->problem()) return Unsupported(problem);
  const double init = NowMicros() - begin;
  Tensors inputs, outputs;
  MACE_RETURN_IF_ERROR(inputs.Allocate(model->inputs, model->input_count));
  MACE_RETURN_IF_ERROR(outputs.Allocate(model->outputs, model->output_count));
  if (!options.input_file.empty()) {
    MACE_RETURN_IF_ERROR(ReadInputs(*model, options.input_file, inputs));
  }
  double warmup = 0, sum = 0;
  MACE_RETURN_IF_ERROR(RunOnce(*model, inputs, outputs, &warmup));
  for (int64_t i = 0; i < options.round; ++i) {
    double micros = 0;
    MACE_RETURN_IF_ERROR(RunOnce(*model, inputs, outputs, &micros));
    sum += micros;
  }
  const double average = options.round > 0 ? sum / static_cast<double>(options.round) : 0;
  std::printf("========================================================\n");
  std::printf("     %11s %11s %11s\n", "init", "warmup", "run_avg");
  std::printf("========================================================\n");
  std::printf("time %11.3f %11.3f %11.3f\n", init / 1000, warmup / 1000, average / 1000);
  for (int o = 0; o < model->output_count && !options.output_file.empty(); ++o) {
    MACE_RETURN_IF_ERROR(WriteFile(options.output_file + "_" + FileName(model->outputs[o].name),
                                   outputs.pointers[static_cast<size_t>(o)],
                                   model->outputs[o].bytes));
  }
  struct rusage usage = {};
  getrusage(RUSAGE_SELF, &usage);
  *report = {{"model_name", model->name},
             {"runtime", "CPU"},
             {"init_ms", init / 1000},
             {"warmup_ms", warmup / 1000},
             {"run_avg_ms", average / 1000},
             {"omp_num_threads", 1},
             {"inputs", ToJson(model->inputs, model->input_count)},
             {"outputs", ToJson(model->outputs, model->output_count)},
             {"memory",
              {{"arena_bytes", model->arena_bytes()}, {"peak_rss_kb", int64_t{usage.ru_maxrss}}}}};
  return MaceStatus::MACE_SUCCESS;
}

int Main(int argc, char **argv) {
  Options options;
  Flags flags;
  options.AddTo(&flags);
  MaceStatus status = flags.Parse(argc, argv);
  if (flags.help()) {
    std::printf("Runs a model that is straight-line code.\n\n%s", flags.Usage().c_str());
    return EXIT_SUCCESS;
  }
  nlohmann::json report;
  if (status.ok()) status = Run(options, &report);
  if (status.ok() && !options.json.empty()) {
    using nlohmann::json;
    const std::string text = report.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
    status = WriteFile(options.json, text.data(), text.size());
  }
  if (status.ok()) return EXIT_SUCCESS;
  std::fprintf(stderr, "mace_run: %s\n", status.message().c_str());
  return kExitUsage;
}

}  // namespace
}  // namespace tools
}  // namespace mace

int main(int argc, char **argv) { return mace::tools::Main(argc, argv); }
