// SPDX-License-Identifier: Apache-2.0
// Makes a segment.
#include "mace/runtimes/opencl/segment_builder.h"

#include <algorithm>
#include <iterator>
#include <tuple>
#include <utility>

#include "mace/base/checked.h"
#include "mace/base/half.h"
#include "mace/base/logging.h"
#include "mace/runtimes/opencl/blocks.h"
#include "mace/runtimes/opencl/kernel_time.h"
#include "mace/runtimes/opencl/tuner.h"
#include "mace/runtimes/opencl/work_groups.h"

namespace mace {
namespace opencl {

namespace {

// Sizes of blocks are multiples of it, so that more of them fit each other.
constexpr size_t kUnit = 64;

// An operator's own status, with its name before it.
MaceStatus Named(const OperatorDef &def, const MaceStatus &status) {
  return MaceStatus(status.code(), MakeString(def.type, " '", def.name, "': ", status.message()));
}

bool IsBuffer(cl_mem memory) {
  cl_mem_object_type type = 0;
  Cl().clGetMemObjectInfo(memory, CL_MEM_TYPE, sizeof(type), &type, nullptr);
  return type == CL_MEM_OBJECT_BUFFER;
}

// A constant in the texels of its image.
GpuWeight Texels(const Tensor &tensor) {
  const std::array<int64_t, 4> nhwc = NhwcOf(tensor.shape);
  GpuWeight weight;
  weight.memory = MemoryKind::kImage;
  std::tie(weight.width, weight.height) = ImageSize(tensor.shape);
  weight.values.assign(static_cast<size_t>(weight.width * weight.height * 4), 0.0f);
  const float *from = tensor.data<float>();
  const int64_t width = nhwc[2], channels = nhwc[3];
  for (int64_t y = 0; y < weight.height; ++y) {
    for (int64_t x = 0; x < width; ++x) {
      for (int64_t c = 0; c < channels; ++c) {
        const int64_t texel = y * weight.width + c / 4 * width + x;
        weight.values[static_cast<size_t>(texel * 4 + c % 4)] =
            from[(y * width + x) * channels + c];
      }
    }
  }
  return weight;
}

}  // namespace

SegmentBuilder::SegmentBuilder(Gpu *gpu, std::vector<AcceleratorOp> ops,
                               std::vector<const Tensor *> inputs,
                               std::vector<const Tensor *> outputs)
    : gpu_(gpu),
      inputs_(std::move(inputs)),
      outputs_(std::move(outputs)),
      segment_(std::make_unique<Segment>(gpu)) {
  segment_->ops_ = std::move(ops);
}

SegmentBuilder::Form SegmentBuilder::FormOf(const Tensor &tensor, MemoryKind memory) const {
  if (tensor.dtype != DT_FLOAT) return Form::kPlain;
  if (memory == MemoryKind::kImage) return Form::kTexels;
  return gpu_->options().half ? Form::kHalf : Form::kPlain;
}

int SegmentBuilder::NewValue(Form form, const Tensor &tensor) {
  Value value;
  value.form = form;
  if (form == Form::kTexels) {
    std::tie(value.width, value.height) = ImageSize(tensor.shape);
    value.half_texels = gpu_->options().half;
  } else {
    value.bytes = form == Form::kHalf ? static_cast<size_t>(tensor.elements()) * 2 : tensor.bytes();
  }
  const int number = static_cast<int>(values_.size());
  values_.push_back(std::move(value));
  value_of_[{&tensor, form}] = number;
  return number;
}

int SegmentBuilder::NewScratch(const GpuScratch &scratch) {
  const bool half = gpu_->options().half && !scratch.keep_float;
  Value value;
  if (scratch.memory == MemoryKind::kImage) {
    value.form = Form::kTexels;
    value.width = scratch.width;
    value.height = scratch.height;
    value.half_texels = half;
  } else {
    value.bytes = static_cast<size_t>(std::max<int64_t>(scratch.elements, 1)) * (half ? 2 : 4);
  }
  values_.push_back(std::move(value));
  return static_cast<int>(values_.size()) - 1;
}

MaceStatus SegmentBuilder::NewConstant(const Tensor &tensor, Form form, int *value) {
  if (tensor.raw == nullptr) return RuntimeError("constant '", *tensor.name, "' was given back");
  SharedMemory memory;
  if (form == Form::kPlain) {
    MACE_RETURN_IF_ERROR(gpu_->UploadBytes(tensor.raw, tensor.bytes(), &memory));
  } else if (form == Form::kTexels) {
    MACE_RETURN_IF_ERROR(gpu_->Upload(Texels(tensor), &memory));
  } else {
    GpuWeight weight;
    weight.values.assign(tensor.data<float>(), tensor.data<float>() + tensor.elements());
    MACE_RETURN_IF_ERROR(gpu_->Upload(weight, &memory));
  }
  *value = NewValue(form, tensor);
  segment_->shared_.push_back(memory);
  values_[At(*value)].memory = memory->get();
  values_[At(*value)].constant = std::move(memory);
  return MaceStatus::MACE_SUCCESS;
}

MaceStatus SegmentBuilder::Get(const Tensor &tensor, Form form, int *value) {
  const auto found = value_of_.find({&tensor, form});
  if (found != value_of_.end()) {
    *value = found->second;
    return MaceStatus::MACE_SUCCESS;
  }
  if (tensor.is_const) return NewConstant(tensor, form, value);
  if (choice_ != nullptr) {
    *value = NewValue(form, tensor);
    graph_.steps.emplace_back();
    graph_.steps.back().outputs = {*value};
    return MaceStatus::MACE_SUCCESS;
  }
  for (Form other : {Form::kPlain, Form::kHalf, Form::kTexels}) {
    const auto source = value_of_.find({&tensor, other});
    if (source == value_of_.end()) continue;
    const int from = source->second;
    *value = NewValue(form, tensor);
    return Transform(tensor, from, *value);
  }
  return RuntimeError("tensor '", *tensor.name, "' is read before it is made");
}

MaceStatus SegmentBuilder::Transform(const Tensor &tensor, int from, int to) {
  const Form source = values_[At(from)].form, target = values_[At(to)].form;
  const bool texels = source == Form::kTexels || target == Form::kTexels;
  const bool half_buffer = source == Form::kHalf || target == Form::kHalf;
  Pending pending;
  pending.op = segment_->ops_.size();
  KernelLaunch &launch = pending.launch;
  launch.program = "transform";
  const auto bind = [&](const KernelArgument &argument, int value) {
    pending.arguments.push_back({argument, value, nullptr});
  };
  bind(KernelArgument::Input(0), from);
  bind(KernelArgument::Output(0), to);
  if (texels) {
    launch.kernel = target == Form::kTexels ? "buffer_to_image" : "image_to_buffer";
    if (half_buffer) launch.defines.emplace_back("HALF=1");
    if (gpu_->options().half && gpu_->capabilities().half_image_truncates) {
      launch.defines.emplace_back("TRUNCATES=1");
    }
    const std::array<int64_t, 4> nhwc = NhwcOf(tensor.shape);
    const auto [width, height] = ImageSize(tensor.shape);
    const auto number = [](int64_t n) { return static_cast<int32_t>(n); };
    launch.global = {width, height, 1};
    const std::vector<int32_t> shape = {number(nhwc[2]), number(nhwc[3]), number(width),
                                        number(height)};
    Bound bound;
    bound.argument = KernelArgument::Constants(shape);
    MACE_RETURN_IF_ERROR(
        gpu_->UploadBytes(shape.data(), shape.size() * sizeof(int32_t), &bound.shared));
    pending.arguments.push_back(std::move(bound));
  } else {
    launch.kernel = target == Form::kHalf ? "float_to_half" : "half_to_float";
    launch.global = {tensor.elements(), 1, 1};
    bind(KernelArgument::Int(static_cast<int32_t>(tensor.elements())), -1);
  }
  pending_.push_back(std::move(pending));
  MemoryGraph::Step step;
  step.inputs = {from};
  step.outputs = {to};
  graph_.steps.push_back(std::move(step));
  return MaceStatus::MACE_SUCCESS;
}

MaceStatus SegmentBuilder::AddAlias(const GpuOpContext &context, const GpuStep &step,
                                    size_t number) {
  const AcceleratorOp &op = segment_->ops_[number];
  const size_t input = static_cast<size_t>(step.alias_input);
  if (!context.HasInput(step.alias_input) || op.outputs.empty()) {
    return RuntimeError("its builder shares memory with an input that is not there");
  }
  const Tensor &from = *op.inputs[input], &to = *op.outputs[0];
  const Form form = FormOf(from, Wanted(step.input_memory, context, input));
  if (form != FormOf(to, Wanted(step.output_memory, context, 0)) ||
      (form == Form::kTexels ? ImageSize(from.shape) != ImageSize(to.shape)
                             : from.bytes() != to.bytes())) {
    return RuntimeError("its builder shares memory of another form");
  }
  int source = -1;
  MACE_RETURN_IF_ERROR(Get(from, form, &source));
  const int target = NewValue(form, to);
  if (values_[At(source)].constant != nullptr) {
    values_[At(target)].constant = values_[At(source)].constant;
    values_[At(target)].memory = values_[At(source)].memory;
    return MaceStatus::MACE_SUCCESS;
  }
  MemoryGraph::Step uses;
  uses.inputs = {source};
  uses.outputs = {target};
  uses.aliases = {{target, source}};
  graph_.steps.push_back(std::move(uses));
  pending_.emplace_back();
  pending_.back().dropped = true;
  return MaceStatus::MACE_SUCCESS;
}

MaceStatus SegmentBuilder::Bind(const GpuOpContext &context, const GpuStep &step, size_t number,
                                const std::vector<int> &scratch,
                                const std::vector<SharedMemory> &weights, Pending *pending,
                                MemoryGraph::Step *uses) {
  const AcceleratorOp &op = segment_->ops_[number];
  for (KernelArgument &argument : pending->launch.arguments) {
    Bound bound;
    const size_t i = static_cast<size_t>(argument.index);
    switch (argument.kind) {
      case KernelArgument::Kind::kInput: {
        if (!context.HasInput(argument.index)) {
          return RuntimeError("its builder reads input ", argument.index, ", which is not there");
        }
        const Form form = FormOf(*op.inputs[i], Wanted(step.input_memory, context, i));
        MACE_RETURN_IF_ERROR(Get(*InMemory(op.inputs[i]), form, &bound.value));
        uses->inputs.push_back(bound.value);
        break;
      }
      case KernelArgument::Kind::kOutput: {
        if (i >= op.outputs.size()) return RuntimeError("its builder writes no output of it");
        const Tensor &output = *InMemory(op.outputs[i]);
        const Form form = FormOf(output, Wanted(step.output_memory, context, i));
        const auto found = value_of_.find({&output, form});
        bound.value = found == value_of_.end() ? NewValue(form, output) : found->second;
        uses->outputs.push_back(bound.value);
        break;
      }
      case KernelArgument::Kind::kWeight:
        if (i >= weights.size()) return RuntimeError("its builder has no weight ", argument.index);
        bound.shared = weights[i];
        break;
      case KernelArgument::Kind::kScratch:
        if (i >= scratch.size()) return RuntimeError("its builder has no scratch ", argument.index);
        bound.value = scratch[i];
        uses->outputs.push_back(bound.value);
        break;
      case KernelArgument::Kind::kConstants:
        MACE_RETURN_IF_ERROR(gpu_->UploadBytes(
            argument.ints.data(), argument.ints.size() * sizeof(int32_t), &bound.shared));
        break;
      case KernelArgument::Kind::kInt:
      case KernelArgument::Kind::kIntVector:
      case KernelArgument::Kind::kFloat:
      case KernelArgument::Kind::kLocal:
        break;
    }
    bound.argument = std::move(argument);
    pending->arguments.push_back(std::move(bound));
  }
  return MaceStatus::MACE_SUCCESS;
}

MaceStatus SegmentBuilder::AddLaunches(const GpuOpContext &context, GpuStep *step, size_t number) {
  std::vector<int> scratch;
  for (const GpuScratch &wanted : step->scratch) scratch.push_back(NewScratch(wanted));
  std::vector<SharedMemory> weights(step->weights.size());
  for (size_t w = 0; w < weights.size(); ++w) {
    MACE_RETURN_IF_ERROR(gpu_->Upload(step->weights[w], &weights[w]));
    segment_->shared_.push_back(weights[w]);
    step->weights[w] = GpuWeight();  // uploaded: the host's copy goes
  }
  // All launches of the operator are one step of the memory plan, as scratch lives across them;
  // transforms of its inputs come before.
  std::vector<Pending> made;
  MemoryGraph::Step uses;
  for (KernelLaunch &launch : step->launches) {
    Pending pending;
    pending.op = number;
    pending.launch = std::move(launch);
    MACE_RETURN_IF_ERROR(Bind(context, *step, number, scratch, weights, &pending, &uses));
    made.push_back(std::move(pending));
  }
  std::sort(uses.outputs.begin(), uses.outputs.end());
  uses.outputs.erase(std::unique(uses.outputs.begin(), uses.outputs.end()), uses.outputs.end());
  // What is read and written by its own launches is no input of the step.
  const auto own = [&](int value) {
    return std::binary_search(uses.outputs.begin(), uses.outputs.end(), value);
  };
  uses.inputs.erase(std::remove_if(uses.inputs.begin(), uses.inputs.end(), own), uses.inputs.end());
  graph_.steps.push_back(std::move(uses));
  std::move(made.begin(), made.end(), std::back_inserter(pending_));
  return MaceStatus::MACE_SUCCESS;
}

MaceStatus SegmentBuilder::AddOp(size_t number) {
  const AcceleratorOp &op = segment_->ops_[number];
  GpuOpContext context;
  MACE_RETURN_IF_ERROR(Describe(number, &context));
  const TunedChoice choice = TunedChoice::Parse(
      choice_ != nullptr ? *choice_ : gpu_->context()->Parameters(TuningKey(context)));
  context.variant = choice.variant;
  GpuStep step;
  MACE_RETURN_IF_ERROR(FindGpuOperator(op.def->type)->build(context, &step));
  for (KernelLaunch &launch : step.launches) {
    if (!launch.fixed_local && choice.local[0] > 0) launch.local = choice.local;
  }
  if (step.alias_input >= 0 && step.launches.empty()) return AddAlias(context, step, number);
  MACE_RETURN_IF_ERROR(AddLaunches(context, &step, number));
  for (size_t i = 0; i < std::min(choice.micros.size(), step.launches.size()); ++i) {
    pending_[pending_.size() - step.launches.size() + i].micros = choice.micros[i];
  }
  if (choice_ != nullptr) return MaceStatus::MACE_SUCCESS;  // others may have written it
  for (const Tensor *output : op.outputs) {
    bool made = false;
    for (Form form : {Form::kPlain, Form::kHalf, Form::kTexels}) {
      made = made || value_of_.count({InMemory(output), form}) > 0;
    }
    if (!made) return RuntimeError("its builder does not write output '", *output->name, "'");
  }
  return MaceStatus::MACE_SUCCESS;
}

MaceStatus SegmentBuilder::Describe(size_t op, GpuOpContext *context) const {
  MACE_RETURN_IF_ERROR(gpu_->Describe(segment_->ops_[op], context));
  DescribeParts(segment_->ops_[op], context);
  context->sum = sums_[op];
  context->siblings = siblings_[op].defs;
  context->second_memory = siblings_[op].second_memory;
  return MaceStatus::MACE_SUCCESS;
}

MaceStatus SegmentBuilder::BuildAlone(size_t op, const std::string &choice,
                                      std::unique_ptr<Segment> *segment) const {
  SegmentBuilder alone(gpu_, {segment_->ops_[op]}, {}, {});
  alone.sums_ = {sums_[op]};
  alone.siblings_ = {siblings_[op]};
  alone.parts_ = parts_;
  alone.choice_ = &choice;
  MACE_RETURN_IF_ERROR(alone.AddOp(0));
  MACE_RETURN_IF_ERROR(alone.AllocateBuffers());
  MACE_RETURN_IF_ERROR(alone.AllocateImages());
  MACE_RETURN_IF_ERROR(alone.MakeKernels());
  *segment = std::move(alone.segment_);
  return MaceStatus::MACE_SUCCESS;
}

MaceStatus SegmentBuilder::Take(size_t bytes) {
  taken_ += bytes;
  const size_t limit = gpu_->options().memory_limit;
  if (limit == 0 || taken_ <= limit) return MaceStatus::MACE_SUCCESS;
  return OutOfResources("the activations need ", taken_, " bytes on the GPU, more than the ", limit,
                        " that they may take; use smaller inputs or a larger limit");
}

MaceStatus SegmentBuilder::AllocateBuffers() {
  graph_.tensors.resize(values_.size());
  for (size_t v = 0; v < values_.size(); ++v) {
    const Value &value = values_[v];
    const bool planned = value.form != Form::kTexels && value.constant == nullptr;
    graph_.tensors[v].bytes = planned ? AlignUp(std::max<size_t>(value.bytes, 4), kUnit) : 0;
    if (value.constant != nullptr) graph_.tensors[v].kind = MemoryGraph::Kind::kReadOnly;
  }
  const BlockPlan plan = PlanBlocks(graph_);
  size_t bytes = 0;
  for (size_t block : plan.bytes) bytes += block;
  MACE_RETURN_IF_ERROR(Take(bytes));
  segment_->memory_.blocks = plan.bytes;
  segment_->memory_.lower_bound += plan.lower_bound;
  std::vector<SharedMemory> blocks;
  MACE_RETURN_IF_ERROR(gpu_->Blocks(plan.bytes, &blocks));
  for (size_t v = 0; v < values_.size(); ++v) {
    if (plan.block_of[v] >= 0) values_[v].memory = blocks[At(plan.block_of[v])]->get();
  }
  std::move(blocks.begin(), blocks.end(), std::back_inserter(segment_->shared_));
  return MaceStatus::MACE_SUCCESS;
}

MaceStatus SegmentBuilder::AllocateImages() {
  // Values that share an image, by the value that they began with.
  std::vector<int> owner(values_.size());
  std::vector<size_t> last(values_.size(), 0);
  for (size_t v = 0; v < values_.size(); ++v) owner[v] = static_cast<int>(v);
  for (const MemoryGraph::Step &step : graph_.steps) {
    for (const auto &[to, from] : step.aliases) owner[At(to)] = owner[At(from)];
  }
  for (size_t s = 0; s < graph_.steps.size(); ++s) {
    for (int v : graph_.steps[s].inputs) last[At(owner[At(v)])] = s;
    for (int v : graph_.steps[s].outputs) last[At(owner[At(v)])] = s;
  }
  struct Image {
    bool half;
    int64_t width, height;
    bool used = false;
    size_t until = 0;
  };
  std::vector<Image> images;
  std::vector<int> image_of(values_.size(), -1);
  std::vector<size_t> live(graph_.steps.size() + 1, 0);  // bytes at each step
  for (size_t s = 0; s < graph_.steps.size(); ++s) {
    for (Image &image : images) image.used = image.used && image.until >= s;
    for (int v : graph_.steps[s].outputs) {
      const Value &value = values_[At(v)];
      if (value.form != Form::kTexels || owner[At(v)] != v || image_of[At(v)] >= 0) continue;
      // The image that grows least; a new one if that costs less.
      int best = -1;
      int64_t least = value.width * value.height;
      for (size_t i = 0; i < images.size(); ++i) {
        if (images[i].used || images[i].half != value.half_texels) continue;
        const int64_t grown =
            std::max(images[i].width, value.width) * std::max(images[i].height, value.height) -
            images[i].width * images[i].height;
        if (grown < least) {
          least = grown;
          best = static_cast<int>(i);
        }
      }
      if (best < 0) {
        best = static_cast<int>(images.size());
        images.push_back({value.half_texels, 0, 0});
      }
      Image &image = images[At(best)];
      image.width = std::max(image.width, value.width);
      image.height = std::max(image.height, value.height);
      image.used = true;
      image.until = last[At(v)];
      for (size_t at = s; at <= image.until; ++at) {
        live[at] += static_cast<size_t>(value.width * value.height) * (value.half_texels ? 8 : 16);
      }
      image_of[At(v)] = best;
    }
  }
  segment_->memory_.lower_bound += *std::max_element(live.begin(), live.end());
  std::vector<cl_mem> made;
  for (const Image &image : images) {
    const size_t bytes = static_cast<size_t>(image.width * image.height) * (image.half ? 8 : 16);
    MACE_RETURN_IF_ERROR(Take(bytes));
    segment_->memory_.images += bytes;
    MemoryHandle handle;
    MACE_RETURN_IF_ERROR(gpu_->context()->device()->NewImage(
        image.half, static_cast<size_t>(image.width), static_cast<size_t>(image.height), &handle));
    made.push_back(handle.get());
    segment_->images_.push_back(std::move(handle));
  }
  for (size_t v = 0; v < values_.size(); ++v) {
    const int image = image_of[At(owner[v])];
    if (image >= 0 && values_[v].form == Form::kTexels) values_[v].memory = made[At(image)];
  }
  return MaceStatus::MACE_SUCCESS;
}

MaceStatus SegmentBuilder::MakeLaunch(const Pending &pending, Segment::Launch *launch) {
  MACE_RETURN_IF_ERROR(gpu_->context()->programs()->NewKernel(pending.launch, &launch->kernel));
  launch->op = pending.op;
  launch->fixed_local = pending.launch.fixed_local;
  cl_uint at = 0;
  if (segment_->check_ != nullptr) {
    MACE_RETURN_IF_ERROR(segment_->check_->Bind(launch->kernel.get()));
    launch->name = pending.launch.kernel;
    at = 1;
  }
  for (const Bound &bound : pending.arguments) {
    const KernelArgument &argument = bound.argument;
    cl_mem memory = bound.value >= 0          ? values_[At(bound.value)].memory
                    : bound.shared != nullptr ? bound.shared->get()
                                              : nullptr;
    const void *value = &memory;
    size_t size = sizeof(memory);
    if (argument.kind == KernelArgument::Kind::kInt) {
      value = &argument.index;
      size = sizeof(argument.index);
    } else if (argument.kind == KernelArgument::Kind::kIntVector) {
      value = argument.ints.data();
      size = argument.ints.size() * sizeof(int32_t);
    } else if (argument.kind == KernelArgument::Kind::kFloat) {
      value = &argument.number;
      size = sizeof(argument.number);
    } else if (argument.kind == KernelArgument::Kind::kLocal) {
      value = nullptr;
      size = static_cast<size_t>(argument.index);
    } else if (memory == nullptr) {
      return RuntimeError("argument ", at, " of kernel '", pending.launch.kernel,
                          "' has no memory");
    }
    const MaceStatus status =
        ClStatus("clSetKernelArg", Cl().clSetKernelArg(launch->kernel.get(), at, size, value));
    if (!status.ok()) {
      return MaceStatus(status.code(), MakeString(status.message(), " for argument ", at,
                                                  " of kernel '", pending.launch.kernel, "'"));
    }
    if (bound.shared != nullptr) segment_->shared_.push_back(bound.shared);
    if (segment_->check_ != nullptr && value == &memory && IsBuffer(memory)) {
      launch->buffers.push_back(memory);
    }
    ++at;
  }
  size_t most = 0;
  Cl().clGetKernelWorkGroupInfo(launch->kernel.get(), gpu_->context()->device()->id(),
                                CL_KERNEL_WORK_GROUP_SIZE, sizeof(most), &most, nullptr);
  MACE_RETURN_IF_ERROR(SettleWorkGroups(gpu_->capabilities(), pending.launch, most,
                                        launch->global.data(), launch->local.data(),
                                        &launch->dimensions));
  LimitTime(pending, launch);
  return MaceStatus::MACE_SUCCESS;
}

void SegmentBuilder::LimitTime(const Pending &pending, Segment::Launch *launch) const {
  const int limit = gpu_->options().kernel_micros;
  if (limit == 0 || pending.launch.last_split < 0) return;
  launch->split = SplitDimension(pending.launch.last_split, launch->global, launch->local);
  double micros = pending.micros;
  if (micros <= 0) {
    int64_t items = 1;
    for (size_t size : launch->global) items *= static_cast<int64_t>(size);
    const bool own = pending.op < segment_->ops_.size();
    micros = EstimateMicros(gpu_->capabilities(), own ? segment_->ops_[pending.op].macs : 0, items);
  }
  launch->parts =
      PartsOf(micros, limit, launch->global[launch->split] / launch->local[launch->split]);
}

MaceStatus SegmentBuilder::MakeKernels() {
  if (RangeCheck::Wanted()) {
    segment_->check_ = std::make_unique<RangeCheck>();
    MACE_RETURN_IF_ERROR(segment_->check_->Init(gpu_->context()));
  }
  std::vector<const KernelLaunch *> launches;
  for (const Pending &pending : pending_) {
    if (!pending.dropped) launches.push_back(&pending.launch);
  }
  MACE_RETURN_IF_ERROR(gpu_->context()->programs()->Prepare(launches, gpu_->options().cancelled));
  for (const Pending &pending : pending_) {
    if (pending.dropped) continue;
    Segment::Launch launch;
    const MaceStatus status = MakeLaunch(pending, &launch);
    if (!status.ok()) {
      return pending.op < segment_->ops_.size() ? Named(*segment_->ops_[pending.op].def, status)
                                                : status;
    }
    segment_->launches_.push_back(std::move(launch));
  }
  gpu_->context()->programs()->Save();
  return MaceStatus::MACE_SUCCESS;
}

MaceStatus SegmentBuilder::Build(std::unique_ptr<AcceleratorSegment> *segment) {
  std::vector<std::pair<const Tensor *, int>> uploads, downloads;
  for (const Tensor *input : inputs_) {
    uploads.emplace_back(input, NewValue(Form::kPlain, *input));
    MemoryGraph::Step step;
    step.outputs = {uploads.back().second};
    graph_.steps.push_back(std::move(step));
  }
  AbsorbSums();
  MACE_RETURN_IF_ERROR(PlaceParts());
  JoinSiblings();
  if (gpu_->options().tune && segment_->check_ == nullptr) {
    const MaceStatus status = Tuner(gpu_, this).Tune();
    if (!status.ok()) LOG(WARNING) << "the GPU's kernels are not tuned: " << status.message();
  }
  for (size_t i = 0; i < segment_->ops_.size(); ++i) {
    const MaceStatus status = AddOp(i);
    if (!status.ok()) return Named(*segment_->ops_[i].def, status);
  }
  MemoryGraph::Step reads;
  for (const Tensor *output : outputs_) {
    int value = -1;
    MACE_RETURN_IF_ERROR(Get(*output, Form::kPlain, &value));
    downloads.emplace_back(output, value);
    reads.inputs.push_back(value);
  }
  graph_.steps.push_back(std::move(reads));
  MACE_RETURN_IF_ERROR(AllocateBuffers());
  MACE_RETURN_IF_ERROR(AllocateImages());
  MACE_RETURN_IF_ERROR(MakeKernels());
  const auto copy = [&](const std::pair<const Tensor *, int> &end) {
    Segment::Copy made{end.first, values_[At(end.second)].memory, end.first->bytes()};
    segment_->Stage(&made);
    return made;
  };
  for (const auto &upload : uploads) segment_->uploads_.push_back(copy(upload));
  for (const auto &download : downloads) segment_->downloads_.push_back(copy(download));
  *segment = std::move(segment_);
  return MaceStatus::MACE_SUCCESS;
}

}  // namespace opencl
}  // namespace mace
