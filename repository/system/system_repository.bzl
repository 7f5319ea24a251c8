# SPDX-License-Identifier: Apache-2.0
"""system_repository(): a repository of links to files that Debian packages installed."""

def _impl(ctx):
    for source in ctx.attr.links.values():
        if not ctx.path(source).exists:
            fail("@%s is made of %s, which is missing: apt-get install %s" % (
                ctx.name,
                source,
                " ".join(ctx.attr.packages),
            ))
    for target, source in ctx.attr.links.items():
        ctx.symlink(source, target)
    ctx.symlink(ctx.attr.build_file, "BUILD.bazel")

# Link folders of one library, never /usr/include: a cross compiler that is pointed there reads
# the host's headers.
system_repository = repository_rule(
    implementation = _impl,
    attrs = {
        "build_file": attr.label(
            allow_single_file = True,
            doc = "BUILD file of the repository.",
            mandatory = True,
        ),
        "links": attr.string_dict(
            doc = "Path in the repository -> absolute path of the file or folder to link.",
            mandatory = True,
        ),
        "packages": attr.string_list(
            doc = "Debian packages that hold the files, for the message when one is missing.",
            mandatory = True,
        ),
    },
    local = True,
)
