# SPDX-License-Identifier: Apache-2.0
"""@system_python//:python3: Debian's Python, with the modules that code generation imports."""

# -s keeps the user's own modules out; the hash seed makes sets repeatable.
_LAUNCHER = """#!/bin/sh
PYTHONHASHSEED=0 exec /usr/bin/python3 -s -B "$@"
"""

_BUILD = """
sh_binary(
    name = "python3",
    srcs = ["python3.sh"],
    visibility = ["//visibility:public"],
)
"""

def _impl(ctx):
    if not ctx.path("/usr/bin/python3").exists:
        fail("code generation runs /usr/bin/python3, which is missing: apt-get install python3")
    for module, package in ctx.attr.modules.items():
        if ctx.execute(["/usr/bin/python3", "-s", "-c", "import " + module]).return_code:
            fail("code generation imports %s, which /usr/bin/python3 has not: apt-get install %s" % (
                module,
                package,
            ))
    ctx.file("python3.sh", _LAUNCHER, executable = True)
    ctx.file("BUILD.bazel", _BUILD)

system_python = repository_rule(
    implementation = _impl,
    attrs = {
        "modules": attr.string_dict(
            doc = "Module to import -> the Debian package that holds it.",
            mandatory = True,
        ),
    },
    local = True,
)
