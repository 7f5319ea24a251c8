// SPDX-License-Identifier: Apache-2.0
// Packing for Strassen's product, and the order of its sums and products.
#include "mace/kernels/strassen/strassen.h"

#include <algorithm>
#include <limits>
#include <vector>

#include "mace/kernels/eltwise/eltwise.h"
#include "mace/kernels/listener.h"

namespace mace {
namespace kernels {

namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();
// Rows of a group. Fewer: filters are read more often. More: the quarters leave the L2 cache.
// Where rows are packed, on Arm, filters that are read once more are worse than quarters in memory.
constexpr int64_t kGroupRows = 128, kPackedGroupRows = 256;
// Groups that are equal shares for any usual number of threads.
constexpr int64_t kEqualShares = 4;
// Tiles for each thread where groups are no equal shares. Elsewhere one is enough: each tile of a
// group makes the sums of A again.
constexpr int64_t kTilesPerThread = 2;
// With fewer rows filters, of which there are more, take longer to come than they save.
constexpr int64_t kLeastRows = 96;
// It must be faster by this, as its filters take more room and its sums more of the caches.
constexpr double kLeastGain = 1.06;
// Of a range: for one alone some kernels would multiply in another order than for all.
constexpr int64_t kLeastPanels = 2;
// Plainly multiplied filters that are no larger stay in the L2 cache, and in chains of operators.
constexpr int64_t kLeastFilters = 64 * 1024;
// The order in which matrices are packed.
enum Matrix { kB11, kB21, kB22, kT1, kT2, kT3, kMinusT4 };

int64_t CeilDiv(int64_t a, int64_t b) { return (a + b - 1) / b; }

// Floats from a row of S to the next: not a multiple of 4096 bytes, see gemm.h.
int64_t SumsStride(int64_t half_k) { return half_k + (half_k % 1024 == 0 ? 16 : 0); }

}  // namespace

bool StrassenFits(const GemmKernel &gemm, int64_t k, int64_t n) {
  return gemm.way == nullptr && k % 2 == 0 && n % (2 * gemm.columns) == 0;
}

bool StrassenMayPay(const GemmKernel &gemm, int64_t rows, int64_t k, int64_t n) {
  return rows >= kLeastRows && k * n > kLeastFilters && gemm.isa != kIsaReference &&
         StrassenFits(gemm, k, n);
}

Work ProductWork(const GemmKernel &gemm, int64_t rows, int64_t k, int64_t n) {
  const double filters = static_cast<double>(k) * static_cast<double>(n);
  Work work;
  work.macs = filters * static_cast<double>(rows);
  work.steps = filters * static_cast<double>(CeilDiv(rows, gemm.rows));
  work.filters = filters;
  work.outputs = static_cast<double>(rows) * static_cast<double>(n);
  return work;
}

Work StrassenWork(const GemmKernel &gemm, int64_t rows, int64_t k, int64_t n) {
  Work work = ProductWork(gemm, CeilDiv(rows, 2), k / 2, n / 2);
  for (double *part : {&work.macs, &work.steps, &work.filters, &work.outputs}) {
    *part *= kStrassenMatrices;
  }
  work.inputs = static_cast<double>(rows) * static_cast<double>(k);
  return work;
}

bool StrassenPays(const GemmKernel &gemm, int64_t rows, int64_t k, int64_t n) {
  if (!StrassenMayPay(gemm, rows, k, n)) return false;
  const Costs &costs = CostsOf(VectorIsa(gemm));
  return CostOf(StrassenWork(gemm, rows, k, n), costs.strassen) * kLeastGain <
         CostOf(ProductWork(gemm, rows, k, n), costs.product);
}

StrassenPlan PlanStrassen(const GemmKernel &gemm, int64_t rows, int64_t k, int64_t n, int threads) {
  StrassenPlan plan;
  plan.gemm = &gemm;
  plan.rows = rows;
  plan.k = k;
  plan.n = plan.out_stride = n;
  // Which rows are halves of one group does not depend on threads, and so results do not.
  const int64_t pairs = rows / 2;
  plan.groups =
      std::max<int64_t>(1, CeilDiv(rows, gemm.block == nullptr ? kGroupRows : kPackedGroupRows));
  if (plan.groups > 1) {
    const int64_t share = plan.groups > kEqualShares ? kEqualShares : 2;
    plan.groups = std::min(CeilDiv(plan.groups, share) * share, pairs);
  }
  if (threads > 1 && plan.groups % threads != 0 && plan.groups < kTilesPerThread * threads) {
    const int64_t most = std::max<int64_t>(1, GemmPanels(gemm, n / 2) / kLeastPanels);
    plan.splits = std::min(most, CeilDiv(kTilesPerThread * threads, plan.groups));
  }
  plan.tiles = plan.groups * plan.splits;
  plan.part = GemmPart(gemm, k / 2);
  plan.matrix_floats = PackedGemmFloats(gemm, k / 2, n / 2, plan.part);
  plan.packed_floats = kStrassenMatrices * plan.matrix_floats;
  const int64_t half_rows = CeilDiv(pairs, plan.groups);
  // What follows it is aligned too.
  plan.sums_floats = CeilDiv(half_rows * SumsStride(k / 2), 16) * 16;
  plan.scratch_floats =
      plan.sums_floats + GemmScratchFloats(gemm, k / 2, std::max<int64_t>(1, half_rows), k);
  return plan;
}

void PackStrassen(const StrassenPlan &plan, const float *filter, const float *bias, float *packed) {
  const int64_t k = plan.k / 2, n = plan.n / 2;
  const float *second = bias == nullptr ? nullptr : bias + n;
  const auto pack = [&](Matrix matrix, const float *data, int64_t stride_n, const float *of_bias) {
    GemmSource source = {data, kOneTap, 1, k, 1, stride_n, plan.part};
    PackGemm(*plan.gemm, source, n, of_bias, packed + matrix * plan.matrix_floats);
  };
  const float *b11 = filter, *b21 = filter + k, *b12 = filter + n * plan.k, *b22 = b12 + k;
  pack(kB11, b11, plan.k, nullptr);
  pack(kB21, b21, plan.k, bias);
  pack(kB22, b22, plan.k, nullptr);
  // The sums of one matrix after the other, by rows of the columns of B.
  std::vector<float> sums(static_cast<size_t>(n * k));
  const EltwiseFunctions &eltwise = Eltwise();
  const auto subtract = [&](const float *x, int64_t x_row, const float *y, int64_t y_row) {
    for (int64_t j = 0; j < n; ++j) {
      eltwise.binary(kBinarySub, RowStep::kBoth, x + j * x_row, y + j * y_row, sums.data() + j * k,
                     k);
    }
  };
  subtract(b22, plan.k, b12, plan.k);
  pack(kT3, sums.data(), k, nullptr);
  subtract(b12, plan.k, b11, plan.k);
  // The second half's bias is with S1 T1, which both of its quarters have.
  pack(kT1, sums.data(), k, second);
  subtract(b22, plan.k, sums.data(), k);
  pack(kT2, sums.data(), k, nullptr);
  subtract(b21, plan.k, sums.data(), k);
  pack(kMinusT4, sums.data(), k, bias);
}

namespace {

// Rows [begin, end) and, of each half, the columns of panels [panel_begin, panel_end).
struct Piece {
  int64_t begin, end;
  int64_t panel_begin, panel_end;
  int64_t first_column, columns;
};

Piece PieceOf(const StrassenPlan &plan, int64_t tile) {
  const int64_t group = tile / plan.splits, split = tile % plan.splits;
  const int64_t pairs = plan.rows / 2, panels = GemmPanels(*plan.gemm, plan.n / 2);
  Piece piece;
  piece.begin = group * pairs / plan.groups * 2;
  piece.end = group + 1 == plan.groups ? plan.rows : (group + 1) * pairs / plan.groups * 2;
  piece.panel_begin = split * panels / plan.splits;
  piece.panel_end = (split + 1) * panels / plan.splits;
  piece.first_column = piece.panel_begin * plan.gemm->columns;
  piece.columns = (piece.panel_end - piece.panel_begin) * plan.gemm->columns;
  return piece;
}

class Run {
 public:
  Run(const StrassenPlan &plan, const StrassenCall &call, int64_t tile)
      : plan_(plan), call_(call), piece_(PieceOf(plan, tile)), eltwise_(Eltwise()) {
    half_rows_ = (piece_.end - piece_.begin) / 2;
    half_k_ = plan.k / 2;
    half_n_ = plan.n / 2;
    sums_ = call.scratch;
    a11_ = call.a + piece_.begin * plan.k;
    c11_ = call.c + piece_.begin * plan.out_stride;
  }

