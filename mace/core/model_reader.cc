// SPDX-License-Identifier: Apache-2.0
// Parses model.pb with protozero. It throws on malformed input, so this file alone is compiled with
// exceptions; none leaves it.
#include "mace/core/model_reader.h"

#include <exception>
#include <new>
#include <protozero/pbf_reader.hpp>
#include <string>

#include "mace/base/hash.h"

namespace mace {

namespace {

using protozero::data_view;
using protozero::pbf_reader;
using protozero::pbf_wire_type;

constexpr uint32_t Field(uint32_t number, pbf_wire_type type) {
  return protozero::tag_and_type(number, type);
}
constexpr auto kVarint = pbf_wire_type::varint;
constexpr auto kBytes = pbf_wire_type::length_delimited;
constexpr auto kFixed32 = pbf_wire_type::fixed32;
constexpr auto kFixed64 = pbf_wire_type::fixed64;

// A limit was exceeded; the message is the whole sentence.
class LimitError : public std::exception {
 public:
  explicit LimitError(const char *message) : message_(message) {}
  const char *what() const noexcept override { return message_; }

 private:
  const char *message_;
};

void Limit(size_t count, size_t limit, const char *message) {
  if (count >= limit) throw LimitError(message);
}

std::string Name(pbf_reader *reader) {
  const data_view view = reader->get_view();
  if (view.size() > kMaxNameBytes) throw LimitError("a name is longer than 4096 bytes");
  return std::string(view.data(), view.size());
}

template <typename Range, typename T>
void Append(const Range &range, std::vector<T> *values) {
  for (auto value : range) values->push_back(static_cast<T>(value));
}

// Numbers that name no format become 3, which the enumeration can hold and the verifier refuses.
DataFormat Format(int32_t number) {
  return static_cast<DataFormat>(number >= 0 && number <= 3 ? number : 3);
}

void Read(pbf_reader reader, Argument *arg) {
  while (reader.next()) {
    switch (reader.tag_and_type()) {
      case Field(1, kBytes):
        arg->name = Name(&reader);
        break;
      case Field(2, kFixed32):
        arg->f = reader.get_float();
        break;
      case Field(3, kVarint):
        arg->i = reader.get_int64();
        break;
      case Field(4, kBytes):
        arg->s = reader.get_string();
        break;
      case Field(5, kBytes):
        Append(reader.get_packed_float(), &arg->floats);
        break;
      case Field(5, kFixed32):
        arg->floats.push_back(reader.get_float());
        break;
      case Field(6, kBytes):
        Append(reader.get_packed_int64(), &arg->ints);
        break;
      case Field(6, kVarint):
        arg->ints.push_back(reader.get_int64());
        break;
      default:
        reader.skip();
    }
  }
}

void Read(pbf_reader reader, QuantizeInfo *info) {
  while (reader.next()) {
    switch (reader.tag_and_type()) {
      case Field(1, kBytes):
        Append(reader.get_packed_float(), &info->scale);
        break;
      case Field(1, kFixed32):
        info->scale.push_back(reader.get_float());
        break;
      case Field(2, kBytes):
        Append(reader.get_packed_sint32(), &info->zero_point);
        break;
      case Field(2, kVarint):
        info->zero_point.push_back(reader.get_sint32());
        break;
      case Field(3, kVarint):
        info->axis = reader.get_int32();
        break;
      case Field(4, kFixed32):
        info->minval = reader.get_float();
        break;
      case Field(5, kFixed32):
        info->maxval = reader.get_float();
        break;
      default:
        reader.skip();
    }
  }
}

void Read(pbf_reader reader, ConstTensor *tensor) {
  while (reader.next()) {
    switch (reader.tag_and_type()) {
      case Field(1, kBytes):
        tensor->name = Name(&reader);
        break;
      case Field(2, kBytes):
        Append(reader.get_packed_int64(), &tensor->dims);
        break;
      case Field(2, kVarint):
        tensor->dims.push_back(reader.get_int64());
        break;
      case Field(3, kVarint):
        tensor->data_type = static_cast<DataType>(reader.get_enum());
        break;
      case Field(4, kVarint):
        tensor->offset = reader.get_uint64();
        break;
      case Field(5, kVarint):
        tensor->data_size = reader.get_uint64();
        break;
      case Field(6, kBytes):
        Read(reader.get_message(), &tensor->quantize_info);
        break;
      case Field(7, kVarint):
        tensor->stored_type = static_cast<DataType>(reader.get_enum());
        break;
      default:
        reader.skip();
    }
  }
}

void Read(pbf_reader reader, std::vector<int64_t> *dims) {
  while (reader.next()) {
    switch (reader.tag_and_type()) {
      case Field(1, kBytes):
        Append(reader.get_packed_sint64(), dims);
        break;
      case Field(1, kVarint):
        dims->push_back(reader.get_sint64());
        break;
      default:
        reader.skip();
    }
  }
}

void Read(pbf_reader reader, int depth, NetDef *net);

void Read(pbf_reader reader, int depth, OperatorDef *op) {
  while (reader.next()) {
    switch (reader.tag_and_type()) {
      case Field(1, kBytes):
        op->name = Name(&reader);
        break;
      case Field(2, kBytes):
        op->type = Name(&reader);
        break;
      case Field(3, kVarint):
        op->version = reader.get_uint32();
        break;
      case Field(4, kBytes):
        Limit(op->input.size(), kMaxOperatorTensors, "an operator has more than 4096 inputs");
        op->input.push_back(Name(&reader));
        break;
      case Field(5, kBytes):
        Limit(op->output.size(), kMaxOperatorTensors, "an operator has more than 4096 outputs");
        op->output.push_back(Name(&reader));
        break;
      case Field(6, kBytes):
        Limit(op->arg.size(), kMaxArguments, "an operator has more than 256 arguments");
        op->arg.emplace_back();
        Read(reader.get_message(), &op->arg.back());
        break;
      case Field(7, kBytes):
        Limit(op->output_shape.size(), kMaxOperatorTensors, "an operator has too many shapes");
        op->output_shape.emplace_back();
        Read(reader.get_message(), &op->output_shape.back());
        break;
      case Field(8, kBytes):
        Append(reader.get_packed_enum(), &op->output_type);
        break;
      case Field(8, kVarint):
        op->output_type.push_back(static_cast<DataType>(reader.get_enum()));
        break;
      case Field(9, kBytes):
        Limit(op->quantize_info.size(), kMaxOperatorTensors, "an operator has too many ranges");
        op->quantize_info.emplace_back();
        Read(reader.get_message(), &op->quantize_info.back());
        break;
      case Field(10, kBytes):
        Limit(static_cast<size_t>(depth), kMaxSubgraphDepth, "subgraphs are nested over 8 deep");
        Limit(op->subgraph.size(), kMaxSubgraphs, "an operator has more than 16 subgraphs");
        op->subgraph.emplace_back();
        Read(reader.get_message(), depth + 1, &op->subgraph.back());
        break;
      default:
        reader.skip();
    }
  }
}

void Read(pbf_reader reader, TensorInfo *info) {
  while (reader.next()) {
    switch (reader.tag_and_type()) {
      case Field(1, kBytes):
        info->name = Name(&reader);
        break;
      case Field(2, kBytes):
        Append(reader.get_packed_sint64(), &info->dims);
        break;
      case Field(2, kVarint):
        info->dims.push_back(reader.get_sint64());
        break;
      case Field(3, kVarint):
        info->data_type = static_cast<DataType>(reader.get_enum());
        break;
      case Field(4, kVarint):
        info->data_format = Format(reader.get_enum());
        break;
      default:
        reader.skip();
    }
  }
}

// depth: 0 for the model itself.
void Read(pbf_reader reader, int depth, NetDef *net) {
  while (reader.next()) {
    switch (reader.tag_and_type()) {
      case Field(1, kBytes):
        net->name = Name(&reader);
        break;
      case Field(2, kBytes):
        Limit(net->op.size(), kMaxOperators, "the net has more than 65536 operators");
        net->op.emplace_back();
        Read(reader.get_message(), depth, &net->op.back());
        break;
      case Field(3, kBytes):
        Limit(net->tensors.size(), kMaxTensors, "the net has more than 262144 constants");
        net->tensors.emplace_back();
        Read(reader.get_message(), &net->tensors.back());
        break;
      case Field(4, kBytes):
        Limit(net->input_info.size(), kMaxOperatorTensors, "the net has more than 4096 inputs");
        net->input_info.emplace_back();
        Read(reader.get_message(), &net->input_info.back());
        break;
      case Field(5, kBytes):
        Limit(net->output_info.size(), kMaxOperatorTensors, "the net has more than 4096 outputs");
        net->output_info.emplace_back();
        Read(reader.get_message(), &net->output_info.back());
        break;
      case Field(6, kBytes):
        Limit(net->arg.size(), kMaxArguments, "the net has more than 256 arguments");
        net->arg.emplace_back();
        Read(reader.get_message(), &net->arg.back());
        break;
      case Field(7, kBytes):
        Append(reader.get_packed_enum(), &net->checked_runtime);
        break;
      case Field(7, kVarint):
        net->checked_runtime.push_back(reader.get_enum());
        break;
      default:
        reader.skip();
    }
  }
}

// The envelope, without the net.
struct Envelope {
  uint32_t magic = 0;
  uint64_t net_checksum = 0;
  uint64_t net_scramble = 0;
  data_view net;
};

// The net before it was scrambled: see mace.proto. SplitMix64 is Steele, Lea and Flood, "Fast
// Splittable Pseudorandom Number Generators", OOPSLA 2014.
std::string Unscrambled(const data_view &net, uint64_t seed) {
  std::string bytes(net.data(), net.size());
  for (size_t i = 0; i < bytes.size(); i += 8) {
    seed += 0x9e3779b97f4a7c15u;
    uint64_t word = seed;
    word = (word ^ (word >> 30)) * 0xbf58476d1ce4e5b9u;
    word = (word ^ (word >> 27)) * 0x94d049bb133111ebu;
    word ^= word >> 31;
    for (size_t k = 0; k < 8 && i + k < bytes.size(); ++k) {
      bytes[i + k] = static_cast<char>(static_cast<uint8_t>(bytes[i + k]) ^ (word >> (8 * k)));
    }
  }
  return bytes;
}

void Read(pbf_reader reader, ModelDef *model, Envelope *envelope) {
  while (reader.next()) {
    switch (reader.tag_and_type()) {
      case Field(1, kFixed32):
        envelope->magic = reader.get_fixed32();
        break;
      case Field(2, kVarint):
        model->format_version = reader.get_uint32();
        break;
      case Field(3, kBytes):
        model->producer = Name(&reader);
        break;
      case Field(4, kFixed64):
        envelope->net_checksum = reader.get_fixed64();
        break;
      case Field(5, kBytes):
        envelope->net = reader.get_view();
        break;
      case Field(6, kFixed64):
        model->data_size = reader.get_fixed64();
        break;
      case Field(7, kFixed64):
        model->data_checksum = reader.get_fixed64();
        break;
      case Field(8, kFixed64):
        envelope->net_scramble = reader.get_fixed64();
        break;
      default:
        reader.skip();
    }
  }
}

MaceStatus ReadChecked(const void *graph, size_t graph_size, ModelDef *model) {
  Envelope envelope;
  Read(pbf_reader(static_cast<const char *>(graph), graph_size), model, &envelope);
  if (envelope.magic != kModelMagic) {
    return InvalidArgs(
        "model.pb is not a MACE model: its magic number is missing; convert the "
        "original model with the converter");
  }
  if (model->format_version < kMinFormatVersion || model->format_version > kMaxFormatVersion) {
    return Unsupported("model.pb has format version ", model->format_version, "; this build reads ",
                       kMinFormatVersion, " to ", kMaxFormatVersion,
                       "; convert the original model with the converter of this build");
  }
  if (XxHash64(envelope.net.data(), envelope.net.size()) != envelope.net_checksum) {
    return InvalidArgs(
        "model.pb is damaged: the checksum of its graph differs; copy or convert "
        "the model again");
  }
  if (envelope.net_scramble == 0) {
    Read(pbf_reader(envelope.net), 0, &model->net);
  } else {
    const std::string net = Unscrambled(envelope.net, envelope.net_scramble);
    Read(pbf_reader(net), 0, &model->net);
  }
  if (model->format_version == 1) {
    // It knew no half tensors, only float32 constants stored as such.
    for (ConstTensor &tensor : model->net.tensors) {
      if (tensor.data_type != DT_HALF) continue;
      tensor.data_type = DT_FLOAT;
      tensor.stored_type = DT_HALF;
    }
  }
  return MaceStatus::MACE_SUCCESS;
}

}  // namespace

MaceStatus ReadModel(const void *graph, size_t graph_size, ModelDef *model) {
  *model = ModelDef();
  if (graph == nullptr || graph_size == 0) {
    return InvalidArgs("model.pb is empty: there is no graph to read");
  }
  if (graph_size > kMaxModelBytes) {
    return InvalidArgs("model.pb has ", graph_size, " bytes, more than the limit of ",
                       kMaxModelBytes, "; weights belong in model.data");
  }
  try {
    return ReadChecked(graph, graph_size, model);
  } catch (const LimitError &error) {
    return InvalidArgs("model.pb exceeds a limit: ", error.what());
  } catch (const std::bad_alloc &) {
    return OutOfResources("not enough memory to read model.pb");
  } catch (const std::exception &error) {
    return InvalidArgs("model.pb is damaged or no MACE model (", error.what(),
                       "); copy or convert the model again");
  }
}

}  // namespace mace
