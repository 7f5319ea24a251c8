// SPDX-License-Identifier: Apache-2.0
// Decides whether a model that was read can be executed.
#include "mace/core/model_verifier.h"

#include <cmath>
#include <unordered_map>

#include "mace/base/checked.h"
#include "mace/base/chosen.h"
#include "mace/base/closest_name.h"
#include "mace/base/hash.h"
#include "mace/core/op_schema.h"

namespace mace {

namespace {

constexpr uint64_t kDataAlignment = 64;

bool KnownType(DataType type) { return DataTypeSize(type) != 0; }

class Verifier {
 public:
  Verifier(const NetDef &net, uint64_t data_size, const VerifyOptions &options)
      : net_(net), data_size_(data_size), options_(options) {}

  MaceStatus Verify() {
    if (!IsText(net_.name)) return InvalidArgs("the name of the net is no valid UTF-8 text");
    for (const TensorInfo &info : net_.input_info) MACE_RETURN_IF_ERROR(Input(info));
    for (const ConstTensor &tensor : net_.tensors) MACE_RETURN_IF_ERROR(Constant(tensor));
    for (size_t i = 0; i < net_.op.size(); ++i) {
      MaceStatus status = Operator(net_.op[i]);
      if (!status.ok()) {
        if (options_.problems == nullptr) return status;
        options_.problems->push_back({i, status});
      }
      MACE_RETURN_IF_ERROR(DefineOutputs(net_.op[i]));
    }
    if (net_.output_info.empty()) return InvalidArgs("the model has no output");
    std::unordered_map<std::string, int> outputs;
    for (const TensorInfo &info : net_.output_info) {
      MACE_RETURN_IF_ERROR(Info("output", info));
      if (++outputs[info.name] > 1) {
        return InvalidArgs("output '", info.name, "' is listed twice");
      }
      if (defined_.count(info.name) == 0) {
        return InvalidArgs("output '", info.name, "' is made by no operator",
                           DidYouMean(info.name, DefinedNames()));
      }
    }
    return MaceStatus::MACE_SUCCESS;
  }

 private:
  std::vector<std::string> DefinedNames() const {
    std::vector<std::string> names;
    for (const auto &[name, index] : defined_) names.push_back(name);
    return names;
  }

  MaceStatus CheckName(const char *what, const std::string &name) const {
    if (name.empty()) return InvalidArgs(what, " has no name");
    if (!IsText(name)) return InvalidArgs(what, " '", name, "': the name is no valid UTF-8 text");
    return MaceStatus::MACE_SUCCESS;
  }

  MaceStatus Define(const char *what, const std::string &name) {
    MACE_RETURN_IF_ERROR(CheckName(what, name));
    if (!defined_.emplace(name, 0).second) {
      return InvalidArgs(what, " '", name, "': there are two tensors of that name");
    }
    return MaceStatus::MACE_SUCCESS;
  }

  static MaceStatus Chosen(const char *what, const std::string &name, DataType type) {
    if (Contains(kChosen.types, type)) return MaceStatus::MACE_SUCCESS;
    return Unsupported(what, " '", name, "' is of ", DataTypeName(type), ": ", kNotChosen);
  }

  MaceStatus Info(const char *what, const TensorInfo &info) const {
    MACE_RETURN_IF_ERROR(CheckName(what, info.name));
    if (!KnownType(info.data_type)) {
      return InvalidArgs(what, " '", info.name, "': element type ",
                         static_cast<int>(info.data_type), " does not exist");
    }
    MACE_RETURN_IF_ERROR(Chosen(what, info.name, info.data_type));
    if (info.data_format > NCHW) {
      return InvalidArgs(what, " '", info.name, "': unknown data format");
    }
    if (info.dims.size() > kMaxRank) {
      return InvalidArgs(what, " '", info.name, "': rank ", info.dims.size(), " is above ",
                         kMaxRank);
    }
    for (int64_t dim : info.dims) {
      if (dim < -1) return InvalidArgs(what, " '", info.name, "': dimension ", dim);
    }
    return MaceStatus::MACE_SUCCESS;
  }

  MaceStatus Input(const TensorInfo &info) {
    MACE_RETURN_IF_ERROR(Info("input", info));
    return Define("input", info.name);
  }

