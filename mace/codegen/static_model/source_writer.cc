// SPDX-License-Identifier: Apache-2.0
// Writes a recording as C++: a function for each step, calls in a row; those that differ by equal
// distances alone become a loop.
#include "mace/codegen/static_model/source_writer.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>

#include "mace/base/status.h"

namespace mace {
namespace codegen {

namespace {

// Calls that a loop may hold, and turns for which one pays.
constexpr size_t kLongestPattern = 4;
constexpr size_t kLeastTurns = 3;

// Text for a comment of one line: nothing in it that C++ would read.
std::string Harmless(const std::string &text) {
  std::string result;
  for (char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       std::strchr("_/.:-", c) != nullptr;
    result += plain && c != '\0' ? c : '_';
  }
  return result;
}

std::string Float(float number) {
  if (std::isnan(number)) return "__builtin_nanf(\"\")";
  if (std::isinf(number)) return number < 0 ? "-__builtin_inff()" : "__builtin_inff()";
  char text[32];
  std::snprintf(text, sizeof(text), "%af", static_cast<double>(number));
  return text;
}

// A number that grows by `step` in each turn of a loop.
std::string Number(int64_t first, int64_t step) {
  if (step == 0) return MakeString(first);
  if (first == 0 && step == 1) return "i";
  return MakeString(first, " + i * ", step < 0 ? "(" : "", step, step < 0 ? ")" : "");
}

std::string Pointer(const Value &value, int64_t step, const std::string &constants) {
  std::string base;
  switch (value.place.space) {
    case Place::Space::kNull:
      return "nullptr";
    case Place::Space::kArena:
      base = "memory.arena";
      break;
    case Place::Space::kInput:
      base = MakeString("memory.inputs[", value.place.index, "]");
      break;
    case Place::Space::kOutput:
      base = MakeString("memory.outputs[", value.place.index, "]");
      break;
    case Place::Space::kConstants:
      base = constants;
      break;
  }
  return MakeString("At<", value.text, ">(", base, ", ", Number(value.place.offset, step), ")");
}

// How much each value of a call grows from `a` to `b`; false if more differs than numbers.
bool Distances(const Call &a, const Call &b, std::vector<int64_t> *distances) {
  distances->clear();
  if (a.function != b.function || a.values.size() != b.values.size()) return false;
  for (size_t i = 0; i < a.values.size(); ++i) {
    const Value &x = a.values[i], &y = b.values[i];
    if (x.kind != y.kind || x.text != y.text) return false;
    if (std::memcmp(&x.number, &y.number, sizeof(x.number)) != 0) return false;
    if (x.place.space != y.place.space || x.place.index != y.place.index) return false;
    distances->push_back(x.kind == Value::Kind::kInteger ? y.integer - x.integer
                                                         : y.place.offset - x.place.offset);
  }
  return true;
}

class Writer {
 public:
  explicit Writer(const std::string &model) : constants_("mace_static_" + model + "_constants") {}

  std::string Step(const RecordedStep &step, size_t number) const {
    std::string text = MakeString("// ", Harmless(step.type), " ", Harmless(step.name),
                                  "\nvoid Step", number, "(const StaticMemory &memory) {\n");
    for (size_t at = 0; at < step.calls.size();) text += Part(step.calls, &at);
    return text + "}\n\n";
  }

 private:
  // How often the `length` calls from `at` on come in a row, each time with the same distances.
  static size_t Turns(const std::vector<Call> &calls, size_t at, size_t length) {
    std::vector<std::vector<int64_t>> distances(length);
    size_t turns = 1;
    std::vector<int64_t> found;
    for (; at + (turns + 1) * length <= calls.size(); ++turns) {
      for (size_t k = 0; k < length; ++k) {
        const Call &before = calls[at + (turns - 1) * length + k];
        if (!Distances(before, calls[at + turns * length + k], &found)) return turns;
        if (turns == 1) distances[k] = found;
        if (distances[k] != found) return turns;
      }
    }
    return turns;
  }

