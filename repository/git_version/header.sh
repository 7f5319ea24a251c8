#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Reads Bazel's status file and writes a header. Git allows quotes in the names of tags: drop them.
version="$(sed -n 's/^STABLE_MACE_GIT_VERSION //p' | tr -cd 'A-Za-z0-9._/+-')"
cat << end
// SPDX-License-Identifier: Apache-2.0
#ifndef MACE_GIT_VERSION_H_
#define MACE_GIT_VERSION_H_
#define MACE_GIT_VERSION "${version:-unknown}"
#endif  // MACE_GIT_VERSION_H_
end
