// SPDX-License-Identifier: Apache-2.0
// An engine for the GPU that a thread of its own makes.
#include "mace/libmace/background_engine.h"

#if defined(MACE_ENABLE_OPENCL)

namespace mace {

BackgroundEngine::BackgroundEngine(const ModelSource &source,
                                   const std::vector<std::string> &input_names,
                                   const std::vector<std::string> &output_names,
                                   const EngineConfig &config) {
  EngineConfig own = config;
  own.gpu.cancelled = &cancelled_;
  thread_ = std::thread([this, source, input_names, output_names, own] {
    status_ = engine_.Init(source, input_names, output_names, own);
    busy_.store(false, std::memory_order_release);
  });
}

BackgroundEngine::~BackgroundEngine() {
  cancelled_.store(true, std::memory_order_relaxed);
  if (thread_.joinable()) thread_.join();
}

Engine *BackgroundEngine::ReadyFor(const TensorView *inputs, MaceStatus *status) {
  if (busy_.load(std::memory_order_acquire)) return nullptr;
  if (thread_.joinable()) thread_.join();
  *status = status_;
  if (!status_.ok()) return nullptr;
  if (engine_.IsPlanned(inputs)) return &engine_;
  wanted_.assign(inputs, inputs + engine_.inputs().size());
  busy_.store(true, std::memory_order_relaxed);
  thread_ = std::thread([this] {
    std::vector<Shape> shapes;
    const MaceStatus planned = engine_.OutputShapes(wanted_.data(), &shapes);
    // Shapes that the model does not allow are told by the CPU's run.
    if (planned.code() != MaceStatus::MACE_INVALID_ARGS) status_ = planned;
    busy_.store(false, std::memory_order_release);
  });
  return nullptr;
}

}  // namespace mace

#endif  // MACE_ENABLE_OPENCL
