# SPDX-License-Identifier: Apache-2.0
"""static_archive(): one .a with what a library is made of. link_map(): where a linker finds what a
shared library of it needs, and how large each piece is."""

load("@bazel_tools//tools/cpp:toolchain_utils.bzl", "find_cpp_toolchain")

def _archives(ctx):
    """The archives that a library is made of: those to be linked whole, and the others."""
    whole, others = [], []
    for linker_input in ctx.attr.dep[CcInfo].linking_context.linker_inputs.to_list():
        for library in linker_input.libraries:
            archive = library.pic_static_library or library.static_library
            if archive and archive not in whole and archive not in others:
                (whole if library.alwayslink else others).append(archive)
    return whole, others

def _link_words(whole, others):
    """Arguments of a linker."""
    return (["--whole-archive"] + [archive.path for archive in whole] + ["--no-whole-archive"] +
            ["--start-group"] + [archive.path for archive in others] + ["--end-group"])

def _static_archive_impl(ctx):
    toolchain = find_cpp_toolchain(ctx)
    whole, others = _archives(ctx)
    if ctx.attr.combine:
        arguments = ctx.actions.args()
        arguments.add_all(_link_words(whole, others))
        for symbol in ctx.attr.keep:
            arguments.add_all(["--gc-sections", "-u", symbol])
        command = """
set -eu
linker="$1" archiver="$2" copier="$3" keep="$4" out="$5"
shift 5
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
"$linker" -r -o "$folder/mace.o" "$@"
[[ -z "$keep" ]] || "$copier" --strip-unneeded $keep "$folder/mace.o"
rm -f "$out"
"$archiver" crsD "$out" "$folder/mace.o"
"""
        ctx.actions.run_shell(
            command = command,
            arguments = [
                toolchain.ld_executable,
                toolchain.ar_executable,
                toolchain.objcopy_executable,
                " ".join(["--keep-global-symbol=" + symbol for symbol in ctx.attr.keep]),
                ctx.outputs.out.path,
                arguments,
            ],
            inputs = depset(whole + others, transitive = [toolchain.all_files]),
            outputs = [ctx.outputs.out],
            mnemonic = "CombineArchive",
        )
        return [DefaultInfo(files = depset([ctx.outputs.out]))]
    script = ctx.actions.declare_file(ctx.label.name + ".mri")
    lines = ["CREATE " + ctx.outputs.out.path]
    lines += ["ADDLIB " + archive.path for archive in whole + others]
    ctx.actions.write(script, "\n".join(lines + ["SAVE", "END", ""]))
    ctx.actions.run_shell(
        command = "\"$1\" -M < \"$2\"",
        arguments = [toolchain.ar_executable, script.path],
        inputs = depset([script] + whole + others, transitive = [toolchain.all_files]),
        outputs = [ctx.outputs.out],
        mnemonic = "StaticArchive",
    )
    return [DefaultInfo(files = depset([ctx.outputs.out]))]

static_archive = rule(
    implementation = _static_archive_impl,
    attrs = {
        "combine": attr.bool(
            doc = "Only what linking the library would take, as one object, its sections apart.",
        ),
        "dep": attr.label(mandatory = True, providers = [CcInfo]),
        "keep": attr.string_list(
            doc = "With combine: the functions that callers see, without what these do not need.",
        ),
        "out": attr.output(mandatory = True),
        "_cc_toolchain": attr.label(default = "@bazel_tools//tools/cpp:current_cc_toolchain"),
    },
    toolchains = ["@bazel_tools//tools/cpp:toolchain_type"],
    incompatible_use_toolchain_transition = True,
)

def _link_map_impl(ctx):
    toolchain = find_cpp_toolchain(ctx)
    whole, others = _archives(ctx)
    arguments = ctx.actions.args()
    # The symbol is in the start files, which are of no interest here.
    arguments.add_all(["-shared", "--gc-sections", "--defsym=__dso_handle=0", "-o", "/dev/null"])
    arguments.add_all(ctx.attr.linker_flags)
    arguments.add(ctx.file.version_script, format = "--version-script=%s")
    arguments.add(ctx.outputs.out, format = "-Map=%s")
    arguments.add_all(_link_words(whole, others))

    # A linker that optimizes a library as a whole makes one object of all: names tell them apart.
    ctx.actions.run_shell(
        command = """
set -eu
linker="$1" lister="$2" archives="$3" out="$4"
shift 4
"$linker" "$@"
[[ -z "$archives" ]] || "$lister" -A --defined-only $archives >> "$out"
""",
        arguments = [
            toolchain.ld_executable,
            toolchain.nm_executable,
            " ".join([a.path for a in whole + others]) if ctx.attr.list_symbols else "",
            ctx.outputs.out.path,
            arguments,
        ],
        inputs = depset(
            whole + others + [ctx.file.version_script],
            transitive = [toolchain.all_files],
        ),
        outputs = [ctx.outputs.out],
        mnemonic = "LinkMap",
    )
    return [DefaultInfo(files = depset([ctx.outputs.out]))]

link_map = rule(
    implementation = _link_map_impl,
    attrs = {
        "dep": attr.label(mandatory = True, providers = [CcInfo]),
        "linker_flags": attr.string_list(doc = "More of them."),
        "list_symbols": attr.bool(doc = "Add what is defined in each object."),
        "out": attr.output(mandatory = True),
        "version_script": attr.label(allow_single_file = True, mandatory = True),
        "_cc_toolchain": attr.label(default = "@bazel_tools//tools/cpp:current_cc_toolchain"),
    },
    toolchains = ["@bazel_tools//tools/cpp:toolchain_type"],
    incompatible_use_toolchain_transition = True,
)
