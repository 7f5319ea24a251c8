// SPDX-License-Identifier: Apache-2.0
// What an operator is. Its life: constructed and Init once for each engine (attributes parsed,
// weights packed), InferShape and Plan once for each set of input shapes, Run for each inference.
// Run finds everything decided: it looks nothing up and allocates nothing.
#ifndef MACE_CORE_OPERATOR_H_
#define MACE_CORE_OPERATOR_H_

#include <memory>
#include <string>
#include <vector>

#include "mace/base/status.h"
#include "mace/base/types.h"
#include "mace/core/model.h"
#include "mace/core/op_schema.h"
#include "mace/core/tensor.h"

namespace mace {

class ThreadPool;
struct RowCall;
struct RowGeometry;

// 64-byte aligned memory for packed weights; huge pages where the system offers them and the size
// makes them pay. Movable, freed when destroyed.
class AlignedBuffer {
 public:
  AlignedBuffer() = default;
  ~AlignedBuffer();
  AlignedBuffer(AlignedBuffer &&other) noexcept;
  AlignedBuffer &operator=(AlignedBuffer &&other) noexcept;
  AlignedBuffer(const AlignedBuffer &) = delete;
  AlignedBuffer &operator=(const AlignedBuffer &) = delete;

  // Uninitialized memory; the old content is freed. kept: as long as the engine is, like weights.
  MaceStatus Allocate(size_t bytes, bool kept = false);
  // Memory of others, which lasts longer and is not written; the old content is freed.
  void Borrow(const void *data, size_t bytes);
  void *data() const { return data_; }
  size_t size() const { return size_; }
  template <typename T>
  T *as() const {
    return static_cast<T *>(data_);
  }

 private:
  void Free();

  void *data_ = nullptr;
  size_t size_ = 0;
  enum class Source : uint8_t { kOwn, kKept, kBorrowed };
  Source source_ = Source::kOwn;
};

// A graph inside an operator, ready to run: the branch of an If, the body of a Loop.
class Subgraph {
 public:
  virtual ~Subgraph() = default;
  // Element types of inputs and outputs.
  virtual const std::vector<DataType> &input_types() const = 0;
  virtual const std::vector<DataType> &output_types() const = 0;
  // Shapes of the outputs for those of the inputs. late: those that only a run knows.
  virtual MaceStatus InferShapes(const std::vector<Shape> &inputs, std::vector<Shape> *outputs,
                                 std::vector<bool> *late) = 0;
  // Runs once. Of the inputs, shape and raw count; they may be outputs of the last run.
  virtual MaceStatus Run(const std::vector<const Tensor *> &inputs) = 0;
  // An output of the last run; its memory lasts until the run after the next.
  virtual const Tensor &output(size_t i) const = 0;
};

// What an operator sees when it is constructed.
struct OpConstructContext {
  const OperatorDef *def = nullptr;
  DeviceType device = CPU;
  // Those of def->subgraph, for the operator to take; null without any.
  std::vector<std::unique_ptr<Subgraph>> *subgraphs = nullptr;
};

// What an operator sees when weights are packed. Called once, before any shape is known; those of
// different operators at the same time.
class OpInitContext {
 public:
  virtual ~OpInitContext() = default;
  // The constant input i, or null when it is absent or computed. The elements of what is packed are
  // read inside of Pack's `fill` alone: `raw` may be null where they are not needed.
  virtual const Tensor *ConstInput(int i) const = 0;
  virtual DataType InputType(int i) const = 0;
  // Says that Run will not read constant input i: its pages may be given back once all readers
  // said so.
  virtual void ReleaseConstInput(int i) = 0;
  virtual ThreadPool *thread_pool() const = 0;
  // True when only shapes are wanted: constants may have a null raw, weights must not be packed.
  // Who asks is taken to pack weights, and so to be unable to Run in this mode; whoever does not
  // ask is run to compute values that shapes depend on.
  virtual bool shape_only() const = 0;
  // True when the model asks that factors of products be rounded to bfloat16 where that is faster.
  virtual bool bf16_products() const { return false; }
  // Memory that counts as packed weights in the engine's figures.
  virtual void CountPackedBytes(size_t bytes) = 0;

