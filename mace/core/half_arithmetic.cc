// SPDX-License-Identifier: Apache-2.0
// Which operators of a model compute in binary16.
#include "mace/core/half_arithmetic.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace mace {

namespace {

constexpr const char kSetting[] = "cpu_data_type";
constexpr int64_t kLanes = 8;  // of a vector of binary16

// Operators that give out elements of their first input (Concat: of all inputs) as they are.
constexpr const char *kMovers[] = {"ChannelShuffle", "Concat",  "Flatten",   "Identity", "Reshape",
                                   "Split",          "Squeeze", "Transpose", "Unsqueeze"};

const Argument *FindArgument(const OperatorDef &op, const char *name) {
  for (const Argument &argument : op.arg) {
    if (argument.name == name) return &argument;
  }
  return nullptr;
}

// Whether the operator's activation is the identity.
bool IsPlain(const OperatorDef &op) {
  const Argument *activation = FindArgument(op, "activation");
  return activation == nullptr || activation->s == "NOOP";
}

class HalfRewriter {
 public:
  HalfRewriter(const OpRegistryBase &registry, NetDef *net) : registry_(registry), net_(net) {
    for (const ConstTensor &tensor : net->tensors) {
      names_.insert(tensor.name);
      shapes_[tensor.name] = tensor.dims;
      constants_.insert(tensor.name);
    }
    for (const TensorInfo &input : net->input_info) {
      names_.insert(input.name);
      shapes_[input.name] = input.dims;
    }
    for (const TensorInfo &output : net->output_info) ++uses_[output.name];
    for (const OperatorDef &op : net->op) {
      for (const std::string &input : op.input) ++uses_[input];
      for (size_t o = 0; o < op.output.size(); ++o) {
        names_.insert(op.output[o]);
        if (o < op.output_shape.size()) shapes_[op.output[o]] = op.output_shape[o];
      }
      op_names_.insert(op.name);
    }
  }

  void Run() {
    for (OperatorDef &op : net_->op) {
      if (IsPixelProduct(op)) MakeConvolution(&op);
      if (TakesHalf(op)) {
        Halve(std::move(op));
        continue;
      }
      for (const std::string &input : op.input) MakeFloat(input);
      ops_.push_back(std::move(op));
    }
    for (const TensorInfo &output : net_->output_info) MakeFloat(output.name);
    net_->op = std::move(ops_);
  }

 private:
  // The dimensions of a tensor; null when they are not known or not of this rank.
  const std::vector<int64_t> *ShapeOf(const std::string &tensor, size_t rank) const {
    const auto found = shapes_.find(tensor);
    return found == shapes_.end() || found->second.size() != rank ? nullptr : &found->second;
  }

  bool IsHalf(const std::string &tensor) const { return half_.count(tensor) > 0; }

  // Whether it multiplies the channels of pixels by constants that nobody else reads, which is a
  // convolution with windows of one pixel.
  bool IsPixelProduct(const OperatorDef &op) const {
    if (op.type != "FullyConnected" || op.input.size() < 2) return false;
    const Argument *axis = FindArgument(op, "axis");
    const std::vector<int64_t> *weight = ShapeOf(op.input[1], 2);
    return registry_.Supports("Conv2D", DeviceType::CPU, DT_HALF) && ShapeOf(op.input[0], 4) &&
           (axis == nullptr || axis->i == -1 || axis->i == 3) && weight != nullptr &&
           (*weight)[0] >= kLanes && constants_.count(op.input[1]) > 0 &&
           uses_.at(op.input[1]) == 1;
  }

  void MakeConvolution(OperatorDef *op) {
    op->type = "Conv2D";
    op->arg.erase(std::remove_if(op->arg.begin(), op->arg.end(),
                                 [](const Argument &argument) { return argument.name == "axis"; }),
                  op->arg.end());
    for (ConstTensor &tensor : net_->tensors) {
      if (tensor.name != op->input[1]) continue;
      tensor.dims = {tensor.dims[0], 1, 1, tensor.dims[1]};
      if (tensor.quantize_info.axis == 1) tensor.quantize_info.axis = 3;
      shapes_[tensor.name] = tensor.dims;
    }
  }

  bool TakesHalf(const OperatorDef &op) const {
    if (op.input.empty() || !registry_.Supports(op.type, DeviceType::CPU, DT_HALF)) return false;
    if (op.type == "Conv2D") return ConvolutionTakesHalf(op);
    if (op.type == "DepthwiseConv2d") return DepthwiseTakesHalf(op);
    if (op.type == "Eltwise") return SumTakesHalf(op);
    if (std::none_of(std::begin(kMovers), std::end(kMovers),
                     [&](const char *mover) { return op.type == mover; })) {
      return false;
    }
    const size_t data_inputs = op.type == "Concat" ? op.input.size() : 1;
    return std::all_of(op.input.begin(),
                       op.input.begin() + static_cast<std::ptrdiff_t>(data_inputs),
                       [this](const std::string &input) { return made_.count(input) > 0; });
  }

  bool ConvolutionTakesHalf(const OperatorDef &op) const {
    if (op.input.size() < 2 || constants_.count(op.input[1]) == 0) return false;
    const std::vector<int64_t> *filter = ShapeOf(op.input[1], 4);
    const Argument *group = FindArgument(op, "group");
    const int64_t groups = group == nullptr ? 1 : group->i;
    // Panels of 16 columns are a waste for groups of a few.
    return filter != nullptr && groups >= 1 && (groups == 1 || (*filter)[0] / groups >= kLanes);
  }

