# SPDX-License-Identifier: Apache-2.0
"""Compares what a converted model computes with what its own framework computes."""
