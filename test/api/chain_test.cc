// SPDX-License-Identifier: Apache-2.0
// Operators that make rows in turns: the same numbers as when each makes its whole image.
#include <cmath>

#include "mace/core/op_registry.h"
#include "mace/core/plan.h"
#include "mace/runtimes/cpu/thread_pool.h"
#include "test/api/models.h"

namespace mace {
namespace test {
namespace {

// An operator of a network that is a sequence.
struct Layer {
  const char *type;
  int64_t kernel = 1, stride = 1;
  int64_t channels = 0;  // of the output; 0: as the input
  const char *padding = "SAME";
  int64_t dilation = 1;
  bool residual = false;  // the network's input or, of another shape, one of its own is added
};

struct Network {
  const char *name;
  std::vector<int64_t> input;
  std::vector<Layer> layers;
};

const Layer kPointwise = {"Conv2D"};
Layer Pointwise(int64_t channels, bool residual = false) {
  Layer layer = kPointwise;
  layer.channels = channels;
  layer.residual = residual;
  return layer;
}
Layer Conv(int64_t kernel, int64_t stride, int64_t channels, const char *padding = "SAME") {
  return {"Conv2D", kernel, stride, channels, padding};
}
Layer Depthwise(int64_t kernel, int64_t stride, int64_t dilation = 1) {
  return {"DepthwiseConv2d", kernel, stride, 0, "SAME", dilation};
}
Layer Pool(int64_t kernel, int64_t stride, const char *padding = "SAME") {
  return {"Pooling", kernel, stride, 0, padding};
}

const Network kNetworks[] = {
    {"inverted residual", {1, 14, 13, 24}, {Pointwise(48), Depthwise(3, 1), Pointwise(24, true)}},
    {"two images", {2, 9, 7, 16}, {Pointwise(40), Depthwise(3, 2), Pointwise(17)}},
    {"odd heights",
     {1, 15, 15, 16},
     {Pointwise(32), Depthwise(3, 1), Depthwise(3, 2), Pointwise(8)}},
    {"first layers",
     {1, 33, 31, 3},
     {Conv(3, 2, 32), Depthwise(3, 1), Pointwise(16), Pointwise(96), Depthwise(3, 2),
      Pointwise(24)}},
    {"5x5, dilated", {1, 21, 12, 16}, {Depthwise(5, 1), Depthwise(3, 1, 2), Depthwise(5, 2)}},
    {"pools", {1, 31, 29, 5}, {Conv(7, 2, 20), Pool(3, 2), Pointwise(16), Pool(3, 1), Pool(2, 2)}},
    {"no padding", {1, 23, 20, 8}, {Conv(3, 1, 12, "VALID"), Pool(3, 2, "VALID"), Conv(2, 3, 9)}},
    {"3x3", {1, 22, 19, 16}, {Pointwise(16), Conv(3, 1, 32), Conv(3, 1, 32), Pointwise(16, true)}},
    {"3x3 last, two images", {2, 19, 18, 32}, {Pointwise(32), Conv(3, 1, 32)}},
    {"3x3 with a residual",
     {1, 26, 11, 32},
     {Pointwise(32), {"Conv2D", 3, 1, 32, "SAME", 1, true}}},
    {"longer than a chain",
     {1, 12, 12, 16},
     {Depthwise(3, 1), Depthwise(3, 1), Depthwise(3, 1), Depthwise(3, 1), Depthwise(3, 1),
      Depthwise(3, 1), Depthwise(3, 1), Depthwise(3, 1), Depthwise(3, 1), Pointwise(8)}},
    {"one row", {1, 1, 40, 16}, {Pointwise(8), Depthwise(3, 1), Pointwise(24)}},
};

Argument Strings(const char *name, const char *value) {
  Argument arg;
  arg.name = name;
  arg.s = value;
  return arg;
}
Argument Pair(const char *name, int64_t value) {
  Argument arg;
  arg.name = name;
  arg.ints = {value, value};
  return arg;
}

int64_t Size(int64_t in, const Layer &layer) {
  const int64_t extent = (layer.kernel - 1) * layer.dilation + 1;
  const bool same = layer.padding == std::string("SAME");
  return ((same ? in : in - extent + 1) + layer.stride - 1) / layer.stride;
}

class ChainTest : public testing::Test {
 protected:
  // Adds the layers; *shape is that of the input, then of the output.
  static ModelBuilder Model(const Network &network, std::vector<int64_t> *shape) {
    ModelBuilder builder;
    builder.Input("x", network.input, DT_FLOAT, NHWC);
    *shape = network.input;
    std::string last = "x";
    int number = 0;
    for (const Layer &layer : network.layers) {
      const std::string id = std::to_string(number++);
      const int64_t in_c = (*shape)[3];
      const int64_t out_c = layer.channels == 0 ? in_c : layer.channels;
      std::vector<Argument> args = {Strings("padding", layer.padding),
                                    Pair("strides", layer.stride),
                                    Pair("dilations", layer.dilation)};
      std::vector<std::string> inputs = {last};
      if (layer.type == std::string("Pooling")) {
        args.push_back(Pair("kernels", layer.kernel));
        args.push_back(Strings("pooling_type", number % 2 == 0 ? "MAX" : "AVG"));
      } else {
        const bool depthwise = layer.type == std::string("DepthwiseConv2d");
        const std::vector<int64_t> filter = {depthwise ? 1 : out_c, layer.kernel, layer.kernel,
                                             in_c};
        const int64_t count = filter[0] * filter[1] * filter[2] * filter[3];
        builder.Constant<float>("w" + id, filter, RandomNumbers(count, 7));
        builder.Constant<float>("b" + id, {out_c}, RandomNumbers(out_c, 8));
        inputs.push_back("w" + id);
        inputs.push_back("b" + id);
        if (!layer.residual) args.push_back(Strings("activation", "RELU"));
      }
      *shape = {(*shape)[0], Size((*shape)[1], layer), Size((*shape)[2], layer), out_c};
      last = "t" + id;
      builder.Op(layer.type, "layer" + id, inputs, {last}, args);
      if (!layer.residual) continue;
      std::string other = "x";
      if (*shape != network.input) {
        other = "r" + id;
        builder.Input(other, *shape, DT_FLOAT, NHWC);
      }
      builder.Op("Eltwise", "sum" + id, {last, other}, {"s" + id}, {Strings("type", "SUM")});
      last = "s" + id;
    }
    builder.Op("Activation", "end", {last}, {"y"}, {Strings("activation", "RELU")});
    builder.Output("y", *shape, DT_FLOAT, NHWC);
    return builder;
  }

