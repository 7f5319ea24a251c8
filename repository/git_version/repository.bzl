# SPDX-License-Identifier: Apache-2.0
"""@mace_version//:version: the header "mace_git_version.h", which defines MACE_GIT_VERSION."""

_BUILD = """
alias(
    name = "version",
    actual = "@mace//repository/git_version:version",
    visibility = ["//visibility:public"],
)
"""

def _impl(ctx):
    ctx.file("BUILD.bazel", _BUILD)

git_version_repository = repository_rule(implementation = _impl)
