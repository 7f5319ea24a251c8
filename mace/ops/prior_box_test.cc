// SPDX-License-Identifier: Apache-2.0
// PriorBox against the boxes that Caffe and OpenCV give.
#include <gtest/gtest.h>

#include "mace/ops/ops_test_util.h"

namespace mace {
namespace ops {
namespace test {
namespace {

TEST(PriorBoxTest, Cases) {
  RunOpCases({
      {"one size",
       OpDefBuilder("PriorBox").AddFloatsArg("min_size", {8}),
       {MakeTensor<float>({1, 1, 2, 2}, {0}), MakeTensor<float>({1, 20, 30, 3}, {0})},
       {MakeTensor<float>({1, 2, 8}, {0.116666667f, 0.300000012f, 0.383333325f, 0.699999988f,
                                      0.616666675f, 0.300000012f, 0.883333325f, 0.699999988f,
                                      0.100000001f, 0.100000001f, 0.100000001f, 0.100000001f,
                                      0.100000001f, 0.100000001f, 0.100000001f, 0.100000001f})},
       1e-6,
       1e-7},
      {"maximum and ratios",
       OpDefBuilder("PriorBox")
           .AddFloatsArg("min_size", {30})
           .AddFloatsArg("max_size", {60})
           .AddFloatsArg("aspect_ratio", {2})
           .AddFloatsArg("variance", {0.1f, 0.1f, 0.2f, 0.2f}),
       {MakeTensor<float>({1, 1, 1, 2}, {0}), MakeTensor<float>({1, 300, 300, 3}, {0})},
       {MakeTensor<float>(
           {1, 2, 16},
           {0.449999988f, 0.449999988f, 0.550000012f, 0.550000012f, 0.429289341f, 0.429289341f,
            0.570710659f, 0.570710659f, 0.429289341f, 0.46464467f,  0.570710659f, 0.53535533f,
            0.46464467f,  0.429289341f, 0.53535533f,  0.570710659f, 0.100000001f, 0.100000001f,
            0.200000003f, 0.200000003f, 0.100000001f, 0.100000001f, 0.200000003f, 0.200000003f,
            0.100000001f, 0.100000001f, 0.200000003f, 0.200000003f, 0.100000001f, 0.100000001f,
            0.200000003f, 0.200000003f})},
       1e-6,
       1e-7},
      {"ratios not flipped, known ones passed over",
       OpDefBuilder("PriorBox")
           .AddFloatsArg("min_size", {20})
           .AddFloatsArg("aspect_ratio", {2, 1, 2, 0.5f})
           .AddIntArg("flip", 0),
       {MakeTensor<float>({1, 1, 1, 2}, {0}), MakeTensor<float>({1, 100, 200, 3}, {0})},
       {MakeTensor<float>(
           {1, 2, 12},
           {0.449999988f, 0.400000006f, 0.550000012f, 0.600000024f, 0.429289311f, 0.429289311f,
            0.570710659f, 0.570710659f, 0.46464467f,  0.358578652f, 0.53535533f,  0.641421378f,
            0.100000001f, 0.100000001f, 0.100000001f, 0.100000001f, 0.100000001f, 0.100000001f,
            0.100000001f, 0.100000001f, 0.100000001f, 0.100000001f, 0.100000001f, 0.100000001f})},
       1e-6,
       1e-7},
      {"clipped",
       OpDefBuilder("PriorBox")
           .AddFloatsArg("min_size", {6})
           .AddFloatsArg("aspect_ratio", {3})
           .AddIntArg("clip", 1),
       {MakeTensor<float>({1, 1, 2, 2}, {0}), MakeTensor<float>({1, 10, 10, 3}, {0})},
       {MakeTensor<float>({1, 2, 24}, {0,
                                       0.200000003f,
                                       0.550000012f,
                                       0.800000012f,
                                       0,
                                       0.326794922f,
                                       0.769615233f,
                                       0.673205078f,
                                       0.0767949224f,
                                       0,
                                       0.423205078f,
                                       1,
                                       0.449999988f,
                                       0.200000003f,
                                       1,
                                       0.800000012f,
                                       0.230384782f,
                                       0.326794922f,
                                       1,
                                       0.673205078f,
                                       0.576794922f,
                                       0,
                                       0.923205078f,
                                       1,
                                       0.100000001f,
                                       0.100000001f,
                                       0.100000001f,
                                       0.100000001f,
                                       0.100000001f,
                                       0.100000001f,
                                       0.100000001f,
                                       0.100000001f,
                                       0.100000001f,
                                       0.100000001f,
                                       0.100000001f,
                                       0.100000001f,
                                       0.100000001f,
                                       0.100000001f,
                                       0.100000001f,
                                       0.100000001f,
                                       0.100000001f,
                                       0.100000001f,
                                       0.100000001f,
                                       0.100000001f,
                                       0.100000001f,
                                       0.100000001f,
                                       0.100000001f,
                                       0.100000001f})},
       1e-6,
       1e-7},
      {"steps and offset",
       OpDefBuilder("PriorBox")
           .AddFloatsArg("min_size", {16})
           .AddFloatArg("offset", 0.25f)
           .AddFloatArg("step_h", 24.0f)
           .AddFloatArg("step_w", 20.0f),
       {MakeTensor<float>({1, 2, 1, 2}, {0}), MakeTensor<float>({1, 64, 48, 3}, {0})},
       {MakeTensor<float>({1, 2, 8},
                          {-0.0625f, -0.03125f, 0.270833343f, 0.21875f, -0.0625f, 0.34375f,
                           0.270833343f, 0.59375f, 0.100000001f, 0.100000001f, 0.100000001f,
                           0.100000001f, 0.100000001f, 0.100000001f, 0.100000001f, 0.100000001f})},
       1e-6,
       1e-7},
      {"two sizes",
       OpDefBuilder("PriorBox")
           .AddFloatsArg("min_size", {10, 20})
           .AddFloatsArg("max_size", {20, 30}),
       {MakeTensor<float>({1, 1, 1, 2}, {0}), MakeTensor<float>({1, 50, 40, 3}, {0})},
       {MakeTensor<float>(
           {1, 2, 16},
           {0.375f,       0.400000006f, 0.625f,       0.600000024f, 0.323223293f, 0.358578652f,
            0.676776707f, 0.641421378f, 0.25f,        0.300000012f, 0.75f,        0.699999988f,
            0.193813771f, 0.255051017f, 0.806186199f, 0.744948983f, 0.100000001f, 0.100000001f,
            0.100000001f, 0.100000001f, 0.100000001f, 0.100000001f, 0.100000001f, 0.100000001f,
            0.100000001f, 0.100000001f, 0.100000001f, 0.100000001f, 0.100000001f, 0.100000001f,
            0.100000001f, 0.100000001f})},
       1e-6,
       1e-7},
      {"sizes are cut to whole pixels",
       OpDefBuilder("PriorBox")
           .AddFloatsArg("min_size", {30.9f})
           .AddFloatsArg("max_size", {60.7f})
           .AddFloatsArg("aspect_ratio", {2}),
       {MakeTensor<float>({1, 1, 1, 2}, {0}), MakeTensor<float>({1, 100, 100, 3}, {0})},
       {MakeTensor<float>(
           {1, 2, 16},
           {0.349999994f, 0.349999994f, 0.649999976f, 0.649999976f, 0.287867963f, 0.287867963f,
            0.712132037f, 0.712132037f, 0.287867963f, 0.393933982f, 0.712132037f, 0.606065989f,
            0.393933982f, 0.287867963f, 0.606065989f, 0.712132037f, 0.100000001f, 0.100000001f,
            0.100000001f, 0.100000001f, 0.100000001f, 0.100000001f, 0.100000001f, 0.100000001f,
            0.100000001f, 0.100000001f, 0.100000001f, 0.100000001f, 0.100000001f, 0.100000001f,
            0.100000001f, 0.100000001f})},
       1e-6,
       1e-7},
      {"no place",
       OpDefBuilder("PriorBox").AddFloatsArg("min_size", {4}),
       {MakeTensor<float>({1, 0, 3, 1}, {}), MakeIota<float>({1, 2, 2, 1})},
       {MakeTensor<float>({1, 2, 0}, {})}},
  });
}

TEST(PriorBoxTest, Errors) {
  RunOpCases({
      Refused("no size", OpDefBuilder("PriorBox").AddFloatsArg("min_size", {}),
              {MakeTensor<float>({1, 1, 1, 1}, {0}), MakeTensor<float>({1, 1, 1, 1}, {0})},
              MaceStatus::MACE_INVALID_ARGS, "min_size must not be empty"),
      Refused("size 0", OpDefBuilder("PriorBox").AddFloatsArg("min_size", {0}),
              {MakeTensor<float>({1, 1, 1, 1}, {0}), MakeTensor<float>({1, 1, 1, 1}, {0})},
              MaceStatus::MACE_INVALID_ARGS, "must be above 0"),
      Refused(
          "maximum below minimum",
          OpDefBuilder("PriorBox").AddFloatsArg("min_size", {30}).AddFloatsArg("max_size", {20}),
          {MakeTensor<float>({1, 1, 1, 1}, {0}), MakeTensor<float>({1, 1, 1, 1}, {0})},
          MaceStatus::MACE_INVALID_ARGS, "must be above 0 and below max_size"),
      Refused("huge maximum",
              OpDefBuilder("PriorBox")
                  .AddFloatsArg("min_size", {30})
                  .AddFloatsArg("max_size", {1e+30f}),
              {MakeTensor<float>({1, 1, 1, 1}, {0}), MakeTensor<float>({1, 1, 1, 1}, {0})},
              MaceStatus::MACE_INVALID_ARGS, "below max_size"),
      Refused("other count",
              OpDefBuilder("PriorBox")
                  .AddFloatsArg("min_size", {30})
                  .AddFloatsArg("max_size", {40, 50}),
              {MakeTensor<float>({1, 1, 1, 1}, {0}), MakeTensor<float>({1, 1, 1, 1}, {0})},
              MaceStatus::MACE_INVALID_ARGS, "max_size has 2 entries, min_size 1"),
      Refused("ratio",
              OpDefBuilder("PriorBox")
                  .AddFloatsArg("min_size", {30})
                  .AddFloatsArg("aspect_ratio", {-2}),
              {MakeTensor<float>({1, 1, 1, 1}, {0}), MakeTensor<float>({1, 1, 1, 1}, {0})},
              MaceStatus::MACE_INVALID_ARGS, "aspect_ratio"),
      Refused("variance",
              OpDefBuilder("PriorBox")
                  .AddFloatsArg("min_size", {30})
                  .AddFloatsArg("variance", {0.1f, 0.2f}),
              {MakeTensor<float>({1, 1, 1, 1}, {0}), MakeTensor<float>({1, 1, 1, 1}, {0})},
              MaceStatus::MACE_INVALID_ARGS, "variance must have 1 or 4 entries, not 2"),
      Refused("step",
              OpDefBuilder("PriorBox").AddFloatsArg("min_size", {30}).AddFloatArg("step_h", -1.0f),
              {MakeTensor<float>({1, 1, 1, 1}, {0}), MakeTensor<float>({1, 1, 1, 1}, {0})},
              MaceStatus::MACE_INVALID_ARGS, "step_h and step_w must not be negative"),
      Refused("rank", OpDefBuilder("PriorBox").AddFloatsArg("min_size", {30}),
              {MakeTensor<float>({2, 2}, {0}), MakeTensor<float>({1, 1, 1, 1}, {0})},
              MaceStatus::MACE_INVALID_ARGS,
              "feature map and image must be NHWC, not [2, 2] and [1, 1, 1, 1]"),
  });
}

}  // namespace
}  // namespace test
}  // namespace ops
}  // namespace mace
