// SPDX-License-Identifier: Apache-2.0
// The C interface: a whole use of an engine, what is refused, and shape inference.
#include <cstdlib>
#include <cstring>

#include "mace/public/mace_c.h"
#include "test/api/models.h"

namespace mace {
namespace test {
namespace {

class CApi : public testing::Test {
 protected:
  void Create(const ModelFiles &files) {
    files_ = files;
    ASSERT_EQ(mace_engine_create(files_.graph.data(), files_.graph.size(), files_.data(),
                                 files_.data_size, nullptr, nullptr, &engine_),
              0)
        << mace_last_error();
  }
  void TearDown() override { mace_engine_destroy(engine_); }

  ModelFiles files_;
  mace_engine *engine_ = nullptr;
};

mace_tensor Tensor(const char *name, std::vector<float> *values,
                   const std::vector<int64_t> &shape = {}) {
  mace_tensor tensor;
  std::memset(&tensor, 0, sizeof(tensor));
  tensor.name = name;
  tensor.dtype = 1;
  tensor.rank = static_cast<int32_t>(shape.size());
  for (size_t d = 0; d < shape.size(); ++d) tensor.dims[d] = shape[d];
  if (values != nullptr) {
    tensor.data = values->data();
    tensor.bytes = values->size() * sizeof(float);
  }
  return tensor;
}

TEST_F(CApi, RunsAndDescribes) {
  Create(ManyOutputsModel());
  ASSERT_EQ(mace_engine_input_count(engine_), 2u);
  ASSERT_EQ(mace_engine_output_count(engine_), 4u);
  mace_tensor info;
  ASSERT_EQ(mace_engine_input(engine_, 1, &info), 0);
  EXPECT_STREQ(info.name, "b");
  EXPECT_EQ(info.dtype, 1);
  EXPECT_EQ(info.rank, 2);
  EXPECT_EQ(info.dims[1], 3);
  EXPECT_NE(mace_engine_output(engine_, 4, &info), 0);
  EXPECT_NE(std::string(mace_last_error()).find("no output 4"), std::string::npos);

  std::vector<float> a = Numbers(6), b = Numbers(6, 10), sum(8), difference(6), same(6), two(2);
  // In another order than the model's.
  const mace_tensor inputs[] = {Tensor("b", &b, {2, 3}), Tensor("a", &a, {2, 3})};
  mace_tensor outputs[] = {Tensor("constant", &two), Tensor("a", &same),
                           Tensor("difference", &difference), Tensor("sum", &sum)};
  ASSERT_EQ(mace_engine_run(engine_, inputs, 2, outputs, 4, nullptr, nullptr), 0)
      << mace_last_error();
  EXPECT_EQ(difference, Numbers(6, -10, 0));
  EXPECT_EQ(same, a);
  EXPECT_EQ(two, std::vector<float>({7, 8}));
  EXPECT_EQ(outputs[3].rank, 2);
  EXPECT_EQ(outputs[3].dims[0], 2);
  EXPECT_EQ(outputs[3].dims[1], 3);
  EXPECT_EQ(sum[5], 20);

  mace_memory memory;
  ASSERT_EQ(mace_engine_memory(engine_, &memory), 0);
  EXPECT_GE(memory.arena, memory.arena_lower_bound);
}

TEST_F(CApi, OutputShapes) {
  Create(AddOneModel());
  const mace_tensor input = Tensor("input", nullptr, {9, 4});
  mace_tensor output;
  ASSERT_EQ(mace_engine_output_shapes(engine_, &input, 1, &output, 1), 0) << mace_last_error();
  EXPECT_STREQ(output.name, "output");
  EXPECT_EQ(output.rank, 2);
  EXPECT_EQ(output.dims[0], 9);
}

TEST_F(CApi, Statistics) {
  Create(SmallNet());
  std::vector<float> input = Numbers(192), result(5);
  const mace_tensor in = Tensor("input", &input, {1, 8, 8, 3});
  mace_tensor out = Tensor("output", &result);
  std::vector<std::string> seen;
  const auto collect = [](void *user, const mace_op_stats *stats) {
    auto *names = static_cast<std::vector<std::string> *>(user);
    names->push_back(std::string(stats->type) + " " + stats->name);
    if (names->size() > 1) return;
    EXPECT_EQ(stats->has_window, 1);
    EXPECT_EQ(stats->strides[0], 1);
    EXPECT_EQ(stats->filter_rank, 4);
    EXPECT_EQ(stats->filter_dims[1], 3);
    EXPECT_EQ(stats->output_rank, 4);
    EXPECT_EQ(stats->macs, 8 * 8 * 4 * 27);
  };
  ASSERT_EQ(mace_engine_run(engine_, &in, 1, &out, 1, collect, &seen), 0) << mace_last_error();
  ASSERT_EQ(seen.size(), 5u);
  EXPECT_EQ(seen[0], "Conv2D conv");
  EXPECT_EQ(seen[4], "Softmax softmax");
}

TEST_F(CApi, Refusals) {
  Create(AddOneModel());
  std::vector<float> values = Numbers(4), result(4);
  mace_tensor in = Tensor("input", &values, {1, 4}), out = Tensor("output", &result);
  const auto run = [&](const mace_tensor *inputs, size_t input_count, mace_tensor *outputs,
                       size_t output_count) {
    const mace_code code =
        mace_engine_run(engine_, inputs, input_count, outputs, output_count, nullptr, nullptr);
    return code == 0 ? std::string("success") : std::string(mace_last_error());
  };
  const auto contains = [](const std::string &text, const std::string &part) {
    return text.find(part) != std::string::npos ? testing::AssertionSuccess()
                                                : testing::AssertionFailure() << text;
  };
  EXPECT_TRUE(contains(run(&in, 1, &out, 1), "success"));
  EXPECT_TRUE(contains(run(&in, 0, &out, 1), "input 'input' is not given"));
  EXPECT_TRUE(contains(run(nullptr, 1, &out, 1), "null pointer"));
  EXPECT_TRUE(contains(run(&in, 1, &out, 0), "output 'output' is not given"));
  mace_tensor twice[] = {in, in};
  EXPECT_TRUE(contains(run(twice, 2, &out, 1), "given twice"));
  mace_tensor bad = in;
  bad.name = nullptr;
  EXPECT_TRUE(contains(run(&bad, 1, &out, 1), "has no name"));
  bad.name = "imput";
  EXPECT_TRUE(contains(run(&bad, 1, &out, 1), "did you mean 'imput'?"));
  bad = in;
  bad.rank = 7;
  EXPECT_TRUE(contains(run(&bad, 1, &out, 1), "rank 7"));
  bad.rank = -1;
  EXPECT_TRUE(contains(run(&bad, 1, &out, 1), "rank -1"));
  bad = in;
  bad.bytes = 15;
  EXPECT_TRUE(contains(run(&bad, 1, &out, 1), "needs 16 bytes, but has 15"));
  bad = in;
  bad.format = 5;
  EXPECT_TRUE(contains(run(&bad, 1, &out, 1), "unknown format"));
  bad = in;
  bad.dtype = 100;
  EXPECT_TRUE(contains(run(&bad, 1, &out, 1), "element type invalid"));
  EXPECT_TRUE(contains(run(&in, 1, &out, 1), "success"));

  EXPECT_EQ(mace_engine_run(nullptr, &in, 1, &out, 1, nullptr, nullptr), 1);
  EXPECT_EQ(mace_engine_input_count(nullptr), 0u);
  EXPECT_NE(mace_engine_memory(engine_, nullptr), 0);
  mace_engine_destroy(nullptr);
}

TEST(CApiCreate, Refusals) {
  const ModelFiles files = AddOneModel();
  mace_engine *engine = reinterpret_cast<mace_engine *>(1);
  const auto create = [&](const mace_config *config) {
    return mace_engine_create(files.graph.data(), files.graph.size(), files.data(), files.data_size,
                              nullptr, config, &engine);
  };
  mace_config config;
  mace_config_init(&config);
  // A build with a GPU runtime finds no GPU either.
  setenv("MACE_OPENCL_LIBRARY", "/none", 1);
  config.device = 2;
  EXPECT_EQ(create(&config), 3);
  EXPECT_EQ(engine, nullptr);
  config.device = 1;
  EXPECT_EQ(create(&config), 1);
  mace_config_init(&config);
  config.affinity = 12;
  EXPECT_EQ(create(&config), 1);
  mace_config_init(&config);
  config.struct_size = 10000;
  EXPECT_EQ(create(&config), 1);
  // A caller compiled against a header with fewer members.
  config.struct_size = offsetof(mace_config, affinity);
  EXPECT_EQ(create(&config), 0);
  mace_engine_destroy(engine);
  EXPECT_EQ(mace_engine_create(nullptr, 0, nullptr, 0, nullptr, nullptr, &engine), 1);
  EXPECT_EQ(mace_engine_create(files.graph.data(), files.graph.size(), nullptr, 0, "/none", nullptr,
                               &engine),
            1);
  EXPECT_NE(std::strstr(mace_last_error(), "/none"), nullptr);
  EXPECT_EQ(mace_engine_create(files.graph.data(), files.graph.size(), nullptr, 0, nullptr, nullptr,
                               nullptr),
            1);
  EXPECT_EQ(std::strncmp(mace_version(), "MACEVER-", 8), 0);
}

// What mace_infer_shapes reports.
struct Inferred {
  std::map<std::string, std::vector<int64_t>> shapes;
  std::map<std::string, mace_dtype> types;
  std::vector<std::string> problems;  // "<code> <type> <name>: <message>"
  mace_code code = 0;
};

Inferred Infer(const ModelFiles &files, const std::vector<mace_tensor> &inputs) {
  Inferred inferred;
  inferred.code = mace_infer_shapes(
      files.graph.data(), files.graph.size(), files.data(), files.data_size, 0, inputs.data(),
      inputs.size(),
      [](void *user, const char *tensor, mace_dtype dtype, int32_t rank, const int64_t *dims) {
        auto *result = static_cast<Inferred *>(user);
        result->shapes[tensor] = std::vector<int64_t>(dims, dims + rank);
        result->types[tensor] = dtype;
      },
      [](void *user, mace_code code, const char *name, const char *type, const char *message) {
        static_cast<Inferred *>(user)->problems.push_back(std::to_string(code) + " " + type + " " +
                                                          name + ": " + message);
      },
      &inferred);
  return inferred;
}

TEST(InferShapes, WithoutWeights) {
  ModelBuilder builder;
  builder.Input("input", {-1, 8, 8, 3})
      .Output("flat", {-1, 256})
      .Constant<int32_t>("shape", {2}, {-1, 256})
      .Op("Conv2D", "conv", {"input", "filter"}, {"conv_out"}, {StringArg("padding", "SAME")})
      .Op("Reshape", "reshape", {"conv_out", "shape"}, {"flat"});
  ConstTensor filter;
  filter.name = "filter";
  filter.dims = {4, 3, 3, 3};
  filter.data_type = DT_FLOAT;  // data_size 0: its elements are not there
  builder.net()->tensors.push_back(filter);
  const Inferred inferred = Infer(builder.Build(), {Tensor("input", nullptr, {2, 8, 8, 3})});
  EXPECT_EQ(inferred.code, 0) << mace_last_error();
  EXPECT_TRUE(inferred.problems.empty());
  EXPECT_EQ(inferred.shapes.at("conv_out"), std::vector<int64_t>({2, 8, 8, 4}));
  EXPECT_EQ(inferred.shapes.at("flat"), std::vector<int64_t>({2, 256}));
  EXPECT_EQ(inferred.shapes.at("filter"), std::vector<int64_t>({4, 3, 3, 3}));
  EXPECT_EQ(inferred.types.at("shape"), 4);
}

TEST(InferShapes, ReportsAllProblemsAndGoesOn) {
  ModelBuilder builder;
  builder.Input("input", {1, 4})
      .Input("numbers", {3}, DT_INT32)
      .Output("good", {1, 4})
      .Output("after", {1, 4})
      .Op("NoSuchOperator", "first", {"input"}, {"unknown"})
      .Op("Identity", "second", {"unknown"}, {"after"})
      .Op("Activation", "third", {"input"}, {"bad_attribute"}, {StringArg("activation", "RELO")})
      .Op("Softmax", "fourth", {"numbers"}, {"bad_type"})
      .Op("Transpose", "fifth", {"input"}, {"bad_shape"}, {IntsArg("dims", {0, 1, 2})})
      .Op("Identity", "sixth", {"input"}, {"good"})
      .Op("Identity", "seventh", {"nothing"}, {"no_input"});
  const Inferred inferred =
      Infer(builder.Build(), {Tensor("input", nullptr, {1, 4}), Tensor("numbers", nullptr, {3})});
  ASSERT_EQ(inferred.problems.size(), 5u);
  EXPECT_EQ(inferred.problems[0].substr(0, 24), "3 NoSuchOperator first: ");
  EXPECT_EQ(inferred.problems[1].substr(0, 20), "1 Activation third: ");
  EXPECT_EQ(inferred.problems[2].substr(0, 18), "3 Softmax fourth: ");
  EXPECT_EQ(inferred.problems[3].substr(0, 19), "1 Transpose fifth: ");
  EXPECT_EQ(inferred.problems[4].substr(0, 20), "1 Identity seventh: ");
  EXPECT_EQ(inferred.code, 3);
  EXPECT_EQ(inferred.shapes.at("good"), std::vector<int64_t>({1, 4}));
  EXPECT_EQ(inferred.shapes.count("after"), 0u);
  EXPECT_EQ(inferred.shapes.count("bad_shape"), 0u);
}

TEST(InferShapes, ShapeArithmetic) {
  // Reshape to [batch, -1] where batch is read from the input's shape.
  ModelBuilder builder;
  builder.Input("input", {-1, 2, 6})
      .Output("output", {-1, -1})
      .Constant<int32_t>("rest", {1}, {-1})
      .Op("Shape", "shape", {"input"}, {"batch"}, {IntArg("start", 0), IntArg("end", 1)})
      .Op("Concat", "concat", {"batch", "rest"}, {"wanted"}, {IntArg("axis", 0)})
      .Op("Reshape", "reshape", {"input", "wanted"}, {"output"});
  const Inferred inferred = Infer(builder.Build(), {Tensor("input", nullptr, {5, 2, 6})});
  EXPECT_EQ(inferred.code, 0) << mace_last_error();
  EXPECT_EQ(inferred.shapes.at("output"), std::vector<int64_t>({5, 12}));
}

TEST(InferShapes, Refusals) {
  const ModelFiles files = AddOneModel();
  EXPECT_EQ(Infer(files, {}).code, 1);
  EXPECT_EQ(Infer(files, {Tensor("inpt", nullptr, {1, 4})}).code, 1);
  EXPECT_NE(std::strstr(mace_last_error(), "did you mean 'input'?"), nullptr);
  EXPECT_EQ(Infer(files, {Tensor("input", nullptr, {-1, 4})}).code, 1);
  EXPECT_EQ(mace_infer_shapes(files.graph.data(), 10, nullptr, 0, 0, nullptr, 0, nullptr, nullptr,
                              nullptr),
            1);
  const auto code_on = [&](mace_device device) {
    const mace_tensor input = Tensor("input", nullptr, {1, 4});
    return mace_infer_shapes(files.graph.data(), files.graph.size(), files.data(), files.data_size,
                             device, &input, 1, nullptr, nullptr, nullptr);
  };
#if defined(MACE_ENABLE_OPENCL)
  EXPECT_EQ(code_on(2), 0) << mace_last_error();
#else
  EXPECT_EQ(code_on(2), 3);
  EXPECT_NE(std::strstr(mace_last_error(), "no GPU runtime"), nullptr);
#endif
  EXPECT_EQ(code_on(3), 3);  // no build has it
  EXPECT_EQ(code_on(1), 1);
}

}  // namespace
}  // namespace test
}  // namespace mace
