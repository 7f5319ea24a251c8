// SPDX-License-Identifier: Apache-2.0
// Flags of the programs that run on a device.
#include "mace/tools/flags.h"

#include <cerrno>
#include <cstdlib>

#include "mace/base/closest_name.h"

namespace mace {
namespace tools {

void Flags::Add(const char *name, std::string *value, const char *help) {
  flags_.push_back({name, Kind::kString, value, help, "\"" + *value + "\""});
}

void Flags::Add(const char *name, int64_t *value, const char *help) {
  flags_.push_back({name, Kind::kInt, value, help, MakeString(*value)});
}

void Flags::Add(const char *name, double *value, const char *help) {
  flags_.push_back({name, Kind::kDouble, value, help, MakeString(*value)});
}

void Flags::Add(const char *name, bool *value, const char *help) {
  flags_.push_back({name, Kind::kBool, value, help, MakeString(*value)});
}

Flags::Flag *Flags::Find(const std::string &name) {
  for (Flag &flag : flags_) {
    if (flag.name == name) return &flag;
  }
  return nullptr;
}

MaceStatus Flags::Set(const Flag &flag, const std::string &text) {
  const char *wanted = nullptr;
  char *end = nullptr;
  errno = 0;
  switch (flag.kind) {
    case Kind::kString:
      *static_cast<std::string *>(flag.value) = text;
      break;
    case Kind::kInt: {
      const int64_t number = std::strtoll(text.c_str(), &end, 10);
      if (text.empty() || *end != '\0' || errno != 0) wanted = "a whole number";
      if (wanted == nullptr) *static_cast<int64_t *>(flag.value) = number;
      break;
    }
    case Kind::kDouble: {
      const double number = std::strtod(text.c_str(), &end);
      if (text.empty() || *end != '\0' || errno != 0) wanted = "a number";
      if (wanted == nullptr) *static_cast<double *>(flag.value) = number;
      break;
    }
    case Kind::kBool:
      if (text != "true" && text != "false" && text != "1" && text != "0") {
        wanted = "true or false";
      } else {
        *static_cast<bool *>(flag.value) = text == "true" || text == "1";
      }
      break;
  }
  if (wanted == nullptr) return MaceStatus::MACE_SUCCESS;
  return InvalidArgs("--", flag.name, " must be ", wanted, ", not '", text, "'");
}

MaceStatus Flags::Parse(int argc, const char *const *argv) {
  for (int i = 1; i < argc; ++i) {
    std::string text = argv[i];
    if (text == "--help" || text == "-h") {
      help_ = true;
      continue;
    }
    if (text.compare(0, 2, "--") != 0) {
      return InvalidArgs("'", text, "' is no flag; flags are written --name=value");
    }
    text.erase(0, 2);
    const size_t equals = text.find('=');
    const std::string name = text.substr(0, equals);
    Flag *flag = Find(name);
    if (flag == nullptr && equals == std::string::npos && name.compare(0, 2, "no") == 0) {
      flag = Find(name.substr(2));
      if (flag != nullptr && flag->kind == Kind::kBool) {
        *static_cast<bool *>(flag->value) = false;
        continue;
      }
      flag = nullptr;
    }
    if (flag == nullptr) {
      std::vector<std::string> names;
      for (const Flag &other : flags_) names.push_back(other.name);
      const std::string closest = ClosestName(name, names);
      return InvalidArgs(
          "there is no flag --", name,
          closest.empty() ? "; --help lists them" : "; did you mean --" + closest + "?");
    }
    if (equals != std::string::npos) {
      MACE_RETURN_IF_ERROR(Set(*flag, text.substr(equals + 1)));
    } else if (flag->kind == Kind::kBool) {
      *static_cast<bool *>(flag->value) = true;
    } else if (i + 1 < argc) {
      MACE_RETURN_IF_ERROR(Set(*flag, argv[++i]));
    } else {
      return InvalidArgs("--", name, " needs a value");
    }
  }
  return MaceStatus::MACE_SUCCESS;
}

std::string Flags::Usage() const {
  std::string text;
  for (const Flag &flag : flags_) {
    text += "  --" + flag.name + " (" + flag.default_text + ")\n      " + flag.help + "\n";
  }
  return text;
}

}  // namespace tools
}  // namespace mace
