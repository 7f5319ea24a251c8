// SPDX-License-Identifier: Apache-2.0
// A file mapped read-only into memory.
#ifndef MACE_BASE_MAPPED_FILE_H_
#define MACE_BASE_MAPPED_FILE_H_

#include <cstddef>
#include <string>

#include "mace/base/status.h"

namespace mace {

// Pages come from the file when they are read, so that a large file costs no memory by itself. The
// content must not change while it is mapped: a file cut short meanwhile ends the process (SIGBUS).
class MappedFile {
 public:
  MappedFile() = default;
  ~MappedFile();
  MappedFile(const MappedFile &) = delete;
  MappedFile &operator=(const MappedFile &) = delete;

  // INVALID_ARGS when there is no such regular file or it cannot be read.
  MaceStatus Open(const std::string &path);
  void Close();

  const void *data() const { return data_; }
  size_t size() const { return size_; }
  // Gives the pages that lie wholly inside [offset, offset + size) back to the system. They come
  // from the file again if they are read.
  void Release(size_t offset, size_t size);

 private:
  void *data_ = nullptr;
  size_t size_ = 0;
};

}  // namespace mace

#endif  // MACE_BASE_MAPPED_FILE_H_
