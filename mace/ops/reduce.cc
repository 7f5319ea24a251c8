// SPDX-License-Identifier: Apache-2.0
// Reduce: combines the elements along axes. Neighbouring axes of one kind become one; then each
// pass combines the last group of reduced axes, [outer][reduced][inner] -> [outer][inner]. A long
// group is cut into blocks first, which become one more pass. All types but float32 are computed in
// 64 bits; integers wrap around in the output, their mean and L2 norm are truncated.
#include "mace/kernels/reduce/reduce.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <memory>
#include <utility>
#include <vector>

#include "mace/base/chosen.h"
#include "mace/kernels/eltwise/eltwise.h"
#include "mace/ops/attrs/reduce.h"
#include "mace/ops/broadcast_rows.h"
#include "mace/ops/reduction.h"
#include "mace/ops/wide.h"

namespace mace {
namespace ops {

namespace {

using ReduceType = ReduceAttrs::ReduceType;
using kernels::ReduceFunction;

ReduceFunction FirstFunction(ReduceType type) {
  switch (type) {
    case ReduceType::kMin:
    case ReduceType::kAll:
      return kernels::kReduceMin;
    case ReduceType::kMax:
    case ReduceType::kAny:
      return kernels::kReduceMax;
    case ReduceType::kProd:
      return kernels::kReduceProd;
    case ReduceType::kSumSquare:
    case ReduceType::kL2:
      return kernels::kReduceSumSquare;
    case ReduceType::kL1:
      return kernels::kReduceSumAbs;
    default:
      return kernels::kReduceSum;
  }
}

// What combines results of `function`.
ReduceFunction NextFunction(ReduceFunction function) {
  const bool sums = function == kernels::kReduceSumSquare || function == kernels::kReduceSumAbs;
  return sums ? kernels::kReduceSum : function;
}

struct Pass {
  int64_t outer;
  int64_t reduced;
  int64_t inner;
  int64_t block;  // of the reduced elements that give one result
  int64_t blocks;
  int64_t results() const { return outer * blocks * inner; }
};

struct ReduceState : public OpState {
  std::vector<Pass> passes;
  int64_t count = 1;   // elements that become one
  int64_t buffer = 0;  // elements of each of two buffers for what passes leave
};

struct Group {
  int64_t size;
  bool reduced;
};

std::vector<Pass> MakePasses(std::vector<Group> groups) {
  std::vector<Pass> passes;
  for (;;) {
    size_t last = groups.size();
    while (last > 0 && !groups[last - 1].reduced) --last;
    if (last == 0) break;
    Pass pass = {1, groups[last - 1].size, 1, 0, 1};
    for (size_t i = 0; i < last - 1; ++i) pass.outer *= groups[i].size;
    for (size_t i = last; i < groups.size(); ++i) pass.inner *= groups[i].size;
    pass.block =
        pass.inner == 0 ? pass.reduced : ReduceBlockRows(pass.outer, pass.reduced, pass.inner);
    if (pass.block > 0) pass.blocks = (pass.reduced + pass.block - 1) / pass.block;
    passes.push_back(pass);
    if (pass.blocks > 1) {
      groups[last - 1].size = pass.blocks;
    } else {
      groups.erase(groups.begin() + static_cast<std::ptrdiff_t>(last - 1));
    }
  }
  return passes;
}

void RunFloatPass(ThreadPool *pool, const Pass &pass, ReduceFunction function, const float *in,
                  float *out) {
  const kernels::ReduceFunctions &kernel = kernels::Reduce();
  const int64_t chunks = std::max<int64_t>(1, (pass.inner + kReduceColumns - 1) / kReduceColumns);
  const int64_t unit = std::max<int64_t>(1, pass.block * std::min(pass.inner, kReduceColumns));
  const int64_t grain = std::max<int64_t>(1, kElementGrain / unit);
  pool->ParallelFor(pass.outer * pass.blocks * chunks, grain, [&](int64_t begin, int64_t end, int) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t column = i % chunks * kReduceColumns;
      const int64_t block = i / chunks % pass.blocks, o = i / chunks / pass.blocks;
      const int64_t row = block * pass.block;
      const int64_t rows = std::min(pass.block, pass.reduced - row);
      const float *from = in + (o * pass.reduced + row) * pass.inner + column;
      float *to = out + (o * pass.blocks + block) * pass.inner + column;
      if (pass.inner == 1) {
        kernels::ReduceRow(function, from, rows, to);
      } else {
        kernel.columns(function, from, rows, pass.inner,
                       std::min(kReduceColumns, pass.inner - column), to);
      }
    }
  });
}

// Of nothing: the numbers that MIN and MAX of the type's elements cannot do worse than.
template <typename Stored>
Stored Start(ReduceFunction function, DataType dtype) {
  Stored start = function == kernels::kReduceProd ? 1 : 0;
  if (function != kernels::kReduceMin && function != kernels::kReduceMax) return start;
  if (dtype == DT_BOOL) return function == kernels::kReduceMin ? 1 : 0;
  const double infinity = std::numeric_limits<double>::infinity();
  const double bound = function == kernels::kReduceMin ? infinity : -infinity;
  uint64_t element = 0;
  Narrow(dtype, &bound, 1, &element);
  Widen(dtype, &element, 1, 1, &start);
  return start;
}

// Of integers that are sums or products, U is uint64_t, which may wrap around.
template <typename W, typename U>
W Combine(ReduceFunction function, W result, W x) {
  const U a = static_cast<U>(result), b = static_cast<U>(x);
  switch (function) {
    case kernels::kReduceMin:
      return x < result || x != x ? x : result;
    case kernels::kReduceMax:
      return x > result || x != x ? x : result;
    case kernels::kReduceProd:
      return static_cast<W>(a * b);
    case kernels::kReduceSumSquare:
      return static_cast<W>(a + b * b);
    case kernels::kReduceSumAbs:
      return static_cast<W>(x < 0 ? a - b : a + b);
    default:
      return static_cast<W>(a + b);
  }
}

// `in` holds elements of type `dtype`, or, when it is DT_INVALID, what an earlier pass left.
// Results begin with `start`.
template <typename Stored, typename W, typename U>
void RunWidePass(ThreadPool *pool, const Pass &pass, ReduceFunction function, DataType dtype,
                 W start, const void *in, W *out) {
  const int64_t grain = std::max<int64_t>(1, kElementGrain / std::max<int64_t>(1, pass.block));
  pool->ParallelFor(pass.results(), grain, [&](int64_t begin, int64_t end, int) {
    Stored block[kWideBlock];
    for (int64_t i = begin; i < end; ++i) {
      const int64_t column = i % pass.inner;
      const int64_t index = i / pass.inner % pass.blocks, o = i / pass.inner / pass.blocks;
      const int64_t last = std::min(pass.reduced, (index + 1) * pass.block);
      W result = start;
      for (int64_t r = index * pass.block; r < last; r += kWideBlock) {
        const int64_t n = std::min(last - r, kWideBlock);
        const int64_t first = (o * pass.reduced + r) * pass.inner + column;
        if (dtype == DT_INVALID) {
          const W *from = static_cast<const W *>(in) + first;
          for (int64_t k = 0; k < n; ++k) {
            result = Combine<W, U>(function, result, from[k * pass.inner]);
          }
          continue;
        }
        Widen(dtype, ElementAt(in, dtype, first), pass.inner, n, block);
        for (int64_t k = 0; k < n; ++k) {
          result = Combine<W, U>(function, result, static_cast<W>(block[k]));
        }
      }
      out[i] = result;
    }
  });
}

}  // namespace

