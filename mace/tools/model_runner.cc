// SPDX-License-Identifier: Apache-2.0
// What mace_run and benchmark_model share.
#include "mace/tools/model_runner.h"

#include <errno.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/utsname.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <random>

#include "mace/base/allocator.h"
#include "mace/base/half.h"
#include "mace/base/isa.h"
#include "mace/base/logging.h"
#include "mace/base/mapped_file.h"
#include "mace/base/types.h"
#include "mace/codegen/embedded_model.h"
#include "mace/public/mace_gpu.h"
#include "mace/tools/model_key.h"
#include "mace/tools/programs.h"

namespace mace {
namespace tools {

namespace {

using nlohmann::json;

DataType TypeOf(const MaceTensorInfo &info) { return static_cast<DataType>(info.data_type); }

MaceStatus ParseDevice(const std::string &text, DeviceType *device) {
  if (text == "CPU") {
    *device = CPU;
  } else if (text == "GPU") {
    *device = GPU;
  } else if (text == "HEXAGON") {
    *device = HEXAGON;
  } else {
    return InvalidArgs("--device is CPU, GPU or HEXAGON, not '", text, "'");
  }
  return MaceStatus::MACE_SUCCESS;
}

// The number of a flag's value among those that there are.
MaceStatus Choose(const char *flag, const std::string &text,
                  const std::vector<std::string> &choices, int *number) {
  const auto found = std::find(choices.begin(), choices.end(), text);
  if (found == choices.end()) {
    std::string known = choices[1];
    for (size_t i = 2; i < choices.size(); ++i) {
      known += (i + 1 == choices.size() ? " or " : ", ") + choices[i];
    }
    return InvalidArgs("--", flag, " is ", known, ", not '", text, "'");
  }
  *number = static_cast<int>(found - choices.begin());
  return MaceStatus::MACE_SUCCESS;
}

MaceStatus ParseShape(const std::string &text, std::vector<int64_t> *shape) {
  shape->clear();
  for (const std::string &part : SplitText(text, ',')) {
    char *end = nullptr;
    const int64_t dim = std::strtoll(part.c_str(), &end, 10);
    if (part.empty() || *end != '\0' || dim < 0) {
      return InvalidArgs("'", text,
                         "' in --input_shape is no shape; a shape is written 1,224,224,3");
    }
    shape->push_back(dim);
  }
  return MaceStatus::MACE_SUCCESS;
}

// A tensor with memory of its own.
MaceStatus MakeTensor(const MaceTensorInfo &info, const std::vector<int64_t> &shape,
                      MaceTensor *tensor) {
  size_t bytes = 0;
  if (!CheckedBytes(Shape(shape), DataTypeSize(TypeOf(info)), &bytes)) {
    return InvalidArgs("'", info.name, "' has the impossible shape ", Shape(shape).ToString());
  }
  void *memory = AllocateAligned(std::max<size_t>(bytes, 1));
  if (memory == nullptr)
    return OutOfResources("no memory for the ", bytes, " bytes of '", info.name, "'");
  memset(memory, 0, bytes);
  *tensor = MaceTensor(shape, std::shared_ptr<void>(memory, FreeAligned), info.data_type,
                       info.data_format);
  return MaceStatus::MACE_SUCCESS;
}

size_t Bytes(const MaceTensor &tensor) {
  size_t bytes = 0;
  CheckedBytes(Shape(tensor.shape()), DataTypeSize(static_cast<DataType>(tensor.data_type())),
               &bytes);
  return bytes;
}

json DescribeTensors(const std::vector<MaceTensorInfo> &infos,
                     const std::map<std::string, MaceTensor> &tensors) {
  json list = json::array();
  for (const MaceTensorInfo &info : infos) {
    json entry = {{"name", info.name},
                  {"type", DataTypeName(TypeOf(info))},
                  {"declared_shape", info.shape},
                  {"format", info.data_format == NHWC   ? "NHWC"
                             : info.data_format == NCHW ? "NCHW"
                                                        : "NONE"}};
    const auto found = tensors.find(info.name);
    if (found != tensors.end()) entry["shape"] = found->second.shape();
    list.push_back(entry);
  }
  return list;
}

// Writes a whole file, or leaves none. What is no plain file, as a device, is not removed.
MaceStatus WriteFile(const std::string &path, const void *data, size_t bytes) {
  std::FILE *file = std::fopen(path.c_str(), "wb");
  if (file == nullptr) return InvalidArgs("cannot write '", path, "': ", strerror(errno));
  int error = std::fwrite(data, 1, bytes, file) == bytes ? 0 : errno;
  struct stat status;
  const bool plain = fstat(fileno(file), &status) == 0 && S_ISREG(status.st_mode);
  if (std::fclose(file) != 0 && error == 0) error = errno;
  if (error == 0) return MaceStatus::MACE_SUCCESS;
  if (plain) std::remove(path.c_str());
  return OutOfResources("cannot write '", path, "': ", strerror(error));
}

// One line that is written over, 30 marks wide.
void ShowTuning(int done, int count) {
  const int marks = count == 0 ? 30 : done * 30 / count;
  std::fprintf(stderr, "\rtuning the GPU's kernels [%.*s%.*s] %d of %d%s", marks,
               "##############################", 30 - marks, "..............................", done,
               count, done == count ? "\n" : "");
  std::fflush(stderr);
}

}  // namespace

int ExitCodeOf(const MaceStatus &status) {
  switch (status.code()) {
    case MaceStatus::MACE_SUCCESS:
      return kExitOk;
    case MaceStatus::MACE_INVALID_ARGS:
    case MaceStatus::MACE_UNSUPPORTED:
      return kExitUsage;
    default:
      return kExitInternal;
  }
}

int Fail(const char *program, const MaceStatus &status) {
  std::fprintf(stderr, "%s: %s\n", program, status.message().c_str());
  return ExitCodeOf(status);
}

void ModelOptions::AddTo(Flags *flags) {
  flags->Add("model_name", &model_name, "name of the model, for reports");
  flags->Add("model_file", &model_file,
             "path of model.pb; not needed for a model that is part of the program");
  flags->Add("model_data_file", &model_data_file, "path of model.data");
  flags->Add("model_key_file", &model_key_file,
             "path of the key of an encrypted model; empty: the key in MACE_MODEL_KEY, if set");
  flags->Add("storage_path", &storage_path,
             "folder where packed weights of the CPU are kept for the next start; empty: none");
  flags->Add("input_node", &input_node, "names of inputs, comma separated; empty: all");
  flags->Add("input_shape", &input_shape,
             "shapes of inputs, as in 1,224,224,3:1,10; empty: as the model says");
  flags->Add("output_node", &output_node, "names of outputs, comma separated; empty: all");
  flags->Add("output_shape", &output_shape, "not needed: the engine computes the shapes");
  flags->Add("input_file", &input_file,
             "inputs are read from <input_file>_<name>, raw, in the input's type; in the name all "
             "but letters and digits is _; empty: made-up numbers");
  flags->Add("device", &device, "CPU, GPU or HEXAGON");
  flags->Add("opencl_binary_file", &opencl_binary_file, "compiled OpenCL programs");
  flags->Add("opencl_parameter_file", &opencl_parameter_file, "tuned OpenCL parameters");
  flags->Add("opencl_tune", &opencl_tune,
             "find the fastest kernels for this GPU, and keep them in opencl_parameter_file");
  flags->Add("opencl_storage_path", &opencl_storage_path,
             "folder where compiled OpenCL programs are kept");
  flags->Add("gpu_data_type", &gpu_data_type,
             "fp32_fp32, fp16_fp32 or fp16_fp16; empty: as the model says");
  flags->Add("gpu_memory_type", &gpu_memory_type, "buffer or image; empty: as the model says");
  flags->Add("cpu_fallback", &cpu_fallback, "the CPU runs what the device cannot run at all");
  flags->Add("gpu_perf_hint", &gpu_perf_hint, "0 default, 1 low, 2 normal, 3 high");
  flags->Add("gpu_priority_hint", &gpu_priority_hint, "0 default, 1 low, 2 normal, 3 high");
  flags->Add("limit_opencl_kernel_time", &limit_opencl_kernel_time,
             "1: GPU kernels are launched in parts of about 1 ms; 0: whole; -1: as the model says");
  flags->Add("opencl_queue_window_size", &opencl_queue_window_size,
             "launches in the GPU's queue at most; 0: any number; -1: as the model says");
  flags->Add("omp_num_threads", &omp_num_threads, "threads; -1: one for each core of the policy");
  flags->Add("cpu_affinity_policy", &cpu_affinity_policy,
             "0 none, 1 big cores, 2 little cores, 3 high performance, 4 power save");
  flags->Add("memory_limit", &memory_limit, "bytes that activations may take; 0: no limit");
  flags->Add("json", &json, "file to write all figures to, as JSON");
}

double CpuMicros() { return static_cast<double>(std::clock()) * (1e6 / CLOCKS_PER_SEC); }

std::vector<std::string> SplitText(const std::string &text, char separator) {
  std::vector<std::string> parts;
  if (text.empty()) return parts;
  size_t begin = 0;
  for (size_t at = text.find(separator); at != std::string::npos;
       at = text.find(separator, begin)) {
    parts.push_back(text.substr(begin, at - begin));
    begin = at + 1;
  }
  parts.push_back(text.substr(begin));
  return parts;
}

MaceStatus ModelRunner::Config(MaceEngineConfig *config) const {
  DeviceType device = CPU;
  MACE_RETURN_IF_ERROR(ParseDevice(options_.device, &device));
  *config = MaceEngineConfig(device);
  MACE_RETURN_IF_ERROR(config->SetStoragePath(options_.storage_path));
  MACE_RETURN_IF_ERROR(config->SetCPUThreadPolicy(
      static_cast<int>(std::min<int64_t>(options_.omp_num_threads, 1 << 20)),
      static_cast<CPUAffinityPolicy>(options_.cpu_affinity_policy)));
  MACE_RETURN_IF_ERROR(
      config->SetGPUHints(static_cast<GPUPerfHint>(options_.gpu_perf_hint),
                          static_cast<GPUPriorityHint>(options_.gpu_priority_hint)));
  if (device == GPU) {
    const std::shared_ptr<GPUContext> context =
        GPUContextBuilder()
            .SetStoragePath(options_.opencl_storage_path)
            .SetOpenCLBinaryPaths(SplitText(options_.opencl_binary_file, ','))
            .SetOpenCLParameterPath(options_.opencl_parameter_file)
            .Finalize();
    MACE_RETURN_IF_ERROR(config->SetGPUContext(context));
    int data_type = 0, memory_type = 0;
    MACE_RETURN_IF_ERROR(Choose("gpu_data_type", options_.gpu_data_type,
                                {"", "fp32_fp32", "fp16_fp32", "fp16_fp16"}, &data_type));
    MACE_RETURN_IF_ERROR(
        Choose("gpu_memory_type", options_.gpu_memory_type, {"", "buffer", "image"}, &memory_type));
    MACE_RETURN_IF_ERROR(config->SetGPUStorage(static_cast<GPUDataType>(data_type),
                                               static_cast<GPUMemoryType>(memory_type)));
    MACE_RETURN_IF_ERROR(config->SetCPUFallback(options_.cpu_fallback));
    MACE_RETURN_IF_ERROR(Limit(context));
    if (options_.opencl_tune) {
      MACE_RETURN_IF_ERROR(TuneGPUContext(context, ShowTuning));
    }
  }
  if (options_.memory_limit < 0) return InvalidArgs("--memory_limit must not be negative");
  return config->SetMemoryLimit(static_cast<size_t>(options_.memory_limit));
}

MaceStatus ModelRunner::Limit(const std::shared_ptr<GPUContext> &context) const {
  const int64_t time = options_.limit_opencl_kernel_time,
                window = options_.opencl_queue_window_size;
  if (time < -1 || time > 1) {
    return InvalidArgs("--limit_opencl_kernel_time is 0, 1 or -1 (as the model says)");
  }
  if (window < -1 || window > 1 << 20) {
    return InvalidArgs(
        "--opencl_queue_window_size is a number of launches, or -1 (as the model says)");
  }
  // In the interface 0 stands for what the model says.
  return LimitGPUContext(context,
                         time < 0    ? 0
                         : time == 0 ? -1
                                     : 1000,
                         window < 0    ? 0
                         : window == 0 ? -1
                                       : static_cast<int>(window));
}

MaceStatus ModelRunner::CreateEmbedded(MaceEngineConfig config) {
  const EmbeddedModel *model = FindEmbeddedModel(options_.model_name.c_str());
  if (model == nullptr) {
    std::string names;
    for (int i = 0; const EmbeddedModel *each = EmbeddedModelAt(i); ++i) {
      names += (i > 0 ? ", " : "") + std::string(each->name);
    }
    if (names.empty()) return InvalidArgs("--model_file is missing: the path of a model.pb");
    return InvalidArgs("--model_name is '", options_.model_name,
                       "', but the models in this program are: ", names);
  }
  MACE_RETURN_IF_ERROR(SetModelKey(options_.model_key_file, model->key_shares, &config));
  const std::vector<std::string> inputs = SplitText(options_.input_node, ','),
                                 outputs = SplitText(options_.output_node, ',');
  const double begin = NowMicros(), cpu_begin = CpuMicros();
  engine_ = std::make_shared<MaceEngine>(config);
  MACE_RETURN_IF_ERROR(model->data == nullptr
                           ? engine_->Init(model->graph, model->graph_size, inputs, outputs,
                                           options_.model_data_file)
                           : engine_->Init(model->graph, model->graph_size, inputs, outputs,
                                           model->data, model->data_size));
  init_micros_ = NowMicros() - begin;
  init_cpu_micros_ = CpuMicros() - cpu_begin;
  return MaceStatus::MACE_SUCCESS;
}

MaceStatus ModelRunner::CreateEngine() {
  MaceEngineConfig config;
  MACE_RETURN_IF_ERROR(Config(&config));
  if (options_.model_file.empty()) return CreateEmbedded(config);
  MACE_RETURN_IF_ERROR(SetModelKey(options_.model_key_file, nullptr, &config));
  const double begin = NowMicros(), cpu_begin = CpuMicros();
  MappedFile graph;
  MACE_RETURN_IF_ERROR(graph.Open(options_.model_file));
  engine_ = std::make_shared<MaceEngine>(config);
  MACE_RETURN_IF_ERROR(
      engine_->Init(graph.data(), graph.size(), SplitText(options_.input_node, ','),
                    SplitText(options_.output_node, ','), options_.model_data_file));
  init_micros_ = NowMicros() - begin;
  init_cpu_micros_ = CpuMicros() - cpu_begin;
  return MaceStatus::MACE_SUCCESS;
}

MaceStatus ModelRunner::InputShapes(std::map<std::string, std::vector<int64_t>> *shapes) const {
  const std::vector<MaceTensorInfo> &infos = engine_->inputs();
  std::vector<std::string> texts = SplitText(options_.input_shape, ':');
  if (!texts.empty() && texts.size() != infos.size()) {
    return InvalidArgs("--input_shape has ", texts.size(), " shapes, but there are ", infos.size(),
                       " inputs");
  }
  for (size_t i = 0; i < infos.size(); ++i) {
    std::vector<int64_t> &shape = (*shapes)[infos[i].name];
    if (!texts.empty()) {
      MACE_RETURN_IF_ERROR(ParseShape(texts[i], &shape));
      continue;
    }
    shape = infos[i].shape;
    if (std::count(shape.begin(), shape.end(), -1) > 0) {
      return InvalidArgs("input '", infos[i].name, "' may have different sizes ",
                         Shape(shape).ToString(), "; choose one with --input_shape");
    }
  }
  return MaceStatus::MACE_SUCCESS;
}

MaceStatus ModelRunner::MakeTensors() {
  std::map<std::string, std::vector<int64_t>> input_shapes, output_shapes;
  MACE_RETURN_IF_ERROR(InputShapes(&input_shapes));
  MACE_RETURN_IF_ERROR(engine_->OutputShapes(input_shapes, &output_shapes));
  inputs_.clear();
  outputs_.clear();
  for (const MaceTensorInfo &info : engine_->inputs()) {
    MACE_RETURN_IF_ERROR(MakeTensor(info, input_shapes.at(info.name), &inputs_[info.name]));
  }
  for (const MaceTensorInfo &info : engine_->outputs()) {
    const std::vector<int64_t> &shape = output_shapes.at(info.name);
    // The engine allocates what it knows the shape of only after the run.
    outputs_[info.name] = MaceTensor({}, nullptr, info.data_type, info.data_format);
    if (shape == std::vector<int64_t>{-1}) continue;
    MACE_RETURN_IF_ERROR(MakeTensor(info, shape, &outputs_[info.name]));
  }
  return MaceStatus::MACE_SUCCESS;
}

MaceStatus ModelRunner::ReadTensor(const MaceTensorInfo &info, const std::string &path) {
  MappedFile file;
  MACE_RETURN_IF_ERROR(file.Open(path));
  const MaceTensor &tensor = inputs_.at(info.name);
  if (file.size() != Bytes(tensor)) {
    return InvalidArgs("'", path, "' has ", file.size(), " bytes, but input '", info.name, "', ",
                       DataTypeName(TypeOf(info)), " ", Shape(tensor.shape()).ToString(),
                       ", takes ", Bytes(tensor));
  }
  if (file.size() > 0) memcpy(tensor.raw_data().get(), file.data(), file.size());
  return MaceStatus::MACE_SUCCESS;
}

MaceStatus ModelRunner::ReadInputs(const std::string &prefix) {
  for (const MaceTensorInfo &info : engine_->inputs()) {
    MACE_RETURN_IF_ERROR(ReadTensor(info, prefix + "_" + FileName(info.name)));
  }
  return MaceStatus::MACE_SUCCESS;
}

MaceStatus ModelRunner::ReadInputs(const std::string &folder, const std::string &suffix) {
  for (const MaceTensorInfo &info : engine_->inputs()) {
    MACE_RETURN_IF_ERROR(ReadTensor(info, folder + "/" + FileName(info.name) + suffix));
  }
  return MaceStatus::MACE_SUCCESS;
}

void ModelRunner::FillInputs() {
  std::mt19937 random(1);
  for (const MaceTensorInfo &info : engine_->inputs()) {
    const MaceTensor &tensor = inputs_.at(info.name);
    const size_t size = DataTypeSize(TypeOf(info)), count = Bytes(tensor) / size;
    char *bytes = static_cast<char *>(tensor.raw_data().get());
    for (size_t i = 0; i < count; ++i) {
      // Not a standard distribution: those differ between libraries.
      const uint32_t number = random() >> 8;
      const float real = static_cast<float>(number) * (2.0f / (1 << 24)) - 1;
      const uint16_t half = FloatToHalf(real);
      const int64_t integer = number & 1;
      const void *value = TypeOf(info) == DT_FLOAT  ? static_cast<const void *>(&real)
                          : TypeOf(info) == DT_HALF ? static_cast<const void *>(&half)
                                                    : static_cast<const void *>(&integer);
      memcpy(bytes + i * size, value, size);
    }
  }
}

MaceStatus ModelRunner::Run(RunMetadata *metadata) {
  return engine_->Run(inputs_, &outputs_, metadata);
}

MaceStatus ModelRunner::WriteTensor(const std::string &name, const std::string &path) const {
  const MaceTensor &tensor = outputs_.at(name);
  return WriteFile(path, tensor.raw_data().get(), Bytes(tensor));
}

MaceStatus ModelRunner::WriteOutputs(const std::string &prefix) const {
  for (const MaceTensorInfo &info : engine_->outputs()) {
    MACE_RETURN_IF_ERROR(WriteTensor(info.name, prefix + "_" + FileName(info.name)));
  }
  return MaceStatus::MACE_SUCCESS;
}

MaceStatus ModelRunner::WriteOutputs(const std::string &folder, const std::string &suffix) const {
  for (const MaceTensorInfo &info : engine_->outputs()) {
    MACE_RETURN_IF_ERROR(WriteTensor(info.name, folder + "/" + FileName(info.name) + suffix));
  }
  return MaceStatus::MACE_SUCCESS;
}

void ModelRunner::LogPlacements() const {
  if (options_.device == "CPU") return;
  const std::vector<MaceEngine::OperatorPlacement> placements = engine_->Placements();
  size_t on_cpu = 0;
  for (const MaceEngine::OperatorPlacement &each : placements) {
    if (each.device != CPU) continue;
    ++on_cpu;
    LOG(INFO) << "on the CPU: " << each.type << " '" << each.operator_name << "', since "
              << each.reason;
  }
  LOG(INFO) << placements.size() - on_cpu << " of " << placements.size() << " operators on the "
            << options_.device;
  const MaceEngine::MemoryUsage memory = engine_->device_memory_usage();
  LOG(INFO) << "memory of the " << options_.device << ": " << memory.arena
            << " bytes for activations, of which " << memory.arena_lower_bound
            << " are in use at once, and " << memory.packed_weights << " for weights";
}

json DescribeMemory(const MaceEngine::MemoryUsage &memory) {
  return {{"arena_bytes", memory.arena},
          {"arena_lower_bound_bytes", memory.arena_lower_bound},
          {"packed_weights_bytes", memory.packed_weights}};
}

json ModelRunner::Describe() const {
  json memory = DescribeMemory(engine_->memory_usage());
  memory["peak_rss_kb"] = PeakKilobytes();
  json isas = json::array();
  for (uint32_t bit = 1; bit != 0; bit <<= 1) {
    if ((SupportedIsas() & bit) != 0) isas.push_back(IsaName(static_cast<Isa>(bit)));
  }
  struct utsname system;
  const std::string machine = uname(&system) == 0 ? system.machine : "";
  json placements = json::array();
  for (const MaceEngine::OperatorPlacement &each : engine_->Placements()) {
    placements.push_back({{"name", each.operator_name},
                          {"type", each.type},
                          {"device", each.device == CPU ? "CPU" : options_.device},
                          {"reason", each.reason}});
  }
  return {{"model_name", options_.model_name},
          {"placements", placements},
          {"runtime", options_.device},
          {"mace_version", MaceVersion()},
          {"machine", machine},
          {"isas", isas},
          {"omp_num_threads", options_.omp_num_threads},
          {"cpu_affinity_policy", options_.cpu_affinity_policy},
          {"init_ms", init_micros_ / 1000},
          {"init_cpu_ms", init_cpu_micros_ / 1000},
          {"inputs", DescribeTensors(engine_->inputs(), inputs_)},
          {"outputs", DescribeTensors(engine_->outputs(), outputs_)},
          {"memory", memory},
          {"device_memory", DescribeMemory(engine_->device_memory_usage())}};
}

MaceStatus WriteJson(const std::string &path, const json &value) {
  if (path.empty()) return MaceStatus::MACE_SUCCESS;
  // Names that are no valid UTF-8 are replaced rather than refused.
  const std::string text = value.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
  return WriteFile(path, text.data(), text.size());
}

int64_t PeakKilobytes() {
  struct rusage usage;
  return getrusage(RUSAGE_SELF, &usage) == 0 ? static_cast<int64_t>(usage.ru_maxrss) : 0;
}

}  // namespace tools
}  // namespace mace
