// SPDX-License-Identifier: Apache-2.0
// The contract between the OpenCL runtime and the operators in mace/ops/opencl. An operator's GPU
// side says whether it can (Supports) and what is to be launched (Build), for settled shapes. It
// sees no OpenCL type, so that it is tested without a device; the runtime compiles, allocates,
// transforms at borders, tunes and launches.
//
// Memory of tensors, in elements of the storage type (float, or half with GpuOpContext::half;
// arithmetic is float in both, but for what half_arithmetic asks; tensors of other types are stored
// as they are, in buffers):
//  - kBuffer: dense and row-major as on the CPU (rank 4: NHWC). No padding: never read past it.
//  - kImage: CL_RGBA image of the documents' in/out channel form. With the shape as NHWC (see
//    NhwcOf): width ceil(C/4) * W, height N * H; texel (b * W + w, n * H + h) holds channels
//    4b..4b+3 of pixel (n, h, w). Channels beyond C in the last block are undefined when read;
//    what is written there is ignored.
// Kernels of rank-4 operators written with get_global_id(0) = channel block are free in the choice
// of the rest.
#ifndef MACE_RUNTIMES_OPENCL_LAUNCH_H_
#define MACE_RUNTIMES_OPENCL_LAUNCH_H_

#include <array>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "mace/base/status.h"
#include "mace/base/types.h"
#include "mace/core/model.h"
#include "mace/core/op_schema.h"
#include "mace/core/tensor.h"

namespace mace {
namespace opencl {

enum class MemoryKind : uint8_t { kBuffer, kImage };

enum class GpuFamily : uint8_t { kUnknown, kAdreno, kMali, kPowerVR, kNvidia, kAmd, kIntel, kPocl };

// What builders may know of the device.
struct GpuCapabilities {
  GpuFamily family = GpuFamily::kUnknown;
  int compute_units = 1;
  int64_t max_work_group = 128;  // work-items
  std::array<int64_t, 3> max_work_items = {128, 128, 128};
  int64_t local_memory = 16384;                     // bytes a work-group
  int64_t max_allocation = int64_t{128} << 20;      // bytes of one buffer
  bool images = true;                               // 2-D RGBA images of float and half
  int64_t image_width = 8192, image_height = 8192;  // largest image, texels
  bool fp16 = false;                                // cl_khr_fp16
  bool unified_memory = false;                      // host and device share memory
  bool half_image_truncates = false;                // write_imagef to half rounds to zero
  bool matrix_halves = false;                       // PTX has mma.sync.m16n8k16 for halves
  bool unsafe_barriers = false;  // barriers in loops that keep private state give wrong results
};

// An input or output.
struct GpuTensor {
  bool present = false;  // false: an absent optional input
  Shape shape;
  DataType dtype = DT_INVALID;  // DT_FLOAT also when it is stored as half
  // Not null: a constant of the model. Its raw is null while only support is asked for (Supports
  // must then not look at elements), never in Build.
  const Tensor *constant = nullptr;
  // Not 0: the tensor is a part of the channels of a larger one with so many, from first_channel
  // on, and arguments stand for the memory of that one. Only where GpuOperator::parts takes it; all
  // are multiples of four.
  int64_t whole_channels = 0, first_channel = 0;
  // Of an input of Concat: it was written where it belongs.
  bool placed = false;
};

// What a kernel gets at one argument.
struct KernelArgument {
  enum class Kind : uint8_t {
    kInput,      // input i of the operator, in the memory kind that the step wants; constants too
    kOutput,     // output i
    kWeight,     // GpuStep::weights[i]
    kScratch,    // GpuStep::scratch[i]
    kInt,        // int
    kFloat,      // float
    kConstants,  // __constant int *: the elements of `ints`
    kIntVector,  // int2, int4, int8 or int16 by value: `ints`, which are as many
    kLocal,      // __local memory of `index` bytes
  };
  Kind kind = Kind::kInt;
  int32_t index = 0;  // or the int
  float number = 0;
  std::vector<int32_t> ints{};

