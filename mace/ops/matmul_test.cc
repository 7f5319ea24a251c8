// SPDX-License-Identifier: Apache-2.0
// MatMul with every mix of transposition, broadcasting, vectors and constants.
#include <gtest/gtest.h>

#include "mace/ops/ops_test_util.h"

namespace mace {
namespace ops {
namespace test {
namespace {

OpDefBuilder MatMul(bool transpose_a = false, bool transpose_b = false) {
  return OpDefBuilder("MatMul")
      .AddIntArg("transpose_a", transpose_a)
      .AddIntArg("transpose_b", transpose_b);
}

TEST(MatMulTest, Cases) {
  const TestTensor a = MakeTensor<float>({2, 3}, {1, 2, 3, 4, 5, 6});
  const std::vector<float> b = {1, 0, 0, 1, 1, 1};  // [3, 2]
  RunOpCases({
      {"computed b",
       MatMul(),
       {a, MakeTensor<float>({3, 2}, b)},
       {MakeTensor<float>({2, 2}, {4, 5, 10, 11})}},
      {"constant b",
       MatMul(),
       {a, MakeConst<float>({3, 2}, b)},
       {MakeTensor<float>({2, 2}, {4, 5, 10, 11})}},
      {"b transposed",
       MatMul(false, true),
       {a, MakeTensor<float>({2, 3}, {1, 0, 1, 0, 1, 1})},
       {MakeTensor<float>({2, 2}, {4, 5, 10, 11})}},
      {"a transposed",
       MatMul(true, false),
       {MakeTensor<float>({3, 2}, {1, 4, 2, 5, 3, 6}), MakeConst<float>({3, 2}, b)},
       {MakeTensor<float>({2, 2}, {4, 5, 10, 11})}},
      {"both transposed",
       MatMul(true, true),
       {MakeTensor<float>({3, 2}, {1, 4, 2, 5, 3, 6}),
        MakeConst<float>({2, 3}, {1, 0, 1, 0, 1, 1})},
       {MakeTensor<float>({2, 2}, {4, 5, 10, 11})}},
      {"vector times matrix",
       MatMul(),
       {MakeTensor<float>({3}, {1, 2, 3}), MakeTensor<float>({3, 2}, b)},
       {MakeTensor<float>({2}, {4, 5})}},
      {"matrix times vector",
       MatMul(),
       {a, MakeTensor<float>({3}, {1, 1, 0})},
       {MakeTensor<float>({2}, {3, 9})}},
      {"vector times vector",
       MatMul(),
       {MakeTensor<float>({3}, {1, 2, 3}), MakeTensor<float>({3}, {1, 1, 1})},
       {MakeTensor<float>({}, {6})}},
      {"batch with one b",
       MatMul(),
       {MakeTensor<float>({2, 1, 2}, {1, 2, 3, 4}), MakeTensor<float>({2, 1}, {1, 10})},
       {MakeTensor<float>({2, 1, 1}, {21, 43})}},
      {"a b for each",
       MatMul(),
       {MakeTensor<float>({2, 1, 2}, {1, 2, 3, 4}),
        MakeConst<float>({2, 2, 1}, {1, 10, 100, 1000})},
       {MakeTensor<float>({2, 1, 1}, {21, 4300})}},
      {"one a, many b",
       MatMul(),
       {MakeTensor<float>({1, 2}, {1, 2}), MakeTensor<float>({2, 2, 1}, {1, 10, 100, 1000})},
       {MakeTensor<float>({2, 1, 1}, {21, 2100})}},
      {"broadcast both ways",
       MatMul(),
       {MakeTensor<float>({2, 1, 1, 1}, {1, 2}), MakeTensor<float>({3, 1, 1}, {1, 10, 100})},
       {MakeTensor<float>({2, 3, 1, 1}, {1, 10, 100, 2, 20, 200})}},
      {"a transposed in a batch",
       MatMul(true, false),
       {MakeTensor<float>({2, 2, 2}, {1, 2, 3, 4, 5, 6, 7, 8}), MakeTensor<float>({2, 1}, {1, 10})},
       {MakeTensor<float>({2, 2, 1}, {31, 42, 75, 86})}},
      {"nothing to sum",
       MatMul(),
       {MakeTensor<float>({2, 0}, {}), MakeTensor<float>({0, 3}, {})},
       {MakeTensor<float>({2, 3}, {0})}},
      {"no rows",
       MatMul(),
       {MakeTensor<float>({0, 2}, {}), MakeConst<float>({2, 3}, {1})},
       {MakeTensor<float>({0, 3}, {})}},
  });
}

TEST(MatMulTest, Refusals) {
  const TestTensor a = MakeTensor<float>({2, 3}, {1});
  const MaceStatus::Code invalid = MaceStatus::MACE_INVALID_ARGS;
  RunOpCases({
      Refused("depth", MatMul(), {a, MakeTensor<float>({2, 3}, {1})}, invalid,
              "has 3 columns, but b [2, 3] has 2 rows"),
      Refused("depth, transposed", MatMul(true, false), {a, MakeTensor<float>({3, 3}, {1})},
              invalid, "a [2, 3] transposed has 2 columns"),
      Refused("batches", MatMul(),
              {MakeTensor<float>({2, 1, 1}, {1}), MakeTensor<float>({3, 1, 1}, {1})}, invalid,
              "cannot be broadcast: 2 and 3"),
      Refused("scalar", MatMul(), {a, MakeTensor<float>({}, {1})}, invalid, "b is a scalar"),
      Refused("type", MatMul(), {a, MakeConst<int32_t>({3, 2}, {1})}, MaceStatus::MACE_UNSUPPORTED,
              "int32"),
  });
}

TEST(MatMulTest, SizesAroundTiles) {
  uint32_t stream = 300;
  for (int64_t m : {1, 15, 40}) {
    for (int64_t n : {1, 33, 70}) {
      for (int64_t k : {1, 50}) {
        for (bool transposed : {false, true}) {
          const int64_t batch = 1 + n % 3;
          const std::vector<float> x = RandomFloats(batch * m * k, -1, 1, ++stream);
          const std::vector<float> w = RandomFloats(batch * k * n, -1, 1, ++stream);
          std::vector<float> y(batch * m * n);
          for (int64_t i = 0; i < batch * m * n; ++i) {
            const int64_t b = i / (m * n), row = i / n % m, column = i % n;
            double sum = 0;
            for (int64_t l = 0; l < k; ++l) {
              const int64_t at_a = transposed ? l * m + row : row * k + l;
              const int64_t at_b = transposed ? column * k + l : l * n + column;
              sum += static_cast<double>(x[b * m * k + at_a]) * w[b * k * n + at_b];
            }
            y[i] = static_cast<float>(sum);
          }
          OpCase c = {
              MakeString(batch, "x", m, "x", k, "x", n),
              MatMul(transposed, transposed),
              {MakeTensor<float>(transposed ? Shape{batch, k, m} : Shape{batch, m, k}, x),
               MakeTensor<float>(transposed ? Shape{batch, n, k} : Shape{batch, k, n}, w, m == 15)},
              {MakeTensor<float>({batch, m, n}, y)}};
          c.rel = 0;
          c.abs = 5e-6;
          RunOpCase(c);
        }
      }
    }
  }
}

template <typename T>
void CheckWide(const Shape &a_batch, const Shape &b_batch, const Shape &batch, bool transposed) {
  const int64_t m = 7, k = 5, n = 300;
  const auto with = [](Shape shape, int64_t rows, int64_t columns) {
    shape.push_back(rows);
    shape.push_back(columns);
    return shape;
  };
  std::vector<T> x, w, y;
  for (int64_t v : RandomInts(a_batch.elements() * m * k, -9, 9, 1)) x.push_back(static_cast<T>(v));
  for (int64_t v : RandomInts(b_batch.elements() * k * n, -9, 9, 2)) w.push_back(static_cast<T>(v));
  for (int64_t i = 0; i < batch.elements() * m * n; ++i) {
    const int64_t product = i / (m * n), row = i / n % m, column = i % n;
    const int64_t in_a = a_batch.elements() == 1 ? 0 : product;
    const int64_t in_b = b_batch.elements() == 1 ? 0 : product;
    T sum = 0;
    for (int64_t l = 0; l < k; ++l) {
      const int64_t at_a = in_a * m * k + (transposed ? l * m + row : row * k + l);
      const int64_t at_b = in_b * k * n + (transposed ? column * k + l : l * n + column);
      sum += static_cast<T>(x[static_cast<size_t>(at_a)] * w[static_cast<size_t>(at_b)]);
    }
    y.push_back(sum);
  }
  RunOpCase({MakeString(DataTypeName(DataTypeOf<T>::value), batch.ToString(), transposed),
             MatMul(transposed, transposed),
             {MakeTensor<T>(with(a_batch, transposed ? k : m, transposed ? m : k), x),
              MakeTensor<T>(with(b_batch, transposed ? n : k, transposed ? k : n), w)},
             {MakeTensor<T>(with(batch, m, n), y)}});
}

TEST(MatMulTest, OtherTypes) {
  for (bool transposed : {false, true}) {
    CheckWide<double>({}, {}, {}, transposed);
    CheckWide<int32_t>({3}, {1}, {3}, transposed);
    CheckWide<int64_t>({}, {2, 2}, {2, 2}, transposed);
    CheckWide<uint32_t>({2}, {2}, {2}, transposed);
    CheckWide<uint64_t>({1, 1}, {4}, {1, 4}, transposed);
  }
  const auto one = [](const Shape &a, const Shape &b, const Shape &out, int32_t value) {
    RunOpCase({a.ToString() + b.ToString(),
               MatMul(),
               {MakeTensor<int32_t>(a, {2}), MakeTensor<int32_t>(b, {3})},
               {MakeTensor<int32_t>(out, {value})}});
  };
  one({4}, {4}, {}, 24);
  one({4}, {2, 4, 3}, {2, 3}, 24);
  one({2, 3, 4}, {4}, {2, 3}, 24);
  one({2, 0}, {0, 3}, {2, 3}, 0);
  one({0, 2}, {2, 3}, {0, 3}, 0);
  RunOpCase(Refused("types", MatMul(),
                    {MakeTensor<int32_t>({2, 2}, {1}), MakeTensor<int64_t>({2, 2}, {1})},
                    MaceStatus::MACE_INVALID_ARGS, "a is int32, but b is int64"));
}

}  // namespace
}  // namespace test
}  // namespace ops
}  // namespace mace
