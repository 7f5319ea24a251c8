// SPDX-License-Identifier: Apache-2.0
// Put in front of a source, this makes it check every index (MACE_OUT_OF_RANGE_CHECK): what lies in no
// argument of the launch, or outside of an image, is counted and goes to spare memory instead. Every
// function has `ranges` as its first parameter, see common.h. It is: how many violations, address and
// size of the first; at 2 the number of ranges; 4 to 7 spare; from 8 on the first address of each
// argument and the one behind its last. set_range is one work-item, before a launch.
#define RANGE_PARAMETER __global ulong *ranges,
#define RANGE_ARGUMENT ranges,
#define RANGE(type, p, bytes) ((__global type *)(size_t)InRange((ulong)(size_t)(p), (bytes)))
#define RANGE_AT(p, i) \
  (*(__typeof__(&(p)[0]))(size_t)InRange((ulong)(size_t)&(p)[i], sizeof((p)[0])))
#define TEXEL(image, at) InImage((at), get_image_dim(image))

ulong InRange(ulong address, ulong bytes) {
  for (ulong k = 8; k < 8 + 2 * ranges[2]; k += 2) {
    if (address >= ranges[k] && address + bytes <= ranges[k + 1]) return address;
  }
  if (atomic_inc((volatile __global int *)ranges) == 0) {
    ranges[1] = address;
    ranges[3] = bytes;
  }
  return (ulong)(size_t)(ranges + 4);
}

int2 InImage(int2 at, int2 size) {
  if (at.x >= 0 && at.y >= 0 && at.x < size.x && at.y < size.y) return at;
  if (atomic_inc((volatile __global int *)ranges) == 0) {
    ranges[1] = (ulong)(uint)at.x << 32 | (uint)at.y;
    ranges[3] = 0;
  }
  return (int2)(0);
}

__kernel void set_range(__global char *argument, ulong bytes, int number) {
  ranges[2] = number + 1;
  ranges[8 + 2 * number] = (ulong)(size_t)argument;
  ranges[9 + 2 * number] = (ulong)(size_t)argument + bytes;
}
