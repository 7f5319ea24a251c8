// SPDX-License-Identifier: Apache-2.0
// The cases of ops_benchmark on the GPU: see ops_benchmark_gpu.h.
#include "mace/ops/ops_benchmark_gpu.h"

#include <chrono>
#include <vector>

#include "mace/core/model_builder.h"
#include "mace/libmace/engine.h"
#include "mace/libmace/gpu_context.h"
#if defined(MACE_ENABLE_OPENCL)
#include "mace/runtimes/opencl/gpu.h"
#endif

namespace mace {
namespace ops {
namespace test {
namespace {

constexpr char kCpuSuffix[] = "float_CPU";

// Outputs stay here; they are not looked at.
class Room : public OutputMemory {
 public:
  void *Get(size_t index, const Shape &, size_t bytes) override {
    if (index >= kept_.size()) kept_.resize(index + 1);
    kept_[index].resize(bytes);
    return kept_[index].data();
  }

 private:
  std::vector<std::vector<uint8_t>> kept_;
};

// One operator as a model, and the engine that executes it.
class OneOperator {
 public:
  MaceStatus Init(const BenchmarkCase &one, bool half, std::shared_ptr<GPUContext> context) {
    AddBenchmarkCase(one, &net_);
    MACE_RETURN_IF_ERROR(net_.RunOp());  // tells the types of its outputs
    OperatorDef def;
    one.def.Finalize(&def);
    ModelBuilder builder;
    std::vector<std::string> inputs, outputs;
    for (size_t i = 0; i < one.inputs.size(); ++i) {
      inputs.push_back("input" + std::to_string(i));
      const TestTensor &tensor = net_.Get(inputs.back());
      if (tensor.is_const) {
        builder.ConstantBytes(inputs.back(), one.inputs[i].dims, tensor.dtype, tensor.bytes.data(),
                              tensor.bytes.size());
      } else {
        builder.Input(inputs.back(), one.inputs[i].dims, tensor.dtype);
        TensorView view;
        view.dtype = tensor.dtype;
        view.shape = tensor.shape;
        view.data = const_cast<uint8_t *>(tensor.bytes.data());  // the engine only reads it
        view.bytes = tensor.bytes.size();
        inputs_.push_back(view);
      }
    }
    for (int o = 0; o < one.outputs; ++o) {
      outputs.push_back("output" + std::to_string(o));
      builder.Output(outputs.back(), {}, net_.Get(outputs.back()).dtype);
    }
    builder.Op(one.op, "benchmark", inputs, outputs, def.arg);
    files_ = builder.Build();
    ModelSource source;
    source.graph = files_.graph.data();
    source.graph_size = files_.graph.size();
    source.data = files_.data();
    source.data_size = files_.data_size;
    EngineConfig config;
    config.device = GPU;
    config.num_threads = 1;
    config.gpu.context = std::move(context);
    config.gpu.storage = half ? GpuStorage::kHalf : GpuStorage::kFloat;
    return engine_.Init(source, {}, {}, config);
  }

  // One round; success with the statistics of the operator.
  MaceStatus Run(OperatorStats *stats) {
    std::vector<TensorView> outputs(engine_.outputs().size());
    for (size_t o = 0; o < outputs.size(); ++o) {
      outputs[o].dtype = static_cast<DataType>(engine_.outputs()[o].data_type);
      outputs[o].growable = true;
    }
    RunMetadata metadata;
    MACE_RETURN_IF_ERROR(engine_.Run(inputs_.data(), outputs.data(), &metadata, &room_));
    for (OperatorStats &of_op : metadata.op_stats) {
      if (of_op.operator_name == "benchmark") *stats = std::move(of_op);
    }
    return MaceStatus();
  }

  // Success when the GPU executes the operator, else why it does not.
  MaceStatus Placed() const {
    std::vector<MaceEngine::OperatorPlacement> placements;
    engine_.Placements(&placements);
    for (const MaceEngine::OperatorPlacement &placement : placements) {
      if (placement.device != GPU) {
        return Unsupported("the CPU executes it: ", placement.reason);
      }
    }
    return MaceStatus();
  }

 private:
  OpsTestNet net_;
  ModelFiles files_;
  std::vector<TensorView> inputs_;
  Room room_;
  Engine engine_;
};

double Now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

}  // namespace

bool GpuBenchmark::IsBuilt() { return kHasAccelerators; }

bool GpuBenchmark::MayRun(const BenchmarkCase &one) {
#if defined(MACE_ENABLE_OPENCL)
  if (one.inputs.empty() || one.inputs[0].dtype != DT_FLOAT) return false;
  OperatorDef def;
  one.def.Finalize(&def);
  def.type = one.op;
  return opencl::Gpu(nullptr, opencl::GpuOptions()).MayExecute(def);
#else
  (void)one;
  return false;
#endif
}

std::string GpuBenchmark::Name(const BenchmarkCase &one, bool half) {
  const std::string name = one.Name();
  return name.substr(0, name.size() - (sizeof(kCpuSuffix) - 1)) + (half ? "half" : "float") +
         "_GPU";
}

MaceStatus GpuBenchmark::Open() {
  if (!IsBuilt()) {
    return Unsupported("this build is without the GPU runtime (--define=opencl=true)");
  }
  context_ = std::make_shared<GPUContext>(GPUContextOptions());
  const BenchmarkCase smallest = {"Activation",
                                  "",
                                  {{DT_FLOAT, {1, 1, 1, 4}}},
                                  OpDefBuilder("").AddStringArg("activation", "RELU")};
  OneOperator one;
  return one.Init(smallest, false, context_);
}

MaceStatus GpuBenchmark::Measure(const BenchmarkCase &one, bool half, double seconds, int64_t least,
                                 GpuTime *time) const {
  OneOperator model;
  MACE_RETURN_IF_ERROR(model.Init(one, half, context_));
  OperatorStats stats;
  MACE_RETURN_IF_ERROR(model.Run(&stats));
  MACE_RETURN_IF_ERROR(model.Placed());
  time->macs = stats.macs;
  int64_t micros = 0;
  // Copies to and from the GPU take longer than many a kernel; they shall not take minutes.
  const double end = Now() + 10 * seconds;
  for (time->iterations = 0;
       time->iterations < least || (static_cast<double>(micros) < seconds * 1e6 && Now() < end);
       ++time->iterations) {
    MACE_RETURN_IF_ERROR(model.Run(&stats));
    micros += stats.stats.end_micros - stats.stats.start_micros;
  }
  time->nanoseconds = static_cast<double>(micros) * 1e3 / static_cast<double>(time->iterations);
  return MaceStatus();
}

}  // namespace test
}  // namespace ops
}  // namespace mace
