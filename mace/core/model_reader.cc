// SPDX-License-Identifier: Apache-2.0
// Parses model.pb: tables say which field of a message goes where, and one function reads them all.
// It is a tenth of the code that a function for each message takes, and needs no exceptions.
#include "mace/core/model_reader.h"

#include <cstddef>
#include <cstring>
#include <iterator>
#include <string>
#include <vector>

#include "mace/base/allocator.h"
#include "mace/base/hash.h"

namespace mace {

namespace {

// The encoding of protocol buffers, https://protobuf.dev/programming-guides/encoding/.
enum Wire : uint32_t { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

// What a field holds, and the member that it is stored in.
enum class Kind : uint8_t {
  kName,      // std::string of at most kMaxNameBytes
  kText,      // std::string
  kView,      // View: bytes that are left where they are
  kWord,      // four bytes as they are: float, uint32_t
  kLong,      // eight bytes as they are: uint64_t
  kInt32,     // int32_t or an enumeration of that size, uint32_t
  kInt64,     // int64_t, uint64_t
  kFormat,    // DataFormat
  kFloats,    // std::vector<float>
  kInts,      // std::vector<int64_t>
  kSints,     // std::vector<int64_t>, written as sint64
  kSints32,   // std::vector<int32_t>, written as sint32
  kInts32,    // std::vector<int32_t>
  kTypes,     // std::vector<DataType>
  kNames,     // std::vector<std::string>
  kMessage,   // the struct
  kMessages,  // std::vector of the struct
};

enum class Message : uint8_t {
  kArgument,
  kQuantizeInfo,
  kConstTensor,
  kOutputShape,
  kOperator,
  kTensorInfo,
  kNet,
  kModel
};

// How many elements kNames and kMessages may have.
enum class Limit : uint8_t {
  kNone,
  kInputs,
  kOutputs,
  kArguments,
  kShapes,
  kRanges,
  kSubgraphs,
  kOperators,
  kConstants,
  kNetInputs,
  kNetOutputs,
  kNetArguments
};

struct LimitText {
  uint32_t most;
  char text[48];
};
constexpr LimitText kLimits[] = {
    {UINT32_MAX, ""},
    {kMaxOperatorTensors, "an operator has more than 4096 inputs"},
    {kMaxOperatorTensors, "an operator has more than 4096 outputs"},
    {kMaxArguments, "an operator has more than 256 arguments"},
    {kMaxOperatorTensors, "an operator has too many shapes"},
    {kMaxOperatorTensors, "an operator has too many ranges"},
    {kMaxSubgraphs, "an operator has more than 16 subgraphs"},
    {kMaxOperators, "the net has more than 65536 operators"},
    {kMaxTensors, "the net has more than 262144 constants"},
    {kMaxOperatorTensors, "the net has more than 4096 inputs"},
    {kMaxOperatorTensors, "the net has more than 4096 outputs"},
    {kMaxArguments, "the net has more than 256 arguments"},
};

struct View {
  const char *data = nullptr;
  size_t size = 0;
};

// The model without what its net holds.
struct Envelope {
  uint32_t magic = 0;
  uint32_t format_version = 0;
  std::string producer;
  uint64_t net_checksum = 0;
  View net;
  uint64_t data_size = 0;
  uint64_t data_checksum = 0;
  uint64_t net_scramble = 0;
};

struct Field {
  Message message;
  uint8_t number;
  Kind kind;
  uint16_t offset;  // of the member
  Message child = Message::kArgument;
  Limit limit = Limit::kNone;
};

// By message; a field that is not here is passed over.
constexpr Field kFields[] = {
    {Message::kArgument, 1, Kind::kName, offsetof(Argument, name)},
    {Message::kArgument, 2, Kind::kWord, offsetof(Argument, f)},
    {Message::kArgument, 3, Kind::kInt64, offsetof(Argument, i)},
    {Message::kArgument, 4, Kind::kText, offsetof(Argument, s)},
    {Message::kArgument, 5, Kind::kFloats, offsetof(Argument, floats)},
    {Message::kArgument, 6, Kind::kInts, offsetof(Argument, ints)},
    {Message::kQuantizeInfo, 1, Kind::kFloats, offsetof(QuantizeInfo, scale)},
    {Message::kQuantizeInfo, 2, Kind::kSints32, offsetof(QuantizeInfo, zero_point)},
    {Message::kQuantizeInfo, 3, Kind::kInt32, offsetof(QuantizeInfo, axis)},
    {Message::kQuantizeInfo, 4, Kind::kWord, offsetof(QuantizeInfo, minval)},
    {Message::kQuantizeInfo, 5, Kind::kWord, offsetof(QuantizeInfo, maxval)},
    {Message::kConstTensor, 1, Kind::kName, offsetof(ConstTensor, name)},
    {Message::kConstTensor, 2, Kind::kInts, offsetof(ConstTensor, dims)},
    {Message::kConstTensor, 3, Kind::kInt32, offsetof(ConstTensor, data_type)},
    {Message::kConstTensor, 4, Kind::kInt64, offsetof(ConstTensor, offset)},
    {Message::kConstTensor, 5, Kind::kInt64, offsetof(ConstTensor, data_size)},
    {Message::kConstTensor, 6, Kind::kMessage, offsetof(ConstTensor, quantize_info),
     Message::kQuantizeInfo},
    {Message::kConstTensor, 7, Kind::kInt32, offsetof(ConstTensor, stored_type)},
    {Message::kOutputShape, 1, Kind::kSints, 0},
    {Message::kOperator, 1, Kind::kName, offsetof(OperatorDef, name)},
    {Message::kOperator, 2, Kind::kName, offsetof(OperatorDef, type)},
    {Message::kOperator, 3, Kind::kInt32, offsetof(OperatorDef, version)},
    {Message::kOperator, 4, Kind::kNames, offsetof(OperatorDef, input), {}, Limit::kInputs},
    {Message::kOperator, 5, Kind::kNames, offsetof(OperatorDef, output), {}, Limit::kOutputs},
    {Message::kOperator, 6, Kind::kMessages, offsetof(OperatorDef, arg), Message::kArgument,
     Limit::kArguments},
    {Message::kOperator, 7, Kind::kMessages, offsetof(OperatorDef, output_shape),
     Message::kOutputShape, Limit::kShapes},
    {Message::kOperator, 8, Kind::kTypes, offsetof(OperatorDef, output_type)},
    {Message::kOperator, 9, Kind::kMessages, offsetof(OperatorDef, quantize_info),
     Message::kQuantizeInfo, Limit::kRanges},
    {Message::kOperator, 10, Kind::kMessages, offsetof(OperatorDef, subgraph), Message::kNet,
     Limit::kSubgraphs},
    {Message::kTensorInfo, 1, Kind::kName, offsetof(TensorInfo, name)},
    {Message::kTensorInfo, 2, Kind::kSints, offsetof(TensorInfo, dims)},
    {Message::kTensorInfo, 3, Kind::kInt32, offsetof(TensorInfo, data_type)},
    {Message::kTensorInfo, 4, Kind::kFormat, offsetof(TensorInfo, data_format)},
    {Message::kNet, 1, Kind::kName, offsetof(NetDef, name)},
    {Message::kNet, 2, Kind::kMessages, offsetof(NetDef, op), Message::kOperator,
     Limit::kOperators},
    {Message::kNet, 3, Kind::kMessages, offsetof(NetDef, tensors), Message::kConstTensor,
     Limit::kConstants},
    {Message::kNet, 4, Kind::kMessages, offsetof(NetDef, input_info), Message::kTensorInfo,
     Limit::kNetInputs},
    {Message::kNet, 5, Kind::kMessages, offsetof(NetDef, output_info), Message::kTensorInfo,
     Limit::kNetOutputs},
    {Message::kNet, 6, Kind::kMessages, offsetof(NetDef, arg), Message::kArgument,
     Limit::kNetArguments},
    {Message::kNet, 7, Kind::kInts32, offsetof(NetDef, checked_runtime)},
    {Message::kModel, 1, Kind::kWord, offsetof(Envelope, magic)},
    {Message::kModel, 2, Kind::kInt32, offsetof(Envelope, format_version)},
    {Message::kModel, 3, Kind::kName, offsetof(Envelope, producer)},
    {Message::kModel, 4, Kind::kLong, offsetof(Envelope, net_checksum)},
    {Message::kModel, 5, Kind::kView, offsetof(Envelope, net)},
    {Message::kModel, 6, Kind::kLong, offsetof(Envelope, data_size)},
    {Message::kModel, 7, Kind::kLong, offsetof(Envelope, data_checksum)},
    {Message::kModel, 8, Kind::kLong, offsetof(Envelope, net_scramble)},
};

// Where the fields of a message begin, and with the next message end.
struct FieldRanges {
  uint8_t begin[static_cast<size_t>(Message::kModel) + 2] = {};
  constexpr FieldRanges() {
    for (const Field &field : kFields) ++begin[static_cast<size_t>(field.message) + 1];
    for (size_t m = 1; m < std::size(begin); ++m) {
      begin[m] = static_cast<uint8_t>(begin[m] + begin[m - 1]);
    }
  }
};
constexpr FieldRanges kRanges;

// The wire type that a field of a kind is written as; lists of numbers may be kBytes too.
constexpr Wire WireOf(Kind kind) {
  switch (kind) {
    case Kind::kWord:
    case Kind::kFloats:
      return kFixed32;
    case Kind::kLong:
      return kFixed64;
    case Kind::kInt32:
    case Kind::kInt64:
    case Kind::kFormat:
    case Kind::kInts:
    case Kind::kSints:
    case Kind::kSints32:
    case Kind::kInts32:
    case Kind::kTypes:
      return kVarint;
    default:
      return kBytes;
  }
}

constexpr bool IsList(Kind kind) { return kind >= Kind::kFloats && kind <= Kind::kTypes; }

template <typename T>
T *Last(void *vector) {
  static_cast<std::vector<T> *>(vector)->emplace_back();
  return &static_cast<std::vector<T> *>(vector)->back();
}

// One more element of a vector of messages.
void *AddMessage(Message message, void *vector) {
  switch (message) {
    case Message::kArgument:
      return Last<Argument>(vector);
    case Message::kQuantizeInfo:
      return Last<QuantizeInfo>(vector);
    case Message::kConstTensor:
      return Last<ConstTensor>(vector);
    case Message::kOutputShape:
      return Last<std::vector<int64_t>>(vector);
    case Message::kOperator:
      return Last<OperatorDef>(vector);
    case Message::kTensorInfo:
      return Last<TensorInfo>(vector);
    default:
      return Last<NetDef>(vector);
  }
}

int64_t Unzigzag(uint64_t number) {
  return static_cast<int64_t>(number >> 1) ^ -static_cast<int64_t>(number & 1);
}

void AddNumber(Kind kind, uint64_t number, void *vector) {
  switch (kind) {
    case Kind::kFloats:
      std::memcpy(Last<float>(vector), &number, sizeof(float));
      break;
    case Kind::kInts:
      *Last<int64_t>(vector) = static_cast<int64_t>(number);
      break;
    case Kind::kSints:
      *Last<int64_t>(vector) = Unzigzag(number);
      break;
    case Kind::kSints32:
      *Last<int32_t>(vector) = static_cast<int32_t>(Unzigzag(static_cast<uint32_t>(number)));
      break;
    case Kind::kInts32:
      *Last<int32_t>(vector) = static_cast<int32_t>(number);
      break;
    default:
      *Last<DataType>(vector) = static_cast<DataType>(static_cast<int32_t>(number));
  }
}

// Reads one message after the other. All functions give false once something is wrong.
class Reader {
 public:
  bool Read(View bytes, Message message, int depth, void *target) {
    const char *at = bytes.data;
    const char *const end = at + bytes.size;
    while (at != end) {
      uint64_t tag = 0, number = 0;
      if (!Varint(&at, end, &tag)) return false;
      if (tag > UINT32_MAX || tag >> 3 == 0) return Damaged("there is no field 0");
      const Wire wire = static_cast<Wire>(tag & 7);
      View view;
      if (!Value(&at, end, wire, &number, &view)) return false;
      const size_t m = static_cast<size_t>(message);
      for (size_t f = kRanges.begin[m]; f < kRanges.begin[m + 1]; ++f) {
        const Field &field = kFields[f];
        if (field.number != tag >> 3) continue;
        void *member = static_cast<char *>(target) + field.offset;
        const bool packed = IsList(field.kind) && wire == kBytes;
        if (packed && !Packed(field.kind, view, member)) return false;
        if (packed || wire != WireOf(field.kind)) break;
        if (!Store(field, number, view, depth, member)) return false;
        break;
      }
    }
    return true;
  }

