# SPDX-License-Identifier: Apache-2.0
"""Importers: from a framework's model to a Graph, one small function for each source operator."""
