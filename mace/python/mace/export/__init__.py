# SPDX-License-Identifier: Apache-2.0
"""Writes the typed graph as the files that the engine reads."""
