// SPDX-License-Identifier: Apache-2.0
// AES-256-GCM by the best means of this machine.
#include "mace/crypto/aes_gcm.h"

#if defined(__aarch64__)
#include <sys/auxv.h>
#endif

#include "mace/crypto/wipe.h"

namespace mace {
namespace crypto {

extern const AesGcmKernels kPortableKernels;
#if defined(__x86_64__) || (defined(__aarch64__) && defined(MACE_ENABLE_NEON))
#define MACE_AES_HARDWARE 1
extern const AesGcmKernels kHardwareKernels;
#endif

namespace {

#if defined(__x86_64__)
bool HasHardware() {
  __builtin_cpu_init();
  return __builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("aes") &&
         __builtin_cpu_supports("pclmul");
}
#elif defined(MACE_AES_HARDWARE)
bool HasHardware() {
  // Bits of AT_HWCAP in the kernel's arch/arm64/include/uapi/asm/hwcap.h.
  constexpr unsigned long kAes = 1ul << 3, kPmull = 1ul << 4;
  return (getauxval(AT_HWCAP) & (kAes | kPmull)) == (kAes | kPmull);
}
#endif

}  // namespace

const AesGcmKernels *AesGcmKernelsAt(int i) {
#ifdef MACE_AES_HARDWARE
  if (HasHardware()) {
    if (i == 0) return &kHardwareKernels;
    --i;
  }
#endif
  return i == 0 ? &kPortableKernels : nullptr;
}

AesGcm::AesGcm(const void *key, const AesGcmKernels *kernels) : kernels_(kernels) {
  kernels_->init(static_cast<const uint8_t *>(key), &key_);
}

AesGcm::~AesGcm() { WipeMemory(&key_, sizeof(key_)); }

bool AesGcm::Open(const uint8_t *nonce, const uint8_t *header, size_t header_size,
                  const uint8_t *in, size_t size, const uint8_t *tag, uint8_t *out) const {
  uint8_t expected[kTagBytes];
  kernels_->tag(key_, nonce, header, header_size, in, size, expected);
  unsigned difference = 0;
  for (size_t i = 0; i < kTagBytes; ++i) difference |= tag[i] ^ expected[i];
  if (difference != 0) return false;
  kernels_->crypt(key_, nonce, in, size, out);
  return true;
}

void AesGcm::Seal(const uint8_t *nonce, const uint8_t *header, size_t header_size,
                  const uint8_t *in, size_t size, uint8_t *out, uint8_t *tag) const {
  kernels_->crypt(key_, nonce, in, size, out);
  kernels_->tag(key_, nonce, header, header_size, out, size, tag);
}

}  // namespace crypto
}  // namespace mace
