# SPDX-License-Identifier: Apache-2.0
"""The kernels that operators are made of."""

KERNEL_FAMILIES = [
    "//mace/kernels/conv",
    "//mace/kernels/copy",
    "//mace/kernels/dwconv",
    "//mace/kernels/eltwise",
    "//mace/kernels/gemm",
    "//mace/kernels/norm",
    "//mace/kernels/pool",
    "//mace/kernels/reduce",
    "//mace/kernels/resize",
    "//mace/kernels/softmax",
]
