// SPDX-License-Identifier: Apache-2.0
// Compiled programs and tuned parameters in a file: pairs of texts with the identity of what they
// were made for and a checksum. Written whole or not at all.
#ifndef MACE_RUNTIMES_OPENCL_CACHE_FILE_H_
#define MACE_RUNTIMES_OPENCL_CACHE_FILE_H_

#include <map>
#include <string>

#include "mace/base/status.h"

namespace mace {
namespace opencl {

enum class CacheKind : char { kPrograms = 'P', kParameters = 'T' };

using CacheEntries = std::map<std::string, std::string>;

// A status that says what is wrong with a file that is missing, damaged, of another kind or made
// for another identity; *entries is then untouched.
MaceStatus ReadCacheFile(const std::string &path, CacheKind kind, const std::string &identity,
                         CacheEntries *entries);
// Writes a file beside it and renames that, so that a reader sees the old content or the new one.
MaceStatus WriteCacheFile(const std::string &path, CacheKind kind, const std::string &identity,
                          const CacheEntries &entries);

}  // namespace opencl
}  // namespace mace

#endif  // MACE_RUNTIMES_OPENCL_CACHE_FILE_H_
