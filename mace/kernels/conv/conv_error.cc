// SPDX-License-Identifier: Apache-2.0
// How far each way of convolution is from sums in double: the table of docs/performance.md.
//   conv_error [instruction set]
// The kernels of each way are the best that this machine can run, or those of one instruction set.
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <memory>
#include <random>
#include <vector>

#include "mace/base/allocator.h"
#include "mace/base/half.h"
#include "mace/kernels/conv/conv.h"
#include "mace/kernels/half/half_conv.h"

namespace mace {
namespace kernels {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();

struct Layer {
  int64_t size, in_c, out_c, kernel;
};

// A layer with normal weights as training begins with, and inputs as a ReLU leaves them.
struct Data {
  ConvShape shape;
  std::vector<float> input, filter;
  std::vector<double> expected;
  double largest = 0, deviation = 0;  // of the expected outputs
};

Data Make(const Layer &layer) {
  Data d;
  ConvShape &s = d.shape;
  s.in_h = s.in_w = s.out_h = s.out_w = layer.size;
  s.in_c = layer.in_c;
  s.out_c = layer.out_c;
  s.kernel_h = s.kernel_w = layer.kernel;
  s.pad_top = s.pad_left = layer.kernel / 2;
  const int64_t taps = layer.kernel * layer.kernel;
  std::mt19937 random(1);
  std::normal_distribution<float> normal;
  const float scale = std::sqrt(2.0f / static_cast<float>(taps * s.in_c));
  d.input.resize(static_cast<size_t>(s.in_h * s.in_w * s.in_c));
  d.filter.resize(static_cast<size_t>(s.out_c * taps * s.in_c));
  for (float &x : d.input) x = HalfToFloat(FloatToHalf(std::fmax(0.0f, normal(random))));
  for (float &w : d.filter) w = HalfToFloat(FloatToHalf(scale * normal(random)));
  d.expected.resize(static_cast<size_t>(s.out_h * s.out_w * s.out_c));
  std::vector<double> magnitude(d.expected.size());
  ConvReference(s, false, d.input.data(), d.filter.data(), nullptr, d.expected.data(),
                magnitude.data());
  for (double y : d.expected) {
    d.largest = std::fmax(d.largest, std::fabs(y));
    d.deviation += y * y;
  }
  d.deviation = std::sqrt(d.deviation / static_cast<double>(d.expected.size()));
  return d;
}

template <typename F>
void Print(const Data &d, const char *name, const F &output) {
  double largest = 0, squares = 0;
  for (size_t i = 0; i < d.expected.size(); ++i) {
    const double error = output(i) - d.expected[i];
    largest = std::fmax(largest, std::fabs(error));
    squares += error * error;
  }
  const double mean = std::sqrt(squares / static_cast<double>(d.expected.size()));
  const ConvShape &s = d.shape;
  printf("| %ldx%ld, %ld to %ld, %ldx%ld | `%s` | %.1e | %.1e | %.1e |\n",
         static_cast<long>(s.out_h), static_cast<long>(s.out_w), static_cast<long>(s.in_c),
         static_cast<long>(s.out_c), static_cast<long>(s.kernel_h), static_cast<long>(s.kernel_w),
         name, largest / d.largest, largest / d.deviation, mean / d.deviation);
}

struct Free {
  void operator()(void *p) const { FreeAligned(p); }
};
using Room = std::unique_ptr<void, Free>;

Room MakeRoom(size_t bytes) {
  Room room(AllocateAligned(bytes + 64));
  if (room == nullptr) std::abort();
  return room;
}

void RunFloat(const Data &d, const GemmKernel &gemm, const WinogradKernel *winograd,
              bool strassen) {
  ConvShape shape = d.shape;
  shape.winograd = winograd;
  shape.strassen = strassen;
  const ConvPlan plan = PlanConv(shape, gemm, 1);
  const Room room = MakeRoom(static_cast<size_t>(plan.packed_floats) * sizeof(float));
  const Room scratch = MakeRoom(static_cast<size_t>(plan.scratch_floats) * sizeof(float));
  float *packed = static_cast<float *>(room.get());
  PackConv(plan, d.filter.data(), nullptr, packed);
  std::vector<float> output(d.expected.size());
  ConvEpilogue epilogue;
  epilogue.low = -kInf;
  epilogue.high = kInf;
  epilogue.activation.kind = kActivationNoop;
  for (int64_t tile = 0; tile < plan.tiles; ++tile) {
    RunConvTile(plan, epilogue, d.input.data(), packed, output.data(), tile,
                static_cast<float *>(scratch.get()));
  }
  const char *name = winograd != nullptr ? winograd->name : strassen ? "strassen" : gemm.name;
  Print(d, name, [&](size_t i) { return static_cast<double>(output[i]); });
}

void RunHalf(const Data &d, const HalfGemmKernel &kernel) {
  const HalfConvPlan plan = PlanHalfConv(d.shape, kernel, 1);
  const Room room = MakeRoom(static_cast<size_t>(plan.packed_size) * sizeof(uint16_t));
  const Room scratch = MakeRoom(plan.scratch_bytes);
  uint16_t *packed = static_cast<uint16_t *>(room.get());
  PackHalfConv(plan, d.filter.data(), nullptr, packed);
  std::vector<uint16_t> input, output(d.expected.size());
  for (float x : d.input) input.push_back(FloatToHalf(x));
  HalfConvEpilogue epilogue;
  epilogue.low = -kInf;
  epilogue.high = kInf;
  epilogue.activation.kind = kActivationNoop;
  for (int64_t tile = 0; tile < plan.tiles; ++tile) {
    RunHalfConvTile(plan, epilogue, input.data(), packed, output.data(), tile, scratch.get());
  }
  Print(d, kernel.name, [&](size_t i) { return static_cast<double>(HalfToFloat(output[i])); });
}

int Main(const char *only) {
  const GemmKernel *gemm = &BestGemm();
  if (only != nullptr) {
    gemm = nullptr;
    for (const GemmKernel &kernel : GemmKernels()) {
      if (std::strstr(kernel.name, only) != nullptr && (kernel.isa & SupportedIsas()) != 0) {
        gemm = &kernel;
      }
    }
  }
  if (gemm == nullptr) {
    fprintf(stderr, "'%s' is no instruction set of this machine\n", only);
    return 2;
  }
  printf("| layer | way | of the largest output | of the deviation | RMS, of the deviation |\n");
  printf("| --- | --- | --: | --: | --: |\n");
  for (const Layer &layer :
       {Layer{56, 64, 64, 3}, Layer{28, 128, 128, 3}, Layer{14, 256, 256, 3}, Layer{7, 512, 512, 3},
        Layer{14, 512, 512, 1}, Layer{14, 1024, 256, 1}, Layer{17, 768, 192, 1}}) {
    const Data data = Make(layer);
    RunFloat(data, *gemm, nullptr, false);
    for (const WinogradKernel &kernel : WinogradKernels()) {
      if (kernel.isa == gemm->isa && layer.kernel == 3) RunFloat(data, *gemm, &kernel, false);
    }
    if (layer.kernel == 1) RunFloat(data, *gemm, nullptr, true);
    RunHalf(data, HalfGemmKernels().Best(SupportedIsas()));
  }
  return 0;
}

}  // namespace
}  // namespace kernels
}  // namespace mace

int main(int argc, char **argv) { return mace::kernels::Main(argc > 1 ? argv[1] : nullptr); }
