// SPDX-License-Identifier: Apache-2.0
// Nets of one operator for tests. RunOp takes an operator through its whole life several times:
// with one thread and with three, in memory of its own and, where the operator allows it, written
// over its input; all must give the same. Inputs and outputs end at forbidden pages, memory starts
// as NaN, and what an operator said it does not read any more is taken away.
//
//   OpsTestNet net;
//   net.AddInput<float>("x", {1, 2}, {1, -2});
//   OpDefBuilder("Activation", "test").Input("x").Output("y").AddStringArg("activation", "RELU")
//       .Finalize(net.NewOperatorDef());
//   ASSERT_TRUE(Succeeds(net.RunOp()));
//   ExpectTensorNear<float>(net, "y", {1, 2}, {1, 0});
//
// or as a row of a table: OpCase and RunOpCase. MACE_ISA=<name> in the environment runs a test
// program on that instruction set, MACE_TEST_SEED=<n> on other random numbers.
#ifndef MACE_OPS_OPS_TEST_UTIL_H_
#define MACE_OPS_OPS_TEST_UTIL_H_

#include <cmath>
#include <cstdint>
#include <cstring>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "mace/core/model.h"
#include "mace/core/operator.h"
#include "mace/core/tensor.h"
#include "mace/public/mace.h"

namespace mace {
namespace ops {
namespace test {

// Elements with a shape, as bytes. Owns them.
struct TestTensor {
  DataType dtype = DT_INVALID;
  Shape shape;
  std::vector<uint8_t> bytes;
  bool is_const = false;

  template <typename T>
  std::vector<T> Values() const {
    std::vector<T> values(bytes.size() / sizeof(T));
    for (size_t i = 0; i < values.size(); ++i) {
      T value;
      memcpy(&value, bytes.data() + i * sizeof(T), sizeof(T));
      values[i] = value;
    }
    return values;
  }
};

// `values` has as many elements as `shape`, or one, which is then repeated.
template <typename T>
TestTensor MakeTensor(const Shape &shape, const std::vector<T> &values, bool is_const = false) {
  TestTensor tensor;
  tensor.dtype = DataTypeOf<T>::value;
  tensor.shape = shape;
  tensor.is_const = is_const;
  const size_t n = static_cast<size_t>(shape.elements());
  EXPECT_TRUE(values.size() == n || values.size() == 1)
      << values.size() << " values for shape " << shape.ToString();
  tensor.bytes.resize(n * sizeof(T));
  for (size_t i = 0; i < n && !values.empty(); ++i) {
    const T value = values[values.size() == 1 ? 0 : i];
    memcpy(tensor.bytes.data() + i * sizeof(T), &value, sizeof(T));
  }
  return tensor;
}

// The same as a constant of the model.
template <typename T>
TestTensor MakeConst(const Shape &shape, const std::vector<T> &values) {
  return MakeTensor<T>(shape, values, true);
}

// The values as binary16, each rounded to the nearest.
TestTensor Halves(const Shape &shape, const std::vector<float> &values);

// The numbers 0, 1, 2, ... in order.
template <typename T>
TestTensor MakeIota(const Shape &shape) {
  std::vector<T> values(static_cast<size_t>(shape.elements()));
  for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<T>(i);
  return MakeTensor<T>(shape, values);
}

// The seed of this run, printed once: MACE_TEST_SEED, or a fixed number.
uint32_t TestSeed();
// n numbers uniform in [low, high). `stream` tells the tensors of one test apart.
std::vector<float> RandomFloats(int64_t n, float low = -1, float high = 1, uint32_t stream = 0);
// n integers in [low, high].
std::vector<int64_t> RandomInts(int64_t n, int64_t low, int64_t high, uint32_t stream = 0);

// Fills an OperatorDef.
class OpDefBuilder {
 public:
  explicit OpDefBuilder(const std::string &type, const std::string &name = "test");
  // An empty name is an absent optional input.
  OpDefBuilder &Input(const std::string &name);
  OpDefBuilder &Output(const std::string &name);
  OpDefBuilder &AddIntArg(const std::string &name, int64_t value);
  OpDefBuilder &AddFloatArg(const std::string &name, float value);
  OpDefBuilder &AddStringArg(const std::string &name, const std::string &value);
  OpDefBuilder &AddIntsArg(const std::string &name, const std::vector<int64_t> &values);
  OpDefBuilder &AddFloatsArg(const std::string &name, const std::vector<float> &values);
  void Finalize(OperatorDef *def) const { *def = def_; }
  const OperatorDef &def() const { return def_; }

