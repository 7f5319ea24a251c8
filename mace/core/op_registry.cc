// SPDX-License-Identifier: Apache-2.0
// From operator name, device and element type to the class that computes it.
#include "mace/core/op_registry.h"

#include <cstddef>
#include <cstring>

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

size_t OpRegistryBase::Find(const char *type, DeviceType device, DataType dtype) const {
  size_t low = 0, high = entries_.size();
  while (low < high) {
    const size_t middle = (low + high) / 2;
    const Entry &entry = entries_[middle];
    int order = std::strcmp(entry.type, type);
    if (order == 0) order = static_cast<int>(entry.device) - static_cast<int>(device);
    if (order == 0) order = static_cast<int>(entry.dtype) - static_cast<int>(dtype);
    if (order < 0) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

bool OpRegistryBase::Has(size_t i, const char *type, DeviceType device, DataType dtype) const {
  return i < entries_.size() && entries_[i].device == device && entries_[i].dtype == dtype &&
         std::strcmp(entries_[i].type, type) == 0;
}

void OpRegistryBase::Register(const char *type, DeviceType device, DataType dtype,
                              Creator creator) {
  const size_t i = Find(type, device, dtype);
  if (Has(i, type, device, dtype)) {
    entries_[i].creator = creator;
    return;
  }
  entries_.insert(entries_.begin() + static_cast<ptrdiff_t>(i), {type, device, dtype, creator});
}

bool OpRegistryBase::Supports(const std::string &type, DeviceType device, DataType dtype) const {
  return Has(Find(type.c_str(), device, dtype), type.c_str(), device, dtype);
}

MaceStatus OpRegistryBase::Create(OpConstructContext *context, DataType dtype,
                                  std::unique_ptr<Operation> *operation) const {
  const OperatorDef &def = *context->def;
  const size_t found = Find(def.type.c_str(), context->device, dtype);
  if (Has(found, def.type.c_str(), context->device, dtype)) {
    *operation = entries_[found].creator(context);
    return MaceStatus::MACE_SUCCESS;
  }
  std::string types;
  for (const Entry &entry : entries_) {
    if (def.type != entry.type || entry.device != context->device) continue;
    if (!types.empty()) types += ", ";
    types += DataTypeName(entry.dtype);
  }
  const char *device = DeviceName(context->device);
  if (types.empty()) {
    return Unsupported(def.type, " '", def.name, "': this build has no such operator for ", device);
  }
  return Unsupported(def.type, " '", def.name, "': ", device, " does not compute it for ",
                     DataTypeName(dtype), ", only for ", types);
}

}  // namespace mace
