// SPDX-License-Identifier: Apache-2.0
// The C++ interface of MACE: all that an application includes. Nothing here throws, and no call
// ends the process on bad input: files, names and shapes that do not fit give a MaceStatus whose
// information() says what, where, why and what to do. Layouts of classes change with versions:
// build applications with the header of the library that they link. mace_c.h is the same as a
// stable ABI.
#ifndef MACE_PUBLIC_MACE_H_
#define MACE_PUBLIC_MACE_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#ifndef MACE_API
#define MACE_API __attribute__((visibility("default")))
#endif

// Libraries that export mace_c.h alone may return statuses in a register, which only clang can.
#ifdef MACE_TRIVIAL_STATUS
#define MACE_STATUS_CLASS __attribute__((trivial_abi))
#else
#define MACE_STATUS_CLASS
#endif

namespace mace {

enum DeviceType { CPU = 0, GPU = 2, HEXAGON = 3 };

// Meaning of the dimensions of a rank-4 tensor; DF_NONE for tensors without such a meaning.
enum DataFormat { DF_NONE = 0, NHWC = 1, NCHW = 2 };

// Element types that cross the interface. The numbers are those of the file format.
enum class IDataType : int32_t {
  kInvalid = 0,
  kFloat = 1,
  kUint8 = 2,
  kHalf = 3,  // IEEE 754 binary16, as uint16_t
  kInt32 = 4,
  kBfloat16 = 5,  // the upper half of a float, as uint16_t
  kInt8 = 6,
  kInt64 = 7,
  kBool = 8,  // one byte, 0 or 1
  kDouble = 9,
  kInt16 = 10,
  kUint16 = 11,
  kUint32 = 12,
  kUint64 = 13,
};

enum GPUPerfHint { PERF_DEFAULT = 0, PERF_LOW = 1, PERF_NORMAL = 2, PERF_HIGH = 3 };
// MODEL: as the model says. Of deployment files FLOAT is fp32_fp32, HALF is fp16_fp32 (halves in
// memory, arithmetic in float), HALF_ARITHMETIC is fp16_fp16: convolutions and products compute in
// half, too, and a device without cl_khr_fp16 does as HALF, with a warning.
enum GPUDataType {
  GPU_DATA_MODEL = 0,
  GPU_DATA_FLOAT = 1,
  GPU_DATA_HALF = 2,
  GPU_DATA_HALF_ARITHMETIC = 3,
};
enum GPUMemoryType { GPU_MEMORY_MODEL = 0, GPU_MEMORY_BUFFER = 1, GPU_MEMORY_IMAGE = 2 };
enum GPUPriorityHint {
  PRIORITY_DEFAULT = 0,
  PRIORITY_LOW = 1,
  PRIORITY_NORMAL = 2,
  PRIORITY_HIGH = 3
};

// Which cores the worker threads are bound to. Where the system does not tell core speeds or does
// not let threads be bound, the policy has no effect and a warning says so; a run never fails of
// it.
enum CPUAffinityPolicy {
  AFFINITY_NONE = 0,
  AFFINITY_BIG_ONLY = 1,          // all cores of the highest maximum frequency
  AFFINITY_LITTLE_ONLY = 2,       // all cores of the lowest maximum frequency
  AFFINITY_HIGH_PERFORMANCE = 3,  // as many cores as threads, fastest first
  AFFINITY_POWER_SAVE = 4,        // as many cores as threads, slowest first
};

// Times of one operator or of a whole run, in microseconds since the epoch.
struct CallStats {
  int64_t start_micros = 0;
  int64_t end_micros = 0;
};

// Geometry of convolution and pooling operators; empty vectors for all others.
struct ConvPoolArgs {
  std::vector<int> strides;      // height, width
  int padding_type = -1;         // 0 VALID, 1 SAME, 2 EXPLICIT, -1 none
  std::vector<int> paddings;     // top, bottom, left, right, as executed
  std::vector<int> dilations;    // height, width
  std::vector<int64_t> kernels;  // filter shape OHWI, or kernel height and width
};

struct OperatorStats {
  std::string operator_name;
  std::string type;
  std::vector<std::vector<int64_t>> output_shape;
  ConvPoolArgs args;
  CallStats stats;
  int64_t macs = 0;  // multiply-adds of this operator at the shape of this run
};

// What a run with statistics reports, in execution order.
struct RunMetadata {
  std::vector<OperatorStats> op_stats;
};

// "MACEVER-<git describe>".
MACE_API const char *MaceVersion();

// The result of a call: success, or the code of an error and a sentence. Copies have sentences of
// their own; what was moved from is success.
class MACE_API MACE_STATUS_CLASS MaceStatus {
 public:
  enum Code {
    MACE_SUCCESS = 0,
    MACE_INVALID_ARGS = 1,      // a file, name, shape or setting is wrong
    MACE_OUT_OF_RESOURCES = 2,  // memory or a device ran out
    MACE_UNSUPPORTED = 3,       // valid, but not on this device or in this build
    MACE_RUNTIME_ERROR = 4,     // the system or a driver failed
  };

