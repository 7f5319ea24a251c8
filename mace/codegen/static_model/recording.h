// SPDX-License-Identifier: Apache-2.0
// What a run of a plan had kernels do, free of addresses: calls whose arguments are numbers, names
// and places in memory. They can be written as C++, and done again on other memory.
#ifndef MACE_CODEGEN_STATIC_MODEL_RECORDING_H_
#define MACE_CODEGEN_STATIC_MODEL_RECORDING_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace mace {
namespace codegen {

// Where a pointer points.
struct Place {
  enum class Space { kNull, kArena, kInput, kOutput, kConstants };
  Space space = Space::kNull;
  int index = 0;       // of an input or output
  int64_t offset = 0;  // bytes
};

// The memory that calls work on.
struct Memory {
  char *arena = nullptr;
  std::vector<const void *> inputs;
  std::vector<void *> outputs;
  const char *constants = nullptr;

  void *At(const Place &place) const;
};

// A scalar among the arguments of a call, or a piece of the C++ around them.
struct Value {
  enum class Kind {
    kText,     // as it is to be written; `integer` or `symbol` is what it stands for
    kInteger,  // an int64_t
    kFloat,
    kPlace,
  };
  Kind kind = Kind::kText;
  std::string text;  // kPlace: the type pointed at
  int64_t integer = 0;
  const void *symbol = nullptr;
  float number = 0;
  Place place;
};

struct Call {
  std::string function;
  std::vector<Value> values;
  void (*repeat)(const Call &call, const Memory &memory) = nullptr;
};

// What one operator of the plan does.
struct RecordedStep {
  std::string type, name;
  std::vector<Call> calls;
  // What keeps this step from being written; empty: nothing.
  std::string problem;
};

// The constants of all calls in one piece of memory, each at a multiple of 64.
class ConstantPool {
 public:
  // Where these bytes are in the pool; they are copied unless they are there already.
  int64_t Add(const void *data, size_t bytes);
  const std::string &content() const { return content_; }

 private:
  bool Equal(int64_t offset, const void *data, size_t bytes) const;

  std::string content_;
  // Offsets by address and size, which tell nothing as memory is used again, and by hash.
  std::map<std::pair<const void *, size_t>, int64_t> by_address_;
  std::unordered_multimap<uint64_t, std::pair<int64_t, size_t>> by_hash_;
};

struct Recording {
  std::vector<RecordedStep> steps;
  ConstantPool constants;
  // Kernels by the name that calls give them: type, name and initializer in C++.
  std::map<std::string, std::string> kernels;
  // Tables of functions by the name that calls give them: type and name.
  std::map<std::string, std::pair<std::string, std::string>> tables;
  std::set<std::string> transposes;  // names of CopyKernels
  uint32_t isas = 0;                 // bits of Isa that all these need
  std::string eltwise_table;         // that any kernel makes use of; empty: none
};

}  // namespace codegen
}  // namespace mace

#endif  // MACE_CODEGEN_STATIC_MODEL_RECORDING_H_
