// SPDX-License-Identifier: Apache-2.0
// What all kernels share. HALF=1: tensors are stored as half, arithmetic stays float (vload_half
// needs no extension). TRUNCATES=1: write_imagef to half images rounds towards zero on this device.
#if HALF
#define BUFFER_TYPE half
#define LOAD_ELEMENT(p, i) vload_half((i), (p))
#define STORE_ELEMENT(v, p, i) vstore_half((v), (i), (p))
#else
#define BUFFER_TYPE float
#define LOAD_ELEMENT(p, i) ((p)[i])
#define STORE_ELEMENT(v, p, i) ((p)[i] = (v))
#endif

__constant sampler_t kSampler =
    CLK_NORMALIZED_COORDS_FALSE | CLK_ADDRESS_CLAMP | CLK_FILTER_NEAREST;
#define READ_TEXEL(image, at) read_imagef((image), kSampler, (at))

#if TRUNCATES
// Adds half a unit in the last place of a half, so that truncation rounds to nearest.
#define WRITE_TEXEL(image, at, v) \
  write_imagef((image), (at), (v) + (v) * 0x1p-12f)
#else
#define WRITE_TEXEL(image, at, v) write_imagef((image), (at), (v))
#endif