  void Go() const {
    if (half_rows_ > 0) Pairs();
    if ((piece_.end - piece_.begin) % 2 != 0) LastRow();
    if (call_.activation.kind == kActivationNoop) return;
    for (int64_t i = piece_.begin; i < piece_.end; ++i) {
      for (int64_t half : {int64_t{0}, half_n_}) {
        float *c = call_.c + i * plan_.out_stride + half + piece_.first_column;
        ApplyActivationF32(call_.activation, c, c, piece_.columns);
      }
    }
  }

 private:
  struct Input {
    const float *a;
    int64_t lda;
  };

  // C = A * B, + more at the same rows, clamped if it is the last of the sums in C.
  void Multiply(Input input, int64_t rows, Matrix matrix, const float *more, float *c,
                bool last) const {
    GemmCall call;
    call.a = input.a;
    call.lda = input.lda;
    call.tap_offsets = kOneTap;
    call.k = half_k_;
    call.part = plan_.part;
    call.packed = call_.packed + matrix * plan_.matrix_floats;
    call.n = half_n_;
    call.c = c;
    call.residual = more;
    call.ldc = call.ldr = plan_.out_stride;
    call.low = last ? call_.low : -kInf;
    call.high = last ? call_.high : kInf;
    call.m = rows;
    call.streamed = true;
    if (plan_.scratch_floats > plan_.sums_floats) call.scratch = call_.scratch + plan_.sums_floats;
    Gemm(*plan_.gemm, call, piece_.panel_begin, piece_.panel_end);
  }

