// SPDX-License-Identifier: Apache-2.0
// Matrix product over the last two dimensions, with numpy's broadcasting before them. A constant b
// is packed once; a computed one in each run, and a transposed a is copied upright.
#include <algorithm>
#include <cstring>
#include <limits>
#include <memory>

#include "mace/ops/matmul_base.h"
#include "mace/ops/matrix_product.h"
#include "mace/runtimes/cpu/thread_pool.h"

namespace mace {
namespace ops {

MaceStatus MatMulBase::InferShape(OpShapeContext *context) {
  const Shape &a_shape = context->Input(0).shape, &b_shape = context->Input(1).shape;
  MACE_RETURN_IF_ERROR(CheckRank("a", a_shape));
  MACE_RETURN_IF_ERROR(CheckRank("b", b_shape));
  const Operand a(a_shape, attrs_.transpose_a, true), b(b_shape, attrs_.transpose_b, false);
  if (a.columns != b.rows) {
    return Invalid("a ", a_shape.ToString(), attrs_.transpose_a ? " transposed" : "", " has ",
                   a.columns, " columns, but b ", b_shape.ToString(),
                   attrs_.transpose_b ? " transposed" : "", " has ", b.rows, " rows");
  }
  std::vector<int64_t> dims;
  const int rank = std::max(a.batch.rank(), b.batch.rank());
  for (int i = rank; i >= 1; --i) {
    const int64_t in_a = i <= a.batch.rank() ? a.batch.dim(-i) : 1;
    const int64_t in_b = i <= b.batch.rank() ? b.batch.dim(-i) : 1;
    if (in_a != in_b && in_a != 1 && in_b != 1) {
      return Invalid("a ", a_shape.ToString(), " and b ", b_shape.ToString(),
                     " cannot be broadcast: ", in_a, " and ", in_b,
                     " matrices, neither of which is 1");
    }
    dims.push_back(in_a == 1 ? in_b : in_a);
  }
  if (a_shape.rank() > 1) dims.push_back(a.rows);
  if (b_shape.rank() > 1) dims.push_back(b.columns);
  return SetOutput(context, 0, dims);
}

int64_t MatMulBase::Macs(const OpShapeContext &context) const {
  const Operand a(context.Input(0).shape, attrs_.transpose_a, true);
  return context.OutputShape(0).elements() * a.columns;
}

MaceStatus MatMulBase::CheckRank(const char *what, const Shape &shape) const {
  if (shape.rank() >= 1) return MaceStatus::MACE_SUCCESS;
  return Invalid(what, " is a scalar; it must have one dimension or more");
}

class MatMulOp : public MatMulBase {
 public:
  using MatMulBase::MatMulBase;

  MaceStatus InferType(const std::vector<DataType> &inputs,
                       std::vector<DataType> *outputs) override {
    MACE_RETURN_IF_ERROR(CheckFloatInputs(inputs, 2));
    return WindowOperation::InferType(inputs, outputs);
  }

  MaceStatus Init(OpInitContext *context) override {
    MACE_RETURN_IF_ERROR(ParseAttrs(&attrs_));
    const Tensor *b = context->ConstInput(1);
    if (b == nullptr) return MaceStatus::MACE_SUCCESS;
    MACE_RETURN_IF_ERROR(CheckRank("b", b->shape));
    if (context->shape_only() || b->elements() == 0) return MaceStatus::MACE_SUCCESS;
    const Operand operand(b->shape, attrs_.transpose_b, false);
    const int64_t count = operand.batch.elements();
    const int64_t floats = PackedProductFloats(operand.rows, operand.columns);
    const size_t bytes = static_cast<size_t>(floats * count) * sizeof(float);
    MACE_RETURN_IF_ERROR(
        context->Pack(kernels::BestGemm().name, bytes, &packed_, [&](void *packed) {
          for (int64_t i = 0; i < count; ++i) {
            PackMatrix(operand, b->data<float>() + i * operand.elements(),
                       static_cast<float *>(packed) + i * floats);
          }
        }));
    b_is_packed_ = true;
    context->ReleaseConstInput(1);
    return MaceStatus::MACE_SUCCESS;
  }

  MaceStatus Plan(OpPlanContext *context) override {
    const Shape &a_shape = context->Input(0).shape, &b_shape = context->Input(1).shape;
    const Shape &out = context->OutputShape(0);
    if (out.elements() == 0) return MaceStatus::MACE_SUCCESS;
    const Operand a(a_shape, attrs_.transpose_a, true), b(b_shape, attrs_.transpose_b, false);
    auto state = std::make_unique<State>();
    state->k = a.columns;
    if (state->k > 0) PlanProducts(a, b, out, context->thread_pool()->num_threads(), state.get());
    state->thread_scratch_floats = state->k > 0 ? ProductScratchFloats(state->plan) : 0;
    const int64_t floats = state->packed_scratch_floats + state->a_scratch_floats +
                           state->thread_scratch_floats * context->thread_pool()->num_threads();
    if (floats > 0) context->RequestScratch(static_cast<size_t>(floats) * sizeof(float));
    context->SetState(std::move(state));
    return MaceStatus::MACE_SUCCESS;
  }