class ReduceOp : public ReductionOperation {
 public:
  explicit ReduceOp(OpConstructContext *context) : ReductionOperation(context) {}

  MaceStatus Init(OpInitContext *context) override {
    MACE_RETURN_IF_ERROR(ParseAttrs(&attrs_));
    dtype_ = context->InputType(0);
    const bool logic =
        attrs_.reduce_type == ReduceType::kAll || attrs_.reduce_type == ReduceType::kAny;
    if (logic && dtype_ != DT_BOOL) {
      return NotSupported("ALL and ANY are for bool, not ", DataTypeName(dtype_),
                          "; cast the input");
    }
    if (!Contains(kChosen.reductions, FirstFunction(attrs_.reduce_type))) {
      return Invalid("this function: ", kNotChosen);
    }
    if (dtype_ == DT_BOOL && !logic && attrs_.reduce_type != ReduceType::kMin &&
        attrs_.reduce_type != ReduceType::kMax) {
      return NotSupported("arithmetic of bools; cast the input to int32");
    }
    return MaceStatus();
  }

  MaceStatus InferShape(OpShapeContext *context) override {
    const Shape &input = context->Input(0).shape;
    bool reduced[kMaxRank];
    MACE_RETURN_IF_ERROR(ReducedAxes(attrs_.axis, input, reduced));
    Shape output;
    for (int i = 0; i < input.rank(); ++i) {
      if (!reduced[i]) {
        output.push_back(input[i]);
      } else if (attrs_.keepdims) {
        output.push_back(1);
      }
    }
    context->SetOutputShape(0, output);
    return MaceStatus();
  }