  // Makes a block of packed weights: allocates `bytes` and calls fill(memory), unless an earlier
  // engine of this model kept the block. layout: the kernel that it is packed for; the same model,
  // layout and size make the same content.
  template <typename Fill>
  MaceStatus Pack(const char *layout, size_t bytes, AlignedBuffer *packed, Fill &&fill) {
    bool found = false;
    MACE_RETURN_IF_ERROR(BeginPack(layout, bytes, packed, &found));
    if (!found) {
      fill(packed->data());
      EndPack(*packed);
    }
    return MaceStatus();
  }

 protected:
  // Finds the block, or allocates memory for it.
  virtual MaceStatus BeginPack(const char *, size_t bytes, AlignedBuffer *packed, bool *found) {
    *found = false;
    CountPackedBytes(bytes);
    return packed->Allocate(bytes, true);
  }
  virtual void EndPack(const AlignedBuffer &) {}
};

// Input shapes, known values and, after InferShape, output shapes.
class OpShapeContext {
 public:
  virtual ~OpShapeContext() = default;
  // Number of inputs in the graph, absent optional ones included.
  virtual int InputCount() const = 0;
  virtual int OutputCount() const = 0;
  virtual bool HasInput(int i) const = 0;
  // The input as far as it is known: dtype, shape, format; raw is null unless is_const.
  virtual const Tensor &Input(int i) const = 0;
  virtual void SetOutputShape(int i, const Shape &shape) = 0;
  virtual const Shape &OutputShape(int i) const = 0;

  // Says that the shape of an output is known only once Run has made it: Run then asks for its
  // memory with OpContext::AllocateOutput.
  virtual void SetOutputLate(int) {}

  // The elements of an int32 or int64 input, which a shape or a plan depends on. `what` names it in
  // the message. When they are not known yet, the operator is planned again during the run, when
  // they are: return the status.
  MaceStatus IntegerInput(int i, const char *what, std::vector<int64_t> *values) const;
  // The same for an input of any type: after success Input(i).raw may be read.
  MaceStatus NeedElements(int i, const char *what) const;

 protected:
  // Whether the elements of input i can be read; who asks depends on them.
  virtual bool FindElements(int i) const {
    const Tensor &tensor = Input(i);
    return tensor.elements() == 0 || (tensor.is_const && tensor.raw != nullptr);
  }
};

// State that an operator keeps for one plan, e.g. tables that depend on the shape.
class OpState {
 public:
  virtual ~OpState() = default;
};

// What an operator decides for one set of shapes, after InferShape.
class OpPlanContext : public OpShapeContext {
 public:
  // Memory for the duration of Run, 64-byte aligned, shared with other operators.
  virtual void RequestScratch(size_t bytes) = 0;
  // Output o has the elements of input i: they may share memory, Run must copy when
  // output(o)->raw != input(i)->raw.
  virtual void AliasOutput(int o, int i) = 0;
  // Output o may be written over input i if nothing else reads it later: Run reads element k of
  // input i before or as it writes element k of output o, both have the same size in bytes.
  virtual void AllowInPlace(int o, int i) = 0;
  // The elements of input i are a part of output o: its rows along the last dimension lie `stride`
  // elements apart, from byte `offset` on. Whoever makes the input may write them there; Run must
  // copy unless input(i)->raw is output(o)->raw + offset.
  virtual void PartOfOutput(int, int, size_t, int64_t) {}
  virtual void SetState(std::unique_ptr<OpState> state) = 0;
  virtual ThreadPool *thread_pool() const = 0;
};

// Gives memory to outputs whose shape only Run knows.
class OutputAllocator {
 public:
  virtual ~OutputAllocator() = default;
  virtual MaceStatus Allocate(int o, const Shape &shape, Tensor *output) = 0;
};

// What Run works on.
class OpContext {
 public:
  // Null for an absent optional input.
  const Tensor *input(int i) const { return inputs_[i]; }
  Tensor *output(int i) const { return outputs_[i]; }
  int input_count() const { return input_count_; }
  int output_count() const { return output_count_; }
  void *scratch() const { return scratch_; }
  OpState *state() const { return state_; }
  ThreadPool *thread_pool() const { return thread_pool_; }
  // Sets the shape of an output that InferShape called late, and gives it memory: once for each.
  // For one that was planned it checks the shape.
  MaceStatus AllocateOutput(int o, const Shape &shape);

