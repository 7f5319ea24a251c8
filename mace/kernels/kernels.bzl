# SPDX-License-Identifier: Apache-2.0
"""The rules of families of kernels: one library, the source of each instruction set with its flags."""

load("//mace:mace.bzl", "listener_defines", "mace_cc_benchmark", "mace_cc_library", "mace_cc_test", "mace_isa_library")

def kernel_family(name, srcs, hdrs, kernel_hdrs, isas, deps = [], test_deps = [], benchmark_deps = [], test_size = "small"):
    """Targets NAME, NAME_test and NAME_benchmark.

    Args:
      name: the family; the folder has NAME_test.cc and NAME_benchmark.cc.
      srcs: sources for any machine: the list of kernels, packing, the reference.
      hdrs: headers of the family.
      kernel_hdrs: headers and tables that the sources of one instruction set include.
      isas: instruction sets; each has a source ISA.cc.
      deps: more libraries.
      test_deps: more libraries of the test.
      benchmark_deps: more libraries of the benchmark.
      test_size: of the test.
    """
    mace_cc_library(
        name = name + "_kernel",
        hdrs = kernel_hdrs,
        visibility = ["//mace:__subpackages__"],
        deps = ["//mace/kernels:simd"],
    )
    for isa in isas:
        mace_isa_library(
            name = name + "_" + isa,
            srcs = [isa + ".cc"],
            isa = isa,
            deps = [":" + name + "_kernel"],
        )
    mace_cc_library(
        name = name,
        srcs = srcs,
        hdrs = hdrs,
        local_defines = listener_defines(),
        visibility = ["//visibility:public"],
        deps = [":" + name + "_kernel", "//mace/base", "//mace/kernels", "//mace/kernels:listener"] +
               [":" + name + "_" + isa for isa in isas] + deps,
    )
    mace_cc_test(
        name = name + "_test",
        size = test_size,
        deps = [":" + name, "//mace/kernels:test_util"] + test_deps,
    )
    mace_cc_benchmark(
        name = name + "_benchmark",
        deps = [":" + name] + benchmark_deps,
    )

_VECTOR_ISAS = ["avx2", "avx512", "neon", "sse4"]

def function_family(name, hdrs = None, srcs = [], more_hdrs = [], deps = []):
    """A family whose instruction sets share one source: targets NAME, NAME_test, NAME_benchmark.

    simd.cc is compiled once for each of them and defines its table of functions, whose name is
    given to it as MACE_<NAME>_TABLE; NAME.cc has the list of tables, reference.cc the portable one.

    Args:
      name: the family; the folder has NAME_test.cc and NAME_benchmark.cc.
      hdrs: headers that simd.cc includes, NAME.h if None.
      srcs: sources for any machine besides NAME.cc and reference.cc.
      more_hdrs: headers of the family that simd.cc does not include.
      deps: libraries that hdrs include besides the base.
    """
    if hdrs == None:
        hdrs = [name + ".h"]
    mace_cc_library(
        name = name + "_headers",
        hdrs = hdrs,
        textual_hdrs = ["kernels.inc"],
        visibility = ["//visibility:private"],
        deps = ["//mace/base", "//mace/kernels"] + deps,
    )
    for isa in _VECTOR_ISAS:
        mace_isa_library(
            name = name + "_" + isa,
            srcs = ["simd.cc"],
            isa = isa,
            local_defines = ["MACE_" + name.upper() + "_TABLE=" + name + "_f32__" + isa],
            visibility = ["//visibility:private"],
            deps = [":" + name + "_headers", "//mace/kernels:simd_math"],
        )
    mace_cc_library(
        name = name,
        srcs = [name + ".cc", "reference.cc"] + srcs,
        hdrs = hdrs + more_hdrs,
        local_defines = listener_defines(),
        visibility = ["//visibility:public"],
        deps = [":" + name + "_headers", "//mace/base", "//mace/kernels", "//mace/kernels:listener"] +
               [":" + name + "_" + isa for isa in _VECTOR_ISAS],
    )
    mace_cc_test(
        name = name + "_test",
        deps = [":" + name, "//mace/kernels:guarded_buffer"],
    )
    mace_cc_benchmark(
        name = name + "_benchmark",
        deps = [":" + name],
    )