  MaceStatus Constant(const ConstTensor &tensor) {
    MACE_RETURN_IF_ERROR(Define("constant", tensor.name));
    if (!KnownType(tensor.data_type)) {
      return InvalidArgs("constant '", tensor.name, "': unknown element type ",
                         static_cast<int>(tensor.data_type));
    }
    MACE_RETURN_IF_ERROR(Chosen("constant", tensor.name, tensor.data_type));
    if (tensor.dims.size() > kMaxRank) {
      return InvalidArgs("constant '", tensor.name, "': rank ", tensor.dims.size(), " is above ",
                         kMaxRank);
    }
    const bool half = (tensor.stored_type == DT_HALF || tensor.stored_type == DT_BFLOAT16) &&
                      tensor.data_type == DT_FLOAT;
    const bool int8 = tensor.stored_type == DT_INT8 && tensor.data_type == DT_FLOAT;
    if (tensor.stored_type != DT_INVALID && !half && !int8) {
      return InvalidArgs("constant '", tensor.name, "': ", DataTypeName(tensor.data_type),
                         " cannot be stored as element type ",
                         static_cast<int>(tensor.stored_type));
    }
    size_t bytes = 0;
    if (!CheckedBytes(Shape(tensor.dims), DataTypeSize(tensor.data_type), &bytes)) {
      return InvalidArgs("constant '", tensor.name, "': impossible shape ",
                         Shape(tensor.dims).ToString());
    }
    if (half) bytes /= 2;
    if (int8) bytes /= 4;
    if (int8) MACE_RETURN_IF_ERROR(Int8Scales(tensor));
    MACE_RETURN_IF_ERROR(Quantization("constant", tensor.name, tensor.quantize_info,
                                      tensor.data_type, Shape(tensor.dims)));
    if (options_.shape_only && tensor.data_size == 0) return MaceStatus::MACE_SUCCESS;
    if (tensor.data_size != bytes) {
      return InvalidArgs("constant '", tensor.name, "': its shape ", Shape(tensor.dims).ToString(),
                         " needs ", bytes, " bytes, but ", tensor.data_size, " are stored");
    }
    if (tensor.offset % kDataAlignment != 0) {
      return InvalidArgs("constant '", tensor.name, "': offset ", tensor.offset,
                         " is no multiple of ", kDataAlignment);
    }
    if (!InRange(tensor.offset, tensor.data_size, data_size_)) {
      return InvalidArgs("constant '", tensor.name, "': bytes ", tensor.offset, " and ",
                         tensor.data_size, " more lie outside model.data of ", data_size_,
                         " bytes");
    }
    return MaceStatus::MACE_SUCCESS;
  }

  // What Quantization() does not ask of float32 elements that are stored as int8.
  MaceStatus Int8Scales(const ConstTensor &tensor) const {
    const QuantizeInfo &info = tensor.quantize_info;
    if (info.scale.empty() || !info.zero_point.empty() ||
        (info.scale.size() > 1 && tensor.dims.empty())) {
      return InvalidArgs("constant '", tensor.name,
                         "': elements stored as int8 have one scale, or "
                         "one for each index of an axis, and no zero points");
    }
    return MaceStatus::MACE_SUCCESS;
  }

  // `shape` has rank 0 when it is not known: axis and count are then left alone.
  MaceStatus Quantization(const char *what, const std::string &name, const QuantizeInfo &info,
                          DataType type, const Shape &shape) const {
    for (float scale : info.scale) {
      if (!std::isfinite(scale) || scale <= 0) {
        return InvalidArgs(what, " '", name, "': quantization scale ", scale,
                           " is not a positive number");
      }
    }
    if (!info.zero_point.empty() && info.zero_point.size() != info.scale.size()) {
      return InvalidArgs(what, " '", name, "': ", info.scale.size(), " quantization scales but ",
                         info.zero_point.size(), " zero points");
    }
    const int32_t low = type == DT_UINT8 ? 0 : type == DT_INT8 ? -128 : INT32_MIN;
    const int32_t high = type == DT_UINT8 ? 255 : type == DT_INT8 ? 127 : INT32_MAX;
    for (int32_t zero_point : info.zero_point) {
      if (zero_point < low || zero_point > high) {
        return InvalidArgs(what, " '", name, "': zero point ", zero_point, " does not fit ",
                           DataTypeName(type));
      }
    }
    if (!std::isfinite(info.minval) || !std::isfinite(info.maxval) || info.minval > info.maxval) {
      return InvalidArgs(what, " '", name, "': quantization range ", info.minval, " to ",
                         info.maxval);
    }
    if (info.scale.size() > 1 && shape.rank() > 0) {
      if (info.axis < 0 || info.axis >= shape.rank()) {
        return InvalidArgs(what, " '", name, "': quantization axis ", info.axis,
                           " of a tensor of "
                           "rank ",
                           shape.rank());
      }
      if (static_cast<uint64_t>(shape[info.axis]) != info.scale.size()) {
        return InvalidArgs(what, " '", name, "': ", info.scale.size(), " quantization scales for ",
                           shape[info.axis], " channels");
      }
    }
    return MaceStatus::MACE_SUCCESS;
  }

