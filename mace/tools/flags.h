// SPDX-License-Identifier: Apache-2.0
// Flags of the programs that run on a device: --name=value or --name value, --name and --noname for
// booleans. Bad flags give a sentence, never an abort.
#ifndef MACE_TOOLS_FLAGS_H_
#define MACE_TOOLS_FLAGS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "mace/base/status.h"

namespace mace {
namespace tools {

class Flags {
 public:
  // `value` holds the default, and the flag's value after Parse.
  void Add(const char *name, std::string *value, const char *help);
  void Add(const char *name, int64_t *value, const char *help);
  void Add(const char *name, double *value, const char *help);
  void Add(const char *name, bool *value, const char *help);

  // INVALID_ARGS for an unknown flag, a value of the wrong type, or an argument that is no flag.
  MaceStatus Parse(int argc, const char *const *argv);
  // True when --help or -h was given.
  bool help() const { return help_; }
  // Name, default and meaning of each flag, one a line.
  std::string Usage() const;

 private:
  enum class Kind { kString, kInt, kDouble, kBool };
  struct Flag {
    std::string name;
    Kind kind;
    void *value;
    std::string help;
    std::string default_text;
  };
  Flag *Find(const std::string &name);
  MaceStatus Set(const Flag &flag, const std::string &text);

  std::vector<Flag> flags_;
  bool help_ = false;
};

}  // namespace tools
}  // namespace mace

#endif  // MACE_TOOLS_FLAGS_H_
