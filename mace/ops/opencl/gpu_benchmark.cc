// SPDX-License-Identifier: Apache-2.0
// Times chains of GPU operators of well-known networks, with random weights and without the engine:
// what the kernels and the driver need. First as rules choose, then with the fastest variant of
// each layer. Usage: gpu_benchmark [image] [half] [network]
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>
#include <memory>

#include "mace/base/half.h"
#include "mace/ops/opencl/builder.h"
#include "mace/ops/opencl/gpu_benchmark_util.h"

namespace mace {
namespace opencl {
namespace {

// One operator of a network: tensors by number.
struct Node {
  OperatorDef def;
  std::vector<int> inputs;
  std::vector<std::pair<Shape, std::shared_ptr<std::vector<float>>>> constants;
  int output;
};

struct Network {
  std::string name;
  std::vector<Shape> shapes;
  std::vector<Node> nodes;

  int Tensor(int64_t h, int64_t w, int64_t c) {
    shapes.push_back(Shape({1, h, w, c}));
    return static_cast<int>(shapes.size()) - 1;
  }
  Node *Add(const char *type, std::vector<int> inputs, const Shape &out) {
    shapes.push_back(out);
    nodes.emplace_back();
    nodes.back().def.type = type;
    nodes.back().def.name = std::string(type) + std::to_string(nodes.size());
    nodes.back().inputs = std::move(inputs);
    nodes.back().output = static_cast<int>(shapes.size()) - 1;
    return &nodes.back();
  }
  static void Ints(Node *node, const char *name, std::vector<int64_t> values) {
    Argument argument;
    argument.name = name;
    argument.ints = std::move(values);
    node->def.arg.push_back(argument);
  }
  static void Text(Node *node, const char *name, const char *value) {
    Argument argument;
    argument.name = name;
    argument.s = value;
    node->def.arg.push_back(argument);
  }
  static void Int(Node *node, const char *name, int64_t value) {
    Argument argument;
    argument.name = name;
    argument.i = value;
    node->def.arg.push_back(argument);
  }
  static void Constant(Node *node, const Shape &shape) {
    auto values = std::make_shared<std::vector<float>>(static_cast<size_t>(shape.elements()));
    uint32_t seed = 1;
    for (float &v : *values) {
      seed = seed * 1664525u + 1013904223u;
      v = (static_cast<float>(seed >> 8) / (1 << 23) - 1) * 0.05f;
    }
    node->constants.push_back({shape, values});
  }
  void Window(Node *node, int64_t s, int64_t ph, int64_t pw) {
    Ints(node, "strides", {s, s});
    Text(node, "padding", "EXPLICIT");
    Ints(node, "paddings", {ph, ph, pw, pw});
  }
  int Conv(int in, int64_t oc, int64_t kh, int64_t kw, int64_t s, int64_t ph, int64_t pw,
           bool relu) {
    const Shape a = shapes[static_cast<size_t>(in)];
    Node *node = Add("Conv2D", {in},
                     Shape({1, (a[1] + 2 * ph - kh) / s + 1, (a[2] + 2 * pw - kw) / s + 1, oc}));
    Window(node, s, ph, pw);
    if (relu) Text(node, "activation", "RELU");
    Constant(node, Shape({oc, kh, kw, a[3]}));
    Constant(node, Shape({oc}));
    return node->output;
  }
  int Depthwise(int in, int64_t s) {
    const Shape a = shapes[static_cast<size_t>(in)];
    Node *node =
        Add("DepthwiseConv2d", {in}, Shape({1, (a[1] - 1) / s + 1, (a[2] - 1) / s + 1, a[3]}));
    Window(node, s, 1, 1);
    Text(node, "activation", "RELU");
    Constant(node, Shape({1, 3, 3, a[3]}));
    Constant(node, Shape({a[3]}));
    return node->output;
  }
  int Pool(int in, const char *type, int64_t k, int64_t s, int64_t p) {
    const Shape a = shapes[static_cast<size_t>(in)];
    Node *node = Add("Pooling", {in},
                     Shape({1, (a[1] + 2 * p - k) / s + 1, (a[2] + 2 * p - k) / s + 1, a[3]}));
    Text(node, "pooling_type", type);
    Ints(node, "kernels", {k, k});
    Window(node, s, p, p);
    return node->output;
  }
  int Mean(int in) { return Pool(in, "AVG", shapes[static_cast<size_t>(in)][1], 1, 0); }
  int Sum(int a, int b, bool relu) {
    Node *node = Add("Eltwise", {a, b}, Shape(shapes[static_cast<size_t>(a)]));
    Text(node, "type", "SUM");
    if (relu) Text(node, "activation", "RELU");
    return node->output;
  }
  int Concat(std::vector<int> parts) {
    const Shape a = shapes[static_cast<size_t>(parts[0])];
    int64_t channels = 0;
    for (int part : parts) channels += shapes[static_cast<size_t>(part)][3];
    Node *node = Add("Concat", std::move(parts), Shape({1, a[1], a[2], channels}));
    Int(node, "axis", 3);
    return node->output;
  }
};

Network MobilenetV1() {
  Network n{"MobileNetV1", {}, {}};
  int x = n.Conv(n.Tensor(224, 224, 3), 32, 3, 3, 2, 1, 1, true);
  const int rows[13][2] = {{64, 1},  {128, 2}, {128, 1}, {256, 2}, {256, 1},  {512, 2}, {512, 1},
                           {512, 1}, {512, 1}, {512, 1}, {512, 1}, {1024, 2}, {1024, 1}};
  for (const auto &row : rows) x = n.Conv(n.Depthwise(x, row[1]), row[0], 1, 1, 1, 0, 0, true);
  n.Conv(n.Mean(x), 1000, 1, 1, 1, 0, 0, false);
  return n;
}

Network MobilenetV2() {
  Network n{"MobileNetV2", {}, {}};
  int x = n.Conv(n.Tensor(224, 224, 3), 32, 3, 3, 2, 1, 1, true);
  const int rows[7][4] = {{1, 16, 1, 1}, {6, 24, 2, 2},  {6, 32, 3, 2}, {6, 64, 4, 2},
                          {6, 96, 3, 1}, {6, 160, 3, 2}, {6, 320, 1, 1}};
  for (const auto &row : rows) {
    for (int i = 0; i < row[2]; ++i) {
      const int64_t s = i > 0 ? 1 : row[3], c = n.shapes[static_cast<size_t>(x)][3];
      const int wide = row[0] == 1 ? x : n.Conv(x, c * row[0], 1, 1, 1, 0, 0, true);
      const int y = n.Conv(n.Depthwise(wide, s), row[1], 1, 1, 1, 0, 0, false);
      x = s == 1 && c == row[1] ? n.Sum(x, y, false) : y;
    }
  }
  n.Conv(n.Mean(n.Conv(x, 1280, 1, 1, 1, 0, 0, true)), 1000, 1, 1, 1, 0, 0, false);
  return n;
}

Network Squeezenet() {
  Network n{"SqueezeNet 1.1", {}, {}};
  int x = n.Pool(n.Conv(n.Tensor(224, 224, 3), 64, 3, 3, 2, 0, 0, true), "MAX", 3, 2, 0);
  const int rows[8][3] = {{16, 64, 0},  {16, 64, 1},  {32, 128, 0}, {32, 128, 1},
                          {48, 192, 0}, {48, 192, 0}, {64, 256, 0}, {64, 256, 0}};
  for (const auto &row : rows) {
    const int q = n.Conv(x, row[0], 1, 1, 1, 0, 0, true);
    x = n.Concat({n.Conv(q, row[1], 1, 1, 1, 0, 0, true), n.Conv(q, row[1], 3, 3, 1, 1, 1, true)});
    if (row[2]) x = n.Pool(x, "MAX", 3, 2, 0);
  }
  n.Mean(n.Conv(x, 1000, 1, 1, 1, 0, 0, true));
  return n;
}

Network Resnet50() {
  Network n{"ResNet50", {}, {}};
  int x = n.Pool(n.Conv(n.Tensor(224, 224, 3), 64, 7, 7, 2, 3, 3, true), "MAX", 3, 2, 1);
  const int middle[4] = {64, 128, 256, 512}, count[4] = {3, 4, 6, 3};
  for (int g = 0; g < 4; ++g) {
    for (int i = 0; i < count[g]; ++i) {
      const int s = g > 0 && i == 0 ? 2 : 1, c = middle[g];
      const int skip = i > 0 ? x : n.Conv(x, c * 4, 1, 1, s, 0, 0, false);
      const int y = n.Conv(n.Conv(x, c, 1, 1, 1, 0, 0, true), c, 3, 3, s, 1, 1, true);
      x = n.Sum(skip, n.Conv(y, c * 4, 1, 1, 1, 0, 0, false), true);
    }
  }
  n.Conv(n.Mean(x), 1000, 1, 1, 1, 0, 0, false);
  return n;
}

class Bench {
 public:
  Bench(bool images, bool half) : images_(images), half_(half) {
    cl_platform_id platforms[8];
    cl_uint count = 0;
    Check(clGetPlatformIDs(8, platforms, &count), "clGetPlatformIDs");
    for (cl_uint i = 0; i < count && id_ == nullptr; ++i) {
      clGetDeviceIDs(platforms[i], CL_DEVICE_TYPE_GPU, 1, &id_, nullptr);
    }
    device_.family = GpuFamily::kNvidia;
    if (id_ == nullptr) {
      Check(clGetDeviceIDs(platforms[0], CL_DEVICE_TYPE_ALL, 1, &id_, nullptr), "no device");
      device_.family = GpuFamily::kPocl;
    }
    cl_uint units = 0;
    clGetDeviceInfo(id_, CL_DEVICE_MAX_COMPUTE_UNITS, sizeof(units), &units, nullptr);
    device_.compute_units = static_cast<int>(units);
    device_.max_work_group = 1024;
    device_.max_work_items = {1024, 1024, 64};
    device_.local_memory = 48 << 10;
    device_.max_allocation = int64_t{1} << 32;
    device_.image_width = device_.image_height = 16384;
    device_.matrix_halves = device_.half_image_truncates = device_.family == GpuFamily::kNvidia;
    context_ = clCreateContext(nullptr, 1, &id_, nullptr, nullptr, nullptr);
    queue_ = clCreateCommandQueue(context_, id_, CL_QUEUE_PROFILING_ENABLE, nullptr);
    plain_queue_ = clCreateCommandQueue(context_, id_, 0, nullptr);
  }

