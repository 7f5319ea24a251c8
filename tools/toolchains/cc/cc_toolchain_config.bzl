# SPDX-License-Identifier: Apache-2.0
"""The flags and features of a gcc or clang toolchain whose programs have absolute paths."""

load("@bazel_tools//tools/build_defs/cc:action_names.bzl", "ACTION_NAMES")
load(
    "@bazel_tools//tools/cpp:cc_toolchain_config_lib.bzl",
    "feature",
    "flag_group",
    "flag_set",
    "tool_path",
)

_COMPILE = [
    ACTION_NAMES.assemble,
    ACTION_NAMES.preprocess_assemble,
    ACTION_NAMES.linkstamp_compile,
    ACTION_NAMES.c_compile,
    ACTION_NAMES.cpp_compile,
    ACTION_NAMES.cpp_header_parsing,
    ACTION_NAMES.cpp_module_compile,
    ACTION_NAMES.cpp_module_codegen,
]
_CXX = [
    ACTION_NAMES.linkstamp_compile,
    ACTION_NAMES.cpp_compile,
    ACTION_NAMES.cpp_header_parsing,
    ACTION_NAMES.cpp_module_compile,
]
_LINK = [
    ACTION_NAMES.cpp_link_executable,
    ACTION_NAMES.cpp_link_dynamic_library,
    ACTION_NAMES.cpp_link_nodeps_dynamic_library,
]

_REPRODUCIBLE = [
    "-no-canonical-prefixes",
    "-Wno-builtin-macro-redefined",
    "-D__DATE__=\"redacted\"",
    "-D__TIMESTAMP__=\"redacted\"",
    "-D__TIME__=\"redacted\"",
]

def _flags(actions, flags):
    if not flags:
        return []
    return [flag_set(actions = actions, flag_groups = [flag_group(flags = flags)])]

def _sanitizer(name, kind, compile_flags = []):
    """A feature, off unless asked for by --features=NAME."""
    flags = ["-fsanitize=" + kind]
    # Line numbers alone: gcc follows the variables of a long table of tests for minutes.
    compiling = flags + ["-g1", "-fno-omit-frame-pointer"] + compile_flags
    return feature(name = name, flag_sets = _flags(_COMPILE, compiling) + _flags(_LINK, flags))

def _features(ctx):
    common = ["-Wall", "-ffunction-sections", "-fdata-sections"] + _REPRODUCIBLE
    if ctx.attr.compiler == "gcc":
        # psabi: gcc notes a change of the Arm calling convention between gcc 6 and gcc 7.
        common += ["-Wno-psabi", "-fno-canonical-system-headers"]
    linking = ["-no-canonical-prefixes", "-Wl,-z,relro,-z,now", "-Wl,--gc-sections"]
    return [
        feature(
            name = "default_compile_flags",
            enabled = True,
            flag_sets = _flags(_COMPILE, common + ctx.attr.compile_flags),
        ),
        feature(
            name = "default_cxx_flags",
            enabled = True,
            flag_sets = _flags(_CXX, ["-std=c++17"] + ctx.attr.cxx_flags),
        ),
        feature(name = "dbg", flag_sets = _flags(_COMPILE, ["-g", "-fno-omit-frame-pointer"])),
        feature(name = "fastbuild", flag_sets = _flags(_COMPILE, ["-O1"])),
        feature(name = "opt", flag_sets = _flags(_COMPILE, ["-O2", "-DNDEBUG"])),
        feature(
            name = "default_link_flags",
            enabled = True,
            flag_sets = _flags(_LINK, linking + ctx.attr.link_flags),
        ),
        feature(name = "supports_pic", enabled = True),
        feature(name = "supports_dynamic_linker", enabled = True),
        # A program that needs no library on the device.
        feature(
            name = "static",
            flag_sets = _flags([ACTION_NAMES.cpp_link_executable], ["-static"]),
        ),
        # Asked for by the macros of mace.bzl, so that outside sources are left alone.
        feature(
            name = "treat_warnings_as_errors",
            flag_sets = _flags(_COMPILE, ["-Werror"]),
        ),
        _sanitizer("asan", "address"),
        _sanitizer("tsan", "thread"),
        # vptr asks for the RTTI that the library is built without.
        _sanitizer("ubsan", "undefined", ["-fno-sanitize-recover=all", "-fno-sanitize=vptr"]),
        # Last, so that what a target asks for wins.
        feature(name = "user_compile_flags", enabled = True, flag_sets = [flag_set(
            actions = _COMPILE,
            flag_groups = [flag_group(
                flags = ["%{user_compile_flags}"],
                iterate_over = "user_compile_flags",
                expand_if_available = "user_compile_flags",
            )],
        )]),
    ]

def _impl(ctx):
    return cc_common.create_cc_toolchain_config_info(
        ctx = ctx,
        features = _features(ctx),
        cxx_builtin_include_directories = ctx.attr.builtin_include_dirs,
        toolchain_identifier = ctx.attr.toolchain_identifier,
        host_system_name = "local",
        target_system_name = ctx.attr.triple,
        target_cpu = ctx.attr.cpu,
        target_libc = ctx.attr.libc,
        compiler = ctx.attr.compiler,
        abi_version = "local",
        abi_libc_version = "local",
        tool_paths = [tool_path(name = k, path = v) for k, v in ctx.attr.tools.items()],
    )

cc_toolchain_config = rule(
    implementation = _impl,
    attrs = {
        "builtin_include_dirs": attr.string_list(),
        "compile_flags": attr.string_list(),
        "compiler": attr.string(mandatory = True, values = ["clang", "gcc"]),
        "cpu": attr.string(mandatory = True),
        "cxx_flags": attr.string_list(),
        "libc": attr.string(),
        "link_flags": attr.string_list(),
        "toolchain_identifier": attr.string(mandatory = True),
        "tools": attr.string_dict(mandatory = True),
        "triple": attr.string(mandatory = True),
    },
    provides = [CcToolchainConfigInfo],
)
