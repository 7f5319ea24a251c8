# SPDX-License-Identifier: Apache-2.0
"""Shrinks a model that fails to the smallest part that still fails."""
