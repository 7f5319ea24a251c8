// SPDX-License-Identifier: Apache-2.0
// What ops.yml promises is what is registered, no less and no more.
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <utility>

#include "mace/core/op_registry.h"
#include "mace/core/op_schema.h"
#include "mace/ops/op_types_table.h"

namespace mace {
namespace ops {
namespace {

constexpr DataType kTypes[] = {DT_FLOAT,  DT_UINT8,  DT_HALF,  DT_INT32,  DT_BFLOAT16,
                               DT_INT8,   DT_INT64,  DT_BOOL,  DT_DOUBLE, DT_INT16,
                               DT_UINT16, DT_UINT32, DT_UINT64};

TEST(OpsRegistryTest, HoldsExactlyWhatIsPromised) {
  const OpRegistry registry;
  std::set<std::pair<std::string, DataType>> promised;
  for (const OpType &type : kOpTypes) promised.emplace(type.op, type.dtype);
  for (int i = 0; i < kOpSchemaCount; ++i) {
    const std::string op = kOpSchemas[i].name;
    for (DataType dtype : kTypes) {
      EXPECT_EQ(promised.count({op, dtype}) == 1, registry.Supports(op, DeviceType::CPU, dtype))
          << op << " for " << DataTypeName(dtype);
    }
  }
}

TEST(OpsRegistryTest, SchemasAreSortedByName) {
  for (int i = 1; i < kOpSchemaCount; ++i) {
    EXPECT_LT(std::string(kOpSchemas[i - 1].name), kOpSchemas[i].name);
  }
}

}  // namespace
}  // namespace ops
}  // namespace mace
