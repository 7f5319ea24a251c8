// SPDX-License-Identifier: Apache-2.0
// From operator name, device and element type to the class that computes it.
#include "mace/core/op_registry.h"

namespace mace {

namespace {

const char *DeviceName(DeviceType device) {
  switch (device) {
    case CPU:
      return "CPU";
    case GPU:
      return "GPU";
    case HEXAGON:
      return "HEXAGON";
  }
  return "this device";
}

}  // namespace

void OpRegistryBase::Register(const char *type, DeviceType device, DataType dtype,
                              Creator creator) {
  creators_[{type, device, dtype}] = creator;
}

bool OpRegistryBase::Supports(const std::string &type, DeviceType device, DataType dtype) const {
  return creators_.count({type, device, dtype}) != 0;
}

MaceStatus OpRegistryBase::Create(OpConstructContext *context, DataType dtype,
                                  std::unique_ptr<Operation> *operation) const {
  const OperatorDef &def = *context->def;
  const auto found = creators_.find({def.type, context->device, dtype});
  if (found != creators_.end()) {
    *operation = found->second(context);
    return MaceStatus::MACE_SUCCESS;
  }
  std::string types;
  for (const auto &[key, creator] : creators_) {
    if (std::get<0>(key) != def.type || std::get<1>(key) != context->device) continue;
    if (!types.empty()) types += ", ";
    types += DataTypeName(std::get<2>(key));
  }
  const char *device = DeviceName(context->device);
  if (types.empty()) {
    return Unsupported(def.type, " '", def.name, "': this build has no such operator for ", device);
  }
  return Unsupported(def.type, " '", def.name, "': ", device, " does not compute it for ",
                     DataTypeName(dtype), ", only for ", types);
}

}  // namespace mace
