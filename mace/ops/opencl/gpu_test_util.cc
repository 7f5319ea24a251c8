// SPDX-License-Identifier: Apache-2.0
// Runs one operator of a test on an OpenCL device: see gpu_test_util.h.
#include "mace/ops/opencl/gpu_test_util.h"

#define CL_TARGET_OPENCL_VERSION 120
#include <CL/cl.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>

#include "mace/base/half.h"
#include "mace/kernels/guarded_buffer.h"
#include "mace/ops/opencl/builder.h"

namespace mace {
namespace opencl {
namespace test {

namespace {

struct Device {
  cl_device_id id = nullptr;
  cl_context context = nullptr;
  cl_command_queue queue = nullptr;
  std::map<std::string, cl_program> programs;
};

Device *OpenDevice() {
  auto *device = new Device;
  cl_platform_id platforms[8];
  cl_uint count = 0;
  if (clGetPlatformIDs(8, platforms, &count) != CL_SUCCESS) return device;
  for (cl_uint i = 0; i < count && device->id == nullptr; ++i) {
    clGetDeviceIDs(platforms[i], CL_DEVICE_TYPE_ALL, 1, &device->id, nullptr);
  }
  if (device->id == nullptr) return device;
  device->context = clCreateContext(nullptr, 1, &device->id, nullptr, nullptr, nullptr);
  device->queue = clCreateCommandQueue(device->context, device->id, 0, nullptr);
  return device;
}

Device &TheDevice() {
  static Device *device = OpenDevice();
  return *device;
}

const char *Source(const std::string &name) {
  for (const EmbeddedKernel *k = kEmbeddedKernels; k->name != nullptr; ++k) {
    if (name == k->name) return k->source;
  }
  return nullptr;
}

// Whether kernels check every index: see cl/ranges.cl.
bool Checked() {
  static const bool checked = std::getenv("MACE_OUT_OF_RANGE_CHECK") != nullptr;
  return checked;
}

cl_program Program(const KernelLaunch &launch) {
  std::string options = "-cl-mad-enable";
  for (const std::string &define : launch.defines) options += " -D" + define;
  cl_program &program = TheDevice().programs[launch.program + options];
  if (program != nullptr) return program;
  const char *source = Source(launch.program);
  EXPECT_NE(nullptr, source) << launch.program;
  if (source == nullptr) return nullptr;
  Device &d = TheDevice();
  const char *sources[] = {Source("ranges"), source};
  const cl_uint first = Checked() ? 0 : 1;
  program = clCreateProgramWithSource(d.context, 2 - first, sources + first, nullptr, nullptr);
  if (clBuildProgram(program, 1, &d.id, options.c_str(), nullptr, nullptr) == CL_SUCCESS) {
    return program;
  }
  std::string log(20000, 0);
  clGetProgramBuildInfo(program, d.id, CL_PROGRAM_BUILD_LOG, log.size(), &log[0], nullptr);
  ADD_FAILURE() << launch.program << " " << options << "\n" << log.c_str();
  return nullptr;
}

std::vector<uint8_t> Stored(const std::vector<float> &values, bool half) {
  std::vector<uint8_t> bytes(values.size() * (half ? 2 : 4));
  for (size_t i = 0; i < values.size(); ++i) {
    if (half) {
      const uint16_t bits = FloatToHalf(values[i]);
      memcpy(&bytes[i * 2], &bits, 2);
    } else {
      memcpy(&bytes[i * 4], &values[i], 4);
    }
  }
  return bytes;
}

std::vector<float> Loaded(const uint8_t *bytes, size_t count, bool half) {
  std::vector<float> values(count);
  for (size_t i = 0; i < count; ++i) {
    if (half) {
      uint16_t bits;
      memcpy(&bits, bytes + i * 2, 2);
      values[i] = HalfToFloat(bits);
    } else {
      memcpy(&values[i], bytes + i * 4, 4);
    }
  }
  return values;
}

// A tensor's elements in the order of its texels, with zeros beyond the last channel.
std::vector<float> ToTexels(const std::vector<float> &values, const View &v) {
  std::vector<float> texels(static_cast<size_t>(v.pixels() * v.blocks() * 4), 0.0f);
  for (int64_t row = 0; row < v.rows(); ++row) {
    for (int64_t x = 0; x < v.w; ++x) {
      for (int64_t c = 0; c < v.c; ++c) {
        texels[static_cast<size_t>((row * v.blocks() * v.w + c / 4 * v.w + x) * 4 + c % 4)] =
            values[static_cast<size_t>((row * v.w + x) * v.c + c)];
      }
    }
  }
  return texels;
}

// What is allocated for one run of one operator.
class Memory {
 public:
  ~Memory() {
    for (cl_mem m : all_) clReleaseMemObject(m);
  }
  cl_mem Buffer(const std::vector<uint8_t> &bytes) {
    guarded_.push_back(std::make_unique<GuardedBuffer>(std::max<size_t>(bytes.size(), 1)));
    memcpy(guarded_.back()->data(), bytes.data(), bytes.size());
    return Keep(clCreateBuffer(TheDevice().context, CL_MEM_USE_HOST_PTR, bytes.size(),
                               guarded_.back()->data(), nullptr));
  }
  cl_mem Image(int64_t width, int64_t height, bool half, std::vector<uint8_t> bytes) {
    const cl_image_format format = {CL_RGBA,
                                    static_cast<cl_channel_type>(half ? CL_HALF_FLOAT : CL_FLOAT)};
    cl_image_desc desc = {};
    desc.image_type = CL_MEM_OBJECT_IMAGE2D;
    desc.image_width = static_cast<size_t>(width);
    desc.image_height = static_cast<size_t>(height);
    cl_int error = 0;
    cl_mem image = clCreateImage(TheDevice().context, CL_MEM_COPY_HOST_PTR, &format, &desc,
                                 bytes.data(), &error);
    EXPECT_EQ(CL_SUCCESS, error) << width << " x " << height;
    return Keep(image);
  }
  // Memory for elements of any type, all bits set.
  cl_mem Elements(size_t bytes) { return Buffer(std::vector<uint8_t>(bytes, 0xff)); }
  // A tensor: `values`, or NaN in each byte.
  cl_mem Tensor(const Shape &shape, const std::vector<float> *values, MemoryKind kind, bool half) {
    const View view(shape);
    if (kind == MemoryKind::kBuffer) {
      std::vector<uint8_t> bytes(static_cast<size_t>(shape.elements()) * (half ? 2 : 4), 0xff);
      return Buffer(values == nullptr ? bytes : Stored(*values, half));
    }
    std::vector<uint8_t> bytes(
        static_cast<size_t>(view.pixels() * view.blocks() * 4) * (half ? 2 : 4), 0xff);
    if (values != nullptr) bytes = Stored(ToTexels(*values, view), half);
    return Image(view.blocks() * view.w, view.rows(), half, std::move(bytes));
  }

