// SPDX-License-Identifier: Apache-2.0
// Every byte of small models damaged: cut off, each bit flipped, with checksums as they were and
// made to fit again. Always a status with a sentence, or success.
#include "gtest/gtest.h"
#include "mace/core/model_builder.h"
#include "mace/core/model_reader.h"
#include "test/api/models.h"
#include "test/fuzz/hostile.h"

namespace mace {
namespace test {
namespace {

#ifdef __x86_64__
constexpr size_t kStride = 1;
#else
constexpr size_t kStride = 11;  // other machines are emulated
#endif

// A model with shape arithmetic, integers, several inputs, statistics of quantization.
ModelBuilder ShapesModel() {
  ModelBuilder builder;
  builder.Input("input", {-1, 4, 6})
      .Input("index", {2}, DT_INT32)
      .Output("output", {-1, -1})
      .Output("taken", {2, 6})
      .Constant<int32_t>("minus_one", {1}, {-1})
      .Constant<int64_t>("starts", {2}, {0, 1})
      .Constant<int64_t>("ends", {2}, {4, 100})
      .Constant<int64_t>("axes", {2}, {1, 2})
      .Constant<float>("table", {5, 6}, Numbers(30))
      .Op("Slice", "slice", {"input", "starts", "ends", "axes"}, {"sliced"})
      .Op("Transpose", "transpose", {"sliced"}, {"turned"}, {IntsArg("dims", {0, 2, 1})})
      .Op("Shape", "shape", {"input"}, {"batch"}, {IntArg("start", 0), IntArg("end", 1)})
      .Op("Concat", "concat", {"batch", "minus_one"}, {"wanted"}, {IntArg("axis", 0)})
      .Op("Reshape", "reshape", {"turned", "wanted"}, {"flat"})
      .Op("Eltwise", "mul", {"flat", "flat"}, {"squares"}, {StringArg("type", "PROD")})
      .Op("Reduce", "mean", {"squares"}, {"output"},
          {StringArg("reduce_type", "MEAN"), IntsArg("axis", {1}), IntArg("keepdims", 1)})
      .Op("Gather", "gather", {"table", "index"}, {"taken"}, {IntArg("axis", 0)});
  builder.net()->op[5].quantize_info.push_back({{0.5f}, {3}, 0, -1, 1});
  builder.net()->arg.push_back(IntArg("winograd", 4));
  builder.net()->checked_runtime = {0};
  return builder;
}

struct Subject {
  std::string net, data, graph;
};

// The net within an envelope: what the reader makes of it, written again.
std::string NetOf(const std::string &graph) {
  ModelDef model;
  const MaceStatus status = ReadModel(graph.data(), graph.size(), &model);
  EXPECT_TRUE(status.ok()) << status.information();
  return SerializeNet(model.net);
}

std::vector<Subject> Subjects() {
  std::vector<Subject> subjects;
  const ModelFiles shapes = ShapesModel().Build();
  subjects.push_back({SerializeNet(*ShapesModel().net()), shapes.data_string(), shapes.graph});
  const ModelFiles small = SmallNet();
  subjects.push_back({NetOf(small.graph), small.data_string(), small.graph});
  return subjects;
}

void ExpectSentence(const Outcome &outcome, const std::string &what) {
  if (outcome.status.ok()) return;
  ASSERT_GT(outcome.status.message().size(), 10u) << what << ": " << outcome.status.information();
}

TEST(Damage, TheModelsAreGood) {
  for (const Subject &subject : Subjects()) {
    const Outcome outcome = Execute(subject.graph, subject.data);
    EXPECT_TRUE(outcome.status.ok()) << outcome.status.information();
    EXPECT_TRUE(outcome.finite);
  }
}

TEST(Damage, GraphCutOff) {
  for (const Subject &subject : Subjects()) {
    for (size_t size = 0; size < subject.graph.size(); size += kStride) {
      const Outcome outcome = Execute(subject.graph.substr(0, size), subject.data);
      ASSERT_FALSE(outcome.status.ok()) << size;
      ExpectSentence(outcome, std::to_string(size));
    }
  }
}

TEST(Damage, GraphBitsFlipped) {
  for (const Subject &subject : Subjects()) {
    for (size_t bit = 0; bit < subject.graph.size() * 8; bit += kStride) {
      std::string graph = subject.graph;
      graph[bit / 8] = static_cast<char>(graph[bit / 8] ^ (1 << (bit % 8)));
      const Outcome outcome = Execute(graph, subject.data);
      ExpectSentence(outcome, std::to_string(bit));
      // Flips that the checksums do not cover (the producer's name) change nothing else.
      ASSERT_TRUE(outcome.finite) << bit;
    }
  }
}

TEST(Damage, DataCutOffOrFlipped) {
  for (const Subject &subject : Subjects()) {
    for (size_t size = 0; size < subject.data.size(); size += 13) {
      ASSERT_FALSE(Execute(subject.graph, subject.data.substr(0, size)).status.ok()) << size;
    }
    for (size_t byte = 0; byte < subject.data.size(); byte += 3 * kStride) {
      std::string data = subject.data;
      data[byte] = static_cast<char>(data[byte] ^ (1 << (byte % 8)));
      const Outcome outcome = Execute(subject.graph, data);
      ASSERT_TRUE(Fails(outcome.status, MaceStatus::MACE_INVALID_ARGS, "model.data is damaged"));
    }
  }
}

// Checksums that fit again let the damage through to all the checks behind.
TEST(Damage, NetBitsFlippedAndSealedAgain) {
  for (const Subject &subject : Subjects()) {
    int succeeded = 0;
    for (size_t bit = 0; bit < subject.net.size() * 8; bit += kStride) {
      std::string net = subject.net;
      net[bit / 8] = static_cast<char>(net[bit / 8] ^ (1 << (bit % 8)));
      const Outcome outcome = Execute(Seal(net, subject.data), subject.data);
      ExpectSentence(outcome, std::to_string(bit));
      succeeded += outcome.status.ok();
    }
    EXPECT_GT(succeeded, 0);
  }
}

TEST(Damage, NetCutOffAndSealedAgain) {
  for (const Subject &subject : Subjects()) {
    for (size_t size = 0; size < subject.net.size(); size += kStride) {
      ExpectSentence(Execute(Seal(subject.net.substr(0, size), subject.data), subject.data),
                     std::to_string(size));
    }
  }
}

TEST(Damage, NetBytesReplacedAndSealedAgain) {
  for (const Subject &subject : Subjects()) {
    for (size_t byte = 0; byte < subject.net.size(); byte += kStride) {
      for (int value : {0x00, 0x01, 0x7f, 0x80, 0xff}) {
        std::string net = subject.net;
        net[byte] = static_cast<char>(value);
        ExpectSentence(Execute(Seal(net, subject.data), subject.data), std::to_string(byte));
      }
    }
  }
}

TEST(Damage, DataFlippedAndSealedAgain) {
  for (const Subject &subject : Subjects()) {
    for (size_t bit = 0; bit < subject.data.size() * 8; bit += kStride) {
      std::string data = subject.data;
      data[bit / 8] = static_cast<char>(data[bit / 8] ^ (1 << (bit % 8)));
      ExpectSentence(Execute(Seal(subject.net, data), data), std::to_string(bit));
    }
  }
}

}  // namespace
}  // namespace test
}  // namespace mace
