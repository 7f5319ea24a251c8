# SPDX-License-Identifier: Apache-2.0
"""Imports ONNX models (opset 7 and newer) of the default operator domain."""

from __future__ import annotations

from mace.importers.onnx.importer import describe_model as describe_model
from mace.importers.onnx.importer import import_model as import_model
