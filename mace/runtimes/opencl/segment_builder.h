// SPDX-License-Identifier: Apache-2.0
// Makes a segment: asks the builders for their kernels, puts transforms where memory forms differ,
// plans and allocates memory, sets arguments.
#ifndef MACE_RUNTIMES_OPENCL_SEGMENT_BUILDER_H_
#define MACE_RUNTIMES_OPENCL_SEGMENT_BUILDER_H_

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "mace/core/memory_planner.h"
#include "mace/runtimes/opencl/segment.h"

namespace mace {
namespace opencl {

class SegmentBuilder {
 public:
  SegmentBuilder(Gpu *gpu, std::vector<AcceleratorOp> ops, std::vector<const Tensor *> inputs,
                 std::vector<const Tensor *> outputs);
  MaceStatus Build(std::unique_ptr<AcceleratorSegment> *segment);

  // For the tuner. The segment's operators once sums are joined, what builders are asked about one
  // of them, and its kernels alone, with memory that holds anything, as a tuned parameter says.
  size_t operators() const { return segment_->ops_.size(); }
  MaceStatus Describe(size_t op, GpuOpContext *context) const;
  MaceStatus BuildAlone(size_t op, const std::string &choice,
                        std::unique_ptr<Segment> *segment) const;

 private:
  // How a tensor lies in memory.
  enum class Form : uint8_t {
    kPlain,   // buffer of its own type, as on the host
    kHalf,    // buffer of half for float32
    kTexels,  // image
  };
  // A tensor in one form, or scratch.
  struct Value {
    Form form = Form::kPlain;
    size_t bytes = 0;               // of a buffer
    int64_t width = 0, height = 0;  // of an image, and its type
    bool half_texels = false;
    SharedMemory constant;  // has memory of its own
    cl_mem memory = nullptr;
  };
  // An argument with what stands for it.
  struct Bound {
    KernelArgument argument;
    int value = -1;
    SharedMemory shared;
  };
  struct Pending {
    KernelLaunch launch;
    std::vector<Bound> arguments;
    size_t op = 0;
    double micros = 0;  // how long it was found to take; 0: not known
    bool dropped = false;
  };

  // Who needs a tensor of the segment.
  static constexpr size_t kNoMaker = SIZE_MAX;
  struct Users {
    size_t maker = kNoMaker;  // operator
    int count = 0;            // inputs of operators, and outputs of the segment
  };
  // A tensor that is a part of the channels of another in memory.
  struct Part {
    const Tensor *whole;
    int64_t first_channel;
  };

  // Operators on one input that are executed as one, which is at the place of the first.
  struct Siblings {
    std::vector<const OperatorDef *> defs;  // of the others
    int second_memory = 0;                  // see GpuOpContext
  };

  // segment_fusion.cc: what is joined before kernels are chosen.
  std::map<const Tensor *, Users> FindUsers() const;
  // Joins sums with the operators that make their later operand. Fills sums_.
  void AbsorbSums();
  // Has inputs of concatenations written in their place. Fills parts_.
  MaceStatus PlaceParts();
  // Joins convolutions of one input. Fills siblings_, and parts_ with tensors of wholes_.
  void JoinSiblings();
  struct Reader {
    size_t op;
    size_t input;
  };
  using Readers = std::map<const Tensor *, std::vector<Reader>>;
  // Whether all who read the tensor can read it as a part of another.
  bool ReadAsPart(const Tensor *tensor, MemoryKind memory, const Readers &readers) const;
  // Of operators that may be joined with the first: those of one memory, and then of another.
  bool Arrange(const std::vector<size_t> &group, const Readers &readers, std::vector<size_t> *first,
               std::vector<size_t> *second) const;
  bool PutTogether(const std::vector<size_t> &members);
  void Join(const std::vector<size_t> &first, const std::vector<size_t> &second);
  // The tensor whose memory it is.
  const Tensor *InMemory(const Tensor *tensor) const;
  void DescribeParts(const AcceleratorOp &op, GpuOpContext *context) const;

  static size_t At(int i) { return static_cast<size_t>(i); }
  int NewValue(Form form, const Tensor &tensor);
  int NewScratch(const GpuScratch &scratch);
  Form FormOf(const Tensor &tensor, MemoryKind memory) const;
  MaceStatus NewConstant(const Tensor &tensor, Form form, int *value);
  // The value of a tensor in a form, by a transform if it is there only in another.
  MaceStatus Get(const Tensor &tensor, Form form, int *value);
  MaceStatus Transform(const Tensor &tensor, int from, int to);
  MaceStatus AddOp(size_t number);
  MaceStatus AddLaunches(const GpuOpContext &context, GpuStep *step, size_t number);
  MaceStatus AddAlias(const GpuOpContext &context, const GpuStep &step, size_t number);
  MaceStatus Bind(const GpuOpContext &context, const GpuStep &step, size_t number,
                  const std::vector<int> &scratch, const std::vector<SharedMemory> &weights,
                  Pending *pending, MemoryGraph::Step *uses);
  MemoryKind Wanted(const std::vector<MemoryKind> &wishes, const GpuOpContext &context,
                    size_t i) const {
    return i < wishes.size() ? wishes[i] : context.memory;
  }

  // Counts bytes of activations; OUT_OF_RESOURCES beyond the limit that the engine was given.
  MaceStatus Take(size_t bytes);
  MaceStatus AllocateBuffers();
  MaceStatus AllocateImages();
  MaceStatus MakeKernels();
  MaceStatus MakeLaunch(const Pending &pending, Segment::Launch *launch);
  // Divides it where it may take longer than a launch is allowed.
  void LimitTime(const Pending &pending, Segment::Launch *launch) const;

  Gpu *gpu_;
  std::vector<const Tensor *> inputs_, outputs_;
  std::unique_ptr<Segment> segment_;
  std::vector<const OperatorDef *> sums_;  // by operator of the segment: what it absorbed, or null
  std::map<const Tensor *, Part> parts_;
  std::vector<Siblings> siblings_;               // by operator of the segment
  std::vector<std::unique_ptr<Tensor>> wholes_;  // that are no tensors of the model
  const std::string *choice_ = nullptr;  // not null: of the one operator that is built alone
  std::vector<Value> values_;
  std::map<std::pair<const Tensor *, Form>, int> value_of_;
  std::vector<Pending> pending_;
  MemoryGraph graph_;  // tensors are values_, steps as they are executed
  size_t taken_ = 0;   // bytes of activations, of those that are allocated
};

}  // namespace opencl
}  // namespace mace

#endif  // MACE_RUNTIMES_OPENCL_SEGMENT_BUILDER_H_
