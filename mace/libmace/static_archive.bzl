# SPDX-License-Identifier: Apache-2.0
"""static_archive(): one .a with the objects of a library and of all that it is made of."""

load("@bazel_tools//tools/cpp:toolchain_utils.bzl", "find_cpp_toolchain")

def _impl(ctx):
    toolchain = find_cpp_toolchain(ctx)
    archives = []
    for linker_input in ctx.attr.dep[CcInfo].linking_context.linker_inputs.to_list():
        for library in linker_input.libraries:
            archive = library.pic_static_library or library.static_library
            if archive and archive not in archives:
                archives.append(archive)
    script = ctx.actions.declare_file(ctx.label.name + ".mri")
    lines = ["CREATE " + ctx.outputs.out.path]
    lines += ["ADDLIB " + archive.path for archive in archives]
    ctx.actions.write(script, "\n".join(lines + ["SAVE", "END", ""]))
    ctx.actions.run_shell(
        command = "\"$1\" -M < \"$2\"",
        arguments = [toolchain.ar_executable, script.path],
        inputs = depset([script] + archives, transitive = [toolchain.all_files]),
        outputs = [ctx.outputs.out],
        mnemonic = "StaticArchive",
    )
    return [DefaultInfo(files = depset([ctx.outputs.out]))]

static_archive = rule(
    implementation = _impl,
    attrs = {
        "dep": attr.label(mandatory = True, providers = [CcInfo]),
        "out": attr.output(mandatory = True),
        "_cc_toolchain": attr.label(default = "@bazel_tools//tools/cpp:current_cc_toolchain"),
    },
    toolchains = ["@bazel_tools//tools/cpp:toolchain_type"],
    incompatible_use_toolchain_transition = True,
)
