// SPDX-License-Identifier: Apache-2.0
// A new file under a name of its own, and its renaming.
#include "mace/base/file_replacement.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

namespace mace {

// Two processes, or two users in one, must not write the same file.
FileReplacement::FileReplacement(const std::string &path)
    : path_(path),
      fresh_(MakeString(path, ".", static_cast<int64_t>(getpid()), ".",
                        reinterpret_cast<uintptr_t>(this) / sizeof(*this) % 65536, ".tmp")) {}

FileReplacement::~FileReplacement() {
  if (file_ < 0) return;
  close(file_);
  unlink(fresh_.c_str());
}

MaceStatus FileReplacement::Open(bool for_owner_alone) {
  unlink(fresh_.c_str());  // of a process with this number that did not come to its end
  constexpr mode_t kOwner = S_IRUSR | S_IWUSR;
  constexpr mode_t kAll = kOwner | S_IRGRP | S_IWGRP | S_IROTH | S_IWOTH;
  file_ = open(fresh_.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC | O_NOFOLLOW,
               for_owner_alone ? kOwner : kAll);
  if (file_ >= 0) return MaceStatus::MACE_SUCCESS;
  return RuntimeError("cannot write '", fresh_, "': ", strerror(errno));
}

MaceStatus FileReplacement::Write(const void *data, size_t bytes) {
  const char *from = static_cast<const char *>(data);
  while (bytes > 0) {
    const ssize_t count = write(file_, from, bytes);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return Failed(count == 0 ? ENOSPC : errno);
    from += count;
    bytes -= static_cast<size_t>(count);
  }
  return MaceStatus::MACE_SUCCESS;
}

MaceStatus FileReplacement::Finish(bool durable) {
  if (durable && fsync(file_) != 0) return Failed(errno);
  const int file = file_;
  file_ = -1;
  if (close(file) == 0 && rename(fresh_.c_str(), path_.c_str()) == 0) {
    return MaceStatus::MACE_SUCCESS;
  }
  const int error = errno;
  unlink(fresh_.c_str());
  return Failed(error);
}

MaceStatus FileReplacement::Failed(int error) const {
  return RuntimeError("cannot write '", path_, "': ", strerror(error));
}

}  // namespace mace
