// SPDX-License-Identifier: Apache-2.0
// The reader reads every field that mace.proto has, packed or not, and refuses what is no model.
#include "mace/core/model_reader.h"

#include <fstream>
#include <functional>
#include <iterator>
#include <map>
#include <protozero/pbf_reader.hpp>
#include <protozero/pbf_writer.hpp>

#include "gtest/gtest.h"
#include "mace/base/hash.h"
#include "mace/core/model_builder.h"

namespace mace {
namespace {

using protozero::pbf_reader;
using protozero::pbf_writer;

// Field numbers by "Message.field", from the descriptor that protoc made of mace.proto.
std::map<std::string, uint32_t> FieldsOfTheFormat() {
  std::ifstream file("mace/proto/mace_desc.desc", std::ios::binary);
  const std::string bytes((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  EXPECT_FALSE(bytes.empty());
  std::map<std::string, uint32_t> fields;
  // google/protobuf/descriptor.proto: FileDescriptorSet.file = 1, FileDescriptorProto.message_type
  // = 4, DescriptorProto.name = 1, .field = 2, FieldDescriptorProto.name = 1, .number = 3.
  pbf_reader set(bytes);
  while (set.next(1)) {
    pbf_reader descriptor = set.get_message();
    while (descriptor.next(4)) {
      pbf_reader message = descriptor.get_message();
      std::string message_name;
      std::map<std::string, uint32_t> found;
      while (message.next()) {
        if (message.tag() == 1) {
          message_name = message.get_string();
        } else if (message.tag() == 2) {
          pbf_reader field = message.get_message();
          std::string name;
          uint32_t number = 0;
          while (field.next()) {
            if (field.tag() == 1) {
              name = field.get_string();
            } else if (field.tag() == 3) {
              number = static_cast<uint32_t>(field.get_int32());
            } else {
              field.skip();
            }
          }
          found[name] = number;
        } else {
          message.skip();
        }
      }
      for (const auto &[name, number] : found) fields[message_name + "." + name] = number;
    }
  }
  return fields;
}

std::string Write(const std::function<void(pbf_writer *)> &write) {
  std::string bytes;
  pbf_writer writer(bytes);
  write(&writer);
  return bytes;
}

NetDef ReadNet(const std::string &net) {
  const std::string bytes =
      SerializeModel(net, kModelMagic, 1, XxHash64(net.data(), net.size()), 0, 0);
  ModelDef model;
  const MaceStatus status = ReadModel(bytes.data(), bytes.size(), &model);
  EXPECT_TRUE(status.ok()) << status.information();
  return model.net;
}

// A field written by its number alone, as protobuf writes it, and whether the reader saw it.
struct FieldCase {
  std::function<void(pbf_writer *, uint32_t)> write;
  std::function<bool(const NetDef &)> seen;
};

// Writes a field of a message that lies at `path` in the net.
std::string Nested(const std::vector<uint32_t> &path, const std::string &message) {
  std::string bytes = message;
  for (size_t i = path.size(); i-- > 0;) {
    bytes = Write([&](pbf_writer *writer) { writer->add_message(path[i], bytes); });
  }
  return bytes;
}

template <typename T>
std::vector<T> Two() {
  return {T(3), T(5)};
}

#define FIELD(statement, condition)                                           \
  FieldCase {                                                                 \
    [](pbf_writer *w, uint32_t n) { statement; },                             \
        [](const NetDef &net) { return net.name.size() < 99 && (condition); } \
  }

const std::string kText = "text";
const std::vector<int64_t> kInts = {3, 5};
const std::vector<float> kFloats = {3, 5};
const std::vector<int32_t> kSmall = {3, 5};

std::map<std::string, std::pair<std::vector<uint32_t>, std::map<std::string, FieldCase>>> Cases() {
  return {
      {"Argument",
       {{6},
        {{"name", FIELD(w->add_string(n, kText), net.arg[0].name == kText)},
         {"f", FIELD(w->add_float(n, 1.5f), net.arg[0].f == 1.5f)},
         {"i", FIELD(w->add_int64(n, -7), net.arg[0].i == -7)},
         {"s", FIELD(w->add_bytes(n, kText), net.arg[0].s == kText)},
         {"floats", FIELD(w->add_packed_float(n, kFloats.begin(), kFloats.end()),
                          net.arg[0].floats == Two<float>())},
         {"ints", FIELD(w->add_packed_int64(n, kInts.begin(), kInts.end()),
                        net.arg[0].ints == Two<int64_t>())}}}},
      {"QuantizeInfo",
       {{3, 6},
        {{"scale", FIELD(w->add_packed_float(n, kFloats.begin(), kFloats.end()),
                         net.tensors[0].quantize_info.scale == Two<float>())},
         {"zero_point", FIELD(w->add_packed_sint32(n, kSmall.begin(), kSmall.end()),
                              net.tensors[0].quantize_info.zero_point == Two<int32_t>())},
         {"axis", FIELD(w->add_int32(n, 2), net.tensors[0].quantize_info.axis == 2)},
         {"minval", FIELD(w->add_float(n, -2), net.tensors[0].quantize_info.minval == -2)},
         {"maxval", FIELD(w->add_float(n, 2), net.tensors[0].quantize_info.maxval == 2)}}}},
      {"ConstTensor",
       {{3},
        {{"name", FIELD(w->add_string(n, kText), net.tensors[0].name == kText)},
         {"dims", FIELD(w->add_packed_int64(n, kInts.begin(), kInts.end()),
                        net.tensors[0].dims == Two<int64_t>())},
         {"data_type", FIELD(w->add_enum(n, 4), net.tensors[0].data_type == DT_INT32)},
         {"offset", FIELD(w->add_uint64(n, 128), net.tensors[0].offset == 128)},
         {"data_size", FIELD(w->add_uint64(n, 9), net.tensors[0].data_size == 9)},
         {"quantize_info", FIELD(w->add_message(n, std::string("\x18\x02")),
                                 net.tensors[0].quantize_info.axis == 2)},
         {"stored_type", FIELD(w->add_enum(n, 3), net.tensors[0].stored_type == DT_HALF)}}}},
      {"OutputShape",
       {{2, 7},
        {{"dims", FIELD(w->add_packed_sint64(n, kInts.begin(), kInts.end()),
                        net.op[0].output_shape[0] == Two<int64_t>())}}}},
      {"OperatorDef",
       {{2},
        {{"name", FIELD(w->add_string(n, kText), net.op[0].name == kText)},
         {"type", FIELD(w->add_string(n, kText), net.op[0].type == kText)},
         {"version", FIELD(w->add_uint32(n, 9), net.op[0].version == 9)},
         {"input", FIELD(w->add_string(n, kText), net.op[0].input[0] == kText)},
         {"output", FIELD(w->add_string(n, kText), net.op[0].output[0] == kText)},
         {"arg", FIELD(w->add_message(n, std::string("\x0a\x01x")), net.op[0].arg[0].name == "x")},
         {"output_shape",
          FIELD(w->add_message(n, std::string()), net.op[0].output_shape.size() == 1)},
         {"output_type", FIELD(w->add_packed_enum(n, kSmall.begin(), kSmall.end()),
                               net.op[0].output_type[1] == DT_BFLOAT16)},
         {"quantize_info",
          FIELD(w->add_message(n, std::string()), net.op[0].quantize_info.size() == 1)},
         {"subgraph",
          FIELD(w->add_message(n, std::string("\x0a\x01x")), net.op[0].subgraph[0].name == "x")}}}},
      {"TensorInfo",
       {{4},
        {{"name", FIELD(w->add_string(n, kText), net.input_info[0].name == kText)},
         {"dims", FIELD(w->add_packed_sint64(n, kInts.begin(), kInts.end()),
                        net.input_info[0].dims == Two<int64_t>())},
         {"data_type", FIELD(w->add_enum(n, 4), net.input_info[0].data_type == DT_INT32)},
         {"data_format", FIELD(w->add_enum(n, 2), net.input_info[0].data_format == NCHW)}}}},
      {"NetDef",
       {{},
        {{"name", FIELD(w->add_string(n, kText), net.name == kText)},
         {"op", FIELD(w->add_message(n, std::string()), net.op.size() == 1)},
         {"tensors", FIELD(w->add_message(n, std::string()), net.tensors.size() == 1)},
         {"input_info", FIELD(w->add_message(n, std::string()), net.input_info.size() == 1)},
         {"output_info", FIELD(w->add_message(n, std::string()), net.output_info.size() == 1)},
         {"arg", FIELD(w->add_message(n, std::string()), net.arg.size() == 1)},
         {"checked_runtime", FIELD(w->add_packed_enum(n, kSmall.begin(), kSmall.end()),
                                   net.checked_runtime == Two<int32_t>())}}}},
  };
}

TEST(ModelReader, EachFieldOfTheFormatIsRead) {
  const auto cases = Cases();
  for (const auto &[name, number] : FieldsOfTheFormat()) {
    const size_t dot = name.find('.');
    const std::string message = name.substr(0, dot), field = name.substr(dot + 1);
    if (message == "ModelDef") continue;  // the next test
    ASSERT_EQ(cases.count(message), 1u) << "the reader's test lacks message " << message;
    const auto &[path, fields] = cases.at(message);
    ASSERT_EQ(fields.count(field), 1u) << "the reader's test lacks field " << name;
    const FieldCase &field_case = fields.at(field);
    const uint32_t field_number = number;
    const std::string written =
        Write([&](pbf_writer *writer) { field_case.write(writer, field_number); });
    EXPECT_TRUE(field_case.seen(ReadNet(Nested(path, written)))) << name;
  }
}

TEST(ModelReader, Envelope) {
  const auto fields = FieldsOfTheFormat();
  const std::string net = SerializeNet(NetDef());
  const std::string bytes = Write([&](pbf_writer *writer) {
    writer->add_fixed32(fields.at("ModelDef.magic"), kModelMagic);
    writer->add_uint32(fields.at("ModelDef.format_version"), 1);
    writer->add_string(fields.at("ModelDef.producer"), "someone");
    writer->add_fixed64(fields.at("ModelDef.net_checksum"), XxHash64(net.data(), net.size()));
    writer->add_bytes(fields.at("ModelDef.net"), net);
    writer->add_fixed64(fields.at("ModelDef.data_size"), 77);
    writer->add_fixed64(fields.at("ModelDef.data_checksum"), 88);
    writer->add_string(1000, "a field of a later version");
  });
  ModelDef model;
  const MaceStatus status = ReadModel(bytes.data(), bytes.size(), &model);
  ASSERT_TRUE(status.ok()) << status.information();
  EXPECT_EQ(model.format_version, 1u);
  EXPECT_EQ(model.producer, "someone");
  EXPECT_EQ(model.data_size, 77u);
  EXPECT_EQ(model.data_checksum, 88u);
}

TEST(ModelReader, RepeatedNumbersNeedNotBePacked) {
  const auto fields = FieldsOfTheFormat();
  const std::string arg = Write([&](pbf_writer *writer) {
    writer->add_int64(fields.at("Argument.ints"), 3);
    writer->add_int64(fields.at("Argument.ints"), 5);
    writer->add_float(fields.at("Argument.floats"), 3);
    writer->add_float(fields.at("Argument.floats"), 5);
  });
  const NetDef net = ReadNet(Nested({fields.at("NetDef.arg")}, arg));
  EXPECT_EQ(net.arg[0].ints, Two<int64_t>());
  EXPECT_EQ(net.arg[0].floats, Two<float>());
}

std::string Message(const std::string &bytes) {
  ModelDef model;
  return ReadModel(bytes.data(), bytes.size(), &model).information();
}

testing::AssertionResult Says(const std::string &text, const std::string &part) {
  if (text.find(part) != std::string::npos) return testing::AssertionSuccess();
  return testing::AssertionFailure() << text;
}

TEST(ModelReader, HalvesOfTheFirstVersionAreStoredFloats) {
  NetDef net;
  net.tensors.resize(1);
  net.tensors[0].data_type = DT_HALF;
  const std::string bytes = SerializeNet(net);
  for (uint32_t version : {1u, 2u}) {
    const std::string file =
        SerializeModel(bytes, kModelMagic, version, XxHash64(bytes.data(), bytes.size()), 0, 0);
    ModelDef model;
    ASSERT_TRUE(ReadModel(file.data(), file.size(), &model).ok());
    EXPECT_EQ(model.net.tensors[0].data_type, version == 1 ? DT_FLOAT : DT_HALF);
    EXPECT_EQ(model.net.tensors[0].stored_type, version == 1 ? DT_HALF : DT_INVALID);
  }
}

TEST(ModelReader, ScrambledNets) {
  NetDef net;
  net.name = "a name of 21 letters.";
  std::string bytes = SerializeNet(net);
  // The sequence of SplitMix64 from the seed 1234567, as Java's SplittableRandom gives it.
  const uint64_t words[] = {6457827717110365317u, 3203168211198807973u, 9817491932198370423u};
  for (size_t i = 0; i < bytes.size(); ++i) {
    bytes[i] = static_cast<char>(bytes[i] ^ (words[i / 8] >> (8 * (i % 8))));
  }
  ASSERT_EQ(bytes.find("name"), std::string::npos);
  std::string file =
      SerializeModel(bytes, kModelMagic, 3, XxHash64(bytes.data(), bytes.size()), 0, 0);
  file += Write([](pbf_writer *writer) {
    writer->add_fixed64(FieldsOfTheFormat().at("ModelDef.net_scramble"), 1234567);
  });
  ModelDef model;
  const MaceStatus status = ReadModel(file.data(), file.size(), &model);
  ASSERT_TRUE(status.ok()) << status.information();
  EXPECT_EQ(model.net.name, net.name);
}

TEST(ModelReader, SubgraphsAreNestedToALimit) {
  for (int depth : {8, 9}) {
    NetDef net;
    for (int i = 0; i < depth; ++i) {
      NetDef outer;
      outer.op.resize(1);
      outer.op[0].subgraph.push_back(net);
      net = outer;
    }
    const std::string bytes = SerializeNet(net);
    const std::string message =
        Message(SerializeModel(bytes, kModelMagic, 2, XxHash64(bytes.data(), bytes.size()), 0, 0));
    EXPECT_EQ(message.find("nested over 8 deep") != std::string::npos, depth > 8) << message;
  }
}

TEST(ModelReader, Refusals) {
  const std::string net = SerializeNet(NetDef());
  const uint64_t checksum = XxHash64(net.data(), net.size());
  EXPECT_TRUE(Says(Message(""), "empty"));
  EXPECT_TRUE(Says(Message(std::string(100, '\xff')), "damaged or no MACE model"));
  EXPECT_TRUE(Says(Message(SerializeModel(net, 1, 1, checksum, 0, 0)), "magic"));
  EXPECT_TRUE(Says(Message(SerializeModel(net, kModelMagic, 0, checksum, 0, 0)), "version 0"));
  EXPECT_TRUE(Says(Message(SerializeModel(net, kModelMagic, 4, checksum, 0, 0)),
                   "MACE_UNSUPPORTED: model.pb has format version 4"));
  EXPECT_TRUE(Says(Message(SerializeModel(net, kModelMagic, 1, checksum + 1, 0, 0)),
                   "checksum of its graph differs"));
}

TEST(ModelReader, Limits) {
  const auto refuse = [](const NetDef &net) {
    const std::string bytes = SerializeNet(net);
    return Message(
        SerializeModel(bytes, kModelMagic, 1, XxHash64(bytes.data(), bytes.size()), 0, 0));
  };
  NetDef net;
  net.name = std::string(kMaxNameBytes + 1, 'x');
  EXPECT_TRUE(Says(refuse(net), "name is longer"));
  net.name = "";
  net.arg.resize(kMaxArguments + 1);
  EXPECT_TRUE(Says(refuse(net), "more than 256 arguments"));
  net.arg.clear();
  net.op.resize(1);
  net.op[0].input.resize(kMaxOperatorTensors + 1);
  EXPECT_TRUE(Says(refuse(net), "more than 4096 inputs"));
  net.op[0].input.clear();
  net.op.resize(kMaxOperators + 1);
  EXPECT_TRUE(Says(refuse(net), "more than 65536 operators"));
}

}  // namespace
}  // namespace mace