  MaceStatus() = default;
  // NOLINTNEXTLINE(runtime/explicit): a code is a status
  MaceStatus(Code code) : error_(code == MACE_SUCCESS ? nullptr : New(code, nullptr)) {}
  // The sentence is copied. Success has none.
  MaceStatus(Code code, const std::string &information)
      : error_(code == MACE_SUCCESS ? nullptr : New(code, &information)) {}
  MaceStatus(const MaceStatus &other)
      : error_(other.error_ == nullptr ? nullptr : Copy(*other.error_)) {}
  MaceStatus(MaceStatus &&other) noexcept : error_(other.error_) { other.error_ = nullptr; }
  MaceStatus &operator=(MaceStatus other) noexcept {
    std::swap(error_, other.error_);
    return *this;
  }
  ~MaceStatus() {
    if (error_ != nullptr) Delete(error_);
  }

  Code code() const { return error_ == nullptr ? MACE_SUCCESS : error_->code; }
  // The code's name and, after ": ", the sentence.
  std::string information() const;
  // The sentence alone, empty if there is none; valid until the status is changed or goes.
  const std::string &message() const;
  bool ok() const { return error_ == nullptr; }

  bool operator==(const MaceStatus &other) const { return code() == other.code(); }
  bool operator!=(const MaceStatus &other) const { return code() != other.code(); }
  bool operator==(Code other) const { return code() == other; }
  bool operator!=(Code other) const { return code() != other; }

 private:
  struct Error {
    Code code;
    std::string information;
  };
  static const Error *New(Code code, const std::string *information);
  static const Error *Copy(const Error &error);
  static void Delete(const Error *error);

  // Of its own; null: success. One pointer, since nearly every call of the engine passes one on.
  const Error *error_ = nullptr;
};

// Everything that engines on one GPU share: device, programs, tuned parameters. Thread-safe; keep
// one and give it to every engine.
class GPUContext;

class MACE_API GPUContextBuilder {
 public:
  GPUContextBuilder();
  ~GPUContextBuilder();
  GPUContextBuilder(const GPUContextBuilder &) = delete;
  GPUContextBuilder &operator=(const GPUContextBuilder &) = delete;

  // A folder that the application may write, for compiled OpenCL programs.
  GPUContextBuilder &SetStoragePath(const std::string &path);
  // Files with programs that were compiled in advance.
  GPUContextBuilder &SetOpenCLBinaryPaths(const std::vector<std::string> &paths);
  // The file with tuned parameters.
  GPUContextBuilder &SetOpenCLParameterPath(const std::string &path);
  std::shared_ptr<GPUContext> Finalize();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

class MaceEngine;

class MACE_API MaceEngineConfig {
 public:
  explicit MaceEngineConfig(DeviceType device_type = CPU);
  ~MaceEngineConfig();
  MaceEngineConfig(const MaceEngineConfig &other);
  MaceEngineConfig &operator=(const MaceEngineConfig &other);

