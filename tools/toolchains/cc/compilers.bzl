# SPDX-License-Identifier: Apache-2.0
"""@system_compilers//:tools.bzl: where the programs of Debian's compilers are.

A compiler that is not installed is replaced by a program that names its package.
"""

load(":missing.bzl", "TOOLS", "missing_tools")

def _gcc_tools(prefix):
    return {tool: "/usr/bin/%s%s" % (prefix, tool) for tool in TOOLS}

def _llvm_tools(version):
    tools = {tool: "/usr/bin/llvm-%s-%s" % (tool, version) for tool in TOOLS}
    tools.update({
        "cpp": "/usr/bin/clang-cpp-" + version,
        "gcc": "/usr/bin/clang-" + version,
        "gcov": "/usr/bin/llvm-cov-" + version,
        "ld": "/usr/bin/ld.lld-" + version,
    })
    return tools

# Toolchain family -> its programs, and the packages that hold them.
_FAMILIES = {
    "gcc_aarch64": (_gcc_tools("aarch64-linux-gnu-"), "g++-aarch64-linux-gnu"),
    "gcc_armv7": (_gcc_tools("arm-linux-gnueabihf-"), "g++-arm-linux-gnueabihf"),
    "gcc_x86_64": (_gcc_tools(""), "g++"),
    "llvm_19": (_llvm_tools("19"), "clang-19 lld-19 llvm-19"),
}

def _impl(ctx):
    text = "TOOLS = {\n"
    for family, (tools, packages) in _FAMILIES.items():
        # The compiler, the linker and the archiver stand for the rest of their packages.
        absent = [tools[t] for t in ["gcc", "ld", "ar"] if not ctx.path(tools[t]).exists]
        if absent:
            message = "this build needs %s: apt-get install %s" % (absent[0], packages)
            tools = missing_tools(ctx, family, message)
        text += "    %r: %r,\n" % (family, tools)
    ctx.file("BUILD.bazel", "")
    ctx.file("tools.bzl", text + "}\n")

system_compilers = repository_rule(
    implementation = _impl,
    configure = True,
    doc = "tools/bazel changes MACE_COMPILERS when a compiler was installed or removed.",
    environ = ["MACE_COMPILERS"],
    local = True,
)