 private:
  friend class OpContextBuilder;
  OutputAllocator *allocator_ = nullptr;
  const Tensor *const *inputs_ = nullptr;
  Tensor *const *outputs_ = nullptr;
  int input_count_ = 0;
  int output_count_ = 0;
  void *scratch_ = nullptr;
  OpState *state_ = nullptr;
  ThreadPool *thread_pool_ = nullptr;
};

// Fills an OpContext; for the net and for tests.
class OpContextBuilder {
 public:
  static OpContext Make(const Tensor *const *inputs, int input_count, Tensor *const *outputs,
                        int output_count, void *scratch, OpState *state, ThreadPool *pool,
                        OutputAllocator *allocator = nullptr) {
    OpContext context;
    context.inputs_ = inputs;
    context.input_count_ = input_count;
    context.outputs_ = outputs;
    context.output_count_ = output_count;
    context.scratch_ = scratch;
    context.state_ = state;
    context.thread_pool_ = pool;
    context.allocator_ = allocator;
    return context;
  }
};

class Operation {
 public:
  explicit Operation(OpConstructContext *context) : def_(context->def) {}
  virtual ~Operation() = default;

  const std::string &name() const { return def_->name; }
  const std::string &type() const { return def_->type; }
  const OperatorDef &def() const { return *def_; }

  // Element types of the outputs from those of the inputs (DT_INVALID for absent ones). As input 0
  // unless overridden.
  virtual MaceStatus InferType(const std::vector<DataType> &inputs, std::vector<DataType> *outputs);
  // Parses and checks attributes and constant inputs, packs weights.
  virtual MaceStatus Init(OpInitContext *context);
  // Sets all output shapes, or says why the input shapes do not fit. As input 0 unless overridden.
  virtual MaceStatus InferShape(OpShapeContext *context);
  // Decides what depends on shapes. Nothing unless overridden.
  virtual MaceStatus Plan(OpPlanContext *context);
  virtual MaceStatus Run(OpContext *context) = 0;

  // Asked when a plan is made: whether Run, with `state` of that plan, can also do what `next`
  // does. That operator alone reads output 0 of this one, and one other tensor; all have the same
  // type and shape. If so, Run finds the other tensor as one more input, after those in the model,
  // and writes the output of `next`. The output may then lie where that input does if `*in_place`
  // is set, under the conditions of AllowInPlace.
  virtual bool Absorb(const OperatorDef &next, OpState *state, bool *in_place) const;
  // Asked when a plan is made: whether Run, with `state` of that plan, can write the rows of output
  // 0 (along its last dimension) `stride` elements apart. If so, it does from now on. A stride of
  // the row's length undoes this.
  virtual bool StrideOutput(int64_t stride, OpState *state) const;
  // Asked when a plan is made: whether RunRows, with `state` of that plan, can make output 0 a few
  // rows at a time, and how (see rows.h).
  virtual bool Rows(const OpState *state, RowGeometry *geometry) const;
  // Makes rows of output 0, on the calling thread.
  virtual void RunRows(const OpState *state, const RowCall &call) const;

  // True when the outputs' elements depend on the inputs' shapes alone: Run is then called once,
  // when the plan is made, with inputs whose raw is null.
  virtual bool DependsOnShapeOnly() const { return false; }
  // True when Run may reduce the outputs' shapes (set output(o)->shape) below the planned ones.
  virtual bool HasDynamicOutput() const { return false; }
  // Multiply-adds for planned shapes.
  virtual int64_t Macs(const OpShapeContext &context) const;
  // Geometry for statistics; leaves *args alone unless this is a convolution or pooling.
  virtual void Describe(const OpShapeContext &context, ConvPoolArgs *args) const;

 protected:
  // Parses the attributes into the struct generated for this operator in mace/ops/attrs/<file>.h.
  template <typename Attrs>
  MaceStatus ParseAttrs(Attrs *attrs) const {
    return ParseAttributes(Attrs::kSchema(), *def_, attrs);
  }
  // An INVALID_ARGS status that begins with the operator's type and name.
  template <typename... Args>
  MaceStatus Invalid(const Args &...args) const {
    return InvalidArgs(type(), " '", name(), "': ", args...);
  }
  template <typename... Args>
  MaceStatus NotSupported(const Args &...args) const {
    return Unsupported(type(), " '", name(), "': ", args...);
  }

 private:
  const OperatorDef *def_;
};

// Axis in [-rank, rank) made non-negative in *normalized; false when outside.
bool NormalizeAxis(int64_t axis, int rank, int *normalized);

}  // namespace mace

#endif  // MACE_CORE_OPERATOR_H_
