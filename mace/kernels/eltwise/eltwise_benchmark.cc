// SPDX-License-Identifier: Apache-2.0
// Speed of the elementwise functions, for every kernel that this machine can run, on rows that stay
// in the first-level cache.
#include <cstdint>
#include <string>
#include <vector>

#include "benchmark/benchmark.h"
#include "mace/kernels/eltwise/eltwise.h"

namespace mace {
namespace kernels {
namespace {

constexpr int64_t kElements = 2048;

const char *const kBinaryNames[] = {"sum", "sub", "prod",     "div",       "min",
                                    "max", "pow", "sqr_diff", "floor_div", "mod"};
const char *const kUnaryNames[] = {"neg",        "abs",  "sqrt", "rsqrt", "square",
                                   "reciprocal", "exp",  "log",  "floor", "ceil",
                                   "round",      "sign", "erf",  "sin",   "cos"};
const char *const kActivationNames[] = {
    "noop", "relu", "relux", "tanh",     "sigmoid", "leakyrelu", "hardsigmoid", "hardswish",
    "elu",  "silu", "prelu", "softplus", "gelu",    "mish",      "selu",        "gelu_tanh"};

std::vector<float> Numbers(float first) {
  std::vector<float> numbers(kElements);
  for (int64_t i = 0; i < kElements; ++i) {
    numbers[static_cast<size_t>(i)] = first + 0.37f * static_cast<float>(i % 17);
  }
  return numbers;
}

template <typename Function>
void Run(benchmark::State &state, const Function &function) {
  for (auto _ : state) {
    function();
    benchmark::ClobberMemory();
  }
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations()) * kElements);
}

void RegisterKernel(const EltwiseKernel &kernel) {
  const EltwiseFunctions *functions = kernel.functions;
  const std::string prefix = std::string(kernel.name) + "/";
  for (int f = kBinarySum; f <= kBinaryMod; ++f) {
    benchmark::RegisterBenchmark((prefix + kBinaryNames[f]).c_str(), [=](benchmark::State &state) {
      const std::vector<float> a = Numbers(0.5f), b = Numbers(1.5f);
      std::vector<float> out(kElements);
      Run(state, [&] {
        functions->binary(static_cast<BinaryFunction>(f), RowStep::kBoth, a.data(), b.data(),
                          out.data(), kElements);
      });
    });
  }
  for (int f = 0; f < kUnaryNot; ++f) {
    benchmark::RegisterBenchmark((prefix + kUnaryNames[f]).c_str(), [=](benchmark::State &state) {
      const std::vector<float> in = Numbers(0.5f);
      std::vector<float> out(kElements);
      Run(state, [&] {
        functions->unary(static_cast<UnaryFunction>(f), in.data(), out.data(), kElements);
      });
    });
  }
  for (int kind = kActivationRelu; kind < kActivationCount; ++kind) {
    if (kind == kActivationPrelu) continue;
    benchmark::RegisterBenchmark(
        (prefix + kActivationNames[kind]).c_str(), [=](benchmark::State &state) {
          const std::vector<float> in = Numbers(-3);
          std::vector<float> out(kElements);
          const ActivationParams params = {kind, 6, 0.1f, 0.5f};
          Run(state, [&] { functions->activate(params, in.data(), out.data(), kElements); });
        });
  }
}

const bool kRegistered = [] {
  for (const EltwiseKernel &kernel : EltwiseKernels()) {
    if ((kernel.isa & DetectedIsas()) != 0) RegisterKernel(kernel);
  }
  return true;
}();

}  // namespace
}  // namespace kernels
}  // namespace mace
