// SPDX-License-Identifier: Apache-2.0
// The C interface of MACE: the stable ABI under every other language. Functions that can fail
// return a mace_code and leave a sentence for mace_last_error() of the calling thread.
#ifndef MACE_PUBLIC_MACE_C_H_
#define MACE_PUBLIC_MACE_C_H_

#include <stddef.h>
#include <stdint.h>

#ifndef MACE_API
#define MACE_API __attribute__((visibility("default")))
#endif

#ifdef __cplusplus
extern "C" {
#endif

#define MACE_C_MAX_RANK 6

// Values of MaceStatus::Code, DeviceType, IDataType, DataFormat and CPUAffinityPolicy in mace.h.
typedef int32_t mace_code;
typedef int32_t mace_device;
typedef int32_t mace_dtype;
typedef int32_t mace_format;
typedef int32_t mace_affinity;

typedef struct mace_engine mace_engine;

// A dense row-major tensor. The memory belongs to the caller.
typedef struct mace_tensor {
  const char *name;
  mace_dtype dtype;
  mace_format format;
  int32_t rank;
  int64_t dims[MACE_C_MAX_RANK];
  void *data;
  size_t bytes;  // room at data
} mace_tensor;

// What engines on one GPU share, see GPUContext in mace.h. Engines keep it alive.
typedef struct mace_gpu_context mace_gpu_context;

typedef struct mace_config {
  size_t struct_size;  // sizeof(mace_config) of the caller
  mace_device device;
  int32_t num_threads;  // 0 or less: one for each core that the policy allows
  mace_affinity affinity;
  size_t memory_limit;  // bytes for activations; 0: no limit
  // Of an encrypted model: 32 bytes, read by mace_engine_create alone; null: none.
  const void *model_key;
  size_t model_key_size;
  // Of the GPU; values of GPUPerfHint, GPUPriorityHint, GPUDataType and GPUMemoryType in mace.h.
  int32_t gpu_perf_hint;
  int32_t gpu_priority_hint;
  int32_t gpu_data_type;
  int32_t gpu_memory_type;
  int32_t cpu_fallback;           // 1: the CPU executes a model that the device cannot
  mace_gpu_context *gpu_context;  // null: one of the engine's own
  // Folder for packed weights, see MaceEngineConfig::SetStoragePath in mace.h; null: none.
  const char *storage_path;
} mace_config;

// Where operators' times go. Strings and arrays are valid until the call returns.
typedef struct mace_op_stats {
  const char *name;
  const char *type;
  int64_t start_micros;
  int64_t end_micros;
  int64_t macs;
  int32_t output_rank;
  int64_t output_dims[MACE_C_MAX_RANK];
  int32_t has_window;  // 1: the fields below are meaningful
  int32_t strides[2];
  int32_t padding_type;
  int32_t paddings[4];
  int32_t dilations[2];
  int32_t filter_rank;
  int64_t filter_dims[MACE_C_MAX_RANK];
} mace_op_stats;

typedef void (*mace_op_stats_fn)(void *user, const mace_op_stats *stats);
// Told how a run ended; message is "" for a success, and valid during the call.
typedef void (*mace_done_fn)(void *user, mace_code code, const char *message);
// Called for each tensor of a model whose type could be inferred. A dim of -1 depends on elements,
// and with a rank of -1 not even the number of dimensions is known before the run.
typedef void (*mace_shape_fn)(void *user, const char *tensor, mace_dtype dtype, int32_t rank,
                              const int64_t *dims);
// Called for each operator that cannot be executed; code says why as a status would.
typedef void (*mace_problem_fn)(void *user, mace_code code, const char *op_name,
                                const char *op_type, const char *message);

MACE_API const char *mace_version(void);
// The sentence of the last call of this thread that failed; "" if none did. Valid until the next.
MACE_API const char *mace_last_error(void);
// Fills in the defaults: CPU, all cores, no affinity.
MACE_API void mace_config_init(mace_config *config);

// Creates an engine from the content of model.pb and either the content of model.data (64-byte
// aligned, outlives the engine) or, when data is null, the path of model.data (null: no constants).
MACE_API mace_code mace_engine_create(const void *graph, size_t graph_size, const void *data,
                                      size_t data_size, const char *data_path,
                                      const mace_config *config, mace_engine **engine);
MACE_API void mace_engine_destroy(mace_engine *engine);

MACE_API size_t mace_engine_input_count(const mace_engine *engine);
MACE_API size_t mace_engine_output_count(const mace_engine *engine);
// Name (owned by the engine), type, format and declared dims (-1: any) of an input or output.
MACE_API mace_code mace_engine_input(const mace_engine *engine, size_t index, mace_tensor *info);
MACE_API mace_code mace_engine_output(const mace_engine *engine, size_t index, mace_tensor *info);

// Rank, dims and type of all outputs, in the model's order, for the given input shapes (data is not
// read). output_count must be mace_engine_output_count(). Where the number of results depends on
// the elements (detections), the most that there can be; rank is -1 where nothing is known before
// the run.
MACE_API mace_code mace_engine_output_shapes(mace_engine *engine, const mace_tensor *inputs,
                                             size_t input_count, mace_tensor *outputs,
                                             size_t output_count);
// Runs once. Outputs are matched by name and need room for their shapes; rank and dims are set.
// Outputs must not overlap inputs or each other in memory: they are written while inputs are read.
// stats: called for each operator in execution order, or null.
MACE_API mace_code mace_engine_run(mace_engine *engine, const mace_tensor *inputs,
                                   size_t input_count, mace_tensor *outputs, size_t output_count,
                                   mace_op_stats_fn stats, void *user);

// Gives memory for one output: `output` has its name, type, rank, dims and size in bytes, index is
// its place in the caller's array. Null: there is none, and the run fails.
typedef void *(*mace_output_fn)(void *user, size_t index, const mace_tensor *output);
// The same for outputs of any shape: for each with a null data, output_memory is called once its
// shape is known, during the call. data and bytes are set then.
MACE_API mace_code mace_engine_run_alloc(mace_engine *engine, const mace_tensor *inputs,
                                         size_t input_count, mace_tensor *outputs,
                                         size_t output_count, mace_output_fn output_memory,
                                         mace_op_stats_fn stats, void *user);

// Begins what mace_engine_run_alloc does (output_memory may be null: all outputs have memory) and
// returns; see MaceEngine::RunAsync in mace.h for the order and the thread. Both arrays and all
// they point to must stay as they are until `done` is called, or mace_engine_wait returned.
MACE_API mace_code mace_engine_run_async(mace_engine *engine, const mace_tensor *inputs,
                                         size_t input_count, mace_tensor *outputs,
                                         size_t output_count, mace_output_fn output_memory,
                                         mace_done_fn done, void *user);
// Waits for all runs that were begun; the code is that of the first that failed since the last
// wait.
MACE_API mace_code mace_engine_wait(mace_engine *engine);

// Called for each operator with the device that executes it and, where that is not the engine's,
// the reason. Strings are valid until the call returns.
typedef void (*mace_placement_fn)(void *user, const char *op_name, const char *op_type,
                                  mace_device device, const char *reason);
MACE_API mace_code mace_engine_placements(const mace_engine *engine, mace_placement_fn placement,
                                          void *user);

// A context for the GPU: a folder for compiled programs, a file with compiled programs and a file
// with tuned parameters; null: none. The device is opened by the first engine.
MACE_API mace_code mace_gpu_context_create(const char *storage_path, const char *binary_path,
                                           const char *parameter_path, mace_gpu_context **context);
MACE_API void mace_gpu_context_destroy(mace_gpu_context *context);

typedef struct mace_memory {
  size_t arena;              // bytes planned for activations and scratch
  size_t arena_lower_bound;  // most bytes that are live at one step
  size_t packed_weights;
} mace_memory;
MACE_API mace_code mace_engine_memory(const mace_engine *engine, mace_memory *memory);
// The same of the device beside the CPU, see MaceEngine::device_memory_usage in mace.h.
MACE_API mace_code mace_engine_device_memory(const mace_engine *engine, mace_memory *memory);

// Verifies a graph and infers all shapes for the given input shapes, without weights: constants
// whose elements a shape may depend on (integers, small tensors) must be in `data`; the others may
// have data_size 0, and neither size nor checksum of model.data is compared. Every operator that
// cannot be executed on `device` is reported; inference goes on with the operators that do not
// depend on it. SUCCESS when there was no problem.
MACE_API mace_code mace_infer_shapes(const void *graph, size_t graph_size, const void *data,
                                     size_t data_size, mace_device device,
                                     const mace_tensor *inputs, size_t input_count,
                                     mace_shape_fn shape, mace_problem_fn problem, void *user);

// The same as mace_infer_shapes, and says where each operator would be executed on a usual device
// of the kind, which need not be there. data_type, memory_type: as in mace_config.
MACE_API mace_code mace_infer_placements(const void *graph, size_t graph_size, const void *data,
                                         size_t data_size, mace_device device, int32_t data_type,
                                         int32_t memory_type, const mace_tensor *inputs,
                                         size_t input_count, mace_placement_fn placement,
                                         void *user);

#ifdef __cplusplus
}
#endif

#endif  // MACE_PUBLIC_MACE_C_H_
