# SPDX-License-Identifier: Apache-2.0
"""Passes: functions from graph to graph that make it smaller and faster and keep what it computes."""

from __future__ import annotations

from mace.passes.pipeline import optimize as optimize
