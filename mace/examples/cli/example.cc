// SPDX-License-Identifier: Apache-2.0
// How an application uses MACE: create an engine, give it tensors, run, read the results. It uses
// the public header alone, so it can be copied into a project as it is. Flags as mace_run's:
//
//   example --model_file=m.pb --model_data_file=m.data --input_file=input --output_file=output
// Compiled with MODEL_GRAPH_FORMAT_CODE, it takes a model that is code by its --model_name.
#include <getopt.h>

#include <cctype>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "mace/public/mace.h"
#include "mace/public/mace_gpu.h"
#ifdef MODEL_GRAPH_FORMAT_CODE
#include "mace/public/mace_engine_factory.h"
#endif

namespace {

struct Options {
  std::map<std::string, std::string> values = {
      {"model_name", ""},
      {"model_file", ""},
      {"model_data_file", ""},
      {"model_key_file", ""},
      {"input_shape", ""},
      {"input_file", ""},
      {"output_file", ""},
      {"device", "CPU"},
      {"round", "1"},
      {"omp_num_threads", "-1"},
      {"gpu_perf_hint", "2"},
      {"gpu_priority_hint", "1"},
      {"gpu_data_type", ""},
      {"gpu_memory_type", ""},
      {"opencl_binary_file", ""},
      {"opencl_parameter_file", ""},
      {"opencl_storage_path", ""},
      {"limit_opencl_kernel_time", "-1"},
      {"opencl_queue_window_size", "-1"},
      {"cpu_affinity_policy", "1"},
      {"json", ""},
  };
  const std::string &operator[](const char *name) const { return values.at(name); }
  int Number(const char *name) const { return std::atoi(values.at(name).c_str()); }
};

// False after a message when the command line is wrong.
bool ParseOptions(int argc, char **argv, Options *options) {
  std::vector<option> flags;
  for (const auto &value : options->values) {
    flags.push_back({value.first.c_str(), required_argument, nullptr, 0});
  }
  flags.push_back({nullptr, 0, nullptr, 0});
  int index = 0;
  for (int c; (c = getopt_long(argc, argv, "", flags.data(), &index)) != -1;) {
    if (c != 0) return false;
    options->values[flags[static_cast<size_t>(index)].name] = optarg;
  }
  if (optind < argc) {
    std::fprintf(stderr, "example: '%s' is no flag\n", argv[optind]);
    return false;
  }
#ifndef MODEL_GRAPH_FORMAT_CODE
  if ((*options)["model_file"].empty()) {
    std::fprintf(stderr, "example: --model_file is missing: the path of the model's .pb file\n");
    return false;
  }
#endif
  return true;
}

// "image:0" -> "image_0": a name as part of a file name.
std::string FileName(const std::string &stem, const std::string &tensor) {
  std::string name = stem + "_" + tensor;
  for (size_t i = stem.size() + 1; i < name.size(); ++i) {
    if (!std::isalnum(static_cast<unsigned char>(name[i]))) name[i] = '_';
  }
  return name;
}

size_t ElementSize(mace::IDataType type) {
  switch (type) {
    case mace::IDataType::kFloat:
    case mace::IDataType::kInt32:
    case mace::IDataType::kUint32:
      return 4;
    case mace::IDataType::kHalf:
    case mace::IDataType::kBfloat16:
    case mace::IDataType::kInt16:
    case mace::IDataType::kUint16:
      return 2;
    case mace::IDataType::kInt64:
    case mace::IDataType::kUint64:
    case mace::IDataType::kDouble:
      return 8;
    default:
      return 1;
  }
}

// A tensor with memory of its own, all zero.
mace::MaceTensor MakeTensor(const mace::MaceTensorInfo &info, const std::vector<int64_t> &shape,
                            size_t *bytes) {
  size_t elements = 1;
  for (int64_t dim : shape) elements *= static_cast<size_t>(dim);
  *bytes = elements * ElementSize(info.data_type);
  std::shared_ptr<void> data(std::calloc(*bytes + 1, 1), std::free);
  return mace::MaceTensor(shape, data, info.data_type, info.data_format);
}

// "1,224,224,3:1,10" -> the shapes of the inputs; those of the model where the text is empty, an
// open dimension becoming 1.
std::vector<std::vector<int64_t>> InputShapes(const std::string &text,
                                              const std::vector<mace::MaceTensorInfo> &inputs) {
  std::vector<std::vector<int64_t>> shapes;
  const char *at = text.c_str();
  for (const mace::MaceTensorInfo &input : inputs) {
    shapes.emplace_back();
    if (text.empty()) {
      for (int64_t dim : input.shape) shapes.back().push_back(dim < 0 ? 1 : dim);
      continue;
    }
    while (*at != '\0' && *at != ':') {
      char *end = nullptr;
      shapes.back().push_back(std::strtoll(at, &end, 10));
      at = *end == ',' ? end + 1 : end;
      if (end == at && *at != ':' && *at != '\0') break;  // not a number
    }
    if (*at == ':') ++at;
  }
  return shapes;
}

bool Check(const mace::MaceStatus &status, const char *what) {
  if (status == mace::MaceStatus::MACE_SUCCESS) return true;
  std::fprintf(stderr, "example: %s: %s\n", what, status.information().c_str());
  return false;
}

// A flag's place among the names it may have; 0, which leaves the choice to the model, if there is
// no such name.
int Choice(const std::string &name, const std::vector<std::string> &names) {
  for (size_t i = 0; i < names.size(); ++i) {
    if (names[i] == name) return static_cast<int>(i);
  }
  return 0;
}

// What engines on a GPU share. An application makes one and keeps it as long as it runs.
bool SetGPU(const Options &options, mace::MaceEngineConfig *config) {
  mace::GPUContextBuilder builder;
  builder.SetStoragePath(options["opencl_storage_path"])
      .SetOpenCLParameterPath(options["opencl_parameter_file"]);
  if (!options["opencl_binary_file"].empty()) {
    builder.SetOpenCLBinaryPaths({options["opencl_binary_file"]});
  }
  const std::shared_ptr<mace::GPUContext> context = builder.Finalize();
  const int time = options.Number("limit_opencl_kernel_time");
  const int queue = options.Number("opencl_queue_window_size");
  // -1 of a flag is what the model says, which is 0 here, and 0 is no limit.
  return Check(mace::LimitGPUContext(context, time < 0 ? 0 : (time > 0 ? 1000 : -1),
                                     queue < 0 ? 0 : (queue > 0 ? queue : -1)),
               "limits of the GPU") &&
         Check(config->SetGPUContext(context), "the GPU") &&
         Check(config->SetGPUHints(
                   static_cast<mace::GPUPerfHint>(options.Number("gpu_perf_hint")),
                   static_cast<mace::GPUPriorityHint>(options.Number("gpu_priority_hint"))),
               "hints for the GPU") &&
         Check(config->SetGPUStorage(
                   static_cast<mace::GPUDataType>(Choice(
                       options["gpu_data_type"], {"", "fp32_fp32", "fp16_fp32", "fp16_fp16"})),
                   static_cast<mace::GPUMemoryType>(
                       Choice(options["gpu_memory_type"], {"", "buffer", "image"}))),
               "storage of the GPU");
}

// The key of an encrypted model: a file of 64 hexadecimal digits, or of the 32 bytes themselves. An
// application takes its key from where it keeps secrets.
bool SetKey(const std::string &path, mace::MaceEngineConfig *config) {
  if (path.empty()) return true;
  std::ifstream file(path, std::ios::binary);
  const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  std::string key = text.size() == 32 ? text : "";
  for (size_t i = 0; key.size() < 32 && i + 2 <= text.size(); i += 2) {
    key.push_back(static_cast<char>(std::strtol(text.substr(i, 2).c_str(), nullptr, 16)));
  }
  return Check(config->SetModelKey(key.data(), key.size()), path.c_str());
}

// The engine of the model that the flags name. Empty lists of names stand for all of its inputs and
// outputs.
bool CreateEngine(const Options &options, const mace::MaceEngineConfig &config,
                  std::shared_ptr<mace::MaceEngine> *engine) {
#ifdef MODEL_GRAPH_FORMAT_CODE
  return Check(mace::CreateMaceEngineFromCode(options["model_name"], options["model_data_file"], {},
                                              {}, config, engine),
               "the model cannot be used");
#else
  std::ifstream file(options["model_file"], std::ios::binary);
  const std::vector<unsigned char> graph((std::istreambuf_iterator<char>(file)),
                                         std::istreambuf_iterator<char>());
  if (!file.is_open() || graph.empty()) {
    std::fprintf(stderr, "example: cannot read '%s'\n", options["model_file"].c_str());
    return false;
  }
  return Check(
      mace::CreateMaceEngineFromProto(graph, options["model_data_file"], {}, {}, config, engine),
      "the model cannot be used");
#endif
}

// In quotes, as JSON wants it.
std::string Quoted(const std::string &text) {
  std::string quoted = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\') quoted += '\\';
    if (static_cast<unsigned char>(c) >= ' ') quoted += c;
  }
  return quoted + "\"";
}

