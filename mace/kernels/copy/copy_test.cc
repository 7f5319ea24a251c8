// SPDX-License-Identifier: Apache-2.0
// Strided copies against a plain loop over all elements, on memory that ends at a forbidden page.
#include "mace/kernels/copy/copy.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "mace/kernels/guarded_buffer.h"

namespace mace {
namespace kernels {
namespace {

struct Layout {
  int64_t element_bytes;
  std::vector<CopyDim> dims;
  int64_t src_offset = 0;
  int64_t dst_offset = 0;
};

// Bytes between the lowest and the highest that a view touches, and how far the lowest lies
// before its start.
struct Extent {
  int64_t before = 0;
  int64_t bytes = 0;
};

Extent ExtentOf(const Layout &layout, int64_t CopyDim::*stride) {
  int64_t low = 0, high = layout.element_bytes;
  for (const CopyDim &dim : layout.dims) {
    const int64_t reach = (dim.size - 1) * (dim.*stride);
    (reach < 0 ? low : high) += reach;
  }
  return {-low, high - low};
}

void PlainCopy(const Layout &layout, size_t depth, const uint8_t *src, uint8_t *dst) {
  if (depth == layout.dims.size()) {
    std::memcpy(dst, src, layout.element_bytes);
    return;
  }
  const CopyDim &dim = layout.dims[depth];
  for (int64_t i = 0; i < dim.size; ++i) {
    PlainCopy(layout, depth + 1, src + i * dim.src_stride, dst + i * dim.dst_stride);
  }
}

StridedCopy Prepared(const Layout &layout, uint32_t isas) {
  StridedCopy copy(layout.element_bytes);
  for (const CopyDim &dim : layout.dims) copy.Add(dim.size, dim.src_stride, dim.dst_stride);
  copy.SetOffsets(layout.src_offset, layout.dst_offset);
  copy.Prepare(isas);
  return copy;
}

// Runs the layout in one piece and in pieces of a few units; returns the kernel's name.
std::string Check(Layout layout, uint32_t isas = DetectedIsas()) {
  const Extent src_extent = ExtentOf(layout, &CopyDim::src_stride);
  const Extent dst_extent = ExtentOf(layout, &CopyDim::dst_stride);
  layout.src_offset = src_extent.before;
  layout.dst_offset = dst_extent.before;
  const GuardedBuffer src(src_extent.bytes);
  std::mt19937 random(static_cast<uint32_t>(src_extent.bytes));
  for (int64_t i = 0; i < src_extent.bytes; ++i) src.as<uint8_t>()[i] = random() & 0xff;
  std::vector<uint8_t> expected(dst_extent.bytes, 0x5c);
  PlainCopy(layout, 0, src.as<uint8_t>() + layout.src_offset, expected.data() + layout.dst_offset);

  const StridedCopy copy = Prepared(layout, isas);
  for (int64_t step : {copy.units(), int64_t{1}, int64_t{3}}) {
    const GuardedBuffer dst(dst_extent.bytes, 1, 0x5c);
    for (int64_t unit = 0; unit < copy.units(); unit += step) {
      copy.Run(src.data(), dst.data(), unit, std::min(unit + step, copy.units()));
    }
    EXPECT_TRUE(dst.Intact());
    EXPECT_EQ(std::memcmp(dst.data(), expected.data(), expected.size()), 0)
        << copy.kernel_name() << " in steps of " << step << " of " << copy.units() << " units";
  }
  return copy.kernel_name();
}

Layout Transposition(int64_t element_bytes, int64_t rows, int64_t columns, int64_t row_gap = 0) {
  return {element_bytes,
          {{rows, (columns + row_gap) * element_bytes, element_bytes},
           {columns, element_bytes, rows * element_bytes}}};
}

TEST(StridedCopyTest, EveryTransposingKernelTimesEveryRemainder) {
  for (int k = 0; k < kTransposeKernelCount; ++k) {
    const TransposeKernel &kernel = kTransposeKernels[k];
    if ((DetectedIsas() & kernel.isa) == 0) continue;
    for (int64_t rows = 1; rows <= 33; ++rows) {
      for (int64_t columns = 1; columns <= 33; ++columns) {
        for (int64_t gap : {0, 3}) {
          const Layout layout = Transposition(kernel.element_bytes, rows, columns, gap);
          const Extent src_extent = ExtentOf(layout, &CopyDim::src_stride);
          const Extent dst_extent = ExtentOf(layout, &CopyDim::dst_stride);
          const GuardedBuffer src(src_extent.bytes), dst(dst_extent.bytes);
          for (int64_t i = 0; i < src_extent.bytes; ++i) src.as<uint8_t>()[i] = (i * 37 + 11) & 255;
          std::vector<uint8_t> expected(dst_extent.bytes);
          PlainCopy(layout, 0, src.as<uint8_t>(), expected.data());
          const CopyBlock block = {layout.dims[1], layout.dims[0], kernel.element_bytes};
          kernel.function(block, src.as<uint8_t>(), dst.as<uint8_t>());
          ASSERT_TRUE(dst.Intact()) << kernel.name;
          ASSERT_EQ(std::memcmp(dst.data(), expected.data(), expected.size()), 0)
              << kernel.name << ", " << rows << " x " << columns << ", gap " << gap;
        }
      }
    }
  }
}

TEST(StridedCopyTest, TransposesAllElementSizes) {
  for (int64_t bytes : {1, 2, 4, 8, 16}) {
    const std::string name = Check(Transposition(bytes, 150, 70));
    EXPECT_EQ(name.rfind("transpose_x" + std::to_string(bytes * 8), 0), 0u) << name;
  }
  EXPECT_EQ(Check(Transposition(4, 20, 20), kIsaReference), "transpose_x32__reference");
}

TEST(StridedCopyTest, TransposesWhatSharesSetsOfTheCache) {
  for (int64_t few : {17, 49, 256}) {
    Check(Transposition(4, few, 512));
    Check(Transposition(4, 512, few));
  }
  Check(Transposition(4, 1024, 1024));
}

TEST(StridedCopyTest, TransposesImagesOfFewChannels) {
  for (int64_t channels : {3, 4}) {
    for (int64_t pixels : {7, 8, 1359, 1360, 5001}) {
      for (uint32_t isas : {kIsaReference | 0u, kIsaReference | kIsaSse4, DetectedIsas()}) {
        if ((isas & ~DetectedIsas() & ~kIsaReference) != 0) continue;
        Check(Transposition(4, pixels, channels), isas);
        Check(Transposition(4, channels, pixels), isas);
        Check(Transposition(4, pixels, channels, 2), isas);
        Check(Transposition(4, channels, pixels, 2), isas);
      }
    }
  }
}

TEST(StridedCopyTest, TakesFewChannelsElementByElement) {
  EXPECT_EQ(Check(Transposition(4, 5000, 2)), "elements");
  EXPECT_EQ(Check(Transposition(4, 2, 5000)), "elements");
  EXPECT_EQ(Check(Transposition(4, 5000, 3), kIsaReference), "elements");
  EXPECT_EQ(Check(Transposition(4, 3, 5000), kIsaReference), "elements");
  EXPECT_EQ(Check(Transposition(2, 5000, 3)), "elements");
  EXPECT_EQ(Check(Transposition(1, 1, 9)), "small_rows");
}

TEST(StridedCopyTest, MergesWhatIsContiguous) {
  // A copy of float[2][3][5][7] to the same layout is one row.
  const Layout whole = {4, {{7, 4, 4}, {3, 140, 140}, {5, 28, 28}, {2, 420, 420}}};
  EXPECT_EQ(Check(whole), "rows");
  EXPECT_EQ(Prepared(whole, kIsaReference).units(), 1);
  // Four bytes that stay together move as one element.
  const std::string name = Check({1, {{9, 4 * 11, 4}, {11, 4, 4 * 9}, {4, 1, 1}}});
  EXPECT_EQ(name.rfind("transpose_x32", 0), 0u) << name;
}

TEST(StridedCopyTest, CopiesRowsOfEverySize) {
  for (int64_t bytes = 1; bytes <= 70; ++bytes) {
    Check({bytes, {{7, bytes + 3, bytes}}});
    Check({bytes, {{5, 7 * (bytes + 3), bytes}, {7, bytes + 3, 5 * bytes}}});
  }
  EXPECT_EQ(Check({50000, {{3, 50001, 50000}}}), "rows");
}

TEST(StridedCopyTest, ReversesAndRepeats) {
  Check({4, {{6, -4, 4}}});
  Check({4, {{5, -28, 28}, {7, 4, 4}}});
  Check({8, {{5, 0, 56}, {7, 8, 8}}});
  Check({4, {{5, 0, 4}}});
  Check({2, {{3, 0, 40}, {5, 2, 8}, {4, 0, 2}}});
}

TEST(StridedCopyTest, NothingToCopyHasNoUnits) {
  const StridedCopy copy = Prepared({4, {{3, 4, 4}, {0, 4, 12}}}, DetectedIsas());
  EXPECT_EQ(copy.units(), 0);
  EXPECT_EQ(copy.bytes(), 0);
  copy.Run(nullptr, nullptr, 0, copy.units());
}

TEST(StridedCopyTest, RandomPermutationsOfRandomShapes) {
  std::mt19937 random(20190105);
  for (int round = 0; round < 200; ++round) {
    const int rank = 1 + static_cast<int>(random() % 6);
    std::vector<int64_t> sizes(rank);
    for (int64_t &size : sizes) size = 1 + static_cast<int64_t>(random() % (rank > 3 ? 6 : 21));
    std::vector<int> order(rank);
    for (int i = 0; i < rank; ++i) order[i] = i;
    std::shuffle(order.begin(), order.end(), random);
    Layout layout = {int64_t{1} << (random() % 4), std::vector<CopyDim>(rank)};
    int64_t src_stride = layout.element_bytes, dst_stride = layout.element_bytes;
    for (int i = rank - 1; i >= 0; --i) {
      layout.dims[i].size = sizes[i];
      layout.dims[i].src_stride = random() % 5 == 0 ? -src_stride : src_stride;
      src_stride *= sizes[i];
      layout.dims[order[i]].dst_stride = dst_stride;
      dst_stride *= sizes[order[i]];
    }
    SCOPED_TRACE(round);
    Check(layout);
    Check(layout, kIsaReference);
  }
}

TEST(FillElementsTest, RepeatsEachSize) {
  const uint8_t element[8] = {1, 2, 3, 4, 5, 6, 7, 8};
  for (int64_t bytes : {1, 2, 4, 8}) {
    for (int64_t count : {0, 1, 2, 3, 7, 1000, 5000}) {
      const GuardedBuffer buffer(bytes * count);
      FillElements(buffer.data(), element, bytes, count);
      ASSERT_TRUE(buffer.Intact());
      for (int64_t i = 0; i < bytes * count; ++i) {
        ASSERT_EQ(buffer.as<uint8_t>()[i], element[i % bytes]) << bytes << " x " << count;
      }
    }
  }
}

}  // namespace
}  // namespace kernels
}  // namespace mace
