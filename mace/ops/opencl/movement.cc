// SPDX-License-Identifier: Apache-2.0
// Moving elements between dense buffers: see movement.h.
#include "mace/ops/opencl/movement.h"

#include <array>

namespace mace {
namespace opencl {

namespace {

constexpr size_t kDims = 6;  // that move.cl takes

}  // namespace

std::vector<int64_t> Distances(const Shape &shape) {
  std::vector<int64_t> distances;
  for (int d = 0; d < shape.rank(); ++d) distances.push_back(shape.elements(d + 1, shape.rank()));
  return distances;
}

MaceStatus CheckMovement(const GpuOpContext &context, const Movement &movement) {
  if (movement.dims.size() <= kDims) return MaceStatus::MACE_SUCCESS;
  return Refuse(context, "it moves elements in ", movement.dims.size(),
                " dimensions, of which the GPU's kernel takes ", kDims);
}

void AddMove(const GpuOpContext &context, const Movement &movement, int64_t elements,
             const KernelArgument &from, const KernelArgument &to, GpuStep *step) {
  std::array<int64_t, kDims> sizes = {1, 1, 1, 1, 1, 1}, distances = {};
  const size_t first = kDims - movement.dims.size();
  bool vectors = movement.base % 4 == 0 && !movement.dims.empty();
  for (size_t d = first; d < kDims; ++d) {
    sizes[d] = movement.dims[d - first].first;
    distances[d] = movement.dims[d - first].second;
    vectors = vectors &&
              (d == kDims - 1 ? distances[d] == 1 && sizes[d] % 4 == 0 : distances[d] % 4 == 0);
  }
  KernelLaunch launch = context.NewLaunch("move", "move");
  if (vectors) Define(&launch, "VEC", 1);
  std::vector<int32_t> p;
  for (int64_t size : sizes) p.push_back(Int(size));
  for (int64_t distance : distances) p.push_back(Int(distance));
  p.push_back(Int(movement.base));
  p.push_back(Int(elements));
  launch.arguments = {from, to, KernelArgument::IntVector(std::move(p))};
  launch.global = {CeilDiv(elements, 4), 1, 1};
  launch.local = LocalSize(context, launch.global);
  step->launches.push_back(std::move(launch));
}

void AddPad(const GpuOpContext &context, const Shape &in, const Shape &out,
            const std::vector<int64_t> &before, int mode, float value, const KernelArgument &from,
            const KernelArgument &to, GpuStep *step) {
  const size_t rank = static_cast<size_t>(in.rank());
  std::vector<int32_t> p(8, 0), q(8, 1), r(8, 0);
  for (size_t d = 0; d < kDims; ++d) p[d] = 1;
  for (size_t d = 0; d < rank; ++d) {
    p[kDims - rank + d] = Int(out[static_cast<int>(d)]);
    q[kDims - rank + d] = Int(in[static_cast<int>(d)]);
    r[kDims - rank + d] = Int(before[d]);
  }
  p[kDims] = Int(out.elements());
  KernelLaunch launch = context.NewLaunch("move", "pad");
  Define(&launch, "PAD", 1);
  Define(&launch, "MODE", mode);
  launch.arguments = {from,
                      to,
                      KernelArgument::IntVector(std::move(p)),
                      KernelArgument::IntVector(std::move(q)),
                      KernelArgument::IntVector(std::move(r)),
                      KernelArgument::Float(value)};
  launch.global = {out.elements(), 1, 1};
  launch.local = LocalSize(context, launch.global);
  step->launches.push_back(std::move(launch));
}

}  // namespace opencl
}  // namespace mace
