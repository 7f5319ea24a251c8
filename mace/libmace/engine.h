// SPDX-License-Identifier: Apache-2.0
// One model ready to run, behind both the C++ and the C interface. Not thread-safe: the interfaces
// hold a lock round each call.
#ifndef MACE_LIBMACE_ENGINE_H_
#define MACE_LIBMACE_ENGINE_H_

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "mace/base/status.h"
#include "mace/core/accelerator.h"
#include "mace/core/net.h"
#include "mace/core/op_registry.h"
#include "mace/core/packed_cache.h"
#include "mace/core/plan.h"
#include "mace/crypto/secret_memory.h"
#include "mace/public/mace.h"
#include "mace/runtimes/cpu/thread_pool.h"

namespace mace {

class BackgroundEngine;
class GPUContext;

// How a GPU holds activations and weights; kModel: as the model says, or its default.
enum class GpuStorage : int32_t { kModel = 0, kFloat = 1, kHalf = 2, kHalfArithmetic = 3 };
enum class GpuMemory : int32_t { kModel = 0, kBuffer = 1, kImage = 2 };

struct GpuConfig {
  std::shared_ptr<GPUContext> context;  // null: one of the engine's own
  int perf_hint = 0, priority_hint = 0;
  GpuStorage storage = GpuStorage::kModel;
  GpuMemory memory = GpuMemory::kModel;
  // Not null: once it is true, Init and plans fail as soon as they can.
  const std::atomic<bool> *cancelled = nullptr;
};

struct EngineConfig {
  DeviceType device = CPU;
  int num_threads = -1;
  CPUAffinityPolicy affinity = AFFINITY_NONE;
  size_t memory_limit = 0;
  // Folder for packed weights of engines on the CPU; empty: they are not kept.
  std::string storage_path;
  // Of an encrypted model; the engine forgets it after Init, unless cpu_fallback may need it.
  ModelKey model_key;
  GpuConfig gpu;
  // What a device cannot do as a whole (no driver, no memory, a failure while it runs) is done by
  // the CPU, with a warning. Single operators are whenever the device has no kernel for them.
  bool cpu_fallback = false;
  // Operators; null: all of the library. For tests.
  const OpRegistryBase *registry = nullptr;
};

// model.pb and model.data as the application gives them.
struct ModelSource {
  const void *graph = nullptr;
  size_t graph_size = 0;
  const void *data = nullptr;  // content of model.data, or null
  size_t data_size = 0;
  std::string data_file;  // its path, when data is null; may be empty for a model without constants
};

// A tensor of the application.
struct TensorView {
  DataType dtype = DT_INVALID;
  DataFormat format = DF_NONE;  // DF_NONE: not said
  Shape shape;
  void *data = nullptr;
  size_t bytes = 0;  // room at data
  // Of an output: OutputMemory is asked for memory when this is not enough.
  bool growable = false;
};

// Where outputs get memory whose size the application does not know.
class OutputMemory {
 public:
  virtual ~OutputMemory() = default;
  // Memory of `bytes` for output `index` of the engine, null when there is none.
  virtual void *Get(size_t index, const Shape &shape, size_t bytes) = 0;
};

class Engine {
 public:
  Engine();
  ~Engine();

  // Empty name lists stand for all inputs or outputs.
  MaceStatus Init(const ModelSource &source, const std::vector<std::string> &input_names,
                  const std::vector<std::string> &output_names, const EngineConfig &config);

  // Whether Init succeeded; the functions below fail otherwise.
  bool ready() const { return ready_; }
  const std::vector<MaceTensorInfo> &inputs() const { return inputs_; }
  const std::vector<MaceTensorInfo> &outputs() const { return outputs_; }
  // Where the operators of the last plan are executed; those that only shapes need are not listed.
  void Placements(std::vector<MaceEngine::OperatorPlacement> *placements) const;

  // inputs[i] is for inputs()[i]; only its shape is read. shapes gets one for each output, {-1} for
  // those that are known only after Run.
  MaceStatus OutputShapes(const TensorView *inputs, std::vector<Shape> *shapes);
  // outputs[i] is for outputs()[i]; its shape is set. memory: for outputs that are growable.
  MaceStatus Run(const TensorView *inputs, TensorView *outputs, RunMetadata *metadata,
                 OutputMemory *memory = nullptr);

