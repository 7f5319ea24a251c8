// SPDX-License-Identifier: Apache-2.0
// A file mapped read-only into memory.
#include "mace/base/mapped_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mace/base/checked.h"

namespace mace {

MappedFile::~MappedFile() { Close(); }

MaceStatus MappedFile::Open(const std::string &path) {
  Close();
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return InvalidArgs("cannot open '", path, "': ", strerror(errno));
  struct stat info;
  if (fstat(file, &info) != 0 || !S_ISREG(info.st_mode)) {
    close(file);
    return InvalidArgs("'", path, "' is not a regular file");
  }
  if (static_cast<uint64_t>(info.st_size) > SIZE_MAX) {
    close(file);
    return OutOfResources("'", path, "' is too large for this machine's address space");
  }
  size_ = static_cast<size_t>(info.st_size);
  if (size_ > 0) {
    data_ = mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, file, 0);
    if (data_ == MAP_FAILED) {
      const int error = errno;
      data_ = nullptr;
      close(file);
      const size_t size = size_;
      size_ = 0;
      return OutOfResources("cannot map the ", size, " bytes of '", path, "': ", strerror(error));
    }
  }
  close(file);
  return MaceStatus::MACE_SUCCESS;
}

void MappedFile::Close() {
  if (data_ != nullptr) munmap(data_, size_);
  data_ = nullptr;
  size_ = 0;
}

void MappedFile::Release(size_t offset, size_t size) {
  if (data_ == nullptr || !InRange(offset, size, size_)) return;
  const size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  const size_t begin = AlignUp(offset, page);
  // The rest of the last page of the file belongs to no other tensor.
  const size_t end = offset + size == size_ ? AlignUp(size_, page) : (offset + size) / page * page;
  if (begin < end) madvise(static_cast<char *>(data_) + begin, end - begin, MADV_DONTNEED);
}

}  // namespace mace
