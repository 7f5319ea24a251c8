// SPDX-License-Identifier: Apache-2.0
// Listens to kernels while a plan runs, and writes down what they are asked to do; then listens to
// another run of the same plan, and compares each step with what was written down.
#ifndef MACE_CODEGEN_STATIC_MODEL_RECORDER_H_
#define MACE_CODEGEN_STATIC_MODEL_RECORDER_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "mace/codegen/static_model/recording.h"
#include "mace/core/operator.h"
#include "mace/kernels/dwconv/dwconv.h"
#include "mace/kernels/gemm/gemm.h"
#include "mace/kernels/listener.h"
#include "mace/kernels/pool/pool.h"
#include "mace/kernels/strassen/strassen.h"
#include "mace/kernels/winograd/winograd.h"

namespace mace {
namespace codegen {

// The memory that a plan runs on, and what its calls may point into besides.
struct RunMemory {
  Memory memory;
  size_t arena_bytes = 0;
  std::vector<size_t> input_bytes, output_bytes;
  // Constant tensors: address and bytes.
  std::vector<std::pair<const char *, size_t>> constants;
};

class Recorder : public kernels::Listener {
 public:
  explicit Recorder(Recording *recording);
  ~Recorder() override;

  // The next run is written down.
  void Record(const RunMemory *memory);
  // The next run, on `memory` with other inputs, is compared: after each of its steps the recorded
  // calls of that step are done on `shadow`, which began as `memory` did.
  void Check(const RunMemory *memory, const Memory *shadow);
  // No step runs any more.
  void Stop() { mode_ = Mode::kOff; }

  void BeginStep(const Operation &operation);
  // Memory that the step has had for itself may hold anything after it.
  void EndStep(const void *scratch, size_t scratch_bytes);

  void OnGemm(const kernels::GemmKernel &kernel, const kernels::GemmCall &call, int64_t panel_begin,
              int64_t panel_end) override;
  void OnPackGemm(const kernels::GemmKernel &kernel, const kernels::GemmSource &source, int64_t n,
                  const float *bias, float *packed) override;
  void OnCopyPadded(const float *image, int64_t height, int64_t width, int64_t pixel_floats,
                    int64_t y0, int64_t y1, int64_t x0, int64_t x1, float *out) override;
  void OnDwconvTile(const kernels::DwconvPlan &plan, const kernels::DwconvEpilogue &epilogue,
                    const float *input, const float *packed, float *output, int64_t tile,
                    float *scratch) override;
  void OnStrassenTile(const kernels::StrassenPlan &plan, const kernels::StrassenCall &call,
                      int64_t tile) override;
  void OnWinogradTile(const kernels::WinogradPlan &plan, const kernels::WinogradCall &call,
                      int64_t tile) override;
  void OnPoolRows(const kernels::PoolKernel &kernel, const kernels::PoolShape &shape,
                  const float *input, float *output, int64_t begin, int64_t end) override;
  void OnCopyBlock(const char *kernel, const kernels::CopyBlock &block, const uint8_t *src,
                   uint8_t *dst) override;
  void OnCopyBytes(void *dst, const void *src, size_t bytes) override;
  void OnFillElements(void *dst, const void *element, int64_t element_bytes,
                      int64_t count) override;
  void OnReduceRow(int32_t function, const float *in, int64_t n, float *out) override;
  const kernels::EltwiseFunctions &InPlaceOf(const kernels::EltwiseFunctions &best) override;
  const kernels::ReduceFunctions &InPlaceOf(const kernels::ReduceFunctions &best) override;
  const kernels::SoftmaxFunctions &InPlaceOf(const kernels::SoftmaxFunctions &best) override;

  // Writes one call down. Of its pointers those to memory of no run must be known.
  template <typename Arguments>
  void Add(const std::string &function, Arguments arguments);
  // Until the next call is written down: constants that its arguments point at.
  void Know(const void *data, int64_t bytes);
  // A function of a table, as in "eltwise.binary", is needed.
  void UseTable(const std::string &function);

  // For the visitor that takes arguments apart.
  Place Find(const void *pointer);
  std::string Declare(const kernels::GemmKernel &kernel);
  std::string Declare(const kernels::DwconvKernel &kernel);
  std::string Declare(const kernels::PoolKernel &kernel);
  std::string Declare(const kernels::WinogradKernel &kernel);

 private:
  enum class Mode { kOff, kRecord, kCheck };
  bool SameMemory(size_t scratch_begin, size_t scratch_end) const;
  bool recording() const { return mode_ == Mode::kRecord; }
  std::string Declare(const std::string &type, const std::string &name, Isa isa,
                      const std::string &fields);

  Recording *recording_;
  Mode mode_ = Mode::kOff;
  const RunMemory *memory_ = nullptr;
  const Memory *shadow_ = nullptr;
  size_t step_ = 0;  // that is checked next
  std::vector<std::pair<const char *, size_t>> known_;
};

}  // namespace codegen
}  // namespace mace

#endif  // MACE_CODEGEN_STATIC_MODEL_RECORDER_H_
