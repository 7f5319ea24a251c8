// SPDX-License-Identifier: Apache-2.0
// A device beside the CPU as the engine sees it: it says which operators it can execute, and makes
// one object of each run of them that are executed one after the other.
#ifndef MACE_CORE_ACCELERATOR_H_
#define MACE_CORE_ACCELERATOR_H_

#include <algorithm>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "mace/base/status.h"
#include "mace/core/model.h"
#include "mace/core/tensor.h"

namespace mace {

// Whether this build has any. Code for them is left out of one that has none.
#if defined(MACE_ENABLE_OPENCL)
constexpr bool kHasAccelerators = true;
#else
constexpr bool kHasAccelerators = false;
#endif

// An operator with its tensors, whose shapes and types are settled. Constants have is_const, and
// their elements in raw unless only support is asked for.
struct AcceleratorOp {
  const OperatorDef *def = nullptr;
  std::vector<const Tensor *> inputs;  // null: absent
  std::vector<const Tensor *> outputs;
  // For statistics.
  int64_t macs = 0;
  ConvPoolArgs args{};
};

// Memory of the device for activations, in bytes.
struct AcceleratorMemory {
  std::vector<size_t> blocks{};  // buffers, which segments use in turn
  size_t images = 0;             // of each segment alone
  size_t lower_bound = 0;        // the most that is live at one step

  void Add(const AcceleratorMemory &segment) {
    blocks.resize(std::max(blocks.size(), segment.blocks.size()));
    for (size_t b = 0; b < segment.blocks.size(); ++b) {
      blocks[b] = std::max(blocks[b], segment.blocks[b]);
    }
    images += segment.images;
    lower_bound = std::max(lower_bound, segment.lower_bound);
  }
};

// Operators that the device executes in one go.
class AcceleratorSegment {
 public:
  virtual ~AcceleratorSegment() = default;
  // Reads the segment's inputs at their raw, and has written its outputs there when it returns.
  // metadata: filled with a line for each operator when not null.
  virtual MaceStatus Run(RunMetadata *metadata) = 0;
  virtual AcceleratorMemory memory() const { return {}; }
};

class Accelerator {
 public:
  virtual ~Accelerator() = default;
  // Whether it may be able to execute operators of this type, at some shapes.
  virtual bool MayExecute(const OperatorDef &def) const = 0;
  // Success, or a status whose sentence says why the operator must run on the CPU.
  virtual MaceStatus Supports(const AcceleratorOp &op) const = 0;
  // ops: supported ones, in order. inputs, outputs: the tensors at the segment's borders; they
  // outlive it, with their shapes.
  virtual MaceStatus MakeSegment(std::vector<AcceleratorOp> ops, std::vector<const Tensor *> inputs,
                                 std::vector<const Tensor *> outputs,
                                 std::unique_ptr<AcceleratorSegment> *segment) = 0;
  // Bytes of the constants that it holds for segments.
  virtual size_t weight_bytes() const { return 0; }
};

// Where an operator is executed.
struct OperatorPlacement {
  size_t op = 0;  // among those of the net
  bool on_accelerator = false;
  std::string reason{};  // why not on the accelerator
};

}  // namespace mace

#endif  // MACE_CORE_ACCELERATOR_H_