  void Run(const Network &net) {
    net_ = &net;
    tensors_.assign(net.shapes.size(), nullptr);
    for (size_t i = 0; i < net.shapes.size(); ++i) tensors_[i] = NewTensor(net.shapes[i]);
    for (const bool tuned : {false, true}) {
      double start = Now();
      std::vector<Launch> chain;
      for (const Node &node : net.nodes) {
        std::vector<Launch> launches = Make(node, tuned ? Best(node) : "");
        chain.insert(chain.end(), launches.begin(), launches.end());
      }
      clFinish(plain_queue_);
      printf("%s %s %s %s: %zu kernels, made in %.1f s, GPU %.0f us", net.name.c_str(),
             images_ ? "image" : "buffer", half_ ? "half" : "float", tuned ? "tuned" : "untuned",
             chain.size(), (Now() - start) * 1e-6, GpuTime(chain, 5));
      printf(", with input and output %.3f ms\n", Whole(chain) * 1e-3);
      fflush(stdout);
    }
  }

 private:
  struct Launch {
    cl_kernel kernel;
    size_t global[3], local[3];
  };

  cl_program Program(const std::string &name, const std::string &options) {
    cl_program &program = programs_[name + options];
    if (program != nullptr) return program;
    const char *source = nullptr;
    for (const EmbeddedKernel *k = kEmbeddedKernels; k->name != nullptr; ++k) {
      if (name == k->name) source = k->source;
    }
    program = clCreateProgramWithSource(context_, 1, &source, nullptr, nullptr);
    Check(clBuildProgram(program, 1, &id_, options.c_str(), nullptr, nullptr), options.c_str());
    return program;
  }