  // S = x + y or x - y, all rows; null: S itself.
  void Sum(BinaryFunction function, const float *x, const float *y) const {
    for (int64_t i = 0; i < half_rows_; ++i) {
      float *row = sums_ + i * SumsStride(half_k_);
      eltwise_.binary(function, RowStep::kBoth, x == nullptr ? row : x + i * plan_.k,
                      y == nullptr ? row : y + i * plan_.k, row, half_k_);
    }
  }

  // c += more, in a row of the piece.
  void Add(const float *more, float *c) const {
    eltwise_.binary(kBinarySum, RowStep::kBoth, c, more, c, piece_.columns);
  }

  void AddResidual(float *c) const {
    if (call_.residual != nullptr) Add(call_.residual + (c - call_.c), c);
  }

  void Clamp(float *c) const {
    const float low = call_.low, high = call_.high;
    if (low != -kInf) eltwise_.binary(kBinaryMax, RowStep::kFirst, c, &low, c, piece_.columns);
    if (high != kInf) eltwise_.binary(kBinaryMin, RowStep::kFirst, c, &high, c, piece_.columns);
  }

  void Pairs() const {
    const float *a12 = a11_ + half_k_, *a21 = a11_ + half_rows_ * plan_.k, *a22 = a21 + half_k_;
    float *c12 = c11_ + half_n_, *c21 = c11_ + half_rows_ * plan_.out_stride, *c22 = c21 + half_n_;
    const Input sums = {sums_, SumsStride(half_k_)};
    Multiply({a11_, plan_.k}, half_rows_, kB11, nullptr, c11_, false);
    Sum(kBinarySum, a21, a22);  // S1
    Multiply(sums, half_rows_, kT1, nullptr, c22, false);
    Sum(kBinarySub, nullptr, a11_);  // S2
    Multiply(sums, half_rows_, kT2, c11_, c12, false);
    Sum(kBinarySub, a22, nullptr);  // S3 = A22 - S2
    Multiply(sums, half_rows_, kT3, c12, c21, false);
    for (int64_t i = 0; i < half_rows_; ++i) {
      const int64_t at = i * plan_.out_stride + piece_.first_column;
      Add(c22 + at, c12 + at);
      Add(c21 + at, c22 + at);
      for (float *c : {c11_, c12, c21, c22}) AddResidual(c + at);
      Clamp(c22 + at);
    }
    Sum(kBinarySum, nullptr, a12);
    Sum(kBinarySub, nullptr, a22);  // S4 = A12 - A22 + S3
    Multiply(sums, half_rows_, kB22, c12, c12, true);
    Multiply({a22, plan_.k}, half_rows_, kMinusT4, c21, c21, true);
    Multiply({a12, plan_.k}, half_rows_, kB21, c11_, c11_, true);
  }

  void LastRow() const {
    const Input first = {call_.a + (piece_.end - 1) * plan_.k, plan_.k};
    const Input second = {first.a + half_k_, plan_.k};
    float *c1 = call_.c + (piece_.end - 1) * plan_.out_stride, *c2 = c1 + half_n_;
    Multiply(first, 1, kB11, nullptr, c1, false);
    Multiply(first, 1, kT1, c1, c2, false);
    for (float *c : {c1, c2}) AddResidual(c + piece_.first_column);
    Multiply(second, 1, kB22, c2, c2, true);
    Multiply(second, 1, kB21, c1, c1, true);
  }

  const StrassenPlan &plan_;
  const StrassenCall &call_;
  const Piece piece_;
  const EltwiseFunctions &eltwise_;
  int64_t half_rows_, half_k_, half_n_;
  float *sums_;
  const float *a11_;
  float *c11_;
};

}  // namespace

void RunStrassenTile(const StrassenPlan &plan, const StrassenCall &call, int64_t tile) {
  MACE_TELL_LISTENER(OnStrassenTile(plan, call, tile));
  Run(plan, call, tile).Go();
}

const StrassenFunctions kStrassenFunctions = {StrassenPays, PlanStrassen, PackStrassen,
                                              RunStrassenTile};

}  // namespace kernels
}  // namespace mace