// Shapes of the outputs, where operators ran, and times, for the tools that started this program.
void WriteReport(const std::string &path, const mace::MaceEngine &engine,
                 const std::map<std::string, mace::MaceTensor> &outputs, double init_ms,
                 double run_ms) {
  std::ofstream file(path);
  file << "{\"init_ms\": " << init_ms << ", \"run_avg_ms\": " << run_ms << ", \"warmup_ms\": 0"
       << ", \"placements\": [";
  const char *separator = "";
  for (const mace::MaceEngine::OperatorPlacement &each : engine.Placements()) {
    file << separator << "{\"name\": " << Quoted(each.operator_name)
         << ", \"type\": " << Quoted(each.type) << ", \"device\": \""
         << (each.device == mace::GPU ? "GPU" : "CPU") << "\", \"reason\": " << Quoted(each.reason)
         << "}";
    separator = ", ";
  }
  file << "], \"outputs\": [";
  separator = "";
  for (const auto &output : outputs) {
    file << separator << "{\"name\": " << Quoted(output.first) << ", \"shape\": [";
    const char *comma = "";
    for (int64_t dim : output.second.shape()) {
      file << comma << dim;
      comma = ", ";
    }
    file << "]}";
    separator = ", ";
  }
  file << "]}\n";
}

bool ReadInputs(const Options &options, const mace::MaceEngine &engine,
                std::map<std::string, mace::MaceTensor> *inputs,
                std::map<std::string, std::vector<int64_t>> *input_shapes) {
  const auto shapes = InputShapes(options["input_shape"], engine.inputs());
  for (size_t i = 0; i < engine.inputs().size(); ++i) {
    const mace::MaceTensorInfo &info = engine.inputs()[i];
    size_t bytes = 0;
    const mace::MaceTensor &tensor = (*inputs)[info.name] = MakeTensor(info, shapes[i], &bytes);
    (*input_shapes)[info.name] = shapes[i];
    if (options["input_file"].empty()) continue;
    const std::string path = FileName(options["input_file"], info.name);
    std::ifstream data(path, std::ios::binary);
    if (!data.read(static_cast<char *>(tensor.raw_data().get()),
                   static_cast<std::streamsize>(bytes))) {
      std::fprintf(stderr, "example: '%s' has less than the %zu bytes of input '%s'\n",
                   path.c_str(), bytes, info.name.c_str());
      return false;
    }
  }
  return true;
}

