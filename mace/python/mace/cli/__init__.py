# SPDX-License-Identifier: Apache-2.0
"""The command line: `mace` and tools/converter.py."""
