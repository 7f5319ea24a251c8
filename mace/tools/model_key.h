// SPDX-License-Identifier: Apache-2.0
// Where the programs have the key of an encrypted model from: a file or the environment. Never a
// flag, since what stands on a command line is seen by all users of the machine.
#ifndef MACE_TOOLS_MODEL_KEY_H_
#define MACE_TOOLS_MODEL_KEY_H_

#include <string>

#include "mace/base/status.h"
#include "mace/public/mace.h"

namespace mace {
namespace tools {

constexpr char kModelKeyVariable[] = "MACE_MODEL_KEY";

// Gives `config` the key in the file (64 hexadecimal digits, or 32 bytes); with an empty path that
// in MACE_MODEL_KEY (64 digits), if it is set; else that whose two halves, to be joined by
// exclusive or, are 64 bytes at `shares`, if it is not null.
MaceStatus SetModelKey(const std::string &path, const void *shares, MaceEngineConfig *config);

}  // namespace tools
}  // namespace mace

#endif  // MACE_TOOLS_MODEL_KEY_H_
