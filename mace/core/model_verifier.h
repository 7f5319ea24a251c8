// SPDX-License-Identifier: Apache-2.0
// Decides whether a model that was read can be executed: after it, the engine checks nothing more
// of the model's structure. Attributes are checked against mace/ops/ops.yml; what depends on shapes
// is left to the operators' shape rules.
#ifndef MACE_CORE_MODEL_VERIFIER_H_
#define MACE_CORE_MODEL_VERIFIER_H_

#include <cstddef>
#include <vector>

#include "mace/base/status.h"
#include "mace/core/model.h"

namespace mace {

// Why one operator cannot be executed.
struct OperatorProblem {
  size_t op = 0;  // index in NetDef::op
  MaceStatus status;
};

struct VerifyOptions {
  // Only shapes are wanted: model.data may be partial. Constants may have a data_size of 0, and
  // the size and the checksum of model.data are not compared.
  bool shape_only = false;
  // Where problems of single operators go; the status is then of the rest alone. Null: the first
  // problem of any kind is the status.
  std::vector<OperatorProblem> *problems = nullptr;
};

// data_size: bytes of model.data at hand. The status names tensor or operator.
MaceStatus VerifyModel(const ModelDef &model, uint64_t data_size, const VerifyOptions &options);

// The checksum of model.data. The model passed VerifyModel.
MaceStatus VerifyData(const ModelDef &model, const void *data);

// True for well-formed UTF-8 without the NUL character, without surrogates and overlong forms.
bool IsText(const std::string &text);

}  // namespace mace

#endif  // MACE_CORE_MODEL_VERIFIER_H_
