# SPDX-License-Identifier: Apache-2.0
"""mace_cc_toolchain(): everything that Bazel wants for one C++ compiler and one platform."""

load("//tools/toolchains:platforms.bzl", "constraints")
load(":cc_toolchain_config.bzl", "cc_toolchain_config")

def mace_cc_toolchain(
        name,
        platform,
        compiler,
        triple,
        tools,
        builtin_include_dirs,
        compile_flags = [],
        cxx_flags = [],
        link_flags = [],
        libc = "glibc"):
    """Declares NAME (a cc_toolchain) and NAME_toolchain (to register).

    Args:
      name: name of the toolchain.
      platform: what it builds for, a key of PLATFORMS.
      compiler: "gcc" or "clang".
      triple: the target as the compiler calls it.
      tools: dict, tool name -> absolute path.
      builtin_include_dirs: folders where the compiler finds headers without being told.
      compile_flags: for C, C++ and assembly.
      cxx_flags: for C++ alone.
      link_flags: for programs and shared libraries.
      libc: name of the C library.
    """
    empty = name + "_files"
    native.filegroup(name = empty)
    cc_toolchain_config(
        name = name + "_config",
        builtin_include_dirs = builtin_include_dirs,
        compile_flags = compile_flags,
        compiler = compiler,
        cpu = platform,
        cxx_flags = cxx_flags,
        libc = libc,
        link_flags = link_flags,
        toolchain_identifier = name,
        tools = tools,
        triple = triple,
    )
    native.cc_toolchain(
        name = name,
        all_files = empty,
        ar_files = empty,
        as_files = empty,
        compiler_files = empty,
        dwp_files = empty,
        linker_files = empty,
        objcopy_files = empty,
        strip_files = empty,
        supports_param_files = 1,
        toolchain_config = name + "_config",
        toolchain_identifier = name,
    )
    native.toolchain(
        name = name + "_toolchain",
        exec_compatible_with = constraints("host"),
        target_compatible_with = constraints(platform),
        toolchain = name,
        toolchain_type = "@bazel_tools//tools/cpp:toolchain_type",
    )
