// SPDX-License-Identifier: Apache-2.0
// From a converted model to the straight-line code of what it computes on this machine.
#ifndef MACE_CODEGEN_STATIC_MODEL_EMITTER_H_
#define MACE_CODEGEN_STATIC_MODEL_EMITTER_H_

#include <cstdint>
#include <string>
#include <vector>

#include "mace/base/status.h"
#include "mace/base/types.h"

namespace mace {
namespace codegen {

struct StaticInterface {
  std::string name;
  DataType dtype = DT_INVALID;
  std::vector<int64_t> dims;
  size_t bytes = 0;
};

struct StaticModel {
  std::vector<StaticInterface> inputs, outputs;
  size_t arena_bytes = 0;
  uint32_t isas = 0;  // bits of Isa, without the reference
  std::string eltwise_table;
  size_t calls = 0;
  std::string source;     // C++
  std::string constants;  // what follows mace_static_<model>_constants in memory
};

// Loads the content of model.pb and model.data (64-byte aligned), plans it for one thread and the
// kernels that MACE_ISA allows, runs it twice on arbitrary inputs, and writes down what kernels are
// called. `problems`: a sentence for each operator that cannot be written; *model is then of no
// use. Fails for models that the engine refuses, and for those with inputs of any size.
MaceStatus EmitStaticModel(const void *graph, size_t graph_size, const void *data, size_t data_size,
                           const std::string &name, StaticModel *model,
                           std::vector<std::string> *problems);

}  // namespace codegen
}  // namespace mace

#endif  // MACE_CODEGEN_STATIC_MODEL_EMITTER_H_
