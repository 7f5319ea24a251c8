#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Bazel's workspace status command: prints the version of the sources, for header.sh.
# "unknown" outside a git repository, as in an unpacked archive.
version="$(git describe --tags --always --dirty 2> /dev/null)" || version=unknown
echo "STABLE_MACE_GIT_VERSION ${version:-unknown}"