bool WriteOutputs(const std::string &stem, const mace::MaceEngine &engine,
                  const std::map<std::string, mace::MaceTensor> &outputs) {
  for (const mace::MaceTensorInfo &info : engine.outputs()) {
    const mace::MaceTensor &tensor = outputs.at(info.name);
    size_t bytes = ElementSize(info.data_type);
    for (int64_t dim : tensor.shape()) bytes *= static_cast<size_t>(dim);
    if (stem.empty()) continue;
    std::ofstream data(FileName(stem, info.name), std::ios::binary);
    if (!data.write(static_cast<const char *>(tensor.raw_data().get()),
                    static_cast<std::streamsize>(bytes))) {
      std::fprintf(stderr, "example: cannot write the output '%s'\n", info.name.c_str());
      return false;
    }
  }
  return true;
}

double Milliseconds(std::chrono::steady_clock::time_point since) {
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - since)
      .count();
}

}  // namespace

int main(int argc, char **argv) {
  Options options;
  if (!ParseOptions(argc, argv, &options)) return 2;

  // 1. Configuration: which device, how many threads, on which cores.
  const mace::DeviceType device = options["device"] == "GPU" ? mace::GPU : mace::CPU;
  mace::MaceEngineConfig config(device);
  const auto policy = static_cast<mace::CPUAffinityPolicy>(options.Number("cpu_affinity_policy"));
  if (!Check(config.SetCPUThreadPolicy(options.Number("omp_num_threads"), policy), "threads")) {
    return 2;
  }
  if (device == mace::GPU && !SetGPU(options, &config)) return 2;
  if (!SetKey(options["model_key_file"], &config)) return 2;

  // 2. The engine.
  const auto begin = std::chrono::steady_clock::now();
  std::shared_ptr<mace::MaceEngine> engine;
  if (!CreateEngine(options, config, &engine)) return 2;
  const double init_ms = Milliseconds(begin);

  // 3. Inputs, from files of raw elements.
  std::map<std::string, mace::MaceTensor> inputs;
  std::map<std::string, std::vector<int64_t>> input_shapes;
  if (!ReadInputs(options, *engine, &inputs, &input_shapes)) return 2;

  // 4. Outputs, as large as the input shapes make them.
  std::map<std::string, std::vector<int64_t>> output_shapes;
  if (!Check(engine->OutputShapes(input_shapes, &output_shapes), "these shapes do not fit")) {
    return 2;
  }
  std::map<std::string, mace::MaceTensor> outputs;
  for (const mace::MaceTensorInfo &info : engine->outputs()) {
    size_t bytes = 0;
    outputs[info.name] = MakeTensor(info, output_shapes[info.name], &bytes);
  }

  // 5. Run.
  const int rounds = options.Number("round");
  const auto run_begin = std::chrono::steady_clock::now();
  for (int round = 0; round < rounds; ++round) {
    if (!Check(engine->Run(inputs, &outputs), "the run failed")) return 1;
  }
  const double run_ms = rounds > 0 ? Milliseconds(run_begin) / rounds : 0;
  std::printf("init %.3f ms, run %.3f ms\n", init_ms, run_ms);

  // 6. Results. An output's shape is known exactly only now.
  if (!WriteOutputs(options["output_file"], *engine, outputs)) return 1;
  if (!options["json"].empty()) {
    WriteReport(options["json"], *engine, outputs, init_ms, run_ms);
  }
  return 0;
}
