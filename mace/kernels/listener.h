// SPDX-License-Identifier: Apache-2.0
// Lets the program that writes models as straight-line code listen to what operators have kernels
// do. Libraries are built without MACE_KERNEL_LISTENER, and then nothing of this is in them.
#ifndef MACE_KERNELS_LISTENER_H_
#define MACE_KERNELS_LISTENER_H_

#ifdef MACE_KERNEL_LISTENER

#include <cstddef>
#include <cstdint>

namespace mace {
namespace kernels {

struct CopyBlock;
struct DwconvEpilogue;
struct DwconvPlan;
struct EltwiseFunctions;
struct GemmCall;
struct GemmKernel;
struct GemmSource;
struct PoolKernel;
struct PoolShape;
struct ReduceFunctions;
struct SoftmaxFunctions;
struct StrassenCall;
struct StrassenPlan;
struct WinogradCall;
struct WinogradPlan;

// Is told of each call just before it is done; not of those that one of these calls makes in turn.
class Listener {
 public:
  virtual ~Listener() = default;
  virtual void OnGemm(const GemmKernel &kernel, const GemmCall &call, int64_t panel_begin,
                      int64_t panel_end) = 0;
  virtual void OnPackGemm(const GemmKernel &kernel, const GemmSource &source, int64_t n,
                          const float *bias, float *packed) = 0;
  virtual void OnCopyPadded(const float *image, int64_t height, int64_t width, int64_t pixel_floats,
                            int64_t y0, int64_t y1, int64_t x0, int64_t x1, float *out) = 0;
  virtual void OnDwconvTile(const DwconvPlan &plan, const DwconvEpilogue &epilogue,
                            const float *input, const float *packed, float *output, int64_t tile,
                            float *scratch) = 0;
  virtual void OnStrassenTile(const StrassenPlan &plan, const StrassenCall &call, int64_t tile) = 0;
  virtual void OnWinogradTile(const WinogradPlan &plan, const WinogradCall &call, int64_t tile) = 0;
  virtual void OnPoolRows(const PoolKernel &kernel, const PoolShape &shape, const float *input,
                          float *output, int64_t begin, int64_t end) = 0;
  // kernel: the name of a transposing kernel; others are what CopyBlocks does.
  virtual void OnCopyBlock(const char *kernel, const CopyBlock &block, const uint8_t *src,
                           uint8_t *dst) = 0;
  virtual void OnCopyBytes(void *dst, const void *src, size_t bytes) = 0;
  virtual void OnFillElements(void *dst, const void *element, int64_t element_bytes,
                              int64_t count) = 0;
  virtual void OnReduceRow(int32_t function, const float *in, int64_t n, float *out) = 0;
  // What to hand out in place of the best table of functions.
  virtual const EltwiseFunctions &InPlaceOf(const EltwiseFunctions &best) = 0;
  virtual const ReduceFunctions &InPlaceOf(const ReduceFunctions &best) = 0;
  virtual const SoftmaxFunctions &InPlaceOf(const SoftmaxFunctions &best) = 0;
};

// Null: nobody listens. Calls come from one thread.
inline Listener *listener = nullptr;
// Calls that are being done.
inline int listened_depth = 0;

// In force while a call is done.
class Told {
 public:
  template <typename Tell>
  explicit Told(const Tell &tell) {
    if (listened_depth++ == 0 && listener != nullptr) tell(listener);
  }
  ~Told() { --listened_depth; }
  Told(const Told &) = delete;
  Told &operator=(const Told &) = delete;
};

}  // namespace kernels
}  // namespace mace

// Opens a function that the listener is told of: MACE_TELL_LISTENER(OnGemm(kernel, call, 0, 1));
#define MACE_TELL_LISTENER(call) \
  const ::mace::kernels::Told told([&](::mace::kernels::Listener *own) { own->call; })
// The table of functions to hand out.
#define MACE_LISTENED(table) \
  (::mace::kernels::listener == nullptr ? (table) : ::mace::kernels::listener->InPlaceOf(table))

#else

#define MACE_TELL_LISTENER(call) static_cast<void>(0)
#define MACE_LISTENED(table) (table)

#endif

#endif  // MACE_KERNELS_LISTENER_H_