  MaceStatus Plan(OpPlanContext *context) override {
    const Shape &input = context->Input(0).shape;
    bool reduced[kMaxRank];
    MACE_RETURN_IF_ERROR(ReducedAxes(attrs_.axis, input, reduced));
    auto state = std::make_unique<ReduceState>();
    std::vector<Group> groups;
    for (int i = 0; i < input.rank(); ++i) {
      if (reduced[i]) state->count *= input[i];
      if (input[i] == 1) continue;
      if (!groups.empty() && groups.back().reduced == reduced[i]) {
        groups.back().size *= input[i];
      } else {
        groups.push_back({input[i], reduced[i]});
      }
    }
    state->passes = MakePasses(groups);
    if (state->passes.empty()) state->passes.push_back({1, 1, input.elements(), 1, 1});
    for (const Pass &pass : state->passes) {
      state->buffer = std::max(state->buffer, pass.results());
    }
    const size_t bytes = dtype_ == DT_FLOAT ? sizeof(float) : sizeof(double);
    context->RequestScratch(2 * static_cast<size_t>(state->buffer) * bytes);
    context->SetState(std::move(state));
    return MaceStatus();
  }

  MaceStatus Run(OpContext *context) override {
    if (dtype_ == DT_FLOAT) {
      RunFloat(context);
    } else if ((kChosen.types & ~(1u << DT_FLOAT)) == 0) {
      return MaceStatus();  // there are no others
    } else if (IsFloatType(dtype_)) {
      RunWide<double, double, double>(context);
    } else if (IsUnsigned64(dtype_)) {
      RunWide<int64_t, uint64_t, uint64_t>(context);
    } else {
      RunWide<int64_t, int64_t, uint64_t>(context);
    }
    return MaceStatus();
  }

 private:
  void RunFloat(OpContext *context) const {
    const auto &state = *static_cast<const ReduceState *>(context->state());
    float *buffers[2] = {static_cast<float *>(context->scratch()),
                         static_cast<float *>(context->scratch()) + state.buffer};
    float *out = context->output(0)->mutable_data<float>();
    const float *in = context->input(0)->data<float>();
    ReduceFunction function = FirstFunction(attrs_.reduce_type);
    for (size_t i = 0; i < state.passes.size(); ++i) {
      float *to = i + 1 == state.passes.size() ? out : buffers[i % 2];
      RunFloatPass(context->thread_pool(), state.passes[i], function, in, to);
      in = to;
      function = NextFunction(function);
    }
    const kernels::EltwiseFunctions &eltwise = kernels::Eltwise();
    const float count = static_cast<float>(state.count);
    context->thread_pool()->ParallelFor(
        context->output(0)->elements(), kElementGrain, [&](int64_t begin, int64_t end, int) {
          float *row = out + begin;
          if (attrs_.reduce_type == ReduceType::kMean) {
            eltwise.binary(kernels::kBinaryDiv, kernels::RowStep::kFirst, row, &count, row,
                           end - begin);
          } else if (attrs_.reduce_type == ReduceType::kL2) {
            eltwise.unary(kernels::kUnarySqrt, row, row, end - begin);
          }
        });
  }

  // Computes in W; elements are widened to Stored, of the same size.
  template <typename Stored, typename W, typename U>
  void RunWide(OpContext *context) const {
    const auto &state = *static_cast<const ReduceState *>(context->state());
    W *buffers[2] = {static_cast<W *>(context->scratch()),
                     static_cast<W *>(context->scratch()) + state.buffer};
    ReduceFunction function = FirstFunction(attrs_.reduce_type);
    const void *in = context->input(0)->raw;
    DataType dtype = dtype_;
    const W start = static_cast<W>(Start<Stored>(function, dtype));
    for (size_t i = 0; i < state.passes.size(); ++i) {
      RunWidePass<Stored, W, U>(context->thread_pool(), state.passes[i], function, dtype, start, in,
                                buffers[i % 2]);
      in = buffers[i % 2];
      dtype = DT_INVALID;
      function = NextFunction(function);
    }
    W *results = buffers[(state.passes.size() - 1) % 2];
    const int64_t count = context->output(0)->elements();
    for (int64_t i = 0; i < count; ++i) results[i] = Finish(results[i], state.count);
    // Signed and unsigned numbers of one size may be taken for each other.
    Narrow(dtype_, reinterpret_cast<const Stored *>(results), count, context->output(0)->raw);
  }

  template <typename W>
  W Finish(W result, int64_t count) const {
    if (attrs_.reduce_type == ReduceType::kMean) {
      if (count == 0 && !std::numeric_limits<W>::has_quiet_NaN) return 0;
      return result / static_cast<W>(count);
    }
    if (attrs_.reduce_type == ReduceType::kL2) {
      return static_cast<W>(std::sqrt(static_cast<double>(result)));
    }
    return result;
  }

  static void Narrow(DataType dtype, const int64_t *in, int64_t n, void *dst) {
    ops::Narrow(dtype, in, false, n, dst);
  }
  static void Narrow(DataType dtype, const double *in, int64_t n, void *dst) {
    ops::Narrow(dtype, in, n, dst);
  }

  ReduceAttrs attrs_;
  DataType dtype_ = DT_FLOAT;
};

void RegisterReduce(OpRegistryBase *op_registry) {
  RegisterForTypes<ReduceOp>(op_registry, "Reduce", kAllTypes);
}

}  // namespace ops
}  // namespace mace