  // The output, NaN where nothing was written; *arena: bytes of the plan.
  static std::vector<float> Run(const Network &network, int threads, PlanOptions::Chains chains,
                                size_t *arena) {
    std::vector<int64_t> shape;
    ModelBuilder builder = Model(network, &shape);
    const ModelFiles files = builder.Build();
    ModelDef model;
    model.net = *builder.net();
    model.data_size = files.data_size;
    EXPECT_TRUE(VerifyModel(model, files.data_size, VerifyOptions()).ok());
    auto constants = std::make_unique<Constants>();
    constants->UseMemory(files.data(), files.data_size);
    OpRegistry registry;
    ThreadPool pool(threads, AFFINITY_NONE);
    Net::Options options;
    options.registry = &registry;
    options.thread_pool = &pool;
    Net net;
    MaceStatus status = net.Init(std::move(model), std::move(constants), options);
    EXPECT_TRUE(status.ok()) << status.information();
    PlanOptions plan_options;
    plan_options.thread_pool = &pool;
    plan_options.chains = chains;
    std::vector<Shape> shapes;
    std::vector<std::vector<float>> inputs;
    std::vector<const void *> pointers;
    for (const auto &info : builder.net()->input_info) {
      shapes.emplace_back(info.dims);
      inputs.push_back(RandomNumbers(shapes.back().elements(), 9));
    }
    for (const std::vector<float> &input : inputs) pointers.push_back(input.data());
    std::unique_ptr<Plan> plan;
    status = Plan::Make(net, shapes, plan_options, &plan);
    EXPECT_TRUE(status.ok()) << status.information();
    if (plan == nullptr) return {};
    *arena = plan->arena_bytes();
    AlignedBuffer memory;
    constexpr size_t kBehind = 4096;
    EXPECT_TRUE(memory.Allocate(*arena + kBehind).ok());
    std::vector<float> y(static_cast<size_t>(Shape(shape).elements()));
    void *output = y.data();
    PlanMemoryIn in;
    in.inputs = pointers.data();
    in.outputs = &output;
    in.arena = memory.as<char>();
    RunMetadata metadata;
    for (int run = 0; run < 2; ++run) {
      std::fill(y.begin(), y.end(), std::nanf(""));
      memset(memory.data(), 0xff, *arena + kBehind);
      status = plan->Run(in, run == 0 ? nullptr : &metadata);
      EXPECT_TRUE(status.ok()) << status.information();
    }
    for (size_t i = *arena; i < *arena + kBehind; ++i) EXPECT_EQ(memory.as<uint8_t>()[i], 0xff);
    // Each operator is reported, sums with the convolution that they became part of.
    EXPECT_EQ(metadata.op_stats.size(), network.layers.size() + 1);
    int64_t last = 0;
    for (const OperatorStats &stats : metadata.op_stats) {
      EXPECT_LE(last, stats.stats.start_micros);
      EXPECT_LE(stats.stats.start_micros, stats.stats.end_micros);
      last = stats.stats.end_micros;
    }
    return y;
  }

  static void ExpectSame(const Network &network, int threads, PlanOptions::Chains chains) {
    SCOPED_TRACE(testing::Message() << network.name << ", threads " << threads);
    size_t whole = 0, arena = 0;
    const std::vector<float> expected = Run(network, threads, PlanOptions::Chains::kNever, &whole);
    const std::vector<float> y = Run(network, threads, chains, &arena);
    ASSERT_EQ(y.size(), expected.size());
    float largest = 0;
    for (float value : expected) largest = std::max(largest, std::abs(value));
    ASSERT_GT(largest, 0);
    for (size_t i = 0; i < y.size(); ++i) {
      ASSERT_NEAR(y[i], expected[i], 2e-5f * largest) << "element " << i;
    }
  }
};

TEST_F(ChainTest, ShortestBandsGiveTheSame) {
  for (const Network &network : kNetworks) {
    for (int threads : {1, 3}) ExpectSame(network, threads, PlanOptions::Chains::kShortest);
  }
}

// Large enough that it pays on machines for which this is known.
TEST_F(ChainTest, BandsThatPayGiveTheSame) {
  const Network network = {"large",
                           {1, 112, 80, 16},
                           {Pointwise(64), Depthwise(3, 2), Pointwise(24), Pointwise(96),
                            Depthwise(3, 1), Pointwise(24)}};
  for (int threads : {1, 2}) ExpectSame(network, threads, PlanOptions::Chains::kWhereTheyPay);
#if defined(__x86_64__)
  size_t whole = 0, arena = 0;
  Run(network, 1, PlanOptions::Chains::kNever, &whole);
  Run(network, 1, PlanOptions::Chains::kWhereTheyPay, &arena);
  EXPECT_LT(arena, whole / 2);
#endif
}

}  // namespace
}  // namespace test
}  // namespace mace