 private:
  OperatorDef def_;
};

class OpsTestNet {
 public:
  OpsTestNet() = default;

  void Add(const std::string &name, TestTensor tensor);
  template <typename T>
  void AddInput(const std::string &name, const Shape &shape, const std::vector<T> &values) {
    Add(name, MakeTensor<T>(shape, values));
  }
  template <typename T>
  void AddConst(const std::string &name, const Shape &shape, const std::vector<T> &values) {
    Add(name, MakeConst<T>(shape, values));
  }
  void AddRandomInput(const std::string &name, const Shape &shape, float low = -1, float high = 1);
  void AddRandomConst(const std::string &name, const Shape &shape, float low = -1, float high = 1);
  OperatorDef *NewOperatorDef() { return &def_; }

  // The operator's whole life, see above. The first status that is not a success, from any step;
  // a difference between the ways to run it is a test failure.
  MaceStatus RunOp();

  // Plans once and runs for as long as again() says so, which is asked before each run. Results are
  // thrown away.
  MaceStatus RepeatOp(int threads, const std::function<bool()> &again);

  // Inputs and, after a successful RunOp, outputs. A test failure and an empty tensor when there
  // is no such name.
  const TestTensor &Get(const std::string &name) const;
  template <typename T>
  std::vector<T> Values(const std::string &name) const {
    EXPECT_EQ(DataTypeOf<T>::value, Get(name).dtype) << name;
    return Get(name).Values<T>();
  }

  // Of the last RunOp.
  int64_t macs() const { return macs_; }
  size_t scratch_bytes() const { return scratch_bytes_; }
  size_t packed_bytes() const { return packed_bytes_; }

 private:
  friend class OpLife;
  struct Named {
    std::string name;
    TestTensor tensor;
  };
  OperatorDef def_;
  std::vector<Named> inputs_;
  std::vector<Named> outputs_;
  int64_t macs_ = 0;
  size_t scratch_bytes_ = 0;
  size_t packed_bytes_ = 0;
};

::testing::AssertionResult Succeeds(const MaceStatus &status);
// `part` occurs in the status' message.
::testing::AssertionResult Fails(const MaceStatus &status, MaceStatus::Code code,
                                 const std::string &part);

// |actual - expected| <= abs + rel * |expected|, element by element; NaN equals NaN, infinities
// must be equal. Integers and bools: equal. Types and shapes must be equal.
::testing::AssertionResult TensorNear(const TestTensor &actual, const TestTensor &expected,
                                      double rel = 1e-5, double abs = 1e-8);

template <typename T>
void ExpectTensorNear(const OpsTestNet &net, const std::string &name, const Shape &shape,
                      const std::vector<T> &expected, double rel = 1e-5, double abs = 1e-8) {
  EXPECT_TRUE(TensorNear(net.Get(name), MakeTensor<T>(shape, expected), rel, abs)) << name;
}

// A row of a table of cases. Inputs that `def` does not name are called input0, input1, ...,
// outputs output0, ... An input whose dtype is DT_INVALID is absent.
struct OpCase {
  std::string name;
  OpDefBuilder def;
  std::vector<TestTensor> inputs;
  std::vector<TestTensor> outputs{};  // expected
  double rel = 1e-5;
  double abs = 1e-8;
  // When not success: RunOp must fail with this code, and `message` occurs in its text.
  MaceStatus::Code code = MaceStatus::MACE_SUCCESS;
  std::string message{};
};

// A case that must be refused.
inline OpCase Refused(const std::string &name, const OpDefBuilder &def,
                      const std::vector<TestTensor> &inputs, MaceStatus::Code code,
                      const std::string &message) {
  OpCase op_case = {name, def, inputs, {}};
  op_case.code = code;
  op_case.message = message;
  return op_case;
}

void RunOpCase(const OpCase &op_case);
void RunOpCases(const std::vector<OpCase> &op_cases);

}  // namespace test
}  // namespace ops
}  // namespace mace

#endif  // MACE_OPS_OPS_TEST_UTIL_H_
