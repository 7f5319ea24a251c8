// SPDX-License-Identifier: Apache-2.0
// An engine for the GPU that a thread of its own makes, and plans for new shapes, while the CPU
// answers: drivers compile for seconds. Used by one thread at a time, as an engine is.
#ifndef MACE_LIBMACE_BACKGROUND_ENGINE_H_
#define MACE_LIBMACE_BACKGROUND_ENGINE_H_

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "mace/libmace/engine.h"

namespace mace {

#if defined(MACE_ENABLE_OPENCL)

class BackgroundEngine {
 public:
  // Begins to make the engine. What source points to must stay until the end of this object.
  BackgroundEngine(const ModelSource &source, const std::vector<std::string> &input_names,
                   const std::vector<std::string> &output_names, const EngineConfig &config);
  // Waits for what the driver is compiling at the moment, and no more.
  ~BackgroundEngine();
  BackgroundEngine(const BackgroundEngine &) = delete;
  BackgroundEngine &operator=(const BackgroundEngine &) = delete;

  // The engine, if it can run inputs of these shapes at once. Null otherwise, and then it is being
  // prepared for them, or *status says why it never will be.
  Engine *ReadyFor(const TensorView *inputs, MaceStatus *status);

 private:
  std::atomic<bool> cancelled_{false}, busy_{true};
  // The thread's while busy_.
  Engine engine_;
  MaceStatus status_;
  std::vector<TensorView> wanted_;
  std::thread thread_;
};

#else

// Never made.
class BackgroundEngine {
 public:
  BackgroundEngine(const ModelSource &, const std::vector<std::string> &,
                   const std::vector<std::string> &, const EngineConfig &) {}
  Engine *ReadyFor(const TensorView *, MaceStatus *) { return nullptr; }
};

#endif  // MACE_ENABLE_OPENCL

}  // namespace mace

#endif  // MACE_LIBMACE_BACKGROUND_ENGINE_H_
