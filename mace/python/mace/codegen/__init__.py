# SPDX-License-Identifier: Apache-2.0
"""Models as code: sources that carry graph and weights, and the library that Bazel makes of them."""

from mace.codegen import static
from mace.codegen.library import (
    CodeModel,
    build_library,
    build_program,
    check_names,
    code_package,
    write_headers,
    write_sources,
)

__all__ = [
    "CodeModel",
    "build_library",
    "build_program",
    "check_names",
    "code_package",
    "static",
    "write_headers",
    "write_sources",
]
