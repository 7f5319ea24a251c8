# SPDX-License-Identifier: Apache-2.0
"""The kernels that operators are made of, what is no operator, and which operators an engine has."""

load("//mace:mace.bzl", "hide_kernels_flag", "if_opencl", "mace_cc_library", "py_generate")

KERNEL_FAMILIES = ["//mace/kernels/" + family for family in [
    "bf16",
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
    "filter_operation",
    "indexing",
    "matmul_wide",
    "recurrent",
    "reduction",
    "regions",
    "resize_table",
    "volume_convolution",
    "wide",
    "window",
]

# What an engine has beside operators and can be without.
PARTS = [
    "activations",
    "async",
    "expand",
    "fusion",
    "infer_shapes",
    "late",
    "storage",
    "strassen",
    "subgraphs",
    "winograd",
]

# What functions that operators share compute is a set of each of these, in C++ the enums of kernels.
_FUNCTIONS = {
    "Activation": "ACTIVATIONS",
    "Binary": "BINARY",
    "Reduce": "REDUCTIONS",
    "Unary": "UNARY",
}

def _sets(types, functions):
    """Macros with the sets of mace/base/chosen.h; -1 stands for all."""
    sets = {name: [] for name in _FUNCTIONS.values()}
    for function in functions or []:
        prefix = [p for p in _FUNCTIONS if function.startswith(p)]
        if not prefix:
            fail("there is no function '%s'; functions begin with: %s" % (
                function,
                ", ".join(sorted(_FUNCTIONS)),
            ))
        sets[_FUNCTIONS[prefix[0]]].append("k" + function)
    if functions == None:
        sets = {name: ["-1"] for name in sets}
    sets["TYPES"] = ["-1"] if types == None else types
    return ["MACE_%s=%s" % (name, ",".join(members)) for name, members in sets.items()]

def _engine_parts(name, parts, types, functions, without_kernels, tags):
    """NAME_parts: tables that take the place of those of the whole engine."""
    for part in parts:
        if part not in PARTS:
            fail("there is no part '%s'; parts are: %s" % (part, ", ".join(PARTS)))

    # alwayslink: those of the whole engine must not be found first.
    mace_cc_library(
        name = name + "_parts",
        srcs = ["//mace/ops:generate/selected_parts.cc"],
        alwayslink = True,
        local_defines = [
            "MACE_WITH_%s=%d" % (part.upper(), 1 if part in parts else 0)
            for part in PARTS
        ] + ["MACE_WITHOUT_KERNELS='\"%s\"'" % ",".join(without_kernels)] +
                        _sets(types, functions),
        small = True,
        tags = tags,
        deps = [
            "//mace/base:chosen",
            "//mace/core:net",
            "//mace/kernels/dwconv:dwconv_kernel",
            "//mace/kernels/eltwise:activation_kernel",
            "//mace/kernels/gemm:gemm_kernel",
            "//mace/kernels/pool:pool_kernel",
            "//mace/kernels/winograd:winograd_kernel",
            "//mace/libmace:infer_shapes",
        ] + KERNEL_FAMILIES,
    )

def _gpu_operators(name, folder, operators, programs, tags):
    """NAME_gpu: the GPU sides of these operators and the sources that they launch."""
    py_generate(
        name = "generate_%s_gpu" % name,
        srcs = ["//mace/ops/opencl:operators.cc"],
        outs = [folder + "gpu_operators.cc"],
        args = [
            "$(location //mace/ops/opencl:operators.cc)",
            "$@",
            "--only=" + ",".join(operators),
        ],
        script = "//mace/ops:generate/select_gpu.py",
        tags = tags,
    )
    sources = [folder + "gpu_operators.cc"]
    if programs:
        py_generate(
            name = "generate_%s_programs" % name,
            srcs = ["//mace/ops/opencl:cl"],
            outs = [folder + "embedded_kernels.cc"],
            args = ["$@", "$(SRCS)", "--only=" + ",".join(programs)],
            more_args = hide_kernels_flag(),
            script = "//repository/opencl_kernel:embed_kernels.py",
            tools = ["//repository/opencl_kernel:hide_names.py"],
            tags = tags,
        )
        sources.append(folder + "embedded_kernels.cc")
    mace_cc_library(
        name = name + "_gpu",
        srcs = if_opencl(sources),
        alwayslink = True,
        small = True,
        tags = tags,
        deps = [
            "//mace/ops/opencl:operators",
            "//mace/runtimes/opencl:launch",
        ],
    )

def operator_tables(
        name,
        operators = None,
        parts = None,
        types = None,
        functions = None,
        without_kernels = [],
        gpu_programs = [],
        schema = None,
        tags = []):
    """The tables of an engine's operators: NAME registers them, SCHEMA describes them.

    What is not in them is not linked.

    Args:
      name: name of the target with both.
      operators: their names; None: all of ops.yml.
      parts: those of PARTS that the engine has; None: all, and all kernels.
      types: with parts: the element types of tensors, as "DT_FLOAT"; None: all.
      functions: with parts: what is computed by functions that operators share, as "BinarySum",
        "UnaryExp", "ActivationTanh" or "ReduceMax"; None: all. Operators refuse the others.
      without_kernels: with parts: pieces of names of kernels that the engine does not have, as
        "__avx512" or "dwconv_f32_5x5". Reference kernels are always there.
      gpu_programs: with parts: names of sources in mace/ops/opencl/cl that the operators' GPU sides
        and the GPU runtime launch; all if empty.
      schema: name of the target with the schema alone, if not NAME_schema.
      tags: of all targets.
    """
    schema = schema or name + "_schema"
    folder = name + "_tables/"
    only = [] if operators == None else ["--only=" + ",".join(operators)]
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
            ] + only,
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
        ] + ([] if parts == None else [":" + name + "_gpu", ":" + name + "_parts"]),
    )
    if parts != None:
        _engine_parts(name, parts, types, functions, without_kernels, tags)
        _gpu_operators(name, folder, operators, gpu_programs, tags)