  MaceStatus SetGPUContext(std::shared_ptr<GPUContext> context);
  MaceStatus SetGPUHints(GPUPerfHint perf_hint, GPUPriorityHint priority_hint);
  // How the GPU stores activations and weights and computes, in place of what the model was
  // converted for.
  MaceStatus SetGPUStorage(GPUDataType data_type, GPUMemoryType memory_type);
  // Whether the CPU executes a model that the device cannot (no driver, no memory, a failure during
  // a run), with a warning in the log; else such a call returns the reason. Default: no. Single
  // operators that the device has no kernel for are always the CPU's, see MaceEngine::Placements.
  MaceStatus SetCPUFallback(bool allowed);
  // num_threads: worker threads including the calling one; 0 or less: one for each core that the
  // policy allows.
  MaceStatus SetCPUThreadPolicy(int num_threads, CPUAffinityPolicy policy);
  // Limits the memory an engine may take for activations, in bytes; 0: no limit.
  MaceStatus SetMemoryLimit(size_t bytes);
  // A folder where engines on the CPU keep weights as their kernels read them, one file for each
  // model, so that the next engine of the model maps them and starts sooner. Written whole or not
  // at all, for its owner alone; a file of another version, processor or model, or a damaged one,
  // is replaced, and what cannot be written is left out, each with a warning. Who can write there
  // can change results. Nothing is written of encrypted models. Default: empty, nothing is kept.
  MaceStatus SetStoragePath(const std::string &path);
  // The key of an encrypted model: 32 bytes, copied; INVALID_ARGS for another size. Engines forget
  // it once they are initialized; the copies in configurations are overwritten when they go. Only
  // builds with --define=encryption=true can decrypt.
  MaceStatus SetModelKey(const void *key, size_t size);

 private:
  friend class MaceEngine;
  class Impl;
  std::unique_ptr<Impl> impl_;
};

// A view of a dense row-major tensor in memory that the application owns or shares.
class MACE_API MaceTensor {
 public:
  MaceTensor();
  // `data` holds the product of `shape` elements of the type.
  MaceTensor(const std::vector<int64_t> &shape, std::shared_ptr<float> data,
             DataFormat format = NHWC);
  MaceTensor(const std::vector<int64_t> &shape, std::shared_ptr<void> data, IDataType data_type,
             DataFormat format = NHWC);
  ~MaceTensor();
  MaceTensor(const MaceTensor &other);
  MaceTensor(MaceTensor &&other) noexcept;
  MaceTensor &operator=(const MaceTensor &other);
  MaceTensor &operator=(MaceTensor &&other) noexcept;

  // After a run an output's shape is the one that was computed.
  const std::vector<int64_t> &shape() const;
  const std::shared_ptr<float> data() const;  // null unless the type is float
  std::shared_ptr<float> data();
  std::shared_ptr<void> raw_data() const;
  IDataType data_type() const;
  DataFormat data_format() const;

 private:
  friend class MaceEngine;
  class Impl;
  std::unique_ptr<Impl> impl_;
};

// An input or output as the model file declares it.
struct MaceTensorInfo {
  std::string name;
  std::vector<int64_t> shape;  // -1: any size
  IDataType data_type = IDataType::kFloat;
  DataFormat data_format = NHWC;
};

// One model ready to run. An engine may be used from any thread; calls on one engine are executed
// one after the other. Different engines run at the same time.
class MACE_API MaceEngine {
 public:
  explicit MaceEngine(const MaceEngineConfig &config);
  ~MaceEngine();
  MaceEngine(const MaceEngine &) = delete;
  MaceEngine &operator=(const MaceEngine &) = delete;

