// SPDX-License-Identifier: Apache-2.0
// Runs of one engine that its caller does not wait for: a thread of their own executes them one
// after the other, in the order in which they came. It starts with the first, so that engines
// which are only ever run have none.
#ifndef MACE_LIBMACE_RUN_QUEUE_H_
#define MACE_LIBMACE_RUN_QUEUE_H_

#include <functional>
#include <memory>

#include "mace/base/status.h"

namespace mace {

class RunQueue {
 public:
  using Run = std::function<MaceStatus()>;
  using Done = std::function<void(const MaceStatus &)>;

  RunQueue();
  ~RunQueue() { End(); }
  RunQueue(const RunQueue &) = delete;
  RunQueue &operator=(const RunQueue &) = delete;

  // Appends a run. `done` (may be empty) is told its status on the queue's thread, when all that
  // `run` holds has been released. Any thread may call it, `done` too. UNSUPPORTED in a library
  // for chosen models without the part `async`.
  MaceStatus Add(Run run, Done done);
  // Until all runs have ended and were told. The status of the first that failed since the last
  // Wait; INVALID_ARGS when called by a `done`, which would wait for itself.
  MaceStatus Wait();
  // The same, and no run can be added any more. Called by a `done` it does not wait: runs that have
  // not begun are told that they will not.
  void End();

 private:
  struct State;
  static void *Execute(void *state);

  const std::shared_ptr<State> state_;  // the thread has a share of its own; null without the part
};

}  // namespace mace

#endif  // MACE_LIBMACE_RUN_QUEUE_H_
