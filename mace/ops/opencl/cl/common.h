// SPDX-License-Identifier: Apache-2.0
// What all kernels share. HALF=1: tensors are stored as half, arithmetic stays float (vload_half
// needs no extension). TRUNCATES=1: write_imagef to half images rounds towards zero on this device.
//
// When sources are embedded, functions and their calls get RANGE_PARAMETER and RANGE_ARGUMENT in front,
// and p[i] of a global pointer is written RANGE_AT(p, i), see repository/opencl_kernel. ranges.cl, put
// in front of a source, makes these check; without it they do nothing. RANGE(type, p, bytes) is p as a
// pointer to a type, of which so many bytes are used, TEXEL(image, at) a place in an image.
#ifndef RANGE_AT
#define RANGE_PARAMETER
#define RANGE_ARGUMENT
#define RANGE(type, p, bytes) ((__global type *)(p))
#define RANGE_AT(p, i) (p)[i]
#define TEXEL(image, at) (at)
#endif

#if HALF
#define BUFFER_TYPE half
#define LOAD_ELEMENT(p, i) vload_half(0, RANGE(const half, (p) + (i), 2))
#define STORE_ELEMENT(v, p, i) vstore_half((v), 0, RANGE(half, (p) + (i), 2))
#else
#define BUFFER_TYPE float
#define LOAD_ELEMENT(p, i) RANGE_AT(p, i)
#define STORE_ELEMENT(v, p, i) (RANGE_AT(p, i) = (v))
#endif

__constant sampler_t kSampler =
    CLK_NORMALIZED_COORDS_FALSE | CLK_ADDRESS_CLAMP | CLK_FILTER_NEAREST;
#define READ_TEXEL(image, at) read_imagef((image), kSampler, TEXEL(image, at))

#if TRUNCATES
// Adds half a unit in the last place of a half, so that truncation rounds to nearest.
#define WRITE_TEXEL(image, at, v) \
  write_imagef((image), TEXEL(image, at), (v) + (v) * 0x1p-12f)
#else
#define WRITE_TEXEL(image, at, v) write_imagef((image), TEXEL(image, at), (v))
#endif