  const char *problem() const { return problem_; }
  bool is_limit() const { return is_limit_; }

 private:
  bool Damaged(const char *problem) {
    problem_ = problem;
    return false;
  }
  bool Exceeded(const char *limit) {
    is_limit_ = true;
    return Damaged(limit);
  }

  bool Varint(const char **at, const char *end, uint64_t *number) {
    *number = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      if (*at == end) return Damaged("it ends in the middle of a number");
      const uint64_t byte = static_cast<uint8_t>(*(*at)++);
      *number |= (byte & 0x7f) << shift;
      if (byte < 0x80) return true;
    }
    return Damaged("a number is too long");
  }

  // What follows a tag: a number, or bytes.
  bool Value(const char **at, const char *end, Wire wire, uint64_t *number, View *view) {
    if (wire == kVarint) return Varint(at, end, number);
    uint64_t size = wire == kFixed32 ? 4 : 8;
    if (wire == kBytes) {
      if (!Varint(at, end, &size)) return false;
    } else if (wire != kFixed32 && wire != kFixed64) {
      return Damaged("a field has an unknown type");
    }
    if (size > static_cast<size_t>(end - *at)) return Damaged("it ends in the middle of a field");
    view->data = *at;
    view->size = static_cast<size_t>(size);
    // Numbers are little-endian, as all machines that MACE runs on.
    if (wire != kBytes) std::memcpy(number, *at, view->size);
    *at += view->size;
    return true;
  }

