// SPDX-License-Identifier: Apache-2.0
// How operators are joined to chains, and how a chain runs.
#include "mace/core/plan_chain.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <utility>

#include "mace/base/costs.h"
#include "mace/core/plan_fusion.h"
#include "mace/runtimes/cpu/thread_pool.h"

namespace mace {

namespace {

// The fewest rows of a band: depthwise kernels compute two at a time.
constexpr int64_t kLeastRows = 2;

size_t At(int64_t i) { return static_cast<size_t>(i); }
size_t RoundUp(size_t bytes) { return (bytes + 63) / 64 * 64; }

int64_t NowNanos() {
  using std::chrono::duration_cast;
  using std::chrono::nanoseconds;
  return duration_cast<nanoseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

// What an image can be divided into.
int64_t Units(const RowGeometry &rows) { return (rows.out_h + rows.granule - 1) / rows.granule; }

size_t ImageBytes(const RowGeometry &rows) { return At(rows.out_h) * rows.out_row; }

// Of a window for `most` rows at a time: with more room rows need to be moved less often.
int64_t Room(const RowGeometry &rows, int64_t most) {
  return std::min(rows.out_h, most + most / 2);
}

}  // namespace

// Visits pieces of work in their order: stage k makes rows [begin, end) of its image while its
// window, if it has one, holds the rows from `base` on.
class Plan::Chain::Walk {
 public:
  Walk(const std::vector<Stage> &stages, int64_t begin, int64_t end)
      : stages_(stages), last_(stages.size() - 1), end_(end) {
    int64_t first = begin;
    for (size_t k = stages.size(); k-- > 0;) {
      const RowGeometry &rows = stages[k].rows;
      first -= first % rows.granule;
      done_[k] = base_[k] = first;
      first = rows.FirstInput(first);
    }
  }

  // make(k, begin, end, base). move(k, keep, end, base): rows [keep, end) of window k become the
  // first ones.
  template <typename Make, typename Move>
  void Go(int64_t band, Make make, Move move) {
    int64_t need[kMaxStages];
    while (done_[last_] < end_) {
      const int64_t granule = stages_[last_].rows.granule;
      need[last_] = std::min(end_, (done_[last_] + band + granule - 1) / granule * granule);
      for (size_t k = last_; k-- > 0;) need[k] = Needed(k, need[k + 1]);
      for (size_t k = 0; k <= last_; ++k) {
        if (need[k] <= done_[k]) continue;
        if (k < last_) MakeRoom(k, need[k], move);
        make(k, done_[k], need[k], base_[k]);
        done_[k] = need[k];
      }
    }
  }

 private:
  // One past the last row of stage k that the rows below `end` of the next one need.
  int64_t Needed(size_t k, int64_t end) const {
    const int64_t granule = stages_[k].rows.granule;
    const int64_t least = stages_[k + 1].rows.InputEnd(end);
    return std::min(stages_[k].rows.out_h, (least + granule - 1) / granule * granule);
  }

  template <typename Move>
  void MakeRoom(size_t k, int64_t need, Move move) {
    const int64_t room = stages_[k].window_rows;
    if (room > 0 && need - base_[k] <= room) return;
    // What the next stage has done needs nothing any more.
    const int64_t keep =
        std::min(done_[k], std::max(base_[k], stages_[k + 1].rows.FirstInput(done_[k + 1])));
    if (keep == base_[k]) return;
    move(k, keep, done_[k], base_[k]);
    base_[k] = keep;
  }

