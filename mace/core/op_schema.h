// SPDX-License-Identifier: Apache-2.0
// The schema of operators as tables that are generated from mace/ops/ops.yml: what the verifier
// checks a model against, and how attributes become a C++ struct.
#ifndef MACE_CORE_OP_SCHEMA_H_
#define MACE_CORE_OP_SCHEMA_H_

#include <cstddef>
#include <cstdint>

#include "mace/base/status.h"
#include "mace/core/model.h"

namespace mace {

enum class AttrKind : uint8_t {
  kInt,       // int64_t
  kFloat,     // float
  kBool,      // bool
  kString,    // std::string
  kDataType,  // DataType; stored by its number
  kInts,      // std::vector<int64_t>
  kIntArray,  // std::array<int64_t, count>
  kFloats,    // std::vector<float>
  kEnum,      // an enum class of int32_t; stored by its name
};

struct AttrSchema {
  const char *name;
  AttrKind kind;
  bool required;
  uint8_t count;                  // kIntArray: number of elements
  uint16_t offset;                // of the member in the attribute struct
  int64_t min;                    // integers (each element): smallest allowed
  int64_t max;                    // integers (each element): largest allowed
  const char *const *enum_names;  // kEnum: null-terminated list, value = index
};

struct OpSchema {
  const char *name;
  uint32_t min_version;
  uint32_t max_version;
  int min_inputs;
  int max_inputs;  // -1: any number
  int min_outputs;
  int max_outputs;           // -1: any number
  int subgraphs;             // number of graphs inside it
  uint32_t optional_inputs;  // bit i: input i may be absent (an empty name)
  // What the registry is keyed by: the index of the input whose type counts.
  int type_input;
  const AttrSchema *attrs;
  int attr_count;
};

// All operators, sorted by name; defined in the generated file.
extern const OpSchema kOpSchemas[];
extern const int kOpSchemaCount;

// Null when there is no such operator.
const OpSchema *FindOpSchema(const char *name);

// Checks arity, versions and attributes of `def` (unknown attributes are errors) without an
// operator object. The message names operator and attribute.
MaceStatus CheckOperatorDef(const OpSchema &schema, const OperatorDef &def);

// Fills a default-constructed attribute struct. Checks what CheckOperatorDef checks of attributes.
MaceStatus ParseAttributes(const OpSchema &schema, const OperatorDef &def, void *attrs);

}  // namespace mace

#endif  // MACE_CORE_OP_SCHEMA_H_
