// SPDX-License-Identifier: Apache-2.0
// mace_infer_shapes and mace_infer_placements.
#include "mace/libmace/c_error.h"
#include "mace/libmace/engine.h"
#include "mace/libmace/infer_shapes.h"

namespace mace {

namespace {

MaceStatus Infer(const void *graph, size_t graph_size, const void *data, size_t data_size,
                 mace_device device, EngineConfig config, const mace_tensor *inputs,
                 size_t input_count, const InferListener &listener) {
  if (device != CPU && device != GPU && device != HEXAGON) {
    return InvalidArgs("there is no device number ", device,
                       "; it is 0 (CPU), 2 (GPU) or 3 (HEXAGON)");
  }
  config.device = static_cast<DeviceType>(device);
  if (kInferPart.infer == nullptr) {
    return Unsupported(
        "this library is for chosen models, and cannot convert any; use one with all operators");
  }
  ModelSource source;
  source.graph = graph;
  source.graph_size = graph_size;
  source.data = data;
  source.data_size = data == nullptr ? 0 : data_size;
  return kInferPart.infer(source, config, inputs, input_count, listener);
}

}  // namespace

}  // namespace mace

extern "C" mace_code mace_infer_shapes(const void *graph, size_t graph_size, const void *data,
                                       size_t data_size, mace_device device,
                                       const mace_tensor *inputs, size_t input_count,
                                       mace_shape_fn shape, mace_problem_fn problem, void *user) {
  mace::InferListener listener;
  listener.shape = shape;
  listener.problem = problem;
  listener.user = user;
  return mace::Report(mace::Infer(graph, graph_size, data, data_size, device, mace::EngineConfig(),
                                  inputs, input_count, listener));
}

extern "C" mace_code mace_infer_placements(const void *graph, size_t graph_size, const void *data,
                                           size_t data_size, mace_device device, int32_t data_type,
                                           int32_t memory_type, const mace_tensor *inputs,
                                           size_t input_count, mace_placement_fn placement,
                                           void *user) {
  mace::EngineConfig config;
  config.gpu.storage = static_cast<mace::GpuStorage>(data_type);
  config.gpu.memory = static_cast<mace::GpuMemory>(memory_type);
  mace::InferListener listener;
  listener.placement = placement;
  listener.user = user;
  return mace::Report(mace::Infer(graph, graph_size, data, data_size, device, config, inputs,
                                  input_count, listener));
}
