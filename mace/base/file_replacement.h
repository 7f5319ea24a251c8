// SPDX-License-Identifier: Apache-2.0
// A file that is written beside another and then takes its place: who reads there finds the old
// content or all of the new one.
#ifndef MACE_BASE_FILE_REPLACEMENT_H_
#define MACE_BASE_FILE_REPLACEMENT_H_

#include <string>

#include "mace/base/status.h"

namespace mace {

class FileReplacement {
 public:
  // The folder of `path` must exist.
  explicit FileReplacement(const std::string &path);
  // What was not finished is removed.
  ~FileReplacement();
  FileReplacement(const FileReplacement &) = delete;
  FileReplacement &operator=(const FileReplacement &) = delete;

  // for_owner_alone: others may not read the file. Call it first, and once.
  MaceStatus Open(bool for_owner_alone);
  MaceStatus Write(const void *data, size_t bytes);
  // Puts the file in its place. durable: once it is on the disk, for the sake of power cuts.
  MaceStatus Finish(bool durable);

 private:
  MaceStatus Failed(int error) const;

  const std::string path_, fresh_;
  int file_ = -1;
};

}  // namespace mace

#endif  // MACE_BASE_FILE_REPLACEMENT_H_
