// SPDX-License-Identifier: Apache-2.0
// One point between four pixels of an image with channels last.
#ifndef MACE_OPS_BILINEAR_H_
#define MACE_OPS_BILINEAR_H_

#include <cstdint>

namespace mace {
namespace ops {

// The pixels around a point, as numbers of pixels of the image, and their weights.
struct BilinearPoint {
  int64_t places[4];
  float weights[4];
};

// A point inside of [0, height - 1] x [0, width - 1].
inline BilinearPoint BilinearAt(float y, float x, int64_t height, int64_t width) {
  const int64_t top = static_cast<int64_t>(y), left = static_cast<int64_t>(x);
  const int64_t bottom = top + 1 < height ? top + 1 : top;
  const int64_t right = left + 1 < width ? left + 1 : left;
  const float below = y - static_cast<float>(top), beside = x - static_cast<float>(left);
  return {{top * width + left, top * width + right, bottom * width + left, bottom * width + right},
          {(1 - below) * (1 - beside), (1 - below) * beside, below * (1 - beside), below * beside}};
}

}  // namespace ops
}  // namespace mace

#endif  // MACE_OPS_BILINEAR_H_
