# SPDX-License-Identifier: Apache-2.0
"""The kernels that operators are made of."""

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