  const std::vector<Stage> &stages_;
  const size_t last_;
  const int64_t end_;
  int64_t done_[kMaxStages], base_[kMaxStages];
};

double Plan::Chain::Repeated(const std::vector<Stage> &stages, int64_t parts) {
  double macs = 0;
  for (int64_t part = 0; part < parts; ++part) {
    const RowGeometry &last = stages.back().rows;
    Walk(stages, PartBegin(last, part, parts), PartBegin(last, part + 1, parts))
        .Go(
            last.out_h,
            [&](size_t k, int64_t begin, int64_t end, int64_t) {
              macs += static_cast<double>(stages[k].macs) * static_cast<double>(end - begin) /
                      static_cast<double>(stages[k].rows.out_h);
            },
            [](size_t, int64_t, int64_t, int64_t) {});
  }
  for (const Stage &stage : stages) macs -= static_cast<double>(stage.macs);
  return macs;
}

std::vector<int64_t> Plan::Chain::WindowRows(const std::vector<Stage> &stages, int64_t parts,
                                             int64_t band_rows) {
  const RowGeometry &last = stages.back().rows;
  std::vector<int64_t> most(stages.size(), 0);
  for (int64_t part = 0; part < parts; ++part) {
    Walk(stages, PartBegin(last, part, parts), PartBegin(last, part + 1, parts))
        .Go(
            band_rows,
            [&most](size_t k, int64_t, int64_t end, int64_t base) {
              most[k] = std::max(most[k], end - base);
            },
            [](size_t, int64_t, int64_t, int64_t) {});
  }
  return most;
}

bool Plan::Chain::Pays(const std::vector<Stage> &stages, int threads) {
  const ChainCosts &costs = CostsOf(SupportedIsas()).chains;
  if (costs.byte == 0) return false;
  // Weights are read once for each band: they must stay in the L2 cache beside the windows.
  size_t weights = 0;
  for (const Stage &stage : stages) {
    if (stage.rows.weights > costs.step_weights) return false;
    weights += stage.rows.weights;
  }
  if (weights > costs.all_weights) return false;
  // Tiles of Winograd convolution are transformed in blocks, of which a band has few, so that more
  // must be gained.
  const bool tiled = stages[0].rows.granule > 1 || stages[1].rows.granule > 1;
  const size_t image = ImageBytes(stages[0].rows);
  if (image < (tiled ? costs.least_tiled : costs.least_image)) return false;
  const int64_t parts = std::min<int64_t>(threads, Units(stages.back().rows));
  if (costs.all_bytes > 0) {
    size_t bytes = weights;
    const std::vector<int64_t> most = WindowRows(stages, parts, kLeastRows);
    for (size_t k = 0; k + 1 < stages.size(); ++k) {
      bytes += At(Room(stages[k].rows, most[k])) * stages[k].rows.out_row;
    }
    if (bytes > costs.all_bytes) return false;
  }
  const double repeated =
      Repeated(stages, parts) - Repeated({stages.begin() + 1, stages.end()}, parts);
  return repeated <= costs.byte * static_cast<double>(image);
}

Plan::Chain::Chain(std::vector<Step> before, const std::vector<Stage> &stages,
                   const PlanOptions &options, Step *last)
    : before_(std::move(before)), stages_(stages) {
  const int threads = options.thread_pool->num_threads();
  Divide(options.chains == PlanOptions::Chains::kShortest, threads);
  nanos_.resize(stages_.size() * At(threads));
  last->scratch_bytes = thread_bytes_ * At(threads);
  last->input_numbers[0] = before_[0].input_numbers[0];
  last->inputs[0] = before_[0].inputs[0];
  for (const Step &step : before_) {
    last->inputs.insert(last->inputs.end(), step.inputs.begin() + 1, step.inputs.end());
    last->input_numbers.insert(last->input_numbers.end(), step.input_numbers.begin() + 1,
                               step.input_numbers.end());
  }
  // The output must not lie over what other rows still read.
  const auto repeated = [last](const std::pair<int, int> &pair) {
    const std::vector<int> &numbers = last->input_numbers;
    return std::count(numbers.begin(), numbers.end(), numbers[At(pair.second)]) > 1;
  };
  std::vector<std::pair<int, int>> &in_place = last->in_place;
  in_place.erase(std::remove_if(in_place.begin(), in_place.end(), repeated), in_place.end());
}

void Plan::Chain::Divide(bool shortest, int threads) {
  const int64_t out_h = stages_.back().rows.out_h;
  // A part makes the rows at its border that the next one needs too, so there are no more of them
  // than threads.
  parts_ = std::min<int64_t>(threads, Units(stages_.back().rows));
  size_t largest = 1;  // bytes of any window for a row of the last image
  for (size_t k = 0; k + 1 < stages_.size(); ++k) {
    largest = std::max(largest, ImageBytes(stages_[k].rows) / At(out_h));
  }
  const int64_t rows = static_cast<int64_t>(CostsOf(SupportedIsas()).chains.band / largest) /
                       kLeastRows * kLeastRows;
  band_rows_ = shortest ? 1 : std::max(kLeastRows, rows);
  const std::vector<int64_t> most = WindowRows(stages_, parts_, band_rows_);
  size_t scratch = stages_.back().rows.scratch;
  for (size_t k = 0; k + 1 < stages_.size(); ++k) {
    const RowGeometry &rows = stages_[k].rows;
    stages_[k].window_rows = shortest ? most[k] : Room(rows, most[k]);
    stages_[k].window_offset = window_bytes_;
    window_bytes_ += RoundUp(At(stages_[k].window_rows) * rows.out_row);
    scratch = std::max(scratch, rows.scratch);
  }
  thread_bytes_ = window_bytes_ + RoundUp(scratch);
}

int64_t Plan::Chain::PartBegin(const RowGeometry &last, int64_t part, int64_t parts) {
  return std::min(last.out_h, part * Units(last) / parts * last.granule);
}

void Plan::Chain::Update(const Step &last) {
  last.operation->Rows(last.state.get(), &stages_.back().rows);
}

void Plan::Chain::RunPart(const Step &last, char *own, int64_t part, int64_t *nanos) {
  const size_t final_stage = stages_.size() - 1;
  const size_t n = At(part / parts_);
  const char *input = static_cast<const char *>(last.inputs[0]->raw) +
                      n * At(stages_[0].rows.in_h) * stages_[0].rows.in_row;
  char *output =
      static_cast<char *>(last.outputs[0]->raw) + n * ImageBytes(stages_[final_stage].rows);
  int64_t bases[kMaxStages] = {};
  // Where row 0 of the image of stage k would lie.
  const auto image = [&](size_t k) {
    const ptrdiff_t row = static_cast<ptrdiff_t>(stages_[k].rows.out_row);
    return own + stages_[k].window_offset - static_cast<ptrdiff_t>(bases[k]) * row;
  };
  const auto make = [&](size_t k, int64_t begin, int64_t end, int64_t base) {
    const Step &step = StepOf(k, last);
    const RowGeometry &rows = stages_[k].rows;
    bases[k] = base;
    RowCall call;
    call.input = k == 0 ? input : image(k - 1);
    call.output = k == final_stage ? output : image(k);
    if (rows.residual_input >= 0) {
      call.residual = static_cast<const char *>(step.inputs[At(rows.residual_input)]->raw) +
                      n * ImageBytes(rows);
    }
    call.begin = begin;
    call.end = end;
    call.scratch = own + window_bytes_;
    const int64_t started = nanos == nullptr ? 0 : NowNanos();
    step.operation->RunRows(step.state.get(), call);
    if (nanos != nullptr) nanos[k] += NowNanos() - started;
  };
  const auto move = [&](size_t k, int64_t keep, int64_t end, int64_t base) {
    const size_t row = stages_[k].rows.out_row;
    char *window = own + stages_[k].window_offset;
    std::memmove(window, window + At(keep - base) * row, At(end - keep) * row);
    bases[k] = keep;
  };
  const int64_t p = part % parts_;
  const RowGeometry &rows = stages_[final_stage].rows;
  Walk(stages_, PartBegin(rows, p, parts_), PartBegin(rows, p + 1, parts_))
      .Go(band_rows_, make, move);
}

MaceStatus Plan::Chain::Run(const Step &last, void *scratch, ThreadPool *pool,
                            RunMetadata *metadata) {
  const int64_t started = metadata == nullptr ? 0 : NowNanos();
  if (metadata != nullptr) std::fill(nanos_.begin(), nanos_.end(), 0);
  const int64_t parts = stages_.back().rows.batch * parts_;
  pool->ParallelFor(parts, 1, [&](int64_t begin, int64_t end, int thread) {
    char *own = static_cast<char *>(scratch) + At(thread) * thread_bytes_;
    int64_t *nanos = metadata == nullptr ? nullptr : &nanos_[At(thread) * stages_.size()];
    for (int64_t part = begin; part < end; ++part) RunPart(last, own, part, nanos);
  });
  if (metadata != nullptr) Report(last, started, NowNanos(), metadata);
  return MaceStatus::MACE_SUCCESS;
}

// As if one operator had run after the other, each for its share of the time.
void Plan::Chain::Report(const Step &last, int64_t begin, int64_t end,
                         RunMetadata *metadata) const {
  int64_t all = 0;
  for (int64_t nanos : nanos_) all += nanos;
  int64_t before = 0;
  const auto micros = [&](int64_t nanos) {
    const double share = all == 0 ? 0 : static_cast<double>(nanos) / static_cast<double>(all);
    return (begin + static_cast<int64_t>(share * static_cast<double>(end - begin))) / 1000;
  };
  for (size_t k = 0; k < stages_.size(); ++k) {
    OperatorStats stats;
    stats.stats.start_micros = micros(before);
    for (size_t i = k; i < nanos_.size(); i += stages_.size()) before += nanos_[i];
    stats.stats.end_micros = micros(before);
    DescribeStep(StepOf(k, last), &stats);
    metadata->op_stats.push_back(std::move(stats));
  }
}

void Plan::Fusion::FormChains(const PlanOptions &options) {
  if (options.chains == PlanOptions::Chains::kNever) return;
  std::vector<Step> &steps = plan_->steps_;
  const auto has_rows = [](const Step &step, Chain::Stage *stage) {
    stage->macs = step.macs;
    return step.operation != nullptr && !step.dynamic && !step.on_accelerator &&
           step.outputs.size() == 1 && step.operation->Rows(step.state.get(), &stage->rows);
  };
  // Backwards, so that a chain begins as early as it can.
  for (size_t s = steps.size(); s-- > 0;) {
    std::vector<size_t> members = {s};
    std::vector<Chain::Stage> stages(1);
    if (!has_rows(steps[s], &stages[0])) continue;
    while (members.size() < Chain::kMaxStages) {
      const int maker = OnlyMaker(steps[members.front()].input_numbers[0]);
      std::vector<Chain::Stage> longer(1);
      if (maker < 0 || !has_rows(steps[At(maker)], &longer[0])) break;
      const RowGeometry &from = longer[0].rows, &to = stages[0].rows;
      if (from.batch != to.batch || from.out_h != to.in_h || from.out_row != to.in_row) break;
      longer.insert(longer.end(), stages.begin(), stages.end());
      if (options.chains == PlanOptions::Chains::kWhereTheyPay &&
          !Chain::Pays(longer, options.thread_pool->num_threads()))
        break;
      stages = std::move(longer);
      members.insert(members.begin(), At(maker));
    }
    if (members.size() < 2) continue;
    members.pop_back();
    std::vector<Step> before;
    for (size_t member : members) {
      before.push_back(std::move(steps[member]));
      steps[member].operation = nullptr;
    }
    steps[s].chain = std::make_unique<Chain>(std::move(before), stages, options, &steps[s]);
  }
  steps.erase(std::remove_if(steps.begin(), steps.end(),
                             [](const Step &step) { return step.operation == nullptr; }),
              steps.end());
}

}  // namespace mace