  MaceStatus Run(OpContext *context) override {
    const State *state = static_cast<const State *>(context->state());
    if (state == nullptr) return MaceStatus::MACE_SUCCESS;
    const Tensor &a_tensor = *context->input(0), &b_tensor = *context->input(1);
    float *output = context->output(0)->mutable_data<float>();
    if (state->k == 0) {
      std::memset(output, 0, context->output(0)->bytes());
      return MaceStatus::MACE_SUCCESS;
    }
    ThreadPool *pool = context->thread_pool();
    const float *packed = packed_.as<float>();
    if (!b_is_packed_) {
      float *room = static_cast<float *>(context->scratch());
      const Operand b(b_tensor.shape, attrs_.transpose_b, false);
      const float *data = b_tensor.data<float>();
      pool->ParallelFor(b.batch.elements(), 1, [&](int64_t begin, int64_t end, int) {
        for (int64_t i = begin; i < end; ++i) {
          PackMatrix(b, data + i * b.elements(), room + i * state->plan.packed_floats);
        }
      });
      packed = room;
    }
    const float *a = a_tensor.data<float>();
    if (state->a_scratch_floats > 0) {
      float *upright = static_cast<float *>(context->scratch()) + state->packed_scratch_floats;
      TransposeA(pool, a_tensor, upright);
      a = upright;
    }
    const kernels::ConvEpilogue epilogue = {
        -std::numeric_limits<float>::infinity(), std::numeric_limits<float>::infinity(), {}};
    const int64_t tiles = state->plan.tiles;
    float *const scratch = static_cast<float *>(context->scratch()) + state->packed_scratch_floats +
                           state->a_scratch_floats;
    pool->ParallelFor(state->products * tiles, 1, [&](int64_t begin, int64_t end, int thread) {
      float *own = state->thread_scratch_floats == 0
                       ? nullptr
                       : scratch + thread * state->thread_scratch_floats;
      for (int64_t i = begin; i < end; ++i) {
        const int64_t product = i / tiles;
        kernels::RunConvTile(state->plan, epilogue, a + state->a_offsets[product],
                             packed + state->b_offsets[product], output + product * state->c_floats,
                             i % tiles, own);
      }
    });
    return MaceStatus::MACE_SUCCESS;
  }

 private:
  // Products of the same size, and where each finds its matrices.
  struct State : OpState {
    kernels::ConvPlan plan;
    int64_t k = 0;
    int64_t products = 1;
    int64_t c_floats = 0;
    std::vector<int64_t> a_offsets, b_offsets;
    int64_t packed_scratch_floats = 0;  // of b, if it is computed
    int64_t a_scratch_floats = 0;       // of a upright, if it is transposed
    int64_t thread_scratch_floats = 0;  // after those, for each thread
  };

  // A matrix of one row or column lies the same either way.
  static bool NeedsTransposition(const Operand &a) {
    return a.transposed && a.rows > 1 && a.columns > 1;
  }

  static void PackMatrix(const Operand &b, const float *data, float *packed) {
    PackProduct(b.rows, b.columns, data, b.transposed ? 1 : b.columns, b.transposed ? b.rows : 1,
                nullptr, packed);
  }

  void PlanProducts(const Operand &a, const Operand &b, const Shape &out, int threads,
                    State *state) const {
    int64_t m = a.rows;
    const int64_t all = out.elements() / (a.rows * b.columns);
    const int64_t b_count = b.batch.elements();
    state->products = all;
    // One b for all: the matrices of a are one tall matrix.
    if (b_count == 1 && all > 1 && a.batch.elements() == all) {
      m *= all;
      state->products = 1;
    }
    state->plan = PlanProduct(m, a.columns, b.columns, state->products >= threads ? 1 : threads);
    state->c_floats = m * b.columns;
    if (state->products == 1) {
      state->a_offsets = state->b_offsets = {0};
    } else {
      Shape batch;
      const int batch_rank = std::max(a.batch.rank(), b.batch.rank());
      for (int i = 0; i < batch_rank; ++i) batch.push_back(out[i]);
      for (int64_t i = 0; i < all; ++i) {
        state->a_offsets.push_back(BatchIndex(batch, a.batch, i) * a.elements());
        state->b_offsets.push_back(BatchIndex(batch, b.batch, i) * state->plan.packed_floats);
      }
    }
    if (!b_is_packed_) state->packed_scratch_floats = b_count * state->plan.packed_floats;
    if (NeedsTransposition(a)) {
      state->a_scratch_floats = (a.batch.elements() * a.elements() + 15) / 16 * 16;
    }
  }

  void TransposeA(ThreadPool *pool, const Tensor &tensor, float *upright) const {
    const Operand a(tensor.shape, attrs_.transpose_a, true);
    const float *data = tensor.data<float>();
    pool->ParallelFor(a.batch.elements() * a.rows, kTransposeGrain,
                      [&](int64_t begin, int64_t end, int) {
                        for (int64_t i = begin; i < end; ++i) {
                          const float *column = data + i / a.rows * a.elements() + i % a.rows;
                          for (int64_t l = 0; l < a.columns; ++l) {
                            upright[i * a.columns + l] = column[l * a.rows];
                          }
                        }
                      });
  }

  static constexpr int64_t kTransposeGrain = 16;  // rows
  bool b_is_packed_ = false;
  AlignedBuffer packed_;
};

void RegisterMatMul(OpRegistryBase *op_registry) {
  MACE_REGISTER_OP_CLASS(op_registry, "MatMul", MatMulOp, DeviceType::CPU, DT_FLOAT);
  RegisterWideMatMul(op_registry);
}

}  // namespace ops
}  // namespace mace
