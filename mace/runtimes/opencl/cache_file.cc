// SPDX-License-Identifier: Apache-2.0
// Format: "MACECL1" and the kind, XXH64 of what follows, then texts, each a 32-bit length and its
// bytes: the identity, and key and value of each entry. Numbers are little-endian.
#include "mace/runtimes/opencl/cache_file.h"

#include <cstdint>

#include "mace/base/file_replacement.h"
#include "mace/base/hash.h"
#include "mace/base/mapped_file.h"

namespace mace {
namespace opencl {

namespace {

constexpr size_t kHeader = 16;

std::string Magic(CacheKind kind) { return std::string("MACECL1") + static_cast<char>(kind); }

void Append(const std::string &text, std::string *to) {
  const uint32_t size = static_cast<uint32_t>(text.size());
  for (int shift = 0; shift < 32; shift += 8) to->push_back(static_cast<char>(size >> shift));
  to->append(text);
}

uint64_t Number(const char *bytes, int count) {
  uint64_t number = 0;
  for (int i = count; i-- > 0;) number = number << 8 | static_cast<uint8_t>(bytes[i]);
  return number;
}

bool Take(const char **at, const char *end, std::string *text) {
  if (end - *at < 4) return false;
  const uint64_t size = Number(*at, 4);
  *at += 4;
  if (size > static_cast<uint64_t>(end - *at)) return false;
  text->assign(*at, static_cast<size_t>(size));
  *at += size;
  return true;
}

}  // namespace

MaceStatus ReadCacheFile(const std::string &path, CacheKind kind, const std::string &identity,
                         CacheEntries *entries) {
  MappedFile file;
  MACE_RETURN_IF_ERROR(file.Open(path));
  // A copy: another process may replace or cut the file meanwhile.
  const std::string content(static_cast<const char *>(file.data()), file.size());
  if (content.size() < kHeader || content.compare(0, 8, Magic(kind)) != 0) {
    return InvalidArgs(
        "'", path, "' is no file of ",
        kind == CacheKind::kPrograms ? "compiled OpenCL programs" : "tuned OpenCL parameters",
        " of this version of MACE");
  }
  const char *at = content.data() + kHeader, *end = content.data() + content.size();
  if (XxHash64(at, content.size() - kHeader) != Number(content.data() + 8, 8)) {
    return InvalidArgs("'", path, "' is damaged: its checksum does not fit");
  }
  std::string made_for, key, value;
  if (!Take(&at, end, &made_for)) return InvalidArgs("'", path, "' is cut short");
  if (made_for != identity) {
    return InvalidArgs("'", path, "' was made for another device or driver (", made_for, ", not ",
                       identity, ")");
  }
  CacheEntries read;
  while (at < end) {
    if (!Take(&at, end, &key) || !Take(&at, end, &value)) {
      return InvalidArgs("'", path, "' is cut short");
    }
    read[key] = value;
  }
  entries->swap(read);
  return MaceStatus::MACE_SUCCESS;
}

MaceStatus WriteCacheFile(const std::string &path, CacheKind kind, const std::string &identity,
                          const CacheEntries &entries) {
  std::string body;
  Append(identity, &body);
  for (const auto &[key, value] : entries) {
    Append(key, &body);
    Append(value, &body);
  }
  std::string content = Magic(kind);
  const uint64_t checksum = XxHash64(body.data(), body.size());
  for (int shift = 0; shift < 64; shift += 8)
    content.push_back(static_cast<char>(checksum >> shift));
  content += body;
  FileReplacement file(path);
  MACE_RETURN_IF_ERROR(file.Open(false));
  MACE_RETURN_IF_ERROR(file.Write(content.data(), content.size()));
  return file.Finish(true);
}

}  // namespace opencl
}  // namespace mace
