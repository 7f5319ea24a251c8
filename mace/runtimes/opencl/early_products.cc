// SPDX-License-Identifier: Apache-2.0
// See early_products.h.
#include "mace/runtimes/opencl/early_products.h"

#include <algorithm>
#include <map>

namespace mace {
namespace opencl {

namespace {

// With eight, models of the zoo are no nearer to their frameworks; six already keep a fifth to a
// quarter of their multiplications from being faster.
constexpr int kEarly = 6;

bool IsProduct(const std::string &type) {
  return type == "Conv2D" || type == "DepthwiseConv2d" || type == "Deconv2D" ||
         type == "DepthwiseDeconv2d" || type == "FullyConnected" || type == "MatMul" ||
         type == "LSTM";
}

}  // namespace

std::vector<std::string> EarlyProducts(const NetDef &net) {
  std::vector<std::string> early;
  std::map<std::string, int> depths;  // products on the longest way to a tensor; absent: 0
  for (const OperatorDef &op : net.op) {
    int depth = 0;
    for (const std::string &input : op.input) {
      const auto found = depths.find(input);
      if (found != depths.end()) depth = std::max(depth, found->second);
    }
    if (IsProduct(op.type)) {
      if (depth < kEarly && !op.output.empty()) early.push_back(op.output[0]);
      ++depth;
    }
    for (const std::string &output : op.output) depths[output] = depth;
  }
  std::sort(early.begin(), early.end());
  return early;
}

}  // namespace opencl
}  // namespace mace
