# SPDX-License-Identifier: Apache-2.0
"""The kinds of values in deployment files: choices, lists that may be written as one value, shapes,
ranges, and keys whose feature this version does not have. Inputs are text, as mace.config.source
leaves them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, TypeAlias

from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError

from mace.errors import did_you_mean

Shape: TypeAlias = tuple[int, ...]
Range: TypeAlias = tuple[float, float]

MAX_RANK = 6
_MAX_DIM = 1 << 31
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,127}\Z")
_ADDRESS = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:-]{0,252}")
_REMOTE_FOLDER = re.compile(r"(/[A-Za-z0-9_.-]+)+/?")
_SHA256 = re.compile(r"[0-9a-fA-F]{64}\Z")


def problem(message: str) -> PydanticCustomError:
    """The exception by which a validator says what is wrong."""
    return PydanticCustomError("mace", "{message}", {"message": message})


def not_yet(feature: str, way_out: str = "") -> PydanticCustomError:
    """The refusal of a value whose feature this version lacks."""
    return problem(
        f"{feature} is not in this version of MACE" + (f"; {way_out}" if way_out else "")
    )


def key(default: Any, doc: str, values: str = "") -> Any:
    """A key of a deployment file. `values` describes what may stand there, for the documents."""
    return Field(default, description=doc, json_schema_extra={"values": values})


def choice(
    *allowed: str,
    aliases: Mapping[str, str] | None = None,
    later: Mapping[str, str] | None = None,
    way_out: str = "",
) -> BeforeValidator:
    """One of some words. aliases: other spellings. later: words to the feature that is missing."""

    def check(value: Any) -> str:
        word = text(value)
        if aliases and word in aliases:
            word = aliases[word]
        if later and word in later:
            raise not_yet(later[word], way_out)
        if word not in allowed:
            names = [*allowed, *(later or ())]
            raise problem(
                f"'{word}'{did_you_mean(word, names)} is not one of: {', '.join(allowed)}"
            )
        return word

    return BeforeValidator(check)


def switch() -> BeforeValidator:
    """0 or 1, also spelt false or true."""

    def check(value: Any) -> bool:
        word = "0" if value is None else str(value).strip().lower()
        if word not in ("0", "1", "false", "true", ""):
            raise problem(f"'{value}' is neither 0 nor 1")
        return word in ("1", "true")

    return BeforeValidator(check)


def whole(low: int, high: int) -> BeforeValidator:
    """A whole number within bounds; nothing stands for the smallest."""

    def check(value: Any) -> int:
        word = str(low if value is None or value == "" else value).strip()
        if not word.isascii() or not word.isdigit() or not low <= int(word) <= high:
            raise problem(f"'{value}' is not a whole number from {low} to {high}")
        return int(word)

    return BeforeValidator(check)


def off(feature: str, way_out: str = "") -> BeforeValidator:
    """A switch or setting of a feature that this version lacks: only its "off" value passes."""

    def check(value: Any) -> None:
        if value is None or (
            isinstance(value, str) and value.strip().lower() in ("", "0", "false")
        ):
            return
        if isinstance(value, list | dict) and not value:
            return
        raise not_yet(feature, way_out)

    return BeforeValidator(check)


def text(value: Any) -> str:
    """A single value as text."""
    if isinstance(value, bool | int | float):
        return str(value)
    if not isinstance(value, str) or not value:
        raise problem(
            "a value is missing here" if value in (None, "") else "one value is wanted here"
        )
    return value


def as_list(value: Any) -> Any:
    """A single value stands for a list of it."""
    if value is None:
        return []
    return list(value) if isinstance(value, list | tuple) else [value]


def as_words(value: Any) -> Any:
    """A list, or one value with commas between its words."""
    if isinstance(value, str):
        return [word.strip() for word in value.split(",") if word.strip()]
    return as_list(value)


def _as_names(value: Any) -> Any:
    """A list, or one value with commas or blanks between its words."""
    return (
        [word for word in re.split(r"[,\s]+", value) if word]
        if isinstance(value, str)
        else as_list(value)
    )


def parse_shape(value: Any) -> Shape:
    """ "1,224,224,3" or [1, 224, 224, 3]; -1 or ? stands for any size."""
    if value is None or value == "":
        return ()
    words = (
        value if isinstance(value, list | tuple) else str(value).strip().strip("[]()").split(",")
    )
    words = [str(word).strip() for word in words]
    if words and not words[-1]:
        words.pop()
    dims = []
    for word in words:
        if word in ("?", "-1"):
            dims.append(-1)
            continue
        if not word.isascii() or not word.isdigit() or int(word) >= _MAX_DIM:
            raise problem(
                f"'{word}' is not a dimension: a shape is written like 1,224,224,3, "
                "with ? or -1 for any size"
            )
        dims.append(int(word))
    if len(dims) > MAX_RANK:
        raise problem(f"a shape of {len(dims)} dimensions; at most {MAX_RANK} are possible")
    return tuple(dims)


def _shapes(value: Any) -> Any:
    # [1, 224, 224, 3] without quotes is meant as one shape, not as four of one dimension each.
    if isinstance(value, list) and len(value) > 1 and all(_is_dimension(item) for item in value):
        return [value]
    return as_list(value)


def _is_dimension(item: Any) -> bool:
    return isinstance(item, int) or (
        isinstance(item, str) and bool(re.fullmatch(r"\?|-?\d+", item.strip()))
    )


def _ranges(value: Any) -> Any:
    if isinstance(value, list) and len(value) == 2 and not any(_has_two(item) for item in value):
        return [value]
    return as_list(value)


def _has_two(item: Any) -> bool:
    return isinstance(item, list | tuple) or (isinstance(item, str) and "," in item)


def parse_range(value: Any) -> Range:
    """ "-1.0,1.0" or [-1, 1]: the smallest and the largest value."""
    words = (
        value if isinstance(value, list | tuple) else str(value).strip().strip("[]()").split(",")
    )
    try:
        low, high = (float(word) for word in words)
    except (TypeError, ValueError):
        raise problem(f"'{value}' is not a range: write it like -1.0,1.0") from None
    if not low <= high:
        raise problem(
            f"the range {low},{high} is empty: the first number must not be the larger one"
        )
    return (low, high)


def _name(value: Any) -> str:
    name = text(value)
    if not _NAME.match(name):
        raise problem(
            f"'{name[:60]}' is not a usable name: letters, digits, '_', '-' and '.', beginning "
            "with a letter or '_', at most 128 characters, since files are named after it"
        )
    return name


def _sha256(value: Any) -> str:
    word = text(value).strip()
    if not _SHA256.match(word):
        raise problem(
            f"'{word[:70]}' is not a SHA-256 checksum: 64 hexadecimal digits (see sha256sum)"
        )
    return word.lower()


def _threshold(value: Any) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise problem(f"'{value}' is not a number") from None
    if not -1.0 <= number <= 1.0:
        raise problem(f"{number} is not a cosine similarity, which is at most 1")
    return number


def _optional(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda value: None if value in (None, "") else function(value)


def lengths(
    problems: list[tuple[str, str]],
    names: Sequence[str],
    key_name: str,
    given: Sequence[Any],
    what: str,
) -> None:
    """Adds a problem unless there is one item for each name."""
    if len(given) != len(names):
        problems.append(
            (key_name, f"{len(given)} given for {len(names)} {what}; there must be one for each")
        )


def _address(value: Any) -> str:
    """A name of a machine or a user: nothing that a program would take for a flag or a path."""
    word = text(value)
    if not _ADDRESS.fullmatch(word):
        raise problem(f"'{word}' is no address or name: letters, digits and . _ - : are expected")
    return word


def _port(value: Any) -> int:
    word = text(value)
    if not word.isascii() or not word.isdigit() or not 0 < int(word) < 65536:
        raise problem(f"'{word}' is no port: a number from 1 to 65535 is expected")
    return int(word)


def _remote_folder(value: Any) -> str:
    word = text(value)
    if not _REMOTE_FOLDER.fullmatch(word) or "/../" in f"{word}/":
        raise problem(
            f"'{word}' is no absolute path of letters, digits and . _ - between the slashes"
        )
    return word.rstrip("/")


Name = Annotated[str, BeforeValidator(_name)]
Address = Annotated[str, BeforeValidator(_address)]
Port = Annotated[int, BeforeValidator(_port)]
RemoteFolder = Annotated[str, BeforeValidator(_remote_folder)]
Text = Annotated[str, BeforeValidator(text)]
Texts = Annotated[list[Text], BeforeValidator(as_list)]
Words = Annotated[list[Text], BeforeValidator(as_words)]
Names = Annotated[list[Text], BeforeValidator(_as_names)]
OptionalText = Annotated[str | None, BeforeValidator(_optional(text))]
Sha256 = Annotated[str | None, BeforeValidator(_optional(_sha256))]
ShapeField = Annotated[Shape, BeforeValidator(parse_shape)]
Shapes = Annotated[list[ShapeField], BeforeValidator(_shapes)]
RangeField = Annotated[Range, BeforeValidator(parse_range)]
Ranges = Annotated[list[RangeField], BeforeValidator(_ranges)]
Threshold = Annotated[float, BeforeValidator(_threshold)]
