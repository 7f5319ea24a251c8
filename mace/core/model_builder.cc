// SPDX-License-Identifier: Apache-2.0
// For tests: writes small models.
#include "mace/core/model_builder.h"

#include <protozero/pbf_writer.hpp>

#include "mace/base/hash.h"
#include "mace/core/model_reader.h"

namespace mace {

namespace {

using protozero::pbf_writer;

void Write(const QuantizeInfo &info, pbf_writer writer) {
  writer.add_packed_float(1, info.scale.begin(), info.scale.end());
  writer.add_packed_sint32(2, info.zero_point.begin(), info.zero_point.end());
  writer.add_int32(3, info.axis);
  writer.add_float(4, info.minval);
  writer.add_float(5, info.maxval);
}

void Write(const Argument &arg, pbf_writer writer) {
  writer.add_string(1, arg.name);
  writer.add_float(2, arg.f);
  writer.add_int64(3, arg.i);
  writer.add_bytes(4, arg.s);
  writer.add_packed_float(5, arg.floats.begin(), arg.floats.end());
  writer.add_packed_int64(6, arg.ints.begin(), arg.ints.end());
}

void Write(const ConstTensor &tensor, pbf_writer writer) {
  writer.add_string(1, tensor.name);
  writer.add_packed_int64(2, tensor.dims.begin(), tensor.dims.end());
  writer.add_enum(3, tensor.data_type);
  writer.add_uint64(4, tensor.offset);
  writer.add_uint64(5, tensor.data_size);
  Write(tensor.quantize_info, pbf_writer(writer, 6));
  if (tensor.stored_type != DT_INVALID) writer.add_enum(7, tensor.stored_type);
}

void Write(const NetDef &net, pbf_writer writer);

void Write(const OperatorDef &op, pbf_writer writer) {
  writer.add_string(1, op.name);
  writer.add_string(2, op.type);
  writer.add_uint32(3, op.version);
  for (const std::string &input : op.input) writer.add_string(4, input);
  for (const std::string &output : op.output) writer.add_string(5, output);
  for (const Argument &arg : op.arg) Write(arg, pbf_writer(writer, 6));
  for (const std::vector<int64_t> &shape : op.output_shape) {
    pbf_writer(writer, 7).add_packed_sint64(1, shape.begin(), shape.end());
  }
  writer.add_packed_enum(8, op.output_type.begin(), op.output_type.end());
  for (const QuantizeInfo &info : op.quantize_info) Write(info, pbf_writer(writer, 9));
  for (const NetDef &net : op.subgraph) Write(net, pbf_writer(writer, 10));
}

void Write(const TensorInfo &info, pbf_writer writer) {
  writer.add_string(1, info.name);
  writer.add_packed_sint64(2, info.dims.begin(), info.dims.end());
  writer.add_enum(3, info.data_type);
  writer.add_enum(4, info.data_format);
}

void Write(const NetDef &net, pbf_writer writer) {
  writer.add_string(1, net.name);
  for (const OperatorDef &op : net.op) Write(op, pbf_writer(writer, 2));
  for (const ConstTensor &tensor : net.tensors) Write(tensor, pbf_writer(writer, 3));
  for (const TensorInfo &info : net.input_info) Write(info, pbf_writer(writer, 4));
  for (const TensorInfo &info : net.output_info) Write(info, pbf_writer(writer, 5));
  for (const Argument &arg : net.arg) Write(arg, pbf_writer(writer, 6));
  writer.add_packed_enum(7, net.checked_runtime.begin(), net.checked_runtime.end());
}

Argument Named(const std::string &name) {
  Argument arg;
  arg.name = name;
  return arg;
}

}  // namespace

std::string SerializeNet(const NetDef &net) {
  std::string bytes;
  Write(net, pbf_writer(bytes));
  return bytes;
}

std::string SerializeModel(const std::string &net, uint32_t magic, uint32_t format_version,
                           uint64_t net_checksum, uint64_t data_size, uint64_t data_checksum) {
  std::string bytes;
  pbf_writer writer(bytes);
  writer.add_fixed32(1, magic);
  writer.add_uint32(2, format_version);
  writer.add_string(3, "test");
  writer.add_fixed64(4, net_checksum);
  writer.add_bytes(5, net);
  writer.add_fixed64(6, data_size);
  writer.add_fixed64(7, data_checksum);
  return bytes;
}

ModelBuilder &ModelBuilder::Input(const std::string &name, const std::vector<int64_t> &dims,
                                  DataType type, DataFormat format) {
  net_.input_info.push_back({name, dims, type, format});
  return *this;
}

ModelBuilder &ModelBuilder::Output(const std::string &name, const std::vector<int64_t> &dims,
                                   DataType type, DataFormat format) {
  net_.output_info.push_back({name, dims, type, format});
  return *this;
}

ModelBuilder &ModelBuilder::ConstantBytes(const std::string &name, const std::vector<int64_t> &dims,
                                          DataType type, const void *bytes, size_t size,
                                          DataType stored_type) {
  data_.resize((data_.size() + 63) / 64 * 64);
  ConstTensor tensor;
  tensor.name = name;
  tensor.dims = dims;
  tensor.data_type = type;
  tensor.offset = data_.size();
  tensor.data_size = size;
  tensor.stored_type = stored_type;
  data_.append(static_cast<const char *>(bytes), size);
  net_.tensors.push_back(tensor);
  return *this;
}

ModelBuilder &ModelBuilder::Op(const std::string &type, const std::string &name,
                               const std::vector<std::string> &inputs,
                               const std::vector<std::string> &outputs,
                               const std::vector<Argument> &args) {
  OperatorDef op;
  op.type = type;
  op.name = name;
  op.input = inputs;
  op.output = outputs;
  op.arg = args;
  net_.op.push_back(op);
  return *this;
}

ModelFiles ModelBuilder::Build() const {
  ModelFiles files;
  files.data_size = data_.size();
  files.blocks.resize((data_.size() + 63) / 64);
  if (!data_.empty()) std::memcpy(files.blocks.data(), data_.data(), data_.size());
  const std::string net = SerializeNet(net_);
  files.graph =
      SerializeModel(net, kModelMagic, kMaxFormatVersion, XxHash64(net.data(), net.size()),
                     data_.size(), XxHash64(data_.data(), data_.size()));
  return files;
}

Argument IntArg(const std::string &name, int64_t value) {
  Argument arg = Named(name);
  arg.i = value;
  return arg;
}

Argument IntsArg(const std::string &name, const std::vector<int64_t> &values) {
  Argument arg = Named(name);
  arg.ints = values;
  return arg;
}

Argument FloatArg(const std::string &name, float value) {
  Argument arg = Named(name);
  arg.f = value;
  return arg;
}

Argument FloatsArg(const std::string &name, const std::vector<float> &values) {
  Argument arg = Named(name);
  arg.floats = values;
  return arg;
}

Argument StringArg(const std::string &name, const std::string &value) {
  Argument arg = Named(name);
  arg.s = value;
  return arg;
}

}  // namespace mace