  // Reads, verifies and prepares a model. `graph` is the content of model.pb and need not outlive
  // the call. `model_data` is the content of model.data, 64-byte aligned; it must outlive the
  // engine. Empty name lists stand for all inputs or outputs of the model.
  MaceStatus Init(const void *graph, size_t graph_size, const std::vector<std::string> &input_nodes,
                  const std::vector<std::string> &output_nodes, const void *model_data,
                  size_t model_data_size);
  // The same with the path of model.data, which is mapped read-only and released as soon as the
  // weights are packed.
  MaceStatus Init(const void *graph, size_t graph_size, const std::vector<std::string> &input_nodes,
                  const std::vector<std::string> &output_nodes, const std::string &model_data_file);

  // Runs the model once. Input shapes may differ from those of the last run where the model allows
  // it; the plan for each shape is made once and kept. An output tensor must have the type of the
  // model's output and room for its shape; afterwards its shape is the computed one. One without
  // data gets memory from the engine, new memory whenever that is too small: right for outputs
  // whose shape is known only after the run. Outputs must not overlap inputs or each other in
  // memory: they are written while inputs are read.
  MaceStatus Run(const std::map<std::string, MaceTensor> &inputs,
                 std::map<std::string, MaceTensor> *outputs, RunMetadata *run_metadata = nullptr);

  // Told the status of a run, on the thread of the engine that executed it.
  using RunCallback = std::function<void(const MaceStatus &status)>;

  // Begins a run as above and returns: one thread of the engine executes all that were begun, in
  // that order, whatever device they need, and calls `done` (may be empty) after each. A run that
  // is wrong fails there; the status returned is whether it was begun at all. The engine shares the
  // inputs' memory until then, which must not be written; *outputs and *run_metadata must stay, and
  // must not be touched. `done` may begin the next run, but not wait; until it returns, the next
  // one does not start. A Run in between is executed between two of them.
  MaceStatus RunAsync(const std::map<std::string, MaceTensor> &inputs,
                      std::map<std::string, MaceTensor> *outputs, RunCallback done = nullptr,
                      RunMetadata *run_metadata = nullptr);
  // Waits until no run that RunAsync began is left and their callbacks have returned; gives the
  // status of the first of them that failed since the last Wait. The engine's destructor waits,
  // too.
  MaceStatus Wait();

  const std::vector<MaceTensorInfo> &inputs() const;
  const std::vector<MaceTensorInfo> &outputs() const;

  // Shapes of the outputs for the given input shapes; where the number of results depends on the
  // elements (detections), the most that there can be; {-1} where nothing is known before the run.
  // Makes and keeps the plan for them.
  MaceStatus OutputShapes(const std::map<std::string, std::vector<int64_t>> &input_shapes,
                          std::map<std::string, std::vector<int64_t>> *output_shapes);

  // Memory of the engine, in bytes, for the plan of the last run or OutputShapes.
  struct MemoryUsage {
    size_t arena = 0;              // planned activations and scratch
    size_t arena_lower_bound = 0;  // most bytes that are live at one step
    size_t packed_weights = 0;
  };
  MemoryUsage memory_usage() const;
  // The same of the device beside the CPU, for the buffers and images that its planners share out;
  // zeros for an engine without one. arena_lower_bound: no sharing of memory could do with less.
  MemoryUsage device_memory_usage() const;

  // Where an operator is executed for the last input shapes, and why not on the engine's device.
  struct OperatorPlacement {
    std::string operator_name;
    std::string type;
    DeviceType device = CPU;
    std::string reason;
  };
  std::vector<OperatorPlacement> Placements() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

// Creates an engine from the content of model.pb and the path of model.data.
MACE_API MaceStatus CreateMaceEngineFromProto(const std::vector<unsigned char> &model_pb,
                                              const std::string &model_data_file,
                                              const std::vector<std::string> &input_nodes,
                                              const std::vector<std::string> &output_nodes,
                                              const MaceEngineConfig &config,
                                              std::shared_ptr<MaceEngine> *engine);

}  // namespace mace

#endif  // MACE_PUBLIC_MACE_H_