  MaceEngine::MemoryUsage memory_usage() const;
  MaceEngine::MemoryUsage device_memory_usage() const;

  // Whether Run has nothing to prepare for inputs of these shapes.
  bool IsPlanned(const TensorView *inputs) const;

 private:
  MaceStatus InitOnDevice(const ModelSource &source, const std::vector<std::string> &input_names,
                          const std::vector<std::string> &output_names);
  MaceStatus RunOnDevice(const TensorView *inputs, TensorView *outputs, RunMetadata *metadata,
                         OutputMemory *memory);
  // Whether the CPU is to do what failed with this status on another device.
  bool FallsBack(const MaceStatus &status) const;
  MaceStatus InitFallback(const MaceStatus &why);
  // Makes the engine on the CPU. reason: of its placements.
  MaceStatus MakeFallback(const std::string &reason);
  // Starts to make the engine on the device, and one on the CPU for the time until it is there.
  MaceStatus InitBackground();
  // Has the engine on the device do it, if that is ready. False: the CPU is to do it.
  bool RunInBackground(const TensorView *inputs, TensorView *outputs, RunMetadata *metadata,
                       OutputMemory *memory, MaceStatus *status);
  // The checksum of model.data is left to the net.
  MaceStatus ReadVerified(const ModelSource &source, ModelDef *model,
                          std::unique_ptr<Constants> *constants, const ModelKey &key) const;
  void OpenPackedCache(const ModelSource &source, const std::vector<std::string> &output_names);
  MaceStatus ChooseInputs(const std::vector<std::string> &names);
  MaceStatus CheckShape(const MaceTensorInfo &info, const Shape &shape) const;
  MaceStatus CheckInput(const MaceTensorInfo &info, const TensorView &view) const;
  MaceStatus CheckOutputs(const TensorView *inputs, const TensorView *outputs) const;
  // Memory of `bytes` for output i, if it has too little.
  MaceStatus GiveMemory(size_t i, const Shape &shape, size_t bytes, OutputMemory *memory,
                        TensorView *view) const;
  // Copies an output that has the plan's own memory.
  MaceStatus CopyLate(size_t i, OutputMemory *memory, TensorView *view) const;
  // Makes the plan for these shapes the first of plans_.
  MaceStatus UsePlan(const TensorView *inputs);
  MaceStatus GrowArena();

  EngineConfig config_;
  // What the engine on the CPU would be made of, if one is allowed; and the engine, which then does
  // all the work.
  struct Model {
    std::string graph;
    ModelSource source;
    std::vector<std::string> input_names, output_names;
    ModelKey key;
  };
  std::unique_ptr<Model> model_;
  std::unique_ptr<Engine> fallback_;
  std::string fallback_reason_;
  // Being made; outlived by what model_ holds. on_device_: it did the last run.
  std::unique_ptr<BackgroundEngine> background_;
  Engine *on_device_ = nullptr;
  std::unique_ptr<OpRegistry> own_registry_;
  std::unique_ptr<ThreadPool> thread_pool_;
  std::unique_ptr<Accelerator> accelerator_;  // outlives net and plans
  std::vector<OperatorPlacement> placements_;
  std::unique_ptr<PackedCache> packed_cache_;  // outlives net; null: none is wanted
  Net net_;
  bool ready_ = false;
  std::vector<MaceTensorInfo> inputs_, outputs_;
  std::vector<size_t> input_index_;           // of inputs_[i] among the inputs of the net
  std::vector<Shape> shapes_;                 // by input of the net
  std::vector<const void *> input_pointers_;  // by input of the net
  std::vector<void *> output_pointers_;
  std::vector<std::unique_ptr<Plan>> plans_;  // last used first
  AlignedBuffer arena_;
};

// An UNSUPPORTED status when this build cannot use the device.
MaceStatus CheckDevice(DeviceType device);

// Whether an engine for the device is made while the CPU answers.
bool MadeInBackground(const EngineConfig &config);

// The accelerator of a device other than the CPU, for a model. for_placement: it need not be there,
// a usual one of its kind is taken.
MaceStatus MakeAccelerator(const EngineConfig &config, const NetDef &net, bool for_placement,
                           std::unique_ptr<Accelerator> *accelerator);

}  // namespace mace

#endif  // MACE_LIBMACE_ENGINE_H_