  cl_mem Image(int64_t width, int64_t height, bool half) {
    const cl_image_format format = {CL_RGBA,
                                    static_cast<cl_channel_type>(half ? CL_HALF_FLOAT : CL_FLOAT)};
    cl_image_desc desc = {};
    desc.image_type = CL_MEM_OBJECT_IMAGE2D;
    desc.image_width = static_cast<size_t>(width);
    desc.image_height = static_cast<size_t>(height);
    cl_int error = 0;
    cl_mem image = clCreateImage(context_, CL_MEM_READ_WRITE, &format, &desc, nullptr, &error);
    Check(error, "clCreateImage");
    return image;
  }
  cl_mem Buffer(size_t bytes) {
    cl_int error = 0;
    cl_mem buffer = clCreateBuffer(context_, CL_MEM_READ_WRITE, bytes, nullptr, &error);
    Check(error, "clCreateBuffer");
    return buffer;
  }
  cl_mem NewTensor(const Shape &shape) {
    const View view(shape);
    if (images_) return Image(view.blocks() * view.w, view.rows(), half_);
    return Buffer(static_cast<size_t>(shape.elements()) * (half_ ? 2 : 4));
  }

  cl_mem Upload(const GpuWeight &weight) {
    const bool half = half_ && !weight.keep_float;
    std::vector<uint16_t> halves;
    const void *data = weight.values.data();
    if (half) {
      for (float v : weight.values) halves.push_back(FloatToHalf(v));
      data = halves.data();
    }
    if (weight.memory == MemoryKind::kBuffer) {
      const size_t bytes = weight.values.size() * (half ? 2 : 4);
      cl_mem buffer = Buffer(bytes);
      Check(
          clEnqueueWriteBuffer(plain_queue_, buffer, CL_TRUE, 0, bytes, data, 0, nullptr, nullptr),
          "write");
      return buffer;
    }
    cl_mem image = Image(weight.width, weight.height, half);
    const size_t origin[3] = {0, 0, 0};
    const size_t region[3] = {static_cast<size_t>(weight.width), static_cast<size_t>(weight.height),
                              1};
    Check(clEnqueueWriteImage(plain_queue_, image, CL_TRUE, origin, region, 0, 0, data, 0, nullptr,
                              nullptr),
          "image");
    return image;
  }

