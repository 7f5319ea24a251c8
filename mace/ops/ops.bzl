# SPDX-License-Identifier: Apache-2.0
"""The kernels that operators are made of, what is no operator, and which operators an engine has."""

load("//mace:mace.bzl", "mace_cc_library", "py_generate")

KERNEL_FAMILIES = ["//mace/kernels/" + family for family in [
    "conv",
    "copy",
    "dwconv",
    "eltwise",
    "gemm",
    "half",
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

def operator_tables(name, operators = [], schema = None, tags = []):
    """The tables of an engine's operators: NAME registers them, SCHEMA describes them.

    What is not in them is not linked.

    Args:
      name: name of the target with both.
      operators: their names; all of ops.yml if empty.
      schema: name of the target with the schema alone, if not NAME_schema.
      tags: of all targets.
    """
    schema = schema or name + "_schema"
    folder = name + "_tables/"
    for template in ["op_schema_table.cc", "ops_registry.cc"]:
        py_generate(
            name = "generate_%s_%s" % (name, template.replace(".", "_")),
            srcs = [
                "//mace/ops:generate/%s.j2" % template,
                "//mace/ops:operator_sources.txt",
                "//mace/ops:ops.yml",
            ],
            outs = [folder + template],
            args = [
                "$(location //mace/ops:ops.yml)",
                "$(location //mace/ops:generate/%s.j2)" % template,
                "$(location //mace/ops:operator_sources.txt)",
                "$(RULEDIR)/" + folder + template,
                "--only=" + ",".join(operators),
            ],
            script = "//mace/ops:generate/generate_ops.py",
            tags = tags,
            visibility = ["//visibility:private"],
        )

    # alwayslink: mace/core refers to the tables, and comes later on a linker's command line.
    mace_cc_library(
        name = schema,
        srcs = [folder + "op_schema_table.cc"],
        alwayslink = True,
        small = True,
        tags = tags,
        deps = [
            "//mace/base",
            "//mace/core:operator",
            "//mace/ops:op_attrs",
        ],
    )
    mace_cc_library(
        name = name,
        srcs = [folder + "ops_registry.cc"],
        small = True,
        tags = tags,
        deps = [
            ":" + schema,
            "//mace/core:operator",
            "//mace/ops:operators",
        ],
    )
