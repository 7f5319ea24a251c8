// SPDX-License-Identifier: Apache-2.0
// From operator name, device and element type to the class that computes it.
#ifndef MACE_CORE_OP_REGISTRY_H_
#define MACE_CORE_OP_REGISTRY_H_

#include <memory>
#include <string>
#include <vector>

#include "mace/core/operator.h"

namespace mace {

class OpRegistryBase {
 public:
  using Creator = std::unique_ptr<Operation> (*)(OpConstructContext *context);

  virtual ~OpRegistryBase() = default;
  // `type` outlives the registry. An operator that is registered again replaces the one before.
  void Register(const char *type, DeviceType device, DataType dtype, Creator creator);
  // Creates the operator for def, keyed by dtype. A status that names the operator and the types it
  // does support when there is none.
  MaceStatus Create(OpConstructContext *context, DataType dtype,
                    std::unique_ptr<Operation> *operation) const;
  bool Supports(const std::string &type, DeviceType device, DataType dtype) const;

  template <typename OperationType>
  static std::unique_ptr<Operation> DefaultCreator(OpConstructContext *context) {
    return std::make_unique<OperationType>(context);
  }

 private:
  struct Entry {
    const char *type;
    DeviceType device;
    DataType dtype;
    Creator creator;
  };
  // Of the first entry that does not come before the key.
  size_t Find(const char *type, DeviceType device, DataType dtype) const;
  // Whether entry i is that of the key.
  bool Has(size_t i, const char *type, DeviceType device, DataType dtype) const;

  std::vector<Entry> entries_;  // by type, device and data type
};

// All operators of the library; the constructor is generated from mace/ops/ops.yml.
class OpRegistry : public OpRegistryBase {
 public:
  OpRegistry();
};

}  // namespace mace

// For class templates over device and element type, as in
//   MACE_REGISTER_OP(op_registry, "MyCustomOp", MyCustomOp, DeviceType::CPU, float);
#define MACE_REGISTER_OP(op_registry, op_type, class_name, device, type) \
  (op_registry)                                                          \
      ->Register(op_type, device, ::mace::DataTypeOf<type>::value,       \
                 ::mace::OpRegistryBase::DefaultCreator<class_name<device, type>>)

// For one class that serves an element type (or several) by itself.
#define MACE_REGISTER_OP_CLASS(op_registry, op_type, class_name, device, data_type) \
  (op_registry)                                                                     \
      ->Register(op_type, device, data_type, ::mace::OpRegistryBase::DefaultCreator<class_name>)

#endif  // MACE_CORE_OP_REGISTRY_H_
