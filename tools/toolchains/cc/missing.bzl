# SPDX-License-Identifier: Apache-2.0
"""Stands in for the programs of a toolchain that is not installed.

A toolchain must be declared before it is known whether a build wants it. So a missing one gets
programs that say what to install: only the build that wants it fails, with that sentence.
"""

_SCRIPT = """#!/bin/sh
cat >&2 << 'end_of_message'
error: {message}
end_of_message
exit 1
"""

# What Bazel wants of a toolchain. "gcc" is its name for the compiler, whichever it is.
TOOLS = ["ar", "cpp", "dwp", "gcc", "gcov", "ld", "nm", "objcopy", "objdump", "strip"]

def missing_tools(repository_ctx, name, message):
    """Writes the stand-in program NAME.sh and returns it for every tool.

    Args:
      repository_ctx: the context of the repository rule.
      name: file name in the repository, without ".sh".
      message: what is missing and how to get it.
    Returns:
      dict: tool name -> absolute path.
    """
    path = name + ".sh"
    repository_ctx.file(path, _SCRIPT.format(message = message), executable = True)
    return {tool: str(repository_ctx.path(path)) for tool in TOOLS}
