// SPDX-License-Identifier: Apache-2.0
// A model as read from model.pb, before anything is believed of it: the reader fills these structs,
// the verifier checks them, the engine executes what passed.
#ifndef MACE_CORE_MODEL_H_
#define MACE_CORE_MODEL_H_

#include <cstdint>
#include <string>
#include <vector>

#include "mace/base/types.h"
#include "mace/public/mace.h"

namespace mace {

struct QuantizeInfo {
  std::vector<float> scale;
  std::vector<int32_t> zero_point;
  int32_t axis = 0;
  float minval = 0;
  float maxval = 0;
};

struct Argument {
  std::string name;
  float f = 0;
  int64_t i = 0;
  std::string s;
  std::vector<float> floats;
  std::vector<int64_t> ints;
};

struct ConstTensor {
  std::string name;
  std::vector<int64_t> dims;
  DataType data_type = DT_INVALID;
  // DT_HALF, DT_BFLOAT16: float32 elements in two bytes each; DT_INT8: in one, with scales.
  // DT_INVALID: as data_type says.
  DataType stored_type = DT_INVALID;
  uint64_t offset = 0;
  uint64_t data_size = 0;
  QuantizeInfo quantize_info;
};

struct NetDef;

struct OperatorDef {
  std::string name;
  std::string type;
  uint32_t version = 1;
  std::vector<std::string> input;
  std::vector<std::string> output;
  std::vector<Argument> arg;
  std::vector<std::vector<int64_t>> output_shape;
  std::vector<DataType> output_type;
  std::vector<QuantizeInfo> quantize_info;
  std::vector<NetDef> subgraph;
};

struct TensorInfo {
  std::string name;
  std::vector<int64_t> dims;
  DataType data_type = DT_FLOAT;
  DataFormat data_format = DF_NONE;
};

struct NetDef {
  std::string name;
  std::vector<OperatorDef> op;
  std::vector<ConstTensor> tensors;
  std::vector<TensorInfo> input_info;
  std::vector<TensorInfo> output_info;
  std::vector<Argument> arg;
  std::vector<int32_t> checked_runtime;
};

struct ModelDef {
  uint32_t format_version = 0;
  std::string producer;
  uint64_t data_size = 0;
  uint64_t data_checksum = 0;
  NetDef net;
};

}  // namespace mace

#endif  // MACE_CORE_MODEL_H_
