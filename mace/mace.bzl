# SPDX-License-Identifier: Apache-2.0
"""The rules of MACE's BUILD files: C++ with the house's flags, choices by target, generated files.

    load("//mace:mace.bzl", "if_opencl", "mace_cc_library", "mace_cc_test", "mace_isa_library")
"""

_WARNINGS = ["-Wall", "-Wextra"]
_HIDDEN = ["-fvisibility=hidden", "-fvisibility-inlines-hidden"]

# See MACE_STATUS_CLASS in mace/public/mace.h: all that is linked together must agree.
_STATUS = select({
    "//conditions:default": [],
    "//mace:optimize_size_c_interface": ["-DMACE_TRIVIAL_STATUS"],
})
_MESSAGES = select({
    "//conditions:default": [],
    "//mace:short_messages": ["-DMACE_SHORT_MESSAGES"],
})
_CXX = ["-std=c++17"] + _WARNINGS + _HIDDEN + _STATUS + _MESSAGES

# Tables of cases compile nearly twice as fast as with -O2, and nobody waits for the tests' own code.
_TEST = ["-O1"]
_NO_EXCEPTIONS = ["-fno-exceptions", "-fno-rtti"]

# Tables that nothing reads where no exception passes: a tenth of the engine. Debuggers and crash
# reports would like them, hence --define=unwind_tables=true.
_NO_TABLES = select({
    "//conditions:default": ["-fno-asynchronous-unwind-tables", "-fno-unwind-tables"],
    "//mace:unwind_tables": [],
})

# --define=optimize=size: the linker, which must be clang's, optimizes the library as a whole, and
# what computes little is compiled for size alone, and messages guess no names. Kernels stay as fast as they are, but for rows
# that are left over at the end of an image: fewer kinds of tiles compute these.
_OPTIMIZATION = select({
    "//conditions:default": [],
    "//mace:optimize_size": ["-flto", "-fomit-frame-pointer", "-DMACE_OPTIMIZE_SIZE"],
})
_SMALL = select({
    "//conditions:default": ["-Os"],
    "//mace:optimize_size": ["-Oz"],
})

# A feature of the toolchains, switched off as a whole by --features=-treat_warnings_as_errors.
_FEATURES = ["treat_warnings_as_errors"]

# Of what is built so, --icf=safe keeps one of each kind of function that nobody compares, and -O2
# one of texts that end alike.
SIZE_LINKOPTS = ["-flto", "-Wl,--icf=safe", "-Wl,-O2"]

_HOST = ["@platforms//cpu:x86_64", "@platforms//os:linux"]

def _if(setting, yes, no):
    return select({"//mace:" + setting: yes, "//conditions:default": no})

def if_android(yes, no = []):
    """select(): `yes` in a build for Android, else `no`."""
    return _if("android", yes, no)

def if_arm64(yes, no = []):
    """select(): `yes` in a build for 64-bit Arm, on any system, else `no`."""
    return _if("arm64", yes, no)

def if_armv7(yes, no = []):
    """select(): `yes` in a build for 32-bit Arm, on any system, else `no`."""
    return _if("armv7", yes, no)

def if_x86(yes, no = []):
    """select(): `yes` in a build for x86_64, else `no`."""
    return _if("x86_64", yes, no)

def if_neon(yes, no = []):
    """select(): `yes` on Arm unless --define=neon=false, else `no`."""
    return select({
        "//conditions:default": no,
        "//mace:arm64_neon": yes,
        "//mace:armv7_neon": yes,
    })

def if_opencl(yes, no = []):
    """select(): `yes` with --define=opencl=true, else `no`."""
    return _if("opencl", yes, no)

def opencl_defines():
    """local_defines of the few sources that ask for MACE_ENABLE_OPENCL.

    Others do not see it, so that they are compiled once for builds with and without.
    """
    return if_opencl(["MACE_ENABLE_OPENCL"])

def listener_defines():
    """local_defines of the kernels' sources that tell a listener what they do.

    Only programs that write models as straight-line code are built with --define=kernel_listener=true.
    """
    return _if("kernel_listener", ["MACE_KERNEL_LISTENER"], [])

def if_optimize_size(yes, no = []):
    """select(): `yes` with --define=optimize=size, else `no`."""
    return _if("optimize_size", yes, no)

def if_c_interface(yes, no = []):
    """select(): `yes` with --define=interface=c, else `no`."""
    return _if("c_interface", yes, no)

def if_hexagon(yes, no = []):
    """select(): `yes` with --define=hexagon=true, else `no`."""
    return _if("hexagon", yes, no)

