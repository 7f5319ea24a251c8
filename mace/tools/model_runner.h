// SPDX-License-Identifier: Apache-2.0
// What mace_run and benchmark_model share: flags, files of tensors, an engine and its tensors.
#ifndef MACE_TOOLS_MODEL_RUNNER_H_
#define MACE_TOOLS_MODEL_RUNNER_H_

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "mace/base/status.h"
#include "mace/public/mace.h"
#include "mace/tools/flags.h"
#include "nlohmann/json.hpp"

namespace mace {
namespace tools {

// Exit codes of the programs.
enum ExitCode { kExitOk = 0, kExitInternal = 1, kExitUsage = 2 };
// 2 for what the user can change (files, names, shapes, flags), 1 for all else.
int ExitCodeOf(const MaceStatus &status);

// Values of the flags, with their defaults.
struct ModelOptions {
  std::string model_name, model_file, model_data_file, model_key_file;
  std::string storage_path;
  std::string input_node, input_shape, output_node, output_shape;
  std::string input_file;
  std::string device = "CPU";
  std::string opencl_binary_file, opencl_parameter_file, opencl_storage_path;
  std::string gpu_data_type, gpu_memory_type;
  bool cpu_fallback = false;
  bool opencl_tune = false;
  int64_t gpu_perf_hint = 3;
  int64_t gpu_priority_hint = 3;
  int64_t limit_opencl_kernel_time = -1, opencl_queue_window_size = -1;
  int64_t omp_num_threads = -1;
  int64_t cpu_affinity_policy = 1;
  int64_t memory_limit = 0;
  std::string json;

  void AddTo(Flags *flags);
};

// "a,b" -> {"a", "b"}; "" -> {}.
std::vector<std::string> SplitText(const std::string &text, char separator);

class ModelRunner {
 public:
  explicit ModelRunner(const ModelOptions &options) : options_(options) {}

  // Creates the engine from --model_file, or without it from the model in this program that
  // --model_name names; may be called again for a fresh one.
  MaceStatus CreateEngine();
  // Takes shapes from --input_shape or from the model, and makes tensors for inputs and outputs.
  MaceStatus MakeTensors();
  // Fills inputs from `<prefix>_<name>`.
  MaceStatus ReadInputs(const std::string &prefix);
  // The same from <folder>/<name><suffix>.
  MaceStatus ReadInputs(const std::string &folder, const std::string &suffix);
  // The same numbers each time: floats between -1 and 1, integers and booleans 0 or 1.
  void FillInputs();
  MaceStatus Run(RunMetadata *metadata = nullptr);
  // Writes outputs to <prefix>_<name>.
  MaceStatus WriteOutputs(const std::string &prefix) const;
  MaceStatus WriteOutputs(const std::string &folder, const std::string &suffix) const;

  // Lines of where operators are executed, and why not on the device asked for.
  void LogPlacements() const;

  double init_micros() const { return init_micros_; }
  MaceEngine *engine() { return engine_.get(); }
  // Names, shapes, types of inputs and outputs; memory; versions.
  nlohmann::json Describe() const;

 private:
  MaceStatus Config(MaceEngineConfig *config) const;
  MaceStatus Limit(const std::shared_ptr<GPUContext> &context) const;
  MaceStatus CreateEmbedded(MaceEngineConfig config);
  MaceStatus InputShapes(std::map<std::string, std::vector<int64_t>> *shapes) const;
  MaceStatus ReadTensor(const MaceTensorInfo &info, const std::string &path);
  MaceStatus WriteTensor(const std::string &name, const std::string &path) const;

  const ModelOptions &options_;
  std::shared_ptr<MaceEngine> engine_;
  double init_micros_ = 0, init_cpu_micros_ = 0;
  std::map<std::string, MaceTensor> inputs_, outputs_;
};

// Writes the JSON to the file, if a path is given.
MaceStatus WriteJson(const std::string &path, const nlohmann::json &json);
// Microseconds that all threads of the process have computed: what other programs do counts little.
double CpuMicros();
// Most kilobytes of memory that this process had at once.
int64_t PeakKilobytes();

// Prints "<program>: <sentence>" to standard error and gives the exit code.
int Fail(const char *program, const MaceStatus &status);

}  // namespace tools
}  // namespace mace

#endif  // MACE_TOOLS_MODEL_RUNNER_H_
