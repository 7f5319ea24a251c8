// SPDX-License-Identifier: Apache-2.0
// What ops_benchmark measures: operators with the shapes that networks give them.
#ifndef MACE_OPS_OPS_BENCHMARK_CASES_H_
#define MACE_OPS_OPS_BENCHMARK_CASES_H_

#include <cstdint>
#include <string>
#include <vector>

#include "mace/ops/ops_test_util.h"

namespace mace {
namespace ops {
namespace test {

// An input that is made when its case is run. Elements are `values`, or, when there are none,
// random ones from low to high.
struct Operand {
  DataType dtype = DT_FLOAT;
  std::vector<int64_t> dims;
  bool is_const = false;
  double low = -1;
  double high = 1;
  std::vector<double> values{};
};

struct BenchmarkCase {
  std::string op;     // as in ops.yml
  std::string label;  // what tells it from other cases of the operator
  std::vector<Operand> inputs;
  OpDefBuilder def;  // its attributes
  int outputs = 1;

  // MACE_BM_<operator>_<label>_<type of the first input>_CPU
  std::string Name() const;
  // Bytes of all inputs that are not constants of the model.
  int64_t InputBytes() const;
};

// All cases, by operator in the order of the alphabet.
std::vector<BenchmarkCase> BenchmarkCases();

// Adds the operator and its inputs to an empty net.
void AddBenchmarkCase(const BenchmarkCase &benchmark_case, OpsTestNet *net);

}  // namespace test
}  // namespace ops
}  // namespace mace

#endif  // MACE_OPS_OPS_BENCHMARK_CASES_H_