  GpuOpContext Describe(const Node &node, std::vector<Tensor> *constants) {
    GpuOpContext context;
    context.def = &node.def;
    context.memory = images_ ? MemoryKind::kImage : MemoryKind::kBuffer;
    context.half = half_;
    context.device = &device_;
    constants->resize(node.constants.size());
    GpuTensor t;
    t.present = true;
    t.dtype = DT_FLOAT;
    for (int input : node.inputs) {
      t.shape = net_->shapes[static_cast<size_t>(input)];
      context.inputs.push_back(t);
    }
    for (size_t i = 0; i < node.constants.size(); ++i) {
      Tensor &constant = (*constants)[i];
      constant.dtype = DT_FLOAT;
      constant.shape = t.shape = node.constants[i].first;
      constant.raw = node.constants[i].second->data();
      t.constant = &constant;
      context.inputs.push_back(t);
    }
    t.constant = nullptr;
    t.shape = net_->shapes[static_cast<size_t>(node.output)];
    context.outputs.push_back(t);
    return context;
  }

  std::vector<Launch> Make(const Node &node, const std::string &variant) {
    std::vector<Tensor> constants;
    GpuOpContext context = Describe(node, &constants);
    context.variant = variant;
    GpuStep step;
    const GpuOperator *op = FindGpuOperator(node.def.type);
    const MaceStatus status = op->build(context, &step);
    if (!status.ok()) {
      fprintf(stderr, "%s\n", status.message().c_str());
      exit(1);
    }
    std::vector<cl_mem> weights, scratch;
    for (const GpuWeight &weight : step.weights) weights.push_back(Upload(weight));
    for (const GpuScratch &s : step.scratch)
      scratch.push_back(Buffer(static_cast<size_t>(s.elements) * 4));
    std::vector<Launch> launches;
    for (const KernelLaunch &l : step.launches) {
      std::string options = "-cl-mad-enable";
      for (const std::string &define : l.defines) options += " -D" + define;
      cl_int error = 0;
      Launch launch;
      launch.kernel = clCreateKernel(Program(l.program, options), l.kernel.c_str(), &error);
      Check(error, "clCreateKernel");
      for (size_t i = 0; i < l.arguments.size(); ++i) {
        const KernelArgument &a = l.arguments[i];
        const size_t k = static_cast<size_t>(a.index);
        cl_mem m = nullptr;
        if (a.kind == KernelArgument::Kind::kInput)
          m = tensors_[static_cast<size_t>(node.inputs[k])];
        if (a.kind == KernelArgument::Kind::kOutput) m = tensors_[static_cast<size_t>(node.output)];
        if (a.kind == KernelArgument::Kind::kWeight) m = weights[k];
        if (a.kind == KernelArgument::Kind::kScratch) m = scratch[k];
        Check(m != nullptr ? clSetKernelArg(launch.kernel, static_cast<cl_uint>(i), sizeof(m), &m)
                           : clSetKernelArg(launch.kernel, static_cast<cl_uint>(i),
                                            4 * a.ints.size(), a.ints.data()),
              "clSetKernelArg");
      }
      for (size_t d = 0; d < 3; ++d) {
        launch.local[d] = static_cast<size_t>(std::max<int64_t>(1, l.local[d]));
        launch.global[d] = (static_cast<size_t>(l.global[d]) + launch.local[d] - 1) /
                           launch.local[d] * launch.local[d];
      }
      launches.push_back(launch);
    }
    return launches;
  }