  // One call, or a loop; moves *at past it.
  std::string Part(const std::vector<Call> &calls, size_t *at) const {
    size_t best_length = 1, best_turns = 1;
    for (size_t length = 1; length <= kLongestPattern; ++length) {
      const size_t turns = Turns(calls, *at, length);
      if (turns >= kLeastTurns && (turns - 1) * length > (best_turns - 1) * best_length) {
        best_length = length;
        best_turns = turns;
      }
    }
    std::string text;
    const bool loop = best_turns > 1;
    if (loop) text = MakeString("  for (int64_t i = 0; i < ", best_turns, "; ++i) {\n");
    for (size_t k = 0; k < best_length; ++k) {
      const Call &call = calls[*at + k];
      std::vector<int64_t> distances(call.values.size(), 0);
      if (loop) Distances(call, calls[*at + best_length + k], &distances);
      text += (loop ? "    " : "  ") + Text(call, distances);
    }
    *at += best_length * best_turns;
    return text + (loop ? "  }\n" : "");
  }

  std::string Text(const Call &call, const std::vector<int64_t> &distances) const {
    std::string text = call.function + "(";
    bool first = true;
    for (size_t i = 0; i < call.values.size(); ++i) {
      const std::string value = One(call.values[i], distances[i]);
      if (value.empty()) continue;
      if (!first && value != "}") text += ", ";
      text += value;
      first = value == "{";
    }
    return text + ");\n";
  }

  std::string One(const Value &value, int64_t distance) const {
    switch (value.kind) {
      case Value::Kind::kInteger:
        return Number(value.integer, distance);
      case Value::Kind::kFloat:
        return Float(value.number);
      case Value::Kind::kPlace:
        return Pointer(value, distance, constants_);
      default:
        return value.text;
    }
  }

  const std::string constants_;
};

}  // namespace

std::string WriteSource(const std::string &model, const Recording &recording) {
  const Writer writer(model);
  std::string text = MakeString(
      "// Generated by mace convert: what the model ", model,
      " computes, call by call.\n#include \"mace/codegen/static_model/static_model.h\"\n\n",
      "extern \"C\" {\nextern const char mace_static_", model, "_constants[];\n",
      "void mace_static_", model,
      "_run(char *arena, const void *const *inputs, void *const *outputs);\n}\n\n",
      "namespace mace {\nnamespace kernels {\n\n");
  for (const auto &[alias, table] : recording.tables) {
    text += MakeString("extern const ", table.first, " ", table.second, ";\n");
  }
  for (const std::string &name : recording.transposes) {
    text +=
        MakeString("void ", name, "(const CopyBlock &block, const uint8_t *src, uint8_t *dst);\n");
  }
  text += "\nnamespace {\n\n";
  for (const auto &[alias, table] : recording.tables) {
    text += MakeString("const ", table.first, " &", alias, " = ", table.second, ";\n");
  }
  for (const auto &[name, definition] : recording.kernels) {
    text += MakeString("constexpr ", definition, ";\n");
  }
  text += "\n";
  for (size_t s = 0; s < recording.steps.size(); ++s) {
    if (!recording.steps[s].calls.empty()) text += writer.Step(recording.steps[s], s);
  }
  text += "}  // namespace\n}  // namespace kernels\n}  // namespace mace\n\n";
  text += MakeString("void mace_static_", model,
                     "_run(char *arena, const void *const *inputs, void *const *outputs) {\n",
                     "  const mace::kernels::StaticMemory memory = {arena, inputs, outputs};\n");
  for (size_t s = 0; s < recording.steps.size(); ++s) {
    if (recording.steps[s].calls.empty()) continue;
    text += MakeString("  mace::kernels::Step", s, "(memory);\n");
  }
  return text + "}\n";
}

}  // namespace codegen
}  // namespace mace