def if_encryption(yes, no = []):
    """select(): `yes` with --define=encryption=true, else `no`."""
    return _if("encryption", yes, no)

def hide_kernels_flag():
    """The argument " --hide" of embed_kernels.py with --define=hide_kernels=true."""
    return _if("hide_kernels", " --hide", "")

def kernel_sources(name, srcs):
    """What to compile for C++ sources that launch OpenCL kernels.

    With --define=hide_kernels=true that is hidden/<source>, in which kernels have no names.

    Args:
      name: name of the target that makes those.
      srcs: C++ sources.
    """
    script = "//repository/opencl_kernel:hide_names.py"
    py_generate(
        name = name,
        srcs = srcs + ["//mace/ops/opencl:cl"],
        outs = ["hidden/" + source for source in srcs],
        args = ["$(RULEDIR)/hidden", "$(SRCS)"],
        script = script,
    )
    return _if("hide_kernels", [":" + name], srcs)

def if_quantize(yes, no = []):
    """select(): `yes` unless --define=quantize=false, else `no`."""
    return _if("quantize", yes, no)

def _part_defines():
    return (if_neon(["MACE_ENABLE_NEON"]) +
            if_hexagon(["MACE_ENABLE_HEXAGON"]) + if_quantize(["MACE_ENABLE_QUANTIZE"]))

def mace_cc_library(
        name,
        copts = [],
        local_defines = [],
        features = [],
        exceptions = False,
        small = False,
        linkstatic = True,
        **kwargs):
    """cc_library with the house's flags.

    Sources see MACE_ENABLE_NEON, _HEXAGON and _QUANTIZE as the build was told.

    Args:
      name: name of the target.
      copts: more flags, after the house's.
      local_defines: more macros.
      features: more features of the toolchain.
      exceptions: True for the few sources whose headers throw: compiles with exceptions and RTTI,
        and with tables to unwind the stack.
      small: True for what computes little: compiles for size.
      linkstatic: True: no shared library is made of this target alone.
      **kwargs: passed to cc_library.
    """
    size = (_SMALL if small else []) + ([] if exceptions else _NO_TABLES) + _OPTIMIZATION
    native.cc_library(
        name = name,
        copts = _CXX + ([] if exceptions else _NO_EXCEPTIONS) + size + copts,
        features = _FEATURES + features,
        linkstatic = linkstatic,
        local_defines = _part_defines() + local_defines,
        **kwargs
    )

def mace_cc_binary(
        name,
        copts = [],
        local_defines = [],
        features = [],
        exceptions = False,
        **kwargs):
    """cc_binary with the house's flags; see mace_cc_library for the arguments."""
    native.cc_binary(
        name = name,
        copts = _CXX + ([] if exceptions else _NO_EXCEPTIONS) + copts,
        features = _FEATURES + features,
        local_defines = _part_defines() + local_defines,
        **kwargs
    )

def mace_cc_test(
        name,
        srcs = None,
        deps = [],
        copts = [],
        local_defines = [],
        features = [],
        size = "small",
        **kwargs):
    """cc_test of GoogleTest cases, with its main(); NAME.cc unless srcs says otherwise.

    Args:
      name: name of the target.
      srcs: sources.
      deps: libraries besides GoogleTest.
      copts: more flags, after the house's. Tests may throw and use RTTI.
      local_defines: more macros.
      features: more features of the toolchain.
      size: "small" is limited to a minute, "medium" to five.
      **kwargs: passed to cc_test.
    """
    native.cc_test(
        name = name,
        size = size,
        srcs = [name + ".cc"] if srcs == None else srcs,
        copts = _CXX + _TEST + copts,
        features = _FEATURES + features,
        linkstatic = True,
        local_defines = _part_defines() + local_defines,
        deps = deps + ["@googletest//:gtest_main"],
        **kwargs
    )

def mace_cc_benchmark(name, srcs = None, deps = [], copts = [], **kwargs):
    """A program of Google Benchmark cases, for the host alone; other builds pass over it.

    Args:
      name: name of the target.
      srcs: sources, NAME.cc if None.
      deps: libraries besides Google Benchmark.
      copts: more flags, after the house's.
      **kwargs: passed to cc_binary.
    """
    native.cc_binary(
        name = name,
        testonly = True,
        srcs = [name + ".cc"] if srcs == None else srcs,
        copts = _CXX + copts,
        features = _FEATURES,
        target_compatible_with = _HOST,
        deps = deps + ["@benchmark//:benchmark_main"],
        **kwargs
    )