  void Enqueue(cl_command_queue queue, const Launch &l, cl_event *event = nullptr) {
    Check(clEnqueueNDRangeKernel(queue, l.kernel, 3, nullptr, l.global, l.local, 0, nullptr, event),
          "enqueue");
  }

  // Microseconds on the GPU of one pass, while the host runs ahead behind a long kernel.
  double GpuTime(const std::vector<Launch> &launches, int passes) {
    if (blocker_ == nullptr) {
      const char *source =
          "__kernel void spin(__global float *x, int n) { float a = get_global_id(0); "
          "for (int i = 0; i < n; ++i) a = mad(a, 0.999f, 0.5f); if (a == 12345.0f) x[0] = a; }";
      cl_program program = clCreateProgramWithSource(context_, 1, &source, nullptr, nullptr);
      Check(clBuildProgram(program, 1, &id_, "", nullptr, nullptr), "spin");
      blocker_ = clCreateKernel(program, "spin", nullptr);
      cl_mem x = Buffer(64);
      Check(clSetKernelArg(blocker_, 0, sizeof(x), &x), "spin");
    }
    const int work = static_cast<int>(launches.size()) * passes;
    const cl_int rounds = device_.family == GpuFamily::kNvidia ? 7000 * work + 60000 : 10;
    clSetKernelArg(blocker_, 1, 4, &rounds);
    double best = 1e30;
    for (int t = 0; t < 3; ++t) {
      cl_event events[2];
      cl_ulong begin = 0, end = 0;
      const size_t threads = 64;
      Check(clEnqueueNDRangeKernel(queue_, blocker_, 1, nullptr, &threads, &threads, 0, nullptr,
                                   &events[0]),
            "spin");
      for (int i = 0; i < work; ++i) {
        Enqueue(queue_, launches[static_cast<size_t>(i) % launches.size()],
                i + 1 == work ? &events[1] : nullptr);
      }
      Check(clFinish(queue_), "clFinish");
      clGetEventProfilingInfo(events[0], CL_PROFILING_COMMAND_END, 8, &begin, nullptr);
      clGetEventProfilingInfo(events[1], CL_PROFILING_COMMAND_END, 8, &end, nullptr);
      clReleaseEvent(events[0]);
      clReleaseEvent(events[1]);
      best = std::min(best, static_cast<double>(end - begin) * 1e-3 / passes);
    }
    return best;
  }