  static KernelArgument Input(int i) { return {Kind::kInput, i}; }
  static KernelArgument Output(int i) { return {Kind::kOutput, i}; }
  static KernelArgument Weight(int i) { return {Kind::kWeight, i}; }
  static KernelArgument Scratch(int i) { return {Kind::kScratch, i}; }
  static KernelArgument Int(int32_t value) { return {Kind::kInt, value}; }
  static KernelArgument Float(float value) { return {Kind::kFloat, 0, value}; }
  static KernelArgument Constants(std::vector<int32_t> ints) {
    return {Kind::kConstants, 0, 0, std::move(ints)};
  }
  // Zeros are added up to 2, 4, 8 or 16 numbers. Floats go in by their bits.
  static KernelArgument IntVector(std::vector<int32_t> ints) {
    size_t size = 2;
    while (size < ints.size()) size *= 2;
    ints.resize(size);
    return {Kind::kIntVector, 0, 0, std::move(ints)};
  }
  static KernelArgument Local(int32_t bytes) { return {Kind::kLocal, bytes}; }
};

// One kernel to enqueue.
struct KernelLaunch {
  std::string program;               // mace/ops/opencl/cl/<program>.cl
  std::string kernel;                // its name in there
  std::vector<std::string> defines;  // "NAME=VALUE"; what differs makes another program to compile
  // Each costs time at every launch: many shapes are better one kIntVector or defines.
  std::vector<KernelArgument> arguments;
  // Work-items; kernels check bounds, since the runtime rounds up to multiples of `local`.
  std::array<int64_t, 3> global = {1, 1, 1};
  // Size of a work-group; zeros: the runtime chooses, and the tuner tries others.
  std::array<int64_t, 3> local = {0, 0, 0};
  // The kernel relies on `local` exactly (local memory, barriers, get_local_id): as given, always.
  bool fixed_local = false;
  // May be launched in parts along one of the dimensions 0 to last_split, by global offsets and in
  // whole work-groups, to limit the time of one launch; -1: never. Along them the kernel must not
  // ask for the number of work-groups, and for its own by GROUP_NUMBER (see cl/tensor.h) alone.
  int last_split = 2;
};

// Weights to be uploaded once.
struct GpuWeight {
  std::vector<float> values;  // converted to the storage type
  bool keep_float = false;    // stored as float even when the storage type is half
  // kImage: CL_RGBA, 4 * width * height values in texel order.
  MemoryKind memory = MemoryKind::kBuffer;
  int64_t width = 0, height = 0;
};

// Memory during one step, shared with others.
struct GpuScratch {
  int64_t elements = 0;     // kBuffer: of the storage type, or of float
  bool keep_float = false;  // float even when the storage type is half
  MemoryKind memory = MemoryKind::kBuffer;
  int64_t width = 0, height = 0;  // kImage
};

// What one operator is on the GPU: kernels, executed in order on one in-order queue.
struct GpuStep {
  std::vector<KernelLaunch> launches;
  std::vector<GpuWeight> weights;
  std::vector<GpuScratch> scratch;
  // In which memory inputs and outputs are wanted, where that is not GpuOpContext::memory; the
  // runtime transforms between. Empty: as the context says.
  std::vector<MemoryKind> input_memory, output_memory;
  // Not -1: output 0 is the memory of this input, unchanged, and `launches` is empty (both in
  // buffers, or images of the same size).
  int alias_input = -1;
  // Not -1: output 0 may be written over this input, which has its size and memory kind.
  int in_place_input = -1;
};

// What a builder is asked about: one operator at settled shapes on one device.
struct GpuOpContext {
  const OperatorDef *def = nullptr;
  std::vector<GpuTensor> inputs, outputs;
  MemoryKind memory = MemoryKind::kBuffer;  // wanted for activations
  bool half = false;                        // storage type; never without images or vload_half
  bool half_arithmetic = false;             // products are half, too: with half and fp16 alone
  const GpuCapabilities *device = nullptr;
  bool parts = false;   // launches may be divided (KernelLaunch::last_split)
  std::string variant;  // one of the builder's Variants; empty: the builder chooses
  // Not null: an Eltwise that GpuOperator::absorbs took. The last input is its other operand, and
  // output 0 its output.
  const OperatorDef *sum = nullptr;
  // Further operators that GpuOperator::joins took: their constants follow as inputs and their
  // outputs as outputs, in this order. Outputs from second_memory on lie in other memory than the
  // ones before (0: all in one), each group next to each other in its memory.
  std::vector<const OperatorDef *> siblings{};
  int second_memory = 0;

