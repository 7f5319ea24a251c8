#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Generates C++ from ops.yml: attribute structs, schema tables and the registry.

Usage: generate_ops.py OPS_YML TEMPLATE NAMES OUTPUT... [--only=OPERATOR,...]
NAMES: a file with the operators' source files without .cc, with commas between; with more than one
OUTPUT, each is the header of one operator's attributes. One header each, so that a change of one
operator compiles no other. --only leaves the other operators out. Runs inside the build with the
system's Python.
"""

import re
import sys
from pathlib import Path

import jinja2
import yaml

INT_MIN, INT_MAX = -(2**62), 2**62
DTYPES = {
    "f32": "DT_FLOAT",
    "u8": "DT_UINT8",
    "f16": "DT_HALF",
    "i32": "DT_INT32",
    "bf16": "DT_BFLOAT16",
    "i8": "DT_INT8",
    "i64": "DT_INT64",
    "bool": "DT_BOOL",
    "f64": "DT_DOUBLE",
    "i16": "DT_INT16",
    "u16": "DT_UINT16",
    "u32": "DT_UINT32",
    "u64": "DT_UINT64",
}


def camel(name: str) -> str:
    """Turns "LESS_EQUAL" or "max_limit" into "LessEqual" or "MaxLimit"."""
    return "".join(part.capitalize() for part in name.lower().split("_"))


class Attribute:
    """One attribute of one operator, with what the templates need of it."""

    def __init__(self, op: str, name: str, spec: dict, shared: bool) -> None:
        self.name = name
        self.shared = shared
        self.doc = spec.get("doc", "")
        self.required = "default" not in spec
        self.min = spec.get("min", INT_MIN)
        self.max = spec.get("max", INT_MAX)
        self.count = 0
        self.enum: list[str] = []
        self.enum_name = ""
        kind, default = str(spec["type"]), spec.get("default")
        if match := re.fullmatch(r"enum\((.*)\)", kind):
            self.kind, self.enum = "kEnum", [v.strip() for v in match[1].split(",")]
            # Enums of groups are one C++ type for all operators that use the group.
            self.enum_name = camel(name) + ("Kind" if shared else "")
            self.cpp = self.enum_name
            value = self.enum[0] if default is None else default
            if value not in self.enum:
                raise ValueError(f"{op}.{name}: default {value} is not in {self.enum}")
            self.default = f"{self.enum_name}::k{camel(value)}"
        elif match := re.fullmatch(r"int\[(\d+)\]", kind):
            self.kind, self.count = "kIntArray", int(match[1])
            self.cpp = f"std::array<int64_t, {self.count}>"
            self.default = "{" + ", ".join(str(v) for v in default or [0] * self.count) + "}"
        elif kind in ("int[]", "float[]"):
            self.kind = "kInts" if kind == "int[]" else "kFloats"
            self.cpp = f"std::vector<{'int64_t' if kind == 'int[]' else 'float'}>"
            self.default = "{" + ", ".join(str(v) for v in default or []) + "}"
        elif kind == "int":
            self.kind, self.cpp, self.default = "kInt", "int64_t", str(default or 0)
        elif kind == "float":
            self.kind, self.cpp, self.default = "kFloat", "float", f"{float(default or 0)!r}f"
        elif kind == "bool":
            self.kind, self.cpp, self.default = "kBool", "bool", "true" if default else "false"
        elif kind == "string":
            self.kind, self.cpp, self.default = "kString", "std::string", '""'
        elif kind == "dtype":
            self.kind, self.cpp = "kDataType", "DataType"
            self.default = DTYPES[default] if default else "DT_INVALID"
        else:
            raise ValueError(f"{op}.{name}: unknown attribute type {kind}")


class Operator:
    """One operator of ops.yml."""

    def __init__(self, name: str, spec: dict, groups: dict) -> None:
        self.name, self.doc = name, spec["doc"]
        self.file = ""
        self.inputs, self.outputs = list(spec["inputs"]), list(spec["outputs"])
        self.min_version, self.max_version = spec.get("versions", [1, 1])
        self.optional = 0
        for i, text in enumerate(self.inputs):
            if text.endswith("?"):
                self.optional |= 1 << i
        required = [t for t in self.inputs if "?" not in t]
        self.max_inputs = -1 if any(t.endswith("*") for t in self.inputs) else len(self.inputs)
        self.min_inputs = len(required)
        self.max_outputs = -1 if any(t.endswith("*") for t in self.outputs) else len(self.outputs)
        self.min_outputs = 1
        self.subgraphs = len(spec.get("subgraphs", {}))
        named = spec["types"].get("cpu", [])
        self.cpu_types = [DTYPES[t] for t in (DTYPES if named == ["any"] else named)]
        plain = [t.rstrip("?*") for t in self.inputs]
        self.type_input = plain.index(spec["type_of"]) if "type_of" in spec else 0
        attrs: dict[str, dict] = {}
        shared: set[str] = set()
        for key, value in spec["attrs"].items():
            if key == "use":
                for group in [value] if isinstance(value, str) else value:
                    attrs.update(groups[group])
                    shared.update(groups[group])
            else:
                attrs[key] = value
        self.attrs = [Attribute(name, k, v, k in shared) for k, v in sorted(attrs.items())]


def name_files(operators: list[Operator], names: list[str]) -> None:
    """Gives each operator its source file: Conv2D is in conv_2d.cc, MatMul in matmul.cc."""
    files = {name.replace("_", ""): name for name in names}
    for op in operators:
        if op.name.lower() not in files:
            raise SystemExit(f"ops.yml: {op.name} has no source file of that name in mace/ops")
        op.file = files.pop(op.name.lower())
    if files:
        raise SystemExit(
            f"mace/ops/{min(files.values())}.cc: ops.yml has no operator of that name; name it in "
            "HELPERS of mace/ops/ops.bzl if it is none"
        )


def selected(operators: list[Operator], names: list[str]) -> list[Operator]:
    """The operators of these names."""
    unknown = set(names) - {op.name for op in operators}
    if unknown:
        raise SystemExit(f"error: ops.yml has no operator '{min(unknown)}', which a selection asks for")
    return [op for op in operators if op.name in names]


def main() -> None:
    only = [word.removeprefix("--only=") for word in sys.argv[1:] if word.startswith("--only=")]
    words = [word for word in sys.argv[1:] if not word.startswith("--only=")]
    source, template, names, *outputs = words
    spec = yaml.safe_load(Path(source).read_text(encoding="utf-8"))
    operators = [Operator(n, s, spec["groups"]) for n, s in sorted(spec["operators"].items())]
    name_files(operators, Path(names).read_text(encoding="utf-8").strip().split(","))
    others: list[Operator] = []
    if only:
        every, operators = operators, selected(operators, [name for name in only[0].split(",") if name])
        others = [op for op in every if op not in operators]
    shared_enums = {a.enum_name: a for op in operators for a in op.attrs if a.enum and a.shared}
    environment = jinja2.Environment(
        undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True
    )
    environment.filters["camel"] = camel
    compiled = environment.from_string(Path(template).read_text(encoding="utf-8"))
    by_file = {op.file: op for op in operators}
    for output in outputs:
        text = compiled.render(
            operators=operators,
            others=others,
            shared_enums=shared_enums,
            op=by_file[Path(output).stem] if len(outputs) > 1 else None,
        )
        Path(output).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
