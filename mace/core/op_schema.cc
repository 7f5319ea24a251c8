// SPDX-License-Identifier: Apache-2.0
// Checks operators against their schema and parses their attributes.
#include "mace/core/op_schema.h"

#include <cstring>

#include "mace/base/closest_name.h"

namespace mace {

namespace {

template <typename... Args>
MaceStatus Problem(const OperatorDef &def, const Args &...args) {
  return InvalidArgs(def.type, " '", def.name, "': ", args...);
}

MaceStatus CheckRange(const AttrSchema &attr, const OperatorDef &def, int64_t value) {
  if (value >= attr.min && value <= attr.max) return MaceStatus::MACE_SUCCESS;
  return Problem(def, "attribute '", attr.name, "' is ", value, ", outside ", attr.min, " to ",
                 attr.max);
}

MaceStatus ParseEnum(const AttrSchema &attr, const OperatorDef &def, const std::string &text,
                     void *member) {
  std::string names;
  for (int32_t i = 0; attr.enum_names[i] != nullptr; ++i) {
    if (text == attr.enum_names[i]) {
      if (member != nullptr) std::memcpy(member, &i, sizeof(i));
      return MaceStatus::MACE_SUCCESS;
    }
    names += i == 0 ? "" : ", ";
    names += attr.enum_names[i];
  }
  return Problem(def, "attribute '", attr.name, "' is '", text, "', none of ", names);
}

MaceStatus ParseInts(const AttrSchema &attr, const OperatorDef &def,
                     const std::vector<int64_t> &ints, void *member) {
  for (int64_t value : ints) MACE_RETURN_IF_ERROR(CheckRange(attr, def, value));
  if (attr.kind == AttrKind::kInts) {
    if (member != nullptr) *static_cast<std::vector<int64_t> *>(member) = ints;
    return MaceStatus::MACE_SUCCESS;
  }
  if (ints.size() != attr.count) {
    return Problem(def, "attribute '", attr.name, "' has ", ints.size(), " elements instead of ",
                   static_cast<int>(attr.count));
  }
  if (member != nullptr) std::memcpy(member, ints.data(), ints.size() * sizeof(int64_t));
  return MaceStatus::MACE_SUCCESS;
}

// Checks one argument, and stores it when member is not null.
MaceStatus ParseOne(const AttrSchema &attr, const OperatorDef &def, const Argument &arg,
                    void *member) {
  switch (attr.kind) {
    case AttrKind::kInt:
      MACE_RETURN_IF_ERROR(CheckRange(attr, def, arg.i));
      if (member != nullptr) *static_cast<int64_t *>(member) = arg.i;
      break;
    case AttrKind::kFloat:
      if (member != nullptr) *static_cast<float *>(member) = arg.f;
      break;
    case AttrKind::kBool:
      if (arg.i != 0 && arg.i != 1) {
        return Problem(def, "attribute '", attr.name, "' is ", arg.i, ", neither 0 nor 1");
      }
      if (member != nullptr) *static_cast<bool *>(member) = arg.i == 1;
      break;
    case AttrKind::kString:
      if (member != nullptr) *static_cast<std::string *>(member) = arg.s;
      break;
    case AttrKind::kDataType:
      if (arg.i < 0 || arg.i > kLastDataType || DataTypeSize(static_cast<DataType>(arg.i)) == 0) {
        return Problem(def, "attribute '", attr.name, "' is ", arg.i, ", which is no element type");
      }
      if (member != nullptr) *static_cast<DataType *>(member) = static_cast<DataType>(arg.i);
      break;
    case AttrKind::kFloats:
      if (member != nullptr) *static_cast<std::vector<float> *>(member) = arg.floats;
      break;
    case AttrKind::kEnum:
      return ParseEnum(attr, def, arg.s, member);
    case AttrKind::kInts:
    case AttrKind::kIntArray:
      return ParseInts(attr, def, arg.ints, member);
  }
  return MaceStatus::MACE_SUCCESS;
}

int FindAttr(const OpSchema &schema, const std::string &name) {
  for (int i = 0; i < schema.attr_count; ++i) {
    if (name == schema.attrs[i].name) return i;
  }
  return -1;
}

// Checks all attributes; `attrs` may be null.
MaceStatus Attributes(const OpSchema &schema, const OperatorDef &def, void *attrs) {
  std::vector<uint8_t> seen(static_cast<size_t>(schema.attr_count), false);
  for (const Argument &arg : def.arg) {
    const int index = FindAttr(schema, arg.name);
    if (index < 0) {
      std::vector<std::string> names;
      for (int i = 0; i < schema.attr_count; ++i) names.emplace_back(schema.attrs[i].name);
      return Problem(def, "it has no attribute '", arg.name, "'", DidYouMean(arg.name, names));
    }
    if (seen[static_cast<size_t>(index)]) {
      return Problem(def, "attribute '", arg.name, "' is given twice");
    }
    seen[static_cast<size_t>(index)] = true;
    const AttrSchema &attr = schema.attrs[index];
    void *member = attrs == nullptr ? nullptr : static_cast<char *>(attrs) + attr.offset;
    MACE_RETURN_IF_ERROR(ParseOne(attr, def, arg, member));
  }
  for (int i = 0; i < schema.attr_count; ++i) {
    if (schema.attrs[i].required && !seen[static_cast<size_t>(i)]) {
      return Problem(def, "attribute '", schema.attrs[i].name, "' is missing");
    }
  }
  return MaceStatus::MACE_SUCCESS;
}

MaceStatus CheckCount(const OperatorDef &def, const char *what, size_t count, int min, int max) {
  if (count >= static_cast<size_t>(min) && (max < 0 || count <= static_cast<size_t>(max))) {
    return MaceStatus::MACE_SUCCESS;
  }
  if (max < 0) return Problem(def, "it has ", count, " ", what, "s, but needs at least ", min);
  if (min == max) return Problem(def, "it has ", count, " ", what, "s instead of ", min);
  return Problem(def, "it has ", count, " ", what, "s instead of ", min, " to ", max);
}

}  // namespace

const OpSchema *FindOpSchema(const char *name) {
  int low = 0, high = kOpSchemaCount;
  while (low < high) {
    const int middle = (low + high) / 2;
    const int order = std::strcmp(kOpSchemas[middle].name, name);
    if (order == 0) return &kOpSchemas[middle];
    if (order < 0) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return nullptr;
}

MaceStatus CheckOperatorDef(const OpSchema &schema, const OperatorDef &def) {
  if (def.version < schema.min_version || def.version > schema.max_version) {
    return Unsupported(def.type, " '", def.name, "': version ", def.version,
                       " of the operator; this build knows ", schema.min_version, " to ",
                       schema.max_version, "; convert the model with the converter of this build");
  }
  MACE_RETURN_IF_ERROR(
      CheckCount(def, "input", def.input.size(), schema.min_inputs, schema.max_inputs));
  MACE_RETURN_IF_ERROR(
      CheckCount(def, "output", def.output.size(), schema.min_outputs, schema.max_outputs));
  for (size_t i = 0; i < def.input.size(); ++i) {
    const bool optional = i < 32 && (schema.optional_inputs >> i & 1u) != 0;
    if (def.input[i].empty() && !optional) return Problem(def, "input ", i, " must not be absent");
  }
  for (size_t i = 0; i < def.output.size(); ++i) {
    if (def.output[i].empty()) return Problem(def, "output ", i, " has no name");
  }
  MACE_RETURN_IF_ERROR(
      CheckCount(def, "subgraph", def.subgraph.size(), schema.subgraphs, schema.subgraphs));
  return Attributes(schema, def, nullptr);
}

MaceStatus ParseAttributes(const OpSchema &schema, const OperatorDef &def, void *attrs) {
  return Attributes(schema, def, attrs);
}

}  // namespace mace
