// SPDX-License-Identifier: Apache-2.0
// What the converter asks of the engine, so that shape rules are written once.
#include "mace/libmace/infer_shapes.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "mace/base/allocator.h"
#include "mace/base/closest_name.h"
#include "mace/core/model_reader.h"
#include "mace/core/model_verifier.h"
#include "mace/core/plan.h"
#include "mace/libmace/engine.h"

namespace mace {

namespace {

MaceStatus InputShapes(const std::vector<TensorInfo> &infos, const mace_tensor *inputs,
                       size_t input_count, std::vector<Shape> *shapes) {
  std::vector<std::string> names;
  for (const TensorInfo &info : infos) names.push_back(info.name);
  for (size_t k = 0; k < input_count; ++k) {
    if (inputs[k].name == nullptr) return InvalidArgs("input ", k, " has no name");
    if (std::find(names.begin(), names.end(), inputs[k].name) == names.end()) {
      return InvalidArgs("the model has no input '", inputs[k].name, "'",
                         DidYouMean(inputs[k].name, names));
    }
  }
  for (const TensorInfo &info : infos) {
    const mace_tensor *given = nullptr;
    for (size_t k = 0; k < input_count; ++k) {
      if (info.name == inputs[k].name) given = &inputs[k];
    }
    if (given == nullptr) return InvalidArgs("the shape of input '", info.name, "' is not given");
    if (given->rank < 0 || given->rank > kMaxRank) {
      return InvalidArgs("input '", info.name, "' has rank ", given->rank, ", outside 0 to ",
                         kMaxRank);
    }
    Shape shape;
    for (int32_t d = 0; d < given->rank; ++d) shape.push_back(given->dims[d]);
    size_t bytes = 0;
    if (!CheckedBytes(shape, DataTypeSize(info.data_type), &bytes)) {
      return InvalidArgs("input '", info.name, "' has the impossible shape ", shape.ToString());
    }
    shapes->push_back(shape);
  }
  return MaceStatus::MACE_SUCCESS;
}

void ReportShapes(const Plan &plan, mace_shape_fn shape, void *user) {
  for (size_t t = 0; t < plan.tensors().size(); ++t) {
    const Tensor &tensor = plan.tensors()[t];
    if (tensor.dtype == DT_INVALID) continue;
    const int number = static_cast<int>(t);
    int64_t dims[MACE_C_MAX_RANK] = {};
    std::copy(tensor.shape.begin(), tensor.shape.end(), dims);
    if (plan.dynamic(number)) std::fill(std::begin(dims), std::end(dims), -1);
    shape(user, tensor.name->c_str(), tensor.dtype, plan.late(number) ? -1 : tensor.shape.rank(),
          dims);
  }
}

void ReportPlacements(const Net &net, DeviceType device,
                      const std::vector<OperatorPlacement> &placements,
                      const InferListener &listener) {
  if (listener.placement == nullptr) return;
  for (const OperatorPlacement &each : placements) {
    const OperatorDef &def = net.def().op[each.op];
    listener.placement(listener.user, def.name.c_str(), def.type.c_str(),
                       each.on_accelerator ? device : CPU, each.reason.c_str());
  }
}

}  // namespace

MaceStatus InferShapes(const ModelSource &source, const EngineConfig &config,
                       const mace_tensor *inputs, size_t input_count,
                       const InferListener &listener) {
  MACE_RETURN_IF_ERROR(CheckDevice(config.device));
  if (input_count > 0 && inputs == nullptr) return InvalidArgs("the inputs are a null pointer");
  std::vector<OperatorProblem> problems;
  ModelDef model;
  MACE_RETURN_IF_ERROR(ReadModel(source.graph, source.graph_size, &model));
  VerifyOptions verify;
  verify.shape_only = true;
  verify.problems = &problems;
  MACE_RETURN_IF_ERROR(VerifyModel(model, source.data_size, verify));

  // Callers in other languages cannot easily align their memory; what shapes need is small.
  AlignedBuffer aligned;
  auto constants = std::make_unique<Constants>();
  if (source.data_size > 0) {
    MACE_RETURN_IF_ERROR(aligned.Allocate(source.data_size));
    std::memcpy(aligned.data(), source.data, source.data_size);
    constants->UseMemory(aligned.data(), aligned.size());
  }
  OpRegistry registry;
  ThreadPool thread_pool(1, AFFINITY_NONE);
  std::unique_ptr<Accelerator> accelerator;
  if (kHasAccelerators && config.device != CPU) {
    MACE_RETURN_IF_ERROR(MakeAccelerator(config, model.net, true, &accelerator));
  }
  Net::Options options;
  options.registry = &registry;
  options.accelerator = accelerator.get();
  options.thread_pool = &thread_pool;
  options.shape_only = true;
  options.problems = &problems;
  Net net;
  MACE_RETURN_IF_ERROR(net.Init(std::move(model), std::move(constants), options));

  std::vector<Shape> shapes;
  MACE_RETURN_IF_ERROR(InputShapes(net.def().input_info, inputs, input_count, &shapes));
  PlanOptions plan_options;
  plan_options.shape_only = true;
  plan_options.thread_pool = &thread_pool;
  plan_options.problems = &problems;
  std::vector<OperatorPlacement> placements;
  plan_options.accelerator = accelerator.get();
  plan_options.placements = &placements;
  std::unique_ptr<Plan> plan;
  MACE_RETURN_IF_ERROR(Plan::Make(net, shapes, plan_options, &plan));

  if (listener.shape != nullptr) ReportShapes(*plan, listener.shape, listener.user);
  ReportPlacements(net, config.device, placements, listener);
  const auto before = [](const OperatorProblem &a, const OperatorProblem &b) {
    return a.op < b.op;
  };
  // Stable; they are nearly in order.
  for (auto problem = problems.begin(); problem != problems.end(); ++problem) {
    std::rotate(std::upper_bound(problems.begin(), problem, *problem, before), problem,
                problem + 1);
  }
  for (const OperatorProblem &found : problems) {
    const OperatorDef &def = net.def().op[found.op];
    if (listener.problem == nullptr) break;
    listener.problem(listener.user, static_cast<mace_code>(found.status.code()), def.name.c_str(),
                     def.type.c_str(), found.status.message().c_str());
  }
  return problems.empty() ? MaceStatus(MaceStatus::MACE_SUCCESS) : problems[0].status;
}

extern const InferPart kInferPart __attribute__((weak));
const InferPart kInferPart = {InferShapes};

}  // namespace mace
