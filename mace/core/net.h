// SPDX-License-Identifier: Apache-2.0
// A model as a list of operators with resolved tensors: made once for each engine, independent of
// shapes. See plan.h for what depends on them.
#ifndef MACE_CORE_NET_H_
#define MACE_CORE_NET_H_

#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "mace/base/status.h"
#include "mace/core/accelerator.h"
#include "mace/core/constants.h"
#include "mace/core/model.h"
#include "mace/core/model_verifier.h"
#include "mace/core/op_registry.h"
#include "mace/core/operator.h"
#include "mace/core/packed_cache.h"

namespace mace {

// A tensor of the net, by number: inputs first, then constants, then outputs of operators.
struct NetTensor {
  enum class Kind { kInput, kConstant, kComputed };
  const std::string *name = nullptr;
  Kind kind = Kind::kComputed;
  int index = 0;  // among the inputs, among the constants, or of the operator that makes it
  DataType dtype = DT_INVALID;
  DataFormat format = DF_NONE;
  const QuantizeInfo *quantize_info = nullptr;
};

struct NetOperator {
  const OperatorDef *def = nullptr;
  std::unique_ptr<Operation> operation;  // null: not needed, or not possible (see Net::Options)
  std::vector<int> inputs;               // numbers of tensors; -1: absent
  std::vector<int> outputs;
  // False: must not be executed, as its weights were not packed when only shapes were wanted.
  bool executable = true;
  // The accelerator may execute it: constants are kept, and its own weights are not packed unless
  // it turns out to be the CPU's.
  bool candidate = false;
};

class Net {
 public:
  struct Options {
    const OpRegistryBase *registry = nullptr;
    DeviceType device = CPU;
    ThreadPool *thread_pool = nullptr;
    size_t memory_limit = 0;  // of the plans of each subgraph
    bool shape_only = false;
    bool bf16_products = false;  // see OpInitContext
    // Whether the checksum of model.data is compared, unless all that it is read for is in the
    // cache.
    bool verify_data = false;
    // Packed weights of an earlier engine; outlives the net. Null: none.
    PackedCache *packed_cache = nullptr;
    // Executes what it can; outlives the net. Null: all is executed on the CPU.
    const Accelerator *accelerator = nullptr;
    // Names of the outputs that are wanted; empty: all. Operators that none of them needs are
    // left out.
    std::vector<std::string> outputs;
    // Where problems of single operators go; those that depend on one are passed over. Null: the
    // first one is the status. Those that the verifier found are there already.
    std::vector<OperatorProblem> *problems = nullptr;
  };

  // `model` passed the verifier; `constants` hold its data. Creates and initializes operators.
  MaceStatus Init(ModelDef model, std::unique_ptr<Constants> constants, const Options &options);

  // Makes a candidate of the accelerator ready for the CPU, unless it is.
  MaceStatus MakeExecutable(size_t op);

  const NetDef &def() const { return model_.net; }
  const std::vector<NetTensor> &tensors() const { return tensors_; }
  const std::vector<NetOperator> &operators() const { return operators_; }
  const Tensor &constant(int index) const {
    return constants_->tensors()[static_cast<size_t>(index)];
  }
  // Numbers of the tensors that are outputs, in the order wanted.
  const std::vector<int> &outputs() const { return outputs_; }
  // Whether an output or an operator needs the input.
  bool InputNeeded(int index) const { return needed_[static_cast<size_t>(index)]; }
  size_t packed_bytes() const { return packed_bytes_; }

 private:
  class InitContext;
  void NumberTensors();
  MaceStatus ChooseOutputs(const Options &options);
  void CountReaders();
  bool IsConstant(int number) const {
    return number >= 0 && tensors_[static_cast<size_t>(number)].kind == NetTensor::Kind::kConstant;
  }
  // Makes the operator and learns its types, in the model's order.
  MaceStatus CreateOperator(size_t i);
  // Has it pack its weights; those of several operators at the same time.
  MaceStatus InitOperator(size_t i, bool for_cpu);
  MaceStatus InitOperators(std::vector<uint8_t> failed, const Options &options);
  MaceStatus CheckOutputTypes(const Options &options);
  MaceStatus FinishCache(const Options &options);
  void AddPackedBytes(size_t bytes);

  Options options_;
  ModelDef model_;
  std::unique_ptr<Constants> constants_;
  std::vector<NetTensor> tensors_;
  std::unordered_map<std::string, int> numbers_;
  std::vector<NetOperator> operators_;
  std::vector<int> outputs_;
  std::vector<uint8_t> needed_;  // by tensor
  std::mutex mutex_;             // of what follows, while operators are initialized
  size_t packed_bytes_ = 0;
};

// The status with the operator's type and name before the message, unless it begins with them.
MaceStatus AtOperator(const OperatorDef &def, const MaceStatus &status);

}  // namespace mace

#endif  // MACE_CORE_NET_H_
