# SPDX-License-Identifier: Apache-2.0
"""MACE: convert a trained network once, run it anywhere."""
