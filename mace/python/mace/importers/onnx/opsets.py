# SPDX-License-Identifier: Apache-2.0
"""Versions of operator sets: which a model asks for, and whether an importer function knows the form
that an operator has in one."""

from __future__ import annotations

import logging

import onnx
from onnx import version_converter

from mace.errors import MaceError
from mace.importers.onnx import functions
from mace.importers.onnx.node import VERSIONS

_log = logging.getLogger(__name__)

OLDEST_OPSET = 7
NEWEST_OPSET = int(onnx.defs.onnx_opset_version())


def versions_of(model: onnx.ModelProto) -> dict[str, int]:
    """The versions of the domains that a model uses, ONNX's own as ""."""
    return {
        "" if o.domain in functions.DOMAINS else o.domain: o.version for o in model.opset_import
    }


def raised(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model; onnx's converter brings it to the oldest opset that importer functions know, if it
    is older and the converter can. A MaceError if the model is newer than the installed onnx."""
    version = versions_of(model).get("")
    if version is None or OLDEST_OPSET <= version <= NEWEST_OPSET:
        return model
    if version > NEWEST_OPSET:
        raise MaceError(
            f"the model uses opset {version}; {NEWEST_OPSET} is the newest that the installed "
            f"onnx {onnx.__version__} knows",
            hint="install a newer onnx, or export the model with an older opset",
        )
    try:
        return version_converter.convert_version(model, OLDEST_OPSET)
    except Exception as error:  # onnx raises various types
        _log.debug("the model of opset %d could not be raised: %s", version, error)
        return model  # what has another form in it is refused by name


def refusal(op: str, opset: int) -> str:
    """Why an operator cannot be imported in the form that it has in an opset of its domain; empty
    if it can. `op` is one of those that are imported."""
    domain, _, name = op.rpartition(".")
    first, last = VERSIONS[op]
    try:
        form = int(onnx.defs.get_schema(name, opset, domain).since_version)
    except onnx.defs.SchemaError:
        if onnx.defs.has(name, domain):
            return f"ONNX has no {op} in opset {opset}"
        # It is not ONNX's, or no longer: there are no forms to tell apart.
        form = opset
    if first <= form <= last:
        return ""
    return f"it has the form of opset {form}, and MACE knows {op} from opset {first} to {last}"
