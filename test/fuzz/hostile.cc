// SPDX-License-Identifier: Apache-2.0
// Takes a model that may be anything through the engine.
#include "test/fuzz/hostile.h"

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <vector>

#include "mace/base/allocator.h"
#include "mace/base/hash.h"
#include "mace/base/types.h"
#include "mace/core/model_builder.h"
#include "mace/core/model_reader.h"

namespace mace {
namespace test {

namespace {

constexpr size_t kMemoryLimit = size_t{16} << 20;
// What one input or output may take: a model may declare any size.
constexpr size_t kTensorLimit = size_t{4} << 20;

bool MakeTensor(const MaceTensorInfo &info, const std::vector<int64_t> &shape, MaceTensor *tensor) {
  const size_t element = DataTypeSize(static_cast<DataType>(info.data_type));
  size_t bytes = 0;
  if (!CheckedBytes(Shape(shape), element, &bytes) || bytes > kTensorLimit) return false;
  // Exactly as large as needed, so that the address sanitizer sees each byte beyond.
  std::shared_ptr<void> memory(std::malloc(bytes == 0 ? 1 : bytes), std::free);
  std::memset(memory.get(), 0, bytes);
  if (info.data_type == IDataType::kFloat) {
    float *floats = static_cast<float *>(memory.get());
    for (size_t i = 0; i < bytes / 4; ++i) floats[i] = static_cast<float>(i % 7) - 3;
  } else if (info.data_type == IDataType::kInt32 || info.data_type == IDataType::kInt64) {
    // As indices some of these are outside of most dimensions.
    for (size_t i = 0; i < bytes / element; ++i) {
      const int64_t value = static_cast<int64_t>(i % 9) - 3;
      std::memcpy(static_cast<char *>(memory.get()) + i * element, &value, element);
    }
  } else {
    for (size_t i = 0; i < bytes; ++i) static_cast<char *>(memory.get())[i] = i % 2;
  }
  *tensor = MaceTensor(shape, memory, info.data_type, info.data_format);
  return true;
}

bool AllFinite(const std::map<std::string, MaceTensor> &tensors) {
  for (const auto &[name, tensor] : tensors) {
    if (tensor.data() == nullptr) continue;
    const int64_t count = Shape(tensor.shape()).elements();
    for (int64_t i = 0; i < count; ++i) {
      if (!std::isfinite(tensor.data().get()[i])) return false;
    }
  }
  return true;
}

MaceStatus Run(MaceEngine *engine, bool *finite) {
  const MaceStatus too_large(MaceStatus::MACE_OUT_OF_RESOURCES, "a tensor is too large here");
  std::map<std::string, std::vector<int64_t>> input_shapes, output_shapes;
  std::map<std::string, MaceTensor> inputs, outputs;
  for (const MaceTensorInfo &info : engine->inputs()) {
    std::vector<int64_t> &shape = input_shapes[info.name];
    for (int64_t dim : info.shape) shape.push_back(dim < 0 ? 2 : dim);
    if (!MakeTensor(info, shape, &inputs[info.name])) return too_large;
  }
  const MaceStatus status = engine->OutputShapes(input_shapes, &output_shapes);
  if (!status.ok()) return status;
  for (const MaceTensorInfo &info : engine->outputs()) {
    if (!MakeTensor(info, output_shapes.at(info.name), &outputs[info.name])) return too_large;
  }
  const MaceStatus run = engine->Run(inputs, &outputs);
  *finite = !run.ok() || AllFinite(outputs);
  return run;
}

}  // namespace

std::string Seal(const std::string &net, const std::string &data) {
  return SerializeModel(net, kModelMagic, kMaxFormatVersion, XxHash64(net.data(), net.size()),
                        data.size(), XxHash64(data.data(), data.size()));
}

Outcome Execute(const std::string &graph, const std::string &data) {
  Outcome outcome;
  std::shared_ptr<void> aligned(AllocateAligned(data.size()), FreeAligned);
  if (!data.empty()) std::memcpy(aligned.get(), data.data(), data.size());
  MaceEngineConfig config;
  config.SetCPUThreadPolicy(1, AFFINITY_NONE);
  config.SetMemoryLimit(kMemoryLimit);
  MaceEngine engine(config);
  outcome.status = engine.Init(graph.data(), graph.size(), {}, {}, aligned.get(), data.size());
  if (outcome.status.ok()) outcome.status = Run(&engine, &outcome.finite);
  return outcome;
}

}  // namespace test
}  // namespace mace