  bool Packed(Kind kind, View view, void *vector) {
    const char *at = view.data;
    const char *const end = at + view.size;
    while (at != end) {
      uint64_t number = 0;
      View unused;
      if (!Value(&at, end, WireOf(kind), &number, &unused)) return false;
      AddNumber(kind, number, vector);
    }
    return true;
  }

  bool Name(View view, std::string *name) {
    if (view.size > kMaxNameBytes) return Exceeded("a name is longer than 4096 bytes");
    name->assign(view.data, view.size);
    return true;
  }

  bool Store(const Field &field, uint64_t number, View view, int depth, void *member) {
    const LimitText &limit = kLimits[static_cast<size_t>(field.limit)];
    switch (field.kind) {
      case Kind::kName:
        return Name(view, static_cast<std::string *>(member));
      case Kind::kText:
        static_cast<std::string *>(member)->assign(view.data, view.size);
        break;
      case Kind::kView:
        *static_cast<View *>(member) = view;
        break;
      case Kind::kWord:
      case Kind::kInt32:
        std::memcpy(member, &number, 4);
        break;
      case Kind::kLong:
      case Kind::kInt64:
        std::memcpy(member, &number, 8);
        break;
      case Kind::kFormat:
        // Numbers that name no format become 3, which the enumeration can hold and the verifier
        // refuses.
        *static_cast<DataFormat *>(member) =
            static_cast<DataFormat>(static_cast<uint32_t>(number) <= 3 ? number : 3);
        break;
      case Kind::kNames: {
        const std::vector<std::string> &names = *static_cast<std::vector<std::string> *>(member);
        if (names.size() >= limit.most) return Exceeded(limit.text);
        return Name(view, Last<std::string>(member));
      }
      case Kind::kMessages:
        if (Count(field.child, member) >= limit.most) return Exceeded(limit.text);
        if (field.child == Message::kNet && ++depth > static_cast<int>(kMaxSubgraphDepth)) {
          return Exceeded("subgraphs are nested over 8 deep");
        }
        return Read(view, field.child, depth, AddMessage(field.child, member));
      case Kind::kMessage:
        return Read(view, field.child, depth, member);
      default:
        AddNumber(field.kind, number, member);
    }
    return true;
  }

