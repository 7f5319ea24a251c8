// SPDX-License-Identifier: Apache-2.0
// mace_run for models as straight-line code: the table that generated sources fill in. The engine
// is not part of such a program.
#ifndef MACE_TOOLS_STATIC_MODEL_RUNNER_H_
#define MACE_TOOLS_STATIC_MODEL_RUNNER_H_

#include <cstddef>
#include <cstdint>

namespace mace {
namespace tools {

struct StaticTensor {
  const char *name;
  const char *dtype;
  int64_t dims[6];
  int rank;
  size_t bytes;
};

// The functions of the generated header of a model.
struct StaticEntry {
  const char *name;
  const char *(*problem)();
  size_t (*arena_bytes)();
  int (*run)(const void *const *inputs, void *const *outputs, void *arena);
  const StaticTensor *inputs;
  int input_count;
  const StaticTensor *outputs;
  int output_count;
};

// Ends with an entry whose name is null.
extern const StaticEntry kStaticModels[];

}  // namespace tools
}  // namespace mace

#endif  // MACE_TOOLS_STATIC_MODEL_RUNNER_H_