  MaceStatus Operator(const OperatorDef &op) const {
    if (!IsText(op.name) || !IsText(op.type)) {
      return InvalidArgs("operator '", op.name, "': name or type is no valid UTF-8 text");
    }
    const OpSchema *schema = FindOpSchema(op.type.c_str());
    if (schema == nullptr) {
      std::vector<std::string> names;
      for (int i = 0; i < kOpSchemaCount; ++i) names.emplace_back(kOpSchemas[i].name);
      return Unsupported("operator '", op.name, "': there is no operator type '", op.type, "'",
                         DidYouMean(op.type, names));
    }
    for (const Argument &arg : op.arg) {
      if (!IsText(arg.name) || !IsText(arg.s)) {
        return InvalidArgs(op.type, " '", op.name, "': an attribute is no valid UTF-8 text");
      }
    }
    MACE_RETURN_IF_ERROR(CheckOperatorDef(*schema, op));
    for (const std::string &input : op.input) {
      if (!input.empty() && defined_.count(input) == 0) return Undefined(op, input);
    }
    if (!op.quantize_info.empty() && op.quantize_info.size() != op.output.size()) {
      return InvalidArgs(op.type, " '", op.name, "': ", op.quantize_info.size(),
                         " quantization ranges for ", op.output.size(), " outputs");
    }
    for (size_t i = 0; i < op.quantize_info.size(); ++i) {
      MACE_RETURN_IF_ERROR(
          Quantization("tensor", op.output[i], op.quantize_info[i], DT_INVALID, Shape()));
    }
    for (size_t i = 0; i < op.subgraph.size(); ++i) {
      VerifyOptions options;
      options.shape_only = options_.shape_only;
      const MaceStatus status = Verifier(op.subgraph[i], data_size_, options).Verify();
      if (status.ok()) continue;
      const MaceStatus where = InvalidArgs(op.type, " '", op.name, "': subgraph ", i, ": ");
      return MaceStatus(status.code(), where.message() + status.message());
    }
    return MaceStatus::MACE_SUCCESS;
  }

  MaceStatus Undefined(const OperatorDef &op, const std::string &input) const {
    for (const OperatorDef &other : net_.op) {
      for (const std::string &output : other.output) {
        if (output != input) continue;
        return InvalidArgs(op.type, " '", op.name, "': input '", input, "' is made by '",
                           other.name,
                           "', which comes no earlier; operators must be in "
                           "execution order, without cycles");
      }
    }
    return InvalidArgs(op.type, " '", op.name, "': input '", input, "' does not exist",
                       DidYouMean(input, DefinedNames()));
  }

  MaceStatus DefineOutputs(const OperatorDef &op) {
    for (const std::string &output : op.output) MACE_RETURN_IF_ERROR(Define("tensor", output));
    return MaceStatus::MACE_SUCCESS;
  }

  const NetDef &net_;
  const uint64_t data_size_;
  const VerifyOptions &options_;
  // Tensors that operators may read so far.
  std::unordered_map<std::string, int> defined_;
};

}  // namespace

bool IsText(const std::string &text) {
  for (size_t i = 0; i < text.size();) {
    const unsigned char c = static_cast<unsigned char>(text[i]);
    int more;
    uint32_t code, least;
    if (c < 0x80) {
      more = 0, code = c, least = 1;
    } else if (c >= 0xc2 && c < 0xe0) {
      more = 1, code = c & 0x1fu, least = 0x80;
    } else if (c >= 0xe0 && c < 0xf0) {
      more = 2, code = c & 0x0fu, least = 0x800;
    } else if (c >= 0xf0 && c < 0xf5) {
      more = 3, code = c & 0x07u, least = 0x10000;
    } else {
      return false;
    }
    if (i + static_cast<size_t>(more) >= text.size()) return false;
    for (int k = 1; k <= more; ++k) {
      const unsigned char next = static_cast<unsigned char>(text[i + static_cast<size_t>(k)]);
      if ((next & 0xc0u) != 0x80u) return false;
      code = code << 6 | (next & 0x3fu);
    }
    if (code < least || code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) return false;
    i += static_cast<size_t>(more) + 1;
  }
  return true;
}

MaceStatus VerifyModel(const ModelDef &model, uint64_t data_size, const VerifyOptions &options) {
  if (!options.shape_only && data_size != model.data_size) {
    return InvalidArgs("model.data has ", data_size, " bytes, but model.pb was written for ",
                       model.data_size,
                       "; the two files do not belong together or one is truncated");
  }
  return Verifier(model.net, data_size, options).Verify();
}

MaceStatus VerifyData(const ModelDef &model, const void *data) {
  if (XxHash64(data, static_cast<size_t>(model.data_size)) != model.data_checksum) {
    return InvalidArgs(
        "model.data is damaged: its checksum differs from the one in model.pb; "
        "copy or convert the model again");
  }
  return MaceStatus::MACE_SUCCESS;
}

}  // namespace mace