  static size_t Count(Message message, const void *vector) {
    switch (message) {
      case Message::kArgument:
        return static_cast<const std::vector<Argument> *>(vector)->size();
      case Message::kQuantizeInfo:
        return static_cast<const std::vector<QuantizeInfo> *>(vector)->size();
      case Message::kConstTensor:
        return static_cast<const std::vector<ConstTensor> *>(vector)->size();
      case Message::kOutputShape:
        return static_cast<const std::vector<std::vector<int64_t>> *>(vector)->size();
      case Message::kOperator:
        return static_cast<const std::vector<OperatorDef> *>(vector)->size();
      case Message::kTensorInfo:
        return static_cast<const std::vector<TensorInfo> *>(vector)->size();
      default:
        return static_cast<const std::vector<NetDef> *>(vector)->size();
    }
  }

  const char *problem_ = nullptr;
  bool is_limit_ = false;
};

MaceStatus ReadMessage(View bytes, Message message, void *target) {
  Reader reader;
  if (reader.Read(bytes, message, 0, target)) return MaceStatus::MACE_SUCCESS;
  if (reader.is_limit()) return InvalidArgs("model.pb exceeds a limit: ", reader.problem());
  return InvalidArgs("model.pb is damaged or no MACE model (", reader.problem(),
                     "); copy or convert the model again");
}

// The net before it was scrambled: see mace.proto. SplitMix64 is Steele, Lea and Flood, "Fast
// Splittable Pseudorandom Number Generators", OOPSLA 2014.
std::string Unscrambled(View net, uint64_t seed) {
  std::string bytes(net.data, net.size);
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
  // What is read takes a few times its bytes. Where memory for that is not to be had, it is said
  // before the process ends for want of it.
  void *memory = AllocateAligned(graph_size * 4);
  if (memory == nullptr) return OutOfResources("not enough memory to read model.pb");
  FreeAligned(memory);
  Envelope envelope;
  MACE_RETURN_IF_ERROR(
      ReadMessage({static_cast<const char *>(graph), graph_size}, Message::kModel, &envelope));
  if (envelope.magic != kModelMagic) {
    return InvalidArgs(
        "model.pb is not a MACE model: its magic number is missing; convert the "
        "original model with the converter");
  }
  if (envelope.format_version < kMinFormatVersion || envelope.format_version > kMaxFormatVersion) {
    return Unsupported("model.pb has format version ", envelope.format_version,
                       "; this build reads ", kMinFormatVersion, " to ", kMaxFormatVersion,
                       "; convert the original model with the converter of this build");
  }
  if (XxHash64(envelope.net.data, envelope.net.size) != envelope.net_checksum) {
    return InvalidArgs(
        "model.pb is damaged: the checksum of its graph differs; copy or convert "
        "the model again");
  }
  model->format_version = envelope.format_version;
  model->producer = envelope.producer;
  model->data_size = envelope.data_size;
  model->data_checksum = envelope.data_checksum;
  std::string unscrambled;
  if (envelope.net_scramble != 0) {
    unscrambled = Unscrambled(envelope.net, envelope.net_scramble);
    envelope.net = {unscrambled.data(), unscrambled.size()};
  }
  MACE_RETURN_IF_ERROR(ReadMessage(envelope.net, Message::kNet, &model->net));
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

}  // namespace mace
