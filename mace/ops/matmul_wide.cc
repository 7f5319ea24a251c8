// SPDX-License-Identifier: Apache-2.0
// Matrix products of float64 and of integers, which wrap around. A row of b is widened once for a
// few rows of a.
#include <algorithm>
#include <cstdint>
#include <vector>

#include "mace/ops/data_movement.h"
#include "mace/ops/matmul_base.h"
#include "mace/ops/wide.h"
#include "mace/runtimes/cpu/thread_pool.h"

namespace mace {
namespace ops {

namespace {

constexpr int64_t kRows = 4;

class WideMatMulOp : public MatMulBase {
 public:
  using MatMulBase::MatMulBase;

  MaceStatus InferType(const std::vector<DataType> &inputs,
                       std::vector<DataType> *outputs) override {
    if (inputs[0] != inputs[1]) {
      return Invalid("a is ", DataTypeName(inputs[0]), ", but b is ", DataTypeName(inputs[1]));
    }
    (*outputs)[0] = inputs[0];
    return MaceStatus();
  }

  MaceStatus Init(OpInitContext *) override { return ParseAttrs(&attrs_); }

  MaceStatus Run(OpContext *context) override {
    if (context->input(0)->dtype == DT_DOUBLE) {
      RunWide<double, double>(context);
    } else {
      RunWide<int64_t, uint64_t>(context);
    }
    return MaceStatus();
  }

 private:
  // One product's operands.
  struct Matrices {
    Operand a, b;
    const Tensor *a_tensor, *b_tensor;
    int64_t a_first, b_first;  // elements
  };

  template <typename W, typename U>
  void RunWide(OpContext *context) const {
    const Tensor &a_tensor = *context->input(0), &b_tensor = *context->input(1);
    Tensor *output = context->output(0);
    if (output->elements() == 0) return;
    const Operand a(a_tensor.shape, attrs_.transpose_a, true);
    const Operand b(b_tensor.shape, attrs_.transpose_b, false);
    Shape batch;
    for (int i = 0; i < std::max(a.batch.rank(), b.batch.rank()); ++i) {
      batch.push_back(output->shape[i]);
    }
    const int64_t bands = (a.rows + kRows - 1) / kRows;
    context->thread_pool()->ParallelFor(
        batch.elements() * bands, 1, [&](int64_t begin, int64_t end, int) {
          for (int64_t i = begin; i < end; ++i) {
            const int64_t product = i / bands, row = i % bands * kRows;
            const Matrices matrices = {a,
                                       b,
                                       &a_tensor,
                                       &b_tensor,
                                       BatchIndex(batch, a.batch, product) * a.elements(),
                                       BatchIndex(batch, b.batch, product) * b.elements()};
            for (int64_t column = 0; column < b.columns; column += kWideBlock) {
              Tile<W, U>(matrices, row, std::min(kRows, a.rows - row), column,
                         std::min(kWideBlock, b.columns - column), product, output);
            }
          }
        });
  }

  template <typename W, typename U>
  static void Tile(const Matrices &m, int64_t row, int64_t rows, int64_t column, int64_t columns,
                   int64_t product, Tensor *output) {
    W totals[kRows][kWideBlock] = {}, line[kWideBlock], factor = 0;
    const DataType dtype = output->dtype;
    for (int64_t k = 0; k < m.b.rows; ++k) {
      const int64_t b_step = m.b.transposed ? m.b.rows : 1;
      const int64_t b_first = m.b.transposed ? column * b_step + k : k * m.b.columns + column;
      Widen(dtype, ElementAt(m.b_tensor->raw, dtype, m.b_first + b_first), b_step, columns, line);
      for (int64_t r = 0; r < rows; ++r) {
        const int64_t a_first =
            m.a.transposed ? k * m.a.rows + row + r : (row + r) * m.a.columns + k;
        Widen(dtype, ElementAt(m.a_tensor->raw, dtype, m.a_first + a_first), 1, 1, &factor);
        for (int64_t c = 0; c < columns; ++c) {
          totals[r][c] = static_cast<W>(static_cast<U>(totals[r][c]) +
                                        static_cast<U>(factor) * static_cast<U>(line[c]));
        }
      }
    }
    for (int64_t r = 0; r < rows; ++r) {
      const int64_t place = (product * m.a.rows + row + r) * m.b.columns + column;
      Write(dtype, totals[r], columns, ElementAt(output->raw, dtype, place));
    }
  }

  static void Write(DataType dtype, const int64_t *in, int64_t n, void *dst) {
    Narrow(dtype, in, false, n, dst);
  }
  static void Write(DataType dtype, const double *in, int64_t n, void *dst) {
    Narrow(dtype, in, n, dst);
  }
};

}  // namespace

void RegisterWideMatMul(OpRegistryBase *op_registry) {
  RegisterForTypes<WideMatMulOp>(op_registry, "MatMul",
                                 {DT_DOUBLE, DT_INT32, DT_INT64, DT_UINT32, DT_UINT64});
}

}  // namespace ops
}  // namespace mace
