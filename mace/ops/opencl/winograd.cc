// SPDX-License-Identifier: Apache-2.0
// 3x3 convolutions by Winograd's algorithm: three launches, the products in the middle.
#include "mace/ops/opencl/winograd.h"

namespace mace {
namespace opencl {

namespace {

// The filter's transform, U = G g G^T: rows of G.
constexpr float kFilter2[4][3] = {{1, 0, 0}, {.5f, .5f, .5f}, {.5f, -.5f, .5f}, {0, 0, 1}};
constexpr float kFilter4[6][3] = {{1.f / 4, 0, 0},
                                  {-1.f / 6, -1.f / 6, -1.f / 6},
                                  {-1.f / 6, 1.f / 6, -1.f / 6},
                                  {1.f / 24, 1.f / 12, 1.f / 6},
                                  {1.f / 24, -1.f / 12, 1.f / 6},
                                  {0, 0, 1}};

// [a * a][input channels][output channels], with a = size + 2.
std::vector<float> TransformFilter(const Convolution &c, int size) {
  const float(*g)[3] = size == 2 ? kFilter2 : kFilter4;
  const int a = size + 2;
  const int64_t matrix = c.ic * c.oc;
  std::vector<float> u(static_cast<size_t>(a * a * matrix));
  for (int64_t i = 0; i < c.ic; ++i) {
    for (int64_t o = 0; o < c.oc; ++o) {
      float half[6][3];
      for (int y = 0; y < a; ++y) {
        for (int x = 0; x < 3; ++x) {
          half[y][x] = 0;
          for (int k = 0; k < 3; ++k) {
            half[y][x] +=
                g[y][k] * c.filter[o * c.stride_o + ((k * 3 + x) * c.ic + i) * c.stride_k];
          }
        }
      }
      for (int y = 0; y < a; ++y) {
        for (int x = 0; x < a; ++x) {
          float sum = 0;
          for (int k = 0; k < 3; ++k) sum += half[y][k] * g[x][k];
          u[static_cast<size_t>((y * a + x) * matrix + i * c.oc + o)] = sum;
        }
      }
    }
  }
  return u;
}

KernelLaunch TransformLaunch(const GpuOpContext &context, const char *kernel, int size) {
  KernelLaunch launch = context.NewLaunch("winograd", kernel);
  Define(&launch, "R", size);
  return launch;
}

}  // namespace

bool WinogradTakes(const GpuOpContext &context, const Convolution &c) {
  return !context.images() && c.kh == 3 && c.kw == 3 && c.sh == 1 && c.sw == 1 && c.dh == 1 &&
         c.dw == 1 && c.group == 1 && c.residual < 0 && c.ic % 4 == 0 && c.oc % 4 == 0 &&
         c.ic >= 16;
}

void BuildWinograd(const GpuOpContext &context, const Convolution &c, int size,
                   const GemmTile &tile, GpuStep *step) {
  const int a = size + 2;
  const int64_t tiles_x = CeilDiv(c.ow, size), tiles_image = tiles_x * CeilDiv(c.oh, size);
  const int64_t tiles = tiles_image * c.n;
  KernelLaunch input = TransformLaunch(context, "winograd_input", size);
  KernelLaunch output = TransformLaunch(context, "winograd_output", size);
  const std::pair<int32_t, int32_t> numbers = DefineActivation(c.activation, &output);
  const KernelArgument p = KernelArgument::IntVector(ConvolutionNumbers(c, numbers.first));
  const KernelArgument q =
      ConvolutionParts(context, c, {Int(tiles_x), Int(tiles_image), Int(tiles), numbers.second});
  step->scratch.resize(2);
  step->scratch[0].elements = a * a * tiles * c.ic;
  step->scratch[1].elements = a * a * tiles * c.oc;
  input.arguments = {KernelArgument::Input(c.input), KernelArgument::Scratch(0), p, q};
  input.global = {c.ic / 4, tiles, 1};

  // The products: images of one row of `tiles` pixels.
  Convolution product;
  product.iw = product.ow = tiles;
  product.ic = c.ic;
  product.oc = c.oc;
  KernelLaunch gemm = NewGemmLaunch(context, tile);
  Define(&gemm, "ONE", 1);
  Define(&gemm, "BATCH", 1);
  DefineTail(&gemm, "IN_TAIL", false);
  DefineTail(&gemm, "OUT_TAIL", false);
  gemm.arguments = {
      KernelArgument::Scratch(0),
      AddMatrix(context, TransformFilter(c, size), c.oc, step),
      AddVector(nullptr, c.oc, step),
      KernelArgument::Scratch(1),
      KernelArgument::IntVector(ConvolutionNumbers(product, 0)),
      KernelArgument::IntVector({Int(c.ic / 4), 0, 0, 0, Int(c.oc), 0, Int(c.ic), 0})};
  gemm.global = {tile.threads() * CeilDiv(c.oc, tile.bn), CeilDiv(tiles, tile.bm), a * a};
  gemm.local = {tile.threads(), 1, 1};

  output.arguments = {KernelArgument::Scratch(1), AddVector(c.bias, c.oc, step),
                      KernelArgument::Output(0), p, q};
  output.global = {c.oc / 4, tiles, 1};
  step->launches = {std::move(input), std::move(gemm), std::move(output)};
}

}  // namespace opencl
}  // namespace mace