  // Median of runs with input and output.
  double Whole(const std::vector<Launch> &chain) {
    std::vector<float> input(224 * 224 * 3 * 2), output(1000);
    std::vector<double> times;
    cl_mem in = Buffer(224 * 224 * 3 * 4), out = Buffer(4000);
    for (int run = 0; run < 220; ++run) {
      const double start = Now();
      Check(clEnqueueWriteBuffer(plain_queue_, in, CL_FALSE, 0, 224 * 224 * 3 * 4, input.data(), 0,
                                 nullptr, nullptr),
            "write");
      for (const Launch &launch : chain) Enqueue(plain_queue_, launch);
      Check(clEnqueueReadBuffer(plain_queue_, out, CL_TRUE, 0, 4000, output.data(), 0, nullptr,
                                nullptr),
            "read");
      if (run >= 20) times.push_back(Now() - start);
    }
    std::nth_element(times.begin(), times.begin() + 100, times.end());
    return times[100];
  }

  std::string Best(const Node &node) {
    const GpuOperator *op = FindGpuOperator(node.def.type);
    if (op->variants == nullptr) return "";
    std::string key = node.def.type;
    for (int input : node.inputs) key += net_->shapes[static_cast<size_t>(input)].ToString();
    for (const auto &constant : node.constants) key += constant.first.ToString();
    key += net_->shapes[static_cast<size_t>(node.output)].ToString();
    const auto found = best_.find(key);
    if (found != best_.end()) return found->second;
    std::vector<Tensor> constants;
    std::vector<std::string> names = op->variants(Describe(node, &constants));
    names.insert(names.begin(), "");
    std::string best;
    double least = 1e30, untuned = 0;
    for (const std::string &name : names) {
      const double time = GpuTime(Make(node, name), 20);
      if (name.empty()) untuned = time;
      if (time < least) {
        least = time;
        best = name;
      }
    }
    printf("  %-16s %s: untuned %.1f us, best %.1f us %s\n", node.def.type.c_str(),
           key.c_str() + node.def.type.size(), untuned, least, best.c_str());
    return best_[key] = best;
  }

  bool images_, half_;
  GpuCapabilities device_;
  cl_device_id id_ = nullptr;
  cl_context context_ = nullptr;
  cl_command_queue queue_ = nullptr, plain_queue_ = nullptr;
  cl_kernel blocker_ = nullptr;
  std::map<std::string, cl_program> programs_;
  const Network *net_ = nullptr;
  std::vector<cl_mem> tensors_;
  std::map<std::string, std::string> best_;
};

}  // namespace
}  // namespace opencl
}  // namespace mace

int main(int argc, char **argv) {
  using namespace mace::opencl;  // NOLINT: a program of one file
  bool images = false, half = false;
  std::string name;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    if (argument == "image")
      images = true;
    else if (argument == "half")
      half = true;
    else
      name = argument;
  }
  Bench bench(images, half);
  for (const Network &net : {MobilenetV1(), MobilenetV2(), Squeezenet(), Resnet50()}) {
    if (name.empty() || net.name.find(name) != std::string::npos) bench.Run(net);
  }
  return 0;
}
