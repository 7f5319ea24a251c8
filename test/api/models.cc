// SPDX-License-Identifier: Apache-2.0
// Small models for tests of the interface.
#include "test/api/models.h"

#include <cstdlib>
#include <cstring>
#include <random>

#include "mace/base/types.h"

namespace mace {
namespace test {

namespace {

size_t Bytes(const std::vector<int64_t> &shape, IDataType type) {
  return static_cast<size_t>(Shape(shape).elements()) * DataTypeSize(static_cast<DataType>(type));
}

}  // namespace

ModelFiles AddOneModel(int64_t columns) {
  ModelBuilder builder;
  builder.Input("input", {-1, columns})
      .Output("output", {-1, columns})
      .Constant<float>("one", {1}, {1.0f})
      .Op("Eltwise", "add", {"input", "one"}, {"sum"}, {StringArg("type", "SUM")})
      .Op("Activation", "relu", {"sum"}, {"output"}, {StringArg("activation", "RELU")});
  return builder.Build();
}

ModelFiles SmallNet() {
  ModelBuilder builder;
  builder.Input("input", {1, 8, 8, 3}, DT_FLOAT, NHWC)
      .Output("output", {1, 5})
      .Constant<float>("filter", {4, 3, 3, 3}, Numbers(108, -0.5f, 0.01f))
      .Constant<float>("bias", {4}, {0.1f, -0.1f, 0.2f, 0.0f})
      .Constant<float>("weight", {5, 64}, Numbers(320, 0.4f, -0.0025f))
      .Constant<float>("weight_bias", {5}, Numbers(5))
      .Constant<int32_t>("shape", {2}, {1, -1})
      .Op("Conv2D", "conv", {"input", "filter", "bias"}, {"conv_out"},
          {StringArg("padding", "SAME"), StringArg("activation", "RELU")})
      .Op("Pooling", "pool", {"conv_out"}, {"pool_out"},
          {StringArg("pooling_type", "MAX"), IntsArg("kernels", {2, 2}),
           IntsArg("strides", {2, 2})})
      .Op("Reshape", "flatten", {"pool_out", "shape"}, {"flat"})
      .Op("FullyConnected", "fc", {"flat", "weight", "weight_bias"}, {"logits"})
      .Op("Softmax", "softmax", {"logits"}, {"output"});
  return builder.Build();
}

ModelFiles ManyOutputsModel() {
  ModelBuilder builder;
  builder.Input("a", {2, 3})
      .Input("b", {2, 3})
      .Output("sum", {2, 3})
      .Output("difference", {2, 3})
      .Output("a", {2, 3})
      .Output("constant", {2})
      .Constant<float>("constant", {2}, {7, 8})
      .Op("Eltwise", "add", {"a", "b"}, {"sum"}, {StringArg("type", "SUM")})
      .Op("Eltwise", "sub", {"a", "b"}, {"difference"}, {StringArg("type", "SUB")});
  return builder.Build();
}

std::vector<float> Numbers(size_t count, float first, float step) {
  std::vector<float> values(count);
  for (size_t i = 0; i < count; ++i) values[i] = first + step * static_cast<float>(i);
  return values;
}

std::vector<float> RandomNumbers(int64_t count, uint32_t seed, float scale) {
  std::mt19937 engine(seed);
  std::vector<float> values(static_cast<size_t>(count));
  for (float &value : values) {
    value = scale * (static_cast<float>(engine() % 2001) / 1000.0f - 1.0f);
  }
  return values;
}

MaceTensor EmptyTensor(const std::vector<int64_t> &shape, IDataType type) {
  const size_t bytes = Bytes(shape, type);
  std::shared_ptr<void> memory(std::malloc(bytes + 1), std::free);
  std::memset(memory.get(), 0x5a, bytes + 1);
  return MaceTensor(shape, memory, type, DF_NONE);
}

MaceTensor FloatTensor(const std::vector<int64_t> &shape, const std::vector<float> &values) {
  MaceTensor tensor = EmptyTensor(shape);
  EXPECT_EQ(Bytes(shape, IDataType::kFloat), values.size() * sizeof(float));
  if (!values.empty()) {
    std::memcpy(tensor.raw_data().get(), values.data(), values.size() * sizeof(float));
  }
  return tensor;
}

std::vector<float> Values(const MaceTensor &tensor) {
  std::vector<float> values(static_cast<size_t>(Shape(tensor.shape()).elements()));
  if (!values.empty()) {
    std::memcpy(values.data(), tensor.data().get(), values.size() * sizeof(float));
  }
  return values;
}

MaceStatus InitEngine(const ModelFiles &files, MaceEngine *engine,
                      const std::vector<std::string> &inputs,
                      const std::vector<std::string> &outputs) {
  return engine->Init(files.graph.data(), files.graph.size(), inputs, outputs, files.data(),
                      files.data_size);
}

std::unique_ptr<MaceEngine> MakeEngine(const ModelFiles &files, const MaceEngineConfig &config) {
  auto engine = std::make_unique<MaceEngine>(config);
  const MaceStatus status = InitEngine(files, engine.get());
  if (status.ok()) return engine;
  ADD_FAILURE() << status.information();
  return nullptr;
}

testing::AssertionResult Fails(const MaceStatus &status, MaceStatus::Code code,
                               const std::string &text) {
  if (status.code() == code && status.message().find(text) != std::string::npos) {
    return testing::AssertionSuccess();
  }
  return testing::AssertionFailure() << "expected " << MaceStatus(code).information() << " with '"
                                     << text << "', got " << status.information();
}

}  // namespace test
}  // namespace mace