_AES = ["-msse4.2", "-maes", "-mpclmul"]
_AVX2 = ["-mavx2", "-mfma", "-mf16c", "-mbmi", "-mbmi2"]
_AVX512 = _AVX2 + ["-mavx512f", "-mavx512bw", "-mavx512vl", "-mavx512dq", "-mavx512cd"]

# Instruction set -> setting under //mace: flags. Elsewhere the sources are left out.
# "sse4" is SSE4.2 since Highway has nothing between SSSE3 and that.
_ISAS = {
    "aes": {"x86_64": _AES, "arm64_neon": ["-march=armv8-a+crypto"]},
    "amxbf16": {"x86_64": _AVX512 + ["-mavx512bf16", "-mamx-tile", "-mamx-bf16"]},
    "avx2": {"x86_64": _AVX2},
    "avx512": {"x86_64": _AVX512},
    "avx512bf16": {"x86_64": _AVX512 + ["-mavx512bf16"]},
    "avx512vnni": {"x86_64": _AVX512 + ["-mavx512vnni"]},
    "avxvnni": {"x86_64": _AVX2 + ["-mavxvnni"]},
    "neon": {"arm64_neon": [], "armv7_neon": []},
    "neona55": {"arm64_neon": []},
    "neonbf16": {"arm64_neon": ["-march=armv8.2-a+bf16"]},
    "neondot": {"arm64_neon": ["-march=armv8.2-a+dotprod"]},
    "neonfp16": {"arm64_neon": ["-march=armv8.2-a+fp16"]},
    "neoni8mm": {"arm64_neon": ["-march=armv8.2-a+dotprod+i8mm"]},
    "sse4": {"x86_64": ["-msse4.2"]},
}

def mace_isa_library(name, srcs, isa, copts = [], **kwargs):
    """mace_cc_library for sources that need an instruction set beyond the target's baseline.

    Where the target's CPU has no such set, `srcs` is empty: callers may depend on it everywhere.
    Only the kernels' functions may be in such sources. An inline function of a common header that
    is compiled here could be the copy that the linker keeps, and run on a CPU without the set.

    Args:
      name: name of the target.
      srcs: sources.
      isa: "aes", "sse4", "avx2", "avx512", "avx512bf16", "amxbf16", "avxvnni", "avx512vnni", "neon",
        "neona55", "neonfp16", "neondot", "neonbf16" or "neoni8mm".
      copts: more flags, after the house's.
      **kwargs: passed to mace_cc_library.
    """
    if isa not in _ISAS:
        fail("//%s:%s: isa = \"%s\" is not known; it is one of %s" % (
            native.package_name(),
            name,
            isa,
            ", ".join(sorted(_ISAS)),
        ))
    chosen = {"//mace:" + setting: flags for setting, flags in _ISAS[isa].items()}
    sources = {setting: srcs for setting in chosen}
    sources["//conditions:default"] = []
    chosen["//conditions:default"] = []
    mace_cc_library(
        name = name,
        srcs = select(sources),
        copts = select(chosen) + copts,
        **kwargs
    )

def py_generate(name, script, outs, srcs = [], args = [], tools = [], more_args = "", **kwargs):
    """Files written by a Python script of ours, run by Debian's Python with yaml and jinja2.

    Args:
      name: name of the target.
      script: label of the script.
      outs: files that it writes.
      srcs: files that it reads.
      args: its arguments; $(location LABEL), $(locations LABEL) and $(RULEDIR) are expanded.
      tools: Python modules that it imports, beside it.
      more_args: more of them in one string, which may be a select().
      **kwargs: passed to genrule.
    """
    python = "@system_python//:python3"
    native.genrule(
        name = name,
        srcs = srcs,
        outs = outs,
        cmd = " ".join(["$(location %s) $(location %s)" % (python, script)] + args) + more_args,
        message = "Generating",
        tools = [python, script] + tools,
        **kwargs
    )

def proto_descriptor(name, src, out = None, **kwargs):
    """NAME.desc: the FileDescriptorSet of one .proto file, by Debian's protoc.

    Python makes its message classes from it, so that no generated code is tied to a version of
    the protobuf package.

    Args:
      name: name of the target.
      src: the .proto file; it may import others of protobuf's own, not of ours.
      out: name of the file, if not NAME.desc.
      **kwargs: passed to genrule.
    """
    protoc = "@protoc//:bin/protoc"
    native.genrule(
        name = name,
        srcs = [src],
        outs = [out or name + ".desc"],
        cmd = ("$(location %s) --descriptor_set_out=$@ --include_imports " +
               "-I$$(dirname $(location %s)) $(location %s)") % (protoc, src, src),
        message = "Describing",
        tools = [protoc],
        **kwargs
    )