  bool HasInput(int i) const {
    return i >= 0 && i < static_cast<int>(inputs.size()) && inputs[static_cast<size_t>(i)].present;
  }
  const GpuTensor &Input(int i) const { return inputs[static_cast<size_t>(i)]; }
  const GpuTensor &Output(int i) const { return outputs[static_cast<size_t>(i)]; }
  bool images() const { return memory == MemoryKind::kImage; }
  // NVIDIA's GPUs read buffers four times as fast as images, need longer to launch a kernel for
  // each image it gets, and lose more by converting halves than by reading floats.
  bool buffer_weights() const { return (half || images()) && device->family == GpuFamily::kNvidia; }
  // Elements of a constant float32 input; null when it is absent, computed or of another type.
  const float *Constant(int i) const {
    if (!HasInput(i) || Input(i).constant == nullptr || Input(i).dtype != DT_FLOAT) return nullptr;
    return Input(i).constant->data<float>();
  }
  template <typename Attrs>
  MaceStatus ParseAttrs(Attrs *attrs) const {
    return ParseAttributes(Attrs::kSchema(), *def, attrs);
  }
  // A launch with the defines that every source knows: IMG=1 for images, HALF=1 for half,
  // HALF_ARITHMETIC=1, TRUNCATES=1 where half images are written with truncation (see cl/tensor.h).
  KernelLaunch NewLaunch(const std::string &program, const std::string &kernel) const;
};

// A shape as N, H, W, C: rank 0 and 1 are [1, 1, 1, C], rank 2 [N, 1, 1, C], rank 3 [N, 1, W, C];
// of more than four dimensions the first ones are multiplied.
inline std::array<int64_t, 4> NhwcOf(const Shape &shape) {
  const int rank = shape.rank();
  std::array<int64_t, 4> nhwc = {1, 1, 1, 1};
  if (rank > 0) nhwc[3] = shape[rank - 1];
  if (rank > 2) nhwc[2] = shape[rank - 2];
  if (rank > 3) nhwc[1] = shape[rank - 3];
  for (int d = 0; d < rank - (rank == 2 ? 1 : rank == 3 ? 2 : 3); ++d) nhwc[0] *= shape[d];
  return nhwc;
}

// Width and height in texels of the image of a shape.
inline std::pair<int64_t, int64_t> ImageSize(const Shape &shape) {
  const std::array<int64_t, 4> nhwc = NhwcOf(shape);
  return {(nhwc[3] + 3) / 4 * nhwc[2], nhwc[0] * nhwc[1]};
}

// The GPU side of an operator. Functions are pure; they may be called from any thread.
struct GpuOperator {
  const char *type;  // as in ops.yml
  // UNSUPPORTED with a sentence for the user when the operator must run on the CPU ("its filter is
  // computed, not constant"). Empty tensors, types other than float32 and tensors larger than the
  // device's limits are refused by the runtime before: inputs and outputs that a builder takes in
  // another type are named in other_types.
  MaceStatus (*supports)(const GpuOpContext &context);
  // After Supports and with constants at hand. Anything but success makes the engine fail.
  MaceStatus (*build)(const GpuOpContext &context, GpuStep *step);
  // Names of all variants worth trying when the engine is tuned, or null. They outlive the version
  // of a parameter file: a name keeps its meaning ("direct_tw4_ks8").
  std::vector<std::string> (*variants)(const GpuOpContext &context);
  // True: `supports` checks the types of inputs and outputs itself.
  bool other_types;
  // Whether it executes the Eltwise `user` of its output 0 and another tensor of that shape with
  // its own stores; null: none.
  bool (*absorbs)(const OperatorDef &def, const OperatorDef &user) = nullptr;
  // Which tensors may be parts of the channels of larger ones; null: none.
  bool (*parts)(const GpuOpContext &context, bool output) = nullptr;
  // Whether two of them on one input may be executed as one, if outputs of the second lie behind
  // those of the first; `apart`: if they lie in other memory. null: none.
  bool (*joins)(const GpuOpContext &first, const GpuOpContext &second, bool apart) = nullptr;
};

// All of mace/ops/opencl, sorted by type and ended by a null type; in mace/ops/opencl/operators.cc.
extern const GpuOperator kGpuOperators[];
// Null when there is none.
const GpuOperator *FindGpuOperator(const std::string &type);

// The sources of mace/ops/opencl/cl without comments, ended by a null name; generated. A source
// whose characters have the highest bit set is encoded, see repository/opencl_kernel/hide_names.py.
struct EmbeddedKernel {
  const char *name;  // of the file, without .cl
  const char *source;
};
extern const EmbeddedKernel kEmbeddedKernels[];
// Of all sources, also of those that the table of a library for chosen models leaves out.
extern const uint64_t kEmbeddedKernelsHash;

}  // namespace opencl
}  // namespace mace

#endif  // MACE_RUNTIMES_OPENCL_LAUNCH_H_