 private:
  cl_mem Keep(cl_mem m) {
    all_.push_back(m);
    return m;
  }
  std::vector<cl_mem> all_;
  std::vector<std::unique_ptr<GuardedBuffer>> guarded_;
};

std::vector<float> ReadTensor(cl_mem m, const Shape &shape, MemoryKind kind, bool half) {
  const View v(shape);
  const size_t size = half ? 2 : 4;
  if (kind == MemoryKind::kBuffer) {
    std::vector<uint8_t> bytes(static_cast<size_t>(shape.elements()) * size);
    clEnqueueReadBuffer(TheDevice().queue, m, CL_TRUE, 0, bytes.size(), bytes.data(), 0, nullptr,
                        nullptr);
    return Loaded(bytes.data(), static_cast<size_t>(shape.elements()), half);
  }
  const size_t texels = static_cast<size_t>(v.pixels() * v.blocks());
  std::vector<uint8_t> bytes(texels * 4 * size);
  const size_t origin[3] = {0, 0, 0};
  const size_t region[3] = {static_cast<size_t>(v.blocks() * v.w), static_cast<size_t>(v.rows()),
                            1};
  clEnqueueReadImage(TheDevice().queue, m, CL_TRUE, origin, region, 0, 0, bytes.data(), 0, nullptr,
                     nullptr);
  const std::vector<float> all = Loaded(bytes.data(), texels * 4, half);
  std::vector<float> values(static_cast<size_t>(shape.elements()));
  for (int64_t row = 0; row < v.rows(); ++row) {
    for (int64_t x = 0; x < v.w; ++x) {
      for (int64_t c = 0; c < v.blocks() * 4; ++c) {
        const float value =
            all[static_cast<size_t>((row * v.blocks() * v.w + c / 4 * v.w + x) * 4 + c % 4)];
        if (c < v.c) {
          values[static_cast<size_t>((row * v.w + x) * v.c + c)] = value;
        } else {
          EXPECT_EQ(0.0f, value) << "a channel beyond the last one is not 0";
        }
      }
    }
  }
  return values;
}

// The tensors of one run, by the numbers that arguments have.
struct Tensors {
  std::vector<cl_mem> inputs, outputs, weights, scratch;
};

// The memory that a launch may use, counted by its kernel where it uses other.
class Ranges {
 public:
  Ranges(cl_program program, cl_kernel kernel) {
    cl_int error = CL_SUCCESS;
    set_ = clCreateKernel(program, "set_range", &error);
    EXPECT_EQ(CL_SUCCESS, error);
    const std::vector<cl_ulong> zeros(72, 0);
    memory_ = clCreateBuffer(TheDevice().context, CL_MEM_COPY_HOST_PTR, zeros.size() * 8,
                             const_cast<cl_ulong *>(zeros.data()), nullptr);
    EXPECT_EQ(CL_SUCCESS, clSetKernelArg(kernel, 0, sizeof(memory_), &memory_));
    EXPECT_EQ(CL_SUCCESS, clSetKernelArg(set_, 0, sizeof(memory_), &memory_));
  }
  ~Ranges() {
    clReleaseMemObject(memory_);
    clReleaseKernel(set_);
  }
  void Allow(cl_mem memory) {
    cl_mem_object_type type = 0;
    size_t size = 0;
    clGetMemObjectInfo(memory, CL_MEM_TYPE, sizeof(type), &type, nullptr);
    clGetMemObjectInfo(memory, CL_MEM_SIZE, sizeof(size), &size, nullptr);
    if (type != CL_MEM_OBJECT_BUFFER) return;
    const cl_ulong bytes = size;
    const size_t one = 1;
    clSetKernelArg(set_, 1, sizeof(memory), &memory);
    clSetKernelArg(set_, 2, sizeof(bytes), &bytes);
    clSetKernelArg(set_, 3, sizeof(count_), &count_);
    clEnqueueNDRangeKernel(TheDevice().queue, set_, 1, nullptr, &one, &one, 0, nullptr, nullptr);
    ++count_;
  }
  // How many times anything else was used.
  cl_uint Violations() const {
    cl_ulong words[4] = {};
    clEnqueueReadBuffer(TheDevice().queue, memory_, CL_TRUE, 0, sizeof(words), words, 0, nullptr,
                        nullptr);
    return static_cast<cl_uint>(words[0]);
  }

