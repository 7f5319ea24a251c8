// SPDX-License-Identifier: Apache-2.0
// How elements of any type are ordered and combined.
#include "mace/ops/indexing.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <vector>

namespace mace {
namespace ops {
namespace {

template <typename T>
int64_t KeyOf(T value) {
  uint8_t bytes[sizeof(T)];
  std::memcpy(bytes, &value, sizeof(T));
  return SortKey(DataTypeOf<T>::value, bytes);
}

template <typename T>
void ExpectAscending(const std::vector<T> &values) {
  for (size_t i = 1; i < values.size(); ++i) {
    EXPECT_LT(KeyOf(values[i - 1]), KeyOf(values[i])) << "element " << i;
  }
}

template <typename T>
T CombineOne(Combination how, T a, T b) {
  Combine(how, DataTypeOf<T>::value, reinterpret_cast<uint8_t *>(&a),
          reinterpret_cast<const uint8_t *>(&b), 1);
  return a;
}

TEST(IndexingTest, KeysAreOrderedAsValues) {
  constexpr float kInf = std::numeric_limits<float>::infinity();
  ExpectAscending<float>({-kInf, -3e38f, -1, -1e-40f, 0, 1e-40f, 1, 1.0000001f, kInf, NAN});
  ExpectAscending<double>({-HUGE_VAL, -1e300, -1, 0, 5e-324, 1, HUGE_VAL, NAN});
  ExpectAscending<int32_t>({INT32_MIN, -1, 0, 1, INT32_MAX});
  ExpectAscending<int64_t>({INT64_MIN, -1, 0, 1, INT64_MAX});
  ExpectAscending<int8_t>({-128, -1, 0, 127});
  ExpectAscending<uint8_t>({0, 127, 128, 255});
  ExpectAscending<int16_t>({-32768, -1, 0, 32767});
  ExpectAscending<uint16_t>({0, 32768, 65535});
  ExpectAscending<uint32_t>({0, 1u << 31, UINT32_MAX});
  ExpectAscending<uint64_t>({0, uint64_t{1} << 63, UINT64_MAX});
  EXPECT_EQ(KeyOf(0.0f), KeyOf(-0.0f));
  EXPECT_EQ(KeyOf(std::nanf("")), KeyOf(-std::nanf("")));
}

TEST(IndexingTest, Combines) {
  EXPECT_EQ(CombineOne<float>(Combination::kAdd, 1, 2.5f), 3.5f);
  EXPECT_EQ(CombineOne<float>(Combination::kMul, 3, -2), -6);
  EXPECT_EQ(CombineOne<double>(Combination::kMax, 3, 4), 4);
  EXPECT_TRUE(std::isnan(CombineOne<float>(Combination::kMin, NAN, 1)));
  EXPECT_TRUE(std::isnan(CombineOne<float>(Combination::kMax, 1, NAN)));
  EXPECT_EQ(CombineOne<int8_t>(Combination::kAdd, 127, 1), -128);
  EXPECT_EQ(CombineOne<uint8_t>(Combination::kMul, 16, 17), 16);
  EXPECT_EQ(CombineOne<int16_t>(Combination::kMin, -2, 1), -2);
  EXPECT_EQ(CombineOne<uint32_t>(Combination::kMax, 1, UINT32_MAX), UINT32_MAX);
  EXPECT_EQ(CombineOne<int64_t>(Combination::kAdd, INT64_MAX, 1), INT64_MIN);
  EXPECT_EQ(CombineOne<uint64_t>(Combination::kMin, UINT64_MAX, 5), 5u);
  EXPECT_EQ(CombineOne<int32_t>(Combination::kNone, 1, 2), 2);
}

}  // namespace
}  // namespace ops
}  // namespace mace
