# SPDX-License-Identifier: Apache-2.0
"""What the engine says of a graph: shapes, problems, values of constants."""