 private:
  cl_kernel set_;
  cl_mem memory_;
  cl_int count_ = 0;
};

void SetArgument(cl_kernel kernel, cl_uint i, const KernelArgument &argument, const Tensors &t,
                 Ranges *ranges) {
  using Kind = KernelArgument::Kind;
  const size_t index = static_cast<size_t>(argument.index);
  cl_int error = CL_SUCCESS;
  const auto set = [&](const cl_mem &m) {
    error = clSetKernelArg(kernel, i, sizeof(m), &m);
    if (ranges != nullptr && m != nullptr) ranges->Allow(m);
  };
  switch (argument.kind) {
    case Kind::kInput:
      set(t.inputs.at(index));
      break;
    case Kind::kOutput:
      set(t.outputs.at(index));
      break;
    case Kind::kWeight:
      set(t.weights.at(index));
      break;
    case Kind::kScratch:
      set(t.scratch.at(index));
      break;
    case Kind::kInt:
      error = clSetKernelArg(kernel, i, 4, &argument.index);
      break;
    case Kind::kFloat:
      error = clSetKernelArg(kernel, i, 4, &argument.number);
      break;
    case Kind::kIntVector:
      error = clSetKernelArg(kernel, i, 4 * argument.ints.size(), argument.ints.data());
      break;
    default:
      ADD_FAILURE() << "an argument that no operator uses";
  }
  EXPECT_EQ(CL_SUCCESS, error) << "argument " << i;
}

// In `parts` along each dimension that may be divided.
cl_int Enqueue(cl_kernel kernel, const KernelLaunch &launch, int parts,
               std::array<size_t, 3> offset, std::array<size_t, 3> global,
               const std::array<size_t, 3> &local, int d = 0) {
  if (d > launch.last_split) {
    return clEnqueueNDRangeKernel(TheDevice().queue, kernel, 3, offset.data(), global.data(),
                                  local.data(), 0, nullptr, nullptr);
  }
  const size_t at = static_cast<size_t>(d), groups = global[at] / local[at];
  for (int part = 0; part < parts; ++part) {
    const size_t begin = groups * static_cast<size_t>(part) / static_cast<size_t>(parts);
    const size_t end = groups * static_cast<size_t>(part + 1) / static_cast<size_t>(parts);
    if (begin == end) continue;
    offset[at] = begin * local[at];
    global[at] = (end - begin) * local[at];
    const cl_int error = Enqueue(kernel, launch, parts, offset, global, local, d + 1);
    if (error != CL_SUCCESS) return error;
  }
  return CL_SUCCESS;
}

// The number of indices out of range; 0 where they are not checked.
cl_uint Launch(const KernelLaunch &launch, const Tensors &tensors, int parts = 1) {
  cl_program program = Program(launch);
  if (program == nullptr) return 0;
  cl_int error = 0;
  cl_kernel kernel = clCreateKernel(program, launch.kernel.c_str(), &error);
  EXPECT_EQ(CL_SUCCESS, error) << launch.kernel;
  if (error != CL_SUCCESS) return 0;
  std::unique_ptr<Ranges> ranges;
  if (Checked()) ranges = std::make_unique<Ranges>(program, kernel);
  for (size_t i = 0; i < launch.arguments.size(); ++i) {
    SetArgument(kernel, static_cast<cl_uint>(i + (Checked() ? 1 : 0)), launch.arguments[i], tensors,
                ranges.get());
  }
  std::array<size_t, 3> global, local;
  for (size_t d = 0; d < 3; ++d) {
    local[d] = static_cast<size_t>(std::max<int64_t>(1, launch.local[d]));
    global[d] = (static_cast<size_t>(launch.global[d]) + local[d] - 1) / local[d] * local[d];
  }
  error = Enqueue(kernel, launch, parts, {0, 0, 0}, global, local);
  EXPECT_EQ(CL_SUCCESS, error) << launch.program << " " << launch.kernel << " local " << local[0]
                               << " " << local[1] << " " << local[2];
  EXPECT_EQ(CL_SUCCESS, clFinish(TheDevice().queue));
  clReleaseKernel(kernel);
  return ranges == nullptr ? 0 : ranges->Violations();
}

void Compare(const std::string &what, const std::vector<float> &expected,
             const std::vector<float> &actual, float tolerance) {
  ASSERT_EQ(expected.size(), actual.size());
  float largest = 0;
  for (float v : expected) {
    if (std::isfinite(v)) largest = std::max(largest, std::fabs(v));
  }
  const float limit = tolerance * std::max(largest, 1e-2f);
  for (size_t i = 0; i < expected.size(); ++i) {
    const bool both_nan = std::isnan(expected[i]) && std::isnan(actual[i]);
    if (both_nan || expected[i] == actual[i]) continue;
    ASSERT_NEAR(expected[i], actual[i], limit) << what << " element " << i;
  }
}

}  // namespace

bool ChecksRanges() { return Checked(); }

uint32_t WrongIndices() {
  // Three rows of two pixels where the buffers hold two.
  KernelLaunch launch;
  launch.program = "elementwise";
  launch.kernel = "activation";
  launch.defines = {"TAIL=1"};
  launch.arguments = {KernelArgument::Input(0), KernelArgument::Output(0),
                      KernelArgument::IntVector({3, 2, 3, 6, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0})};
  launch.global = {1, 6, 1};
  launch.local = {1, 1, 1};
  Memory memory;
  Tensors tensors;
  tensors.inputs = {memory.Elements(4 * 3 * 4)};
  tensors.outputs = {memory.Elements(4 * 3 * 4)};
  return Launch(launch, tensors);
}

bool HasDevice() { return TheDevice().queue != nullptr; }

// Whether the device takes PTX in its sources.
static bool IsNvidia() {
  char vendor[256] = "";
  return HasDevice() &&
         clGetDeviceInfo(TheDevice().id, CL_DEVICE_VENDOR, sizeof(vendor) - 1, vendor, nullptr) ==
             CL_SUCCESS &&
         std::strstr(vendor, "NVIDIA") != nullptr;
}

bool HasHalfArithmetic() {
  std::string extensions(16384, 0);
  return HasDevice() &&
         clGetDeviceInfo(TheDevice().id, CL_DEVICE_EXTENSIONS, extensions.size() - 1,
                         extensions.data(), nullptr) == CL_SUCCESS &&
         extensions.find("cl_khr_fp16") != std::string::npos;
}

const GpuCapabilities &TestDevice(GpuFamily family) {
  static std::map<GpuFamily, GpuCapabilities> devices;
  GpuCapabilities &caps = devices[family];
  caps.family = family;
  // As many as make the rules split the depth of convolutions.
  caps.compute_units = family == GpuFamily::kPocl ? 2 : 24;
  caps.max_work_group = 512;
  caps.matrix_halves = family == GpuFamily::kNvidia && IsNvidia();
  caps.max_work_items = {512, 512, 512};
  caps.local_memory = 48 << 10;
  caps.image_width = caps.image_height = 8192;
  return caps;
}

TestContext::TestContext(const ops::test::OpsTestNet &net, const OperatorDef &def,
                         const GpuRun &run) {
  context.def = &def;
  context.memory = run.memory;
  context.half = run.half;
  context.half_arithmetic = run.half_arithmetic;
  context.parts = run.parts;
  context.device = &TestDevice(run.family);
  context.variant = run.variant;
  kept_.reserve(def.input.size());
  for (const std::string &name : def.input) {
    GpuTensor tensor;
    if (!name.empty()) {
      kept_.push_back(net.Get(name));
      ops::test::TestTensor &t = kept_.back();
      tensor.present = true;
      tensor.shape = t.shape;
      tensor.dtype = t.dtype;
      if (t.is_const) {
        constants_.push_back(std::make_unique<Tensor>());
        Tensor &constant = *constants_.back();
        constant.dtype = t.dtype;
        constant.shape = t.shape;
        constant.is_const = true;
        constant.raw = t.bytes.data();
        tensor.constant = &constant;
      }
    }
    context.inputs.push_back(tensor);
  }
  for (const std::string &name : def.output) {
    GpuTensor tensor;
    tensor.present = true;
    tensor.shape = net.Get(name).shape;
    tensor.dtype = net.Get(name).dtype;
    context.outputs.push_back(tensor);
  }
}

void ExpectSameOnGpu(const ops::test::OpsTestNet &net, const OperatorDef &def, const GpuRun &run,
                     const std::string &refusal) {
  const std::string what =
      MakeString(def.type, run.memory == MemoryKind::kImage ? " image" : " buffer",
                 run.half_arithmetic ? " half arithmetic "
                 : run.half          ? " half "
                                     : " float ",
                 run.variant.empty() ? "untuned" : run.variant);
  SCOPED_TRACE(what);
  TestContext setup(net, def, run);
  GpuOpContext &context = setup.context;
  const GpuOperator *op = FindGpuOperator(def.type);
  ASSERT_NE(nullptr, op);
  const MaceStatus supported = op->supports(context);
  if (!refusal.empty()) {
    EXPECT_TRUE(ops::test::Fails(supported, MaceStatus::MACE_UNSUPPORTED, refusal));
    return;
  }
  ASSERT_TRUE(ops::test::Succeeds(supported));
  GpuStep step;
  ASSERT_TRUE(ops::test::Succeeds(op->build(context, &step)));
  Memory memory;
  Tensors tensors;
  const auto kind = [&](const std::vector<MemoryKind> &kinds, size_t i) {
    return kinds.empty() ? run.memory : kinds.at(i);
  };
  for (size_t i = 0; i < def.input.size(); ++i) {
    const bool numbers = !def.input[i].empty() && context.inputs[i].dtype == DT_FLOAT &&
                         context.inputs[i].shape.elements() > 0;
    if (!numbers) {
      tensors.inputs.push_back(nullptr);
      continue;
    }
    const std::vector<float> values = net.Get(def.input[i]).Values<float>();
    tensors.inputs.push_back(
        memory.Tensor(context.inputs[i].shape, &values, kind(step.input_memory, i), run.half));
  }
  for (size_t i = 0; i < def.output.size(); ++i) {
    if (context.outputs[i].dtype != DT_FLOAT) {
      tensors.outputs.push_back(memory.Elements(net.Get(def.output[i]).bytes.size()));
      continue;
    }
    tensors.outputs.push_back(
        memory.Tensor(context.outputs[i].shape, nullptr, kind(step.output_memory, i), run.half));
  }
  for (const GpuWeight &w : step.weights) {
    const bool half = run.half && !w.keep_float;
    const std::vector<uint8_t> bytes = Stored(w.values, half);
    tensors.weights.push_back(w.memory == MemoryKind::kImage
                                  ? memory.Image(w.width, w.height, half, bytes)
                                  : memory.Buffer(bytes));
  }
  for (const GpuScratch &s : step.scratch) {
    const size_t size = run.half && !s.keep_float ? 2 : 4;
    tensors.scratch.push_back(
        memory.Buffer(std::vector<uint8_t>(static_cast<size_t>(s.elements) * size, 0xff)));
  }
  if (step.alias_input >= 0) {
    EXPECT_TRUE(step.launches.empty());
    EXPECT_EQ(kind(step.input_memory, 0), kind(step.output_memory, 0));
    tensors.outputs[0] = tensors.inputs.at(static_cast<size_t>(step.alias_input));
  }
  for (const KernelLaunch &launch : step.launches) {
    EXPECT_EQ(0u, Launch(launch, tensors, run.parts ? 3 : 1))
        << launch.kernel << " uses what is not its own";
  }
  for (size_t i = 0; i < def.output.size(); ++i) {
    if (context.outputs[i].dtype != DT_FLOAT) {
      const std::vector<uint8_t> &expected = net.Get(def.output[i]).bytes;
      std::vector<uint8_t> bytes(expected.size());
      clEnqueueReadBuffer(TheDevice().queue, tensors.outputs[i], CL_TRUE, 0, bytes.size(),
                          bytes.data(), 0, nullptr, nullptr);
      EXPECT_EQ(expected, bytes) << what;
      continue;
    }
    Compare(what, net.Get(def.output[i]).Values<float>(),
            ReadTensor(tensors.outputs[i], context.outputs[i].shape, kind(step.output_memory, i),
                       run.half),
            run.half_arithmetic ? 8e-3f
            : run.half          ? 4e-3f
                                : 2e-5f);
  }
}

void ExpectSameOnGpu(ops::test::OpsTestNet *net, bool few) {
  if (!HasDevice()) GTEST_SKIP() << "no OpenCL device";
  ASSERT_TRUE(ops::test::Succeeds(net->RunOp()));
  const OperatorDef &def = *net->NewOperatorDef();
  // Compiling takes the time of these tests, so not all combinations of everything.
  ExpectSameOnGpu(*net, def, {MemoryKind::kBuffer, false, GpuFamily::kNvidia});
  ExpectSameOnGpu(*net, def, {MemoryKind::kImage, true, GpuFamily::kNvidia, "", true});
  // Checks of indices make compiling several times slower, and do not depend on the rest.
  if (few || Checked()) return;
  ExpectSameOnGpu(*net, def, {MemoryKind::kBuffer, true, GpuFamily::kPocl, "", true});
  ExpectSameOnGpu(*net, def, {MemoryKind::kImage, false});
  if (!HasHalfArithmetic()) return;
  ExpectSameOnGpu(*net, def, {MemoryKind::kBuffer, true, GpuFamily::kPocl, "", false, true});
  ExpectSameOnGpu(*net, def, {MemoryKind::kImage, true, GpuFamily::kMali, "", true, true});
}

}  // namespace test
}  // namespace opencl
}  // namespace mace
