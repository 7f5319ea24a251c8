// SPDX-License-Identifier: Apache-2.0
// One line for each benchmark of an operator. ops_benchmark_test sees that none that computes is
// missing.
#include "mace/ops/ops_benchmark_cases.h"

#include <algorithm>
#include <cctype>
#include <utility>

namespace mace {
namespace ops {
namespace test {
namespace {

using Dims = std::vector<int64_t>;

Operand In(const Dims &dims) { return {DT_FLOAT, dims}; }
Operand Weight(const Dims &dims) { return {DT_FLOAT, dims, true}; }
// Numbers above 0, for variances, logarithms and scores.
Operand Positive(const Dims &dims) { return {DT_FLOAT, dims, false, 0.1, 1}; }
Operand Typed(DataType dtype, const Dims &dims, double low, double high) {
  return {dtype, dims, false, low, high};
}
// Indices below a limit.
Operand Places(const Dims &dims, int64_t limit) {
  return {DT_INT64, dims, false, 0, static_cast<double>(limit - 1)};
}
// A row of integers that are constants of the model.
Operand Ints(const std::vector<double> &values) {
  return {DT_INT64, {static_cast<int64_t>(values.size())}, true, 0, 0, values};
}
Operand Floats(const Dims &dims, const std::vector<double> &values, bool is_const = false) {
  return {DT_FLOAT, dims, is_const, 0, 0, values};
}
// Rows of left, top, right, bottom, each half as wide and high as an image of this size; the number
// of the image, 0, comes before them when there are 5 columns.
Operand Regions(int64_t count, int columns, double size) {
  std::vector<double> values;
  for (int64_t i = 0; i < count; ++i) {
    const double left = static_cast<double>(i * 7 % 13) / 26 * size;
    const double top = static_cast<double>(i * 5 % 11) / 22 * size;
    if (columns == 5) values.push_back(0);
    for (double v : {left, top, left + size / 2, top + size / 2}) values.push_back(v);
  }
  return Floats({count, columns}, values);
}

OpDefBuilder Def() { return OpDefBuilder(""); }
OpDefBuilder Ints(const std::string &name, const std::vector<int64_t> &values) {
  return Def().AddIntsArg(name, values);
}
OpDefBuilder Int(const std::string &name, int64_t value) { return Def().AddIntArg(name, value); }
OpDefBuilder Text(const std::string &name, const std::string &value) {
  return Def().AddStringArg(name, value);
}
OpDefBuilder Same(const std::vector<int64_t> &strides) {
  return Ints("strides", strides).AddStringArg("padding", "SAME");
}
OpDefBuilder Pool(const std::string &type, const Dims &kernels, const Dims &strides) {
  return Same(strides).AddStringArg("pooling_type", type).AddIntsArg("kernels", kernels);
}
OpDefBuilder Resize(const std::string &mode, int64_t size) {
  return Text("mode", mode).AddIntsArg("size", {size, size});
}

using Cases = std::vector<BenchmarkCase>;

const Dims kImage = {1, 56, 56, 64};

Cases Convolutions() {
  return {
      {"Conv2D", "1x56x56x64_K1x1S1_128", {In(kImage), Weight({128, 1, 1, 64})}, Same({1, 1})},
      {"Conv2D", "1x56x56x64_K3x3S1_64", {In(kImage), Weight({64, 3, 3, 64})}, Same({1, 1})},
      {"Conv2D",
       "1x14x14x256_K3x3S1_256",
       {In({1, 14, 14, 256}), Weight({256, 3, 3, 256})},
       Same({1, 1})},
      {"Conv2D",
       "1x7x7x512_K3x3S1_512",
       {In({1, 7, 7, 512}), Weight({512, 3, 3, 512})},
       Same({1, 1})},
      {"Conv2D", "1x56x56x64_K3x3S2_128", {In(kImage), Weight({128, 3, 3, 64})}, Same({2, 2})},
      {"Conv2D",
       "1x28x28x128_K3x3S1_128_G4",
       {In({1, 28, 28, 128}), Weight({128, 3, 3, 32})},
       Same({1, 1}).AddIntArg("group", 4)},
      {"Conv3D",
       "1x8x28x28x32_K3x3x3S1_32",
       {In({1, 8, 28, 28, 32}), Weight({32, 3, 3, 3, 32})},
       Same({1, 1, 1})},
      {"Conv3D",
       "1x8x28x28x32_K3x3x3S1_G32",
       {In({1, 8, 28, 28, 32}), Weight({32, 3, 3, 3, 1})},
       Same({1, 1, 1}).AddIntArg("group", 32)},
      {"Deconv2D",
       "1x28x28x64_K4x4S2_32",
       {In({1, 28, 28, 64}), Weight({32, 4, 4, 64})},
       Same({2, 2})},
      {"Deconv3D",
       "1x4x14x14x32_K2x2x2S2_16",
       {In({1, 4, 14, 14, 32}), Weight({16, 2, 2, 2, 32})},
       Same({2, 2, 2})},
      {"DepthwiseConv2d", "1x56x56x64_K3x3S1", {In(kImage), Weight({1, 3, 3, 64})}, Same({1, 1})},
      {"DepthwiseConv2d", "1x56x56x64_K5x5S2", {In(kImage), Weight({1, 5, 5, 64})}, Same({2, 2})},
      {"FullyConnected", "1x1024_1000", {In({1, 1024}), Weight({1000, 1024})}, Def()},
      {"Im2Col",
       "1x28x28x64_K3x3_moved",
       {In({1, 28, 28, 64}), In({1, 28, 28, 18})},
       Same({1, 1}).AddIntsArg("kernels", {3, 3})},
      {"MatMul", "256x256x256", {In({256, 256}), In({256, 256})}, Def()},
      {"MatMul", "8x128x64_attention", {In({8, 128, 64}), In({8, 64, 128})}, Def()},
      {"MatMul",
       "64x64x64",
       {Typed(DT_INT32, {64, 64}, -9, 9), Typed(DT_INT32, {64, 64}, -9, 9)},
       Def()},
  };
}

Cases Windows() {
  const Operand volume = In({1, 8, 28, 28, 32});
  return {
      {"LocalResponseNorm", "1x56x56x64", {In(kImage)}, Int("depth_radius", 2)},
      {"MaxPoolWithArgmax",
       "1x56x56x64_K2x2S2",
       {In(kImage)},
       Ints("kernels", {2, 2}).AddIntsArg("strides", {2, 2}).AddIntArg("channels_last", 1),
       2},
      {"MaxPoolWithArgmax",
       "1x8x28x28x32_K2x2x2S2",
       {volume},
       Ints("kernels", {2, 2, 2}).AddIntsArg("strides", {2, 2, 2}).AddIntArg("channels_last", 1),
       2},
      {"Pooling", "1x56x56x64_MAX_K3x3S2", {In(kImage)}, Pool("MAX", {3, 3}, {2, 2})},
      {"Pooling", "1x56x56x64_AVG_K3x3S1", {In(kImage)}, Pool("AVG", {3, 3}, {1, 1})},
      {"Pooling", "1x56x56x64_AVG_K2x2S2", {In(kImage)}, Pool("AVG", {2, 2}, {2, 2})},
      {"Pooling", "1x7x7x1024_AVG_K7x7S7", {In({1, 7, 7, 1024})}, Pool("AVG", {7, 7}, {7, 7})},
      {"Resize", "1x56x56x64_BILINEAR_112", {In(kImage)}, Resize("BILINEAR", 112)},
      {"Resize", "1x56x56x64_NEAREST_112", {In(kImage)}, Resize("NEAREST", 112)},
      {"Resize", "1x56x56x64_BICUBIC_112", {In(kImage)}, Resize("BICUBIC", 112)},
      {"Resize",
       "1x56x56x64_BILINEAR_28_antialias",
       {In(kImage)},
       Resize("BILINEAR", 28).AddIntArg("antialias", 1)},
  };
}

Cases Elementwise() {
  Cases cases = {
      {"BatchNorm", "1x56x56x64", {In(kImage), Weight({64}), Weight({64})}, Def()},
      {"Cast", "to_int32", {In(kImage)}, Int("output_type", DT_INT32)},
      {"Dequantize",
       "1x56x56x64",
       {Typed(DT_UINT8, kImage, 0, 255), Floats({}, {0.02}, true)},
       Int("axis", -1)},
      {"Eltwise", "SUM_broadcast", {In(kImage), In({64})}, Text("type", "SUM")},
      {"Eltwise",
       "SUM",
       {Typed(DT_INT32, kImage, -9, 9), Typed(DT_INT32, kImage, -9, 9)},
       Text("type", "SUM")},
      {"Quantize", "1x56x56x64", {In(kImage), Floats({}, {0.02}, true)}, Int("axis", -1)},
      {"Where", "1x56x56x64", {Typed(DT_BOOL, kImage, 0, 1), In(kImage), In(kImage)}, Def()},
  };
  for (const char *type :
       {"RELU", "TANH", "SIGMOID", "HARDSWISH", "SILU", "GELU", "GELU_TANH", "MISH"}) {
    cases.push_back({"Activation", type, {In(kImage)}, Text("activation", type)});
  }
  for (const char *type : {"SUM", "PROD", "DIV", "POW", "LESS"}) {
    cases.push_back({"Eltwise", type, {Positive(kImage), Positive(kImage)}, Text("type", type)});
  }
  for (const char *type : {"ABS", "EXP", "LOG", "SQRT", "RSQRT", "SIN", "ERF", "ROUND"}) {
    cases.push_back({"Unary", type, {Positive(kImage)}, Text("type", type)});
  }
  return cases;
}

Cases Reductions() {
  Cases cases = {
      {"ArgMax", "64x1000", {In({64, 1000})}, Int("axis", -1)},
      {"Cumulate", "64x1000", {In({64, 1000})}, Int("axis", -1)},
      {"Det", "64x8x8", {In({64, 8, 8})}, Def()},
      {"DFT", "16x1024", {In({16, 1024, 1})}, Int("axis", 1)},
      {"GroupNorm", "1x56x56x64_each", {In(kImage), Weight({64}), Weight({64})}, Def()},
      {"GroupNorm", "1x56x56x64_8", {In(kImage), Weight({64}), Weight({64})}, Int("groups", 8)},
      {"LayerNorm", "196x384", {In({196, 384}), Weight({384}), Weight({384})}, Int("axis", -1)},
      {"Normalize", "1x56x56x64", {In(kImage), Weight({64})}, Def()},
      {"NonZero", "1x56x56x64", {Typed(DT_BOOL, kImage, 0, 1)}, Def()},
      {"Softmax", "64x1000", {In({64, 1000})}, Def()},
      {"Softmax", "8x128x128_attention", {In({8, 128, 128})}, Def()},
      {"SqrDiffMean",
       "1x56x56x64_HW",
       {In(kImage), Weight({1, 1, 1, 64})},
       Int("keepdims", 1).AddIntsArg("axis", {1, 2})},
      {"TopK", "64x1000_5", {In({64, 1000}), Ints(std::vector<double>{5})}, Int("axis", -1), 2},
      {"Unique", "4096", {Typed(DT_INT32, {4096}, 0, 500)}, Def()},
  };
  for (const char *type : {"MEAN", "MAX", "L2"}) {
    cases.push_back({"Reduce",
                     std::string("1x56x56x64_HW_") + type,
                     {In(kImage)},
                     Text("reduce_type", type).AddIntsArg("axis", {1, 2})});
    cases.push_back({"Reduce",
                     std::string("1x56x56x64_C_") + type,
                     {In(kImage)},
                     Text("reduce_type", type).AddIntsArg("axis", {3})});
  }
  return cases;
}

Cases Sequences() {
  const Operand input = In({32, 1, 64});
  return {
      {"GRU", "32x1x64_128", {input, Weight({1, 384, 64}), Weight({1, 384, 128})}, Def(), 2},
      {"LSTM", "32x1x64_128", {input, Weight({1, 512, 64}), Weight({1, 512, 128})}, Def(), 3},
      {"LSTM",
       "32x8x64_128",
       {In({32, 8, 64}), Weight({1, 512, 64}), Weight({1, 512, 128})},
       Def(),
       3},
      {"ReverseSequence", "32x8x64", {In({32, 8, 64}), Places({8}, 33)}, Def()},
      {"RNN", "32x1x64_128", {input, Weight({1, 128, 64}), Weight({1, 128, 128})}, Def(), 2},
  };
}

// A hundred boxes of 20 classes, as of a small SSD.
Cases Detections() {
  const Operand boxes = Regions(100, 4, 1), features = In({1, 28, 28, 98});
  std::vector<double> priors;
  for (int64_t i = 0; i < 100; ++i) {
    for (double v : {0.1, 0.1, 0.4, 0.4}) priors.push_back(v + static_cast<double>(i % 10) / 20);
  }
  for (int i = 0; i < 400; ++i) priors.push_back(0.1);
  std::vector<float> anchors;
  for (int i = 0; i < 9; ++i) {
    const float half = static_cast<float>(16 << (i % 3));
    for (float v : {-half, -half, half, half}) anchors.push_back(v);
  }
  const auto position = [] {
    return Int("output_dim", 2).AddIntArg("group_size", 7).AddFloatArg("spatial_scale", 1);
  };
  return {
      {"CropAndResize",
       "1x56x56x64_16x14x14",
       {In(kImage), Regions(16, 4, 1), Typed(DT_INT32, {16}, 0, 0),
        Ints(std::vector<double>{14, 14})},
       Def()},
      {"DetectionOutput",
       "100x21",
       {In({1, 400}), Positive({1, 2100}), Floats({1, 2, 400}, priors)},
       Int("num_classes", 21)
           .AddIntArg("keep_top_k", 50)
           .AddIntArg("nms_top_k", 100)
           .AddFloatArg("confidence_threshold", 0.3f)},
      {"GridSample", "1x56x56x64", {In(kImage), In({1, 56, 56, 2})}, Def()},
      {"GridSample", "1x56x56x64_CUBIC", {In(kImage), In({1, 56, 56, 2})}, Text("mode", "CUBIC")},
      {"NonMaxSuppression",
       "100x20",
       {Floats({1, 100, 4}, boxes.values), Positive({1, 20, 100}), Ints(std::vector<double>{10}),
        Floats({1}, {0.5}), Floats({1}, {0.3})},
       Def()},
      {"PriorBox",
       "19x19",
       {In({1, 19, 19, 1}), In({1, 300, 300, 1})},
       Def().AddFloatsArg("min_size", {60}).AddFloatsArg("aspect_ratio", {2, 3})},
      {"Proposal",
       "14x14x9",
       {Positive({1, 14, 14, 18}), Floats({1, 14, 14, 36}, std::vector<double>(14 * 14 * 36, 0.1)),
        Floats({1, 3}, {224, 224, 1})},
       Def().AddFloatsArg("anchors", anchors)},
      {"PSROIAlign", "1x28x28x98_16", {features, Regions(16, 5, 28)}, position()},
      {"PSROIPooling", "1x28x28x98_16", {features, Regions(16, 5, 28)}, position()},
      {"RoiAlign",
       "1x56x56x64_16x7x7",
       {In(kImage), Regions(16, 4, 56), Typed(DT_INT64, {16}, 0, 0)},
       Int("output_height", 7).AddIntArg("output_width", 7).AddIntArg("sampling_ratio", 2)},
      {"ROIPooling",
       "1x56x56x64_16x7x7",
       {In(kImage), Regions(16, 5, 56)},
       Ints("pooled_size", {7, 7})},
  };
}

Cases Movements() {
  const std::vector<double> all = {1, 56, 56, 64};
  return {
      {"BatchToSpaceND",
       "4x28x28x64",
       {In({4, 28, 28, 64})},
       Ints("block_shape", {2, 2}).AddIntsArg("crops", {0, 0, 0, 0})},
      {"ChannelShuffle", "1x56x56x64", {In(kImage)}, Int("group", 4)},
      {"Compress", "1000x64", {In({1000, 64}), Typed(DT_BOOL, {1000}, 0, 1)}, Def()},
      {"Concat", "2x1x56x56x64", {In(kImage), In(kImage)}, Int("axis", 3)},
      {"Crop",
       "1x56x56x64",
       {In(kImage)},
       Ints("offset", {-1, 4, 4, -1}).AddIntsArg("size", {-1, 48, 48, -1})},
      {"DepthToSpace", "1x56x56x64", {In(kImage)}, Int("block_size", 2)},
      {"Expand", "64_to_1x56x56x64", {In({64}), Ints(all)}, Def()},
      {"Fill", "1x56x56x64", {Ints(all)}, Def()},
      {"Gather", "1000x64_256", {In({1000, 64}), Places({256}, 1000)}, Def()},
      {"GatherElements", "1000x64", {In({1000, 64}), Places({256, 64}, 1000)}, Def()},
      {"GatherND", "56x56x64_256", {In({56, 56, 64}), Places({256, 2}, 56)}, Def()},
      {"Pad", "1x56x56x64_1", {In(kImage)}, Ints("paddings", {0, 0, 1, 1, 1, 1, 0, 0})},
      {"Pad",
       "1x56x56x64_1_REFLECT",
       {In(kImage)},
       Ints("paddings", {0, 0, 1, 1, 1, 1, 0, 0}).AddStringArg("mode", "REFLECT")},
      {"Range",
       "10000",
       {Floats({}, {0}, true), Floats({}, {10000}, true), Floats({}, {1}, true)},
       Def()},
      {"Reverse", "1x56x56x64_W", {In(kImage)}, Ints("axis", {2})},
      {"ScatterElements",
       "1000x64",
       {In({1000, 64}), Places({256, 64}, 1000), In({256, 64})},
       Def()},
      {"ScatterND", "1000x64", {In({1000, 64}), Places({256, 1}, 1000), In({256, 64})}, Def()},
      {"Slice",
       "1x56x56x64",
       {In(kImage), Ints(std::vector<double>{4, 4}), Ints(std::vector<double>{52, 52}),
        Ints(std::vector<double>{1, 2})},
       Def()},
      {"SpaceToBatchND",
       "1x56x56x64",
       {In(kImage)},
       Ints("block_shape", {2, 2}).AddIntsArg("paddings", {0, 0, 0, 0})},
      {"SpaceToDepth", "1x56x56x64", {In(kImage)}, Int("block_size", 2)},
      {"Split", "1x56x56x64", {In(kImage)}, Int("axis", 3), 2},
      {"Stack", "2x1x56x56x64", {In(kImage), In(kImage)}, Int("axis", 0)},
      {"StridedSlice",
       "1x56x56x64_S2",
       {In(kImage), Ints(std::vector<double>{0, 0, 0, 0}), Ints(all),
        Ints(std::vector<double>{1, 2, 2, 1})},
       Def()},
      {"Tile", "1x28x28x64", {In({1, 28, 28, 64}), Ints(std::vector<double>{1, 2, 2, 1})}, Def()},
      {"Transpose", "1x56x56x64_NCHW", {In(kImage)}, Ints("dims", {0, 3, 1, 2})},
      {"Transpose", "1x64x56x56_NHWC", {In({1, 64, 56, 56})}, Ints("dims", {0, 2, 3, 1})},
      {"Unstack", "4x56x56x16", {In({4, 56, 56, 16})}, Int("axis", 0), 4},
  };
}

// "Conv2D" is CONV_2D, as benchmarks of MACE were always called; "LSTM" stays.
std::string UpperSnake(const std::string &name) {
  std::string snake;
  for (size_t i = 0; i < name.size(); ++i) {
    const bool lower_before = i > 0 && std::islower(static_cast<unsigned char>(name[i - 1]));
    const bool starts = std::isupper(static_cast<unsigned char>(name[i])) ||
                        std::isdigit(static_cast<unsigned char>(name[i]));
    if (lower_before && starts) snake += '_';
    snake += static_cast<char>(std::toupper(static_cast<unsigned char>(name[i])));
  }
  return snake;
}

template <typename T>
TestTensor Make(const Operand &operand) {
  const Shape shape(operand.dims);
  std::vector<T> elements(static_cast<size_t>(shape.elements()));
  uint32_t random = 12345;
  for (size_t i = 0; i < elements.size(); ++i) {
    random = random * 1664525u + 1013904223u;
    double value = operand.low;
    if (!operand.values.empty()) {
      value = operand.values[i];
    } else if (operand.dtype == DT_FLOAT) {
      value += (operand.high - operand.low) * (random >> 8) / (1 << 24);
    } else {
      value += (random >> 8) % static_cast<uint32_t>(operand.high - operand.low + 1);
    }
    elements[i] = static_cast<T>(value);
  }
  return MakeTensor<T>(shape, elements, operand.is_const);
}

TestTensor MakeOperand(const Operand &operand) {
  switch (operand.dtype) {
    case DT_INT32:
      return Make<int32_t>(operand);
    case DT_INT64:
      return Make<int64_t>(operand);
    case DT_UINT8:
      return Make<uint8_t>(operand);
    case DT_BOOL:
      return Make<bool>(operand);
    default:
      return Make<float>(operand);
  }
}

const char *TypeName(DataType dtype) {
  switch (dtype) {
    case DT_INT32:
      return "int32_t";
    case DT_INT64:
      return "int64_t";
    case DT_UINT8:
      return "uint8_t";
    case DT_BOOL:
      return "bool";
    default:
      return "float";
  }
}

}  // namespace

std::string BenchmarkCase::Name() const {
  const DataType dtype = inputs.empty() ? DT_FLOAT : inputs[0].dtype;
  return "MACE_BM_" + UpperSnake(op) + "_" + label + "_" + TypeName(dtype) + "_CPU";
}

int64_t BenchmarkCase::InputBytes() const {
  int64_t bytes = 0;
  for (const Operand &input : inputs) {
    if (input.is_const) continue;
    int64_t elements = 1;
    for (int64_t dim : input.dims) elements *= dim;
    bytes += elements * static_cast<int64_t>(DataTypeSize(input.dtype));
  }
  return bytes;
}

std::vector<BenchmarkCase> BenchmarkCases() {
  Cases all;
  for (Cases (*group)() :
       {Convolutions, Windows, Elementwise, Reductions, Sequences, Detections, Movements}) {
    for (BenchmarkCase &one : group()) all.push_back(std::move(one));
  }
  std::stable_sort(all.begin(), all.end(),
                   [](const BenchmarkCase &a, const BenchmarkCase &b) { return a.op < b.op; });
  return all;
}

void AddBenchmarkCase(const BenchmarkCase &benchmark_case, OpsTestNet *net) {
  OperatorDef *def = net->NewOperatorDef();
  benchmark_case.def.Finalize(def);
  def->type = benchmark_case.op;
  def->name = "benchmark";
  for (const Operand &operand : benchmark_case.inputs) {
    const std::string name = "input" + std::to_string(def->input.size());
    net->Add(name, MakeOperand(operand));
    def->input.push_back(name);
  }
  for (int o = 0; o < benchmark_case.outputs; ++o) {
    def->output.push_back("output" + std::to_string(o));
  }
}

}  // namespace test
}  // namespace ops
}  // namespace mace