  bool DepthwiseTakesHalf(const OperatorDef &op) const {
    if (op.input.size() < 2 || constants_.count(op.input[1]) == 0) return false;
    const std::vector<int64_t> *filter = ShapeOf(op.input[1], 4);
    const std::vector<int64_t> *input = ShapeOf(op.input[0], 4);
    return filter != nullptr && input != nullptr && (*filter)[3] == (*input)[3] &&
           (*input)[3] >= kLanes;
  }

  // Sums that a convolution will do just before it stores.
  bool SumTakesHalf(const OperatorDef &op) const {
    const Argument *type = FindArgument(op, "type"), *factors = FindArgument(op, "coeff");
    if (op.input.size() != 2 || (type != nullptr && type->s != "SUM")) return false;
    if (factors != nullptr && !factors->floats.empty()) return false;
    const std::vector<int64_t> *a = ShapeOf(op.input[0], 4), *b = ShapeOf(op.input[1], 4);
    if (a == nullptr || b == nullptr || *a != *b) return false;
    if (made_.count(op.input[0]) == 0 || made_.count(op.input[1]) == 0) return false;
    return std::any_of(op.input.begin(), op.input.end(), [this](const std::string &input) {
      return plain_.count(input) > 0 && uses_.at(input) == 1;
    });
  }

  void Halve(OperatorDef op) {
    const bool all = op.type == "Concat" || op.type == "Eltwise";
    for (size_t i = 0; i < op.input.size(); ++i) {
      if (i == 0 || all) {
        MakeHalf(op.input[i]);
        op.input[i] = half_.at(op.input[i]);
      } else {
        MakeFloat(op.input[i]);
      }
    }
    for (std::string &output : op.output) {
      made_.insert(output);
      missing_.insert(output);
      if (op.type == "Conv2D" && IsPlain(op)) plain_.insert(output);
      output = half_[output] = Unique(output + ":half", &names_);
    }
    std::fill(op.output_type.begin(), op.output_type.end(), DT_HALF);
    ops_.push_back(std::move(op));
  }

  void MakeHalf(const std::string &tensor) {
    if (IsHalf(tensor)) return;
    const std::string half = half_[tensor] = Unique(tensor + ":half", &names_);
    AddCast(tensor, half, DT_HALF);
  }

  void MakeFloat(const std::string &tensor) {
    if (missing_.erase(tensor) > 0) AddCast(half_.at(tensor), tensor, DT_FLOAT);
  }

  void AddCast(const std::string &from, const std::string &to, DataType type) {
    OperatorDef cast;
    cast.name = Unique(to + ":cast", &op_names_);
    cast.type = "Cast";
    cast.input = {from};
    cast.output = {to};
    Argument argument;
    argument.name = "output_type";
    argument.i = type;
    cast.arg.push_back(argument);
    ops_.push_back(std::move(cast));
  }

  static std::string Unique(std::string name, std::set<std::string> *names) {
    while (!names->insert(name).second) name += "_";
    return name;
  }

  const OpRegistryBase &registry_;
  NetDef *net_;
  std::vector<OperatorDef> ops_;
  std::set<std::string> names_, op_names_, constants_;
  std::map<std::string, std::vector<int64_t>> shapes_;
  std::map<std::string, int> uses_;
  std::map<std::string, std::string> half_;  // the float16 form of tensors that have one
  std::set<std::string> made_;               // tensors that are computed in float16
  std::set<std::string> missing_;            // those of them that are not in float32 yet
  std::set<std::string> plain_;              // sums of a convolution with nothing after them
};

bool HasHalfTensors(const NetDef &net) {
  const auto half = [](const auto &tensor) { return tensor.data_type == DT_HALF; };
  if (std::any_of(net.input_info.begin(), net.input_info.end(), half) ||
      std::any_of(net.output_info.begin(), net.output_info.end(), half) ||
      std::any_of(net.tensors.begin(), net.tensors.end(), half)) {
    return true;
  }
  for (const OperatorDef &op : net.op) {
    if (op.type == "Cast") {
      const Argument *type = FindArgument(op, "output_type");
      if (type != nullptr && type->i == DT_HALF) return true;
    }
    if (std::count(op.output_type.begin(), op.output_type.end(), DT_HALF) > 0) return true;
  }
  return false;
}

}  // namespace

namespace {

bool HasSetting(const NetDef &net, const char *value) {
  return std::any_of(net.arg.begin(), net.arg.end(), [value](const Argument &argument) {
    return argument.name == kSetting && argument.s == value;
  });
}

}  // namespace

bool WantsHalfArithmetic(const NetDef &net) { return HasSetting(net, "fp16_fp16"); }

bool WantsBf16Products(const NetDef &net) { return HasSetting(net, "bf16_fp32"); }

void UseHalfArithmetic(const OpRegistryBase &registry, NetDef *net) {
  if (!registry.Supports("Cast", DeviceType::CPU, DT_FLOAT) ||
      !registry.Supports("Cast", DeviceType::CPU, DT_HALF) || HasHalfTensors(*net)) {
    return;
  }
  HalfRewriter(registry, net).Run();
}

}  // namespace mace
