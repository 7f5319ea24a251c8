# SPDX-License-Identifier: Apache-2.0
"""@android_ndk: the toolchains of the Android NDK in $ANDROID_NDK_HOME.

Where there is none, or one that is too old, its programs are stand-ins that say so: builds for
other platforms are not concerned.
"""

load("//tools/toolchains/cc:missing.bzl", "missing_tools")

_MIN_RELEASE = 25
_MIN_API = 21
_DEFAULT_API = "24"

_PREBUILT = "toolchains/llvm/prebuilt/linux-x86_64"

_PROGRAMS = {
    "ar": "llvm-ar",
    "cpp": "clang",
    "dwp": "llvm-dwp",
    "gcc": "clang",
    "gcov": "llvm-profdata",
    "ld": "ld.lld",
    "nm": "llvm-nm",
    "objcopy": "llvm-objcopy",
    "objdump": "llvm-objdump",
    "strip": "llvm-strip",
}

# Devices may have pages of 16 KiB from Android 15 on.
_LINK_FLAGS = ["--driver-mode=g++", "-static-libstdc++", "-Wl,-z,max-page-size=16384"]

# ABI -> the NDK's triple without the API level, and flags.
_ABIS = {
    "arm64-v8a": ("aarch64-linux-android", []),
    "armeabi-v7a": (
        "armv7a-linux-androideabi",
        ["-march=armv7-a", "-mfpu=neon-vfpv4", "-mthumb"],
    ),
}

_TOOLCHAIN = """
mace_cc_toolchain(
    name = "{abi}",
    builtin_include_dirs = {includes},
    compile_flags = {compile_flags},
    compiler = "clang",
    libc = "bionic",
    link_flags = {link_flags},
    platform = "android-{abi}",
    tools = {tools},
    triple = "{triple}",
)
"""

def _revision(ctx, home):
    """The text after "Pkg.Revision =" of the NDK's source.properties; None if there is none."""
    properties = ctx.path(home + "/source.properties")
    if not properties.exists:
        return None
    for line in ctx.read(properties).splitlines():
        key, _, value = line.partition("=")
        if key.strip() == "Pkg.Revision":
            return value.strip()
    return None

def _problem(ctx, home, api):
    """What is wrong with the NDK, as the end of a sentence; None if nothing is."""
    if not home:
        return "ANDROID_NDK_HOME is not set"
    revision = _revision(ctx, home)
    if revision == None:
        return "ANDROID_NDK_HOME=%s has no source.properties with a Pkg.Revision" % home
    release = revision.split(".")[0]
    if not release.isdigit() or int(release) < _MIN_RELEASE:
        return "ANDROID_NDK_HOME=%s is release %s" % (home, revision)
    clang = "%s/%s/bin/clang" % (home, _PREBUILT)
    if not ctx.path(clang).exists:
        return "ANDROID_NDK_HOME=%s has no %s/bin/clang" % (home, _PREBUILT)
    if not api.isdigit() or int(api) < _MIN_API:
        return "ANDROID_NDK_API=%s is not a number of at least %d" % (api, _MIN_API)
    return None

def _impl(ctx):
    home = ctx.os.environ.get("ANDROID_NDK_HOME", "").rstrip("/")
    api = ctx.os.environ.get("ANDROID_NDK_API", "") or _DEFAULT_API
    problem = _problem(ctx, home, api)
    if problem:
        tools = missing_tools(ctx, "missing", (
            "a build for Android needs the Android NDK r%d or newer, but %s; " +
            "set ANDROID_NDK_HOME to the folder of an unpacked NDK and build again"
        ) % (_MIN_RELEASE, problem))
        includes = []
    else:
        prebuilt = home + "/" + _PREBUILT
        tools = {tool: "%s/bin/%s" % (prebuilt, name) for tool, name in _PROGRAMS.items()}
        extra = ctx.os.environ.get("ANDROID_NDK_EXTRA_INCLUDES", "")
        includes = [prebuilt] + [d for d in extra.split(":") if d]
    text = "load(\"@mace//tools/toolchains/cc:defs.bzl\", \"mace_cc_toolchain\")\n\n"
    text += "package(default_visibility = [\"//visibility:public\"])\n"
    for abi, (triple, flags) in _ABIS.items():
        target = ["--target=%s%s" % (triple, api)]
        text += _TOOLCHAIN.format(
            abi = abi,
            compile_flags = target + flags,
            includes = includes,
            link_flags = target + _LINK_FLAGS,
            tools = tools,
            triple = triple,
        )
    ctx.file("BUILD.bazel", text)

android_ndk = repository_rule(
    implementation = _impl,
    configure = True,
    doc = "ANDROID_NDK_EXTRA_INCLUDES: more folders, separated by ':', where its clang has headers.",
    environ = [
        "ANDROID_NDK_API",
        "ANDROID_NDK_EXTRA_INCLUDES",
        "ANDROID_NDK_HOME",
        "MACE_COMPILERS",
    ],
    local = True,
)
