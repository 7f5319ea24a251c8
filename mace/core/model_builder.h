// SPDX-License-Identifier: Apache-2.0
// For tests: writes small models, well-formed unless told otherwise.
#ifndef MACE_CORE_MODEL_BUILDER_H_
#define MACE_CORE_MODEL_BUILDER_H_

#include <cstring>
#include <string>
#include <vector>

#include "mace/core/model.h"

namespace mace {

// Bytes of model.pb for the struct as it is; magic, sizes and checksums as given.
std::string SerializeNet(const NetDef &net);
std::string SerializeModel(const std::string &net, uint32_t magic, uint32_t format_version,
                           uint64_t net_checksum, uint64_t data_size, uint64_t data_checksum);

// Contents of model.pb and model.data (64-byte aligned).
struct ModelFiles {
  std::string graph;
  struct alignas(64) Block {
    char bytes[64];
  };
  std::vector<Block> blocks;
  size_t data_size = 0;

  const void *data() const { return blocks.empty() ? nullptr : blocks.data(); }
  std::string data_string() const {
    return std::string(static_cast<const char *>(data()), data_size);
  }
};

class ModelBuilder {
 public:
  ModelBuilder &Input(const std::string &name, const std::vector<int64_t> &dims,
                      DataType type = DT_FLOAT, DataFormat format = DF_NONE);
  ModelBuilder &Output(const std::string &name, const std::vector<int64_t> &dims = {},
                       DataType type = DT_FLOAT, DataFormat format = DF_NONE);
  template <typename T>
  ModelBuilder &Constant(const std::string &name, const std::vector<int64_t> &dims,
                         const std::vector<T> &values) {
    return ConstantBytes(name, dims, DataTypeOf<T>::value, values.data(),
                         values.size() * sizeof(T));
  }
  ModelBuilder &ConstantBytes(const std::string &name, const std::vector<int64_t> &dims,
                              DataType type, const void *bytes, size_t size,
                              DataType stored_type = DT_INVALID);
  ModelBuilder &Op(const std::string &type, const std::string &name,
                   const std::vector<std::string> &inputs, const std::vector<std::string> &outputs,
                   const std::vector<Argument> &args = {});

  // For tests that break something.
  NetDef *net() { return &net_; }
  std::string *data() { return &data_; }

  ModelFiles Build() const;

 private:
  NetDef net_;
  std::string data_;
};

Argument IntArg(const std::string &name, int64_t value);
Argument IntsArg(const std::string &name, const std::vector<int64_t> &values);
Argument FloatArg(const std::string &name, float value);
Argument FloatsArg(const std::string &name, const std::vector<float> &values);
Argument StringArg(const std::string &name, const std::string &value);

}  // namespace mace

#endif  // MACE_CORE_MODEL_BUILDER_H_
