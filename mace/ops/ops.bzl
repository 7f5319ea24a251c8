# SPDX-License-Identifier: Apache-2.0
"""The kernels that operators are made of, and what is no operator."""

KERNEL_FAMILIES = ["//mace/kernels/" + family for family in [
    "conv",
    "copy",
    "dwconv",
    "eltwise",
    "gemm",
    "norm",
    "pool",
    "reduce",
    "resize",
    "softmax",
]]

# Sources in this folder that are no operator but what several share.
HELPERS = [
    "convolution",
    "data_movement",
    "eltwise_wide",
    "indexing",
    "matmul_wide",
    "recurrent",
    "regions",
    "resize_table",
    "volume_convolution",
    "wide",
    "window",
]
