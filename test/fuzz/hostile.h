// SPDX-License-Identifier: Apache-2.0
// Takes a model that may be anything through the engine, as an application would.
#ifndef TEST_FUZZ_HOSTILE_H_
#define TEST_FUZZ_HOSTILE_H_

#include <string>

#include "mace/public/mace.h"

namespace mace {
namespace test {

// model.pb with a valid envelope and checksums round these bytes of a NetDef.
std::string Seal(const std::string &net, const std::string &data);

struct Outcome {
  MaceStatus status;
  bool finite = true;  // all floats of all outputs are finite
};

// Creates an engine with little memory and runs it once on small numbers; unknown dimensions are 2.
// Every failure of MACE is a status: whatever else happens is a defect.
Outcome Execute(const std::string &graph, const std::string &data);

}  // namespace test
}  // namespace mace

#endif  // TEST_FUZZ_HOSTILE_H_
