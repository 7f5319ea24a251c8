# SPDX-License-Identifier: Apache-2.0
"""The rule of a family of kernels: one library, each instruction set's source with its flags."""

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
