# SPDX-License-Identifier: Apache-2.0
"""`mace build`: libmace.so and libmace.a for each ABI, whole or with the operators of some models
alone, and what is in them."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from mace import __version__, api
from mace.cli.arguments import UsageError
from mace.cli.common import chosen_models, library_folder, model_folder, size_text
from mace.cli.console import Console
from mace.config.loader import load_deployment
from mace.config.schema import Deployment
from mace.errors import EXIT_OK, MaceError
from mace.export.files import write_files
from mace.resources import source_root

if TYPE_CHECKING:
    from mace.packaging.libraries import Library

_PARTS_SHOWN = 12


def run(options: argparse.Namespace, console: Console) -> int:
    """Builds what the command line asks for and shows where it is."""
    from mace.packaging import android, libraries

    root = source_root()
    if root is None:
        raise MaceError(
            "libraries are built from source, and this is an installed package",
            hint="use tools/build-standalone-lib.sh of a source tree",
        )
    if options.selective and not options.config:
        raise UsageError("--selective needs --config=FILE: whose models are to be linked for?")
    if options.no_operators and options.selective:
        raise UsageError("--no_operators and --selective exclude each other: leave one out")
    if options.isas and not options.selective:
        raise UsageError("--isas chooses kernels of a library for chosen models: add --selective")
    few = options.selective or options.no_operators
    runtimes = _words(options.runtimes) or (["cpu"] if few else [])
    output, names = Path("builds"), _words(options.target_abis)
    selection = libraries.NO_OPERATORS if options.no_operators else ""
    operators, encryption, hide_kernels = list[str](), False, False
    if options.config:
        # Its own ABIs, since those of --target_abis are the libraries' here.
        deployment = load_deployment(options.config)
        output, names = library_folder(deployment), names or list(deployment.target_abis)
        chosen = chosen_models(deployment, options.models)
        encryption = any(deployment.models[name].encryption_key_file for name in chosen)
        hide_kernels = any(deployment.models[name].obfuscate for name in chosen)
        if options.selective:
            selection, operators = _select(deployment, chosen, root, options, console)
    output = Path(options.output_dir) if options.output_dir else output
    if options.aar and not names:
        names = list(android.ABIS)
    abis = libraries.check_abis(names)
    kinds = libraries.check_runtimes(root, runtimes, console.say)
    headers = libraries.write_public_headers(root, output / "include")
    console.result["headers"] = [str(path) for path in headers]
    console.result["libraries"] = []
    rows, built = [], []
    for abi in abis:
        for kind in kinds:
            with console.step(f"building libmace for {abi} ({kind})"):
                made = libraries.build_libraries(
                    root,
                    abi,
                    kind,
                    output / "lib",
                    selection,
                    operators,
                    encryption,
                    hide_kernels,
                    options.optimize,
                    options.interface,
                    options.messages,
                )
            console.result["libraries"].append(_describe(made))
            rows.append(_row(made))
            built.append(made)
            if options.size_report:
                _report_sizes(made, root, console)
    header = ("ABI", "runtimes", "C library", "libmace.so", "libmace.a", "folder")
    console.table(header, rows, "lllrrl")
    if options.aar:
        _write_aar(root, built, output, console)
    if any(made["c_library"] == "glibc" for made in console.result["libraries"]) and any(
        abi.startswith("arm64-v8a") or abi == "armeabi-v7a" for abi in abis
    ):
        console.say(
            "ANDROID_NDK_HOME is not set: libraries for arm64-v8a and armeabi-v7a were built for "
            "glibc; they run on boards and under emulation, and Android cannot load them"
        )
    return EXIT_OK


def _write_aar(root: Path, built: list[Library], output: Path, console: Console) -> None:
    """The archive for Android of what was built for its ABIs: the largest kind of each."""
    from mace.packaging import android

    chosen = {made.abi: made for made in built if made.abi in android.ABIS}
    if not chosen:
        raise UsageError(
            "--aar: none of the ABIs is one of Android's",
            hint=f"--target_abis of an .aar are: {', '.join(android.ABIS)}",
        )
    target = output / f"mace-{__version__}.aar"
    with console.step(f"writing {target}"):
        android.write_aar(root, list(chosen.values()), target)
    console.result["aar"] = str(target)
    console.out(f"wrote {target} ({size_text(target.stat().st_size)})")


def _words(text: str | None) -> list[str]:
    return [word.strip() for word in (text or "").split(",") if word.strip()]


def _select(
    deployment: Deployment,
    models: list[str],
    root: Path,
    options: argparse.Namespace,
    console: Console,
) -> tuple[str, list[str]]:
    """The selection of a deployment's models, and its operators."""
    from mace.graph import schema
    from mace.packaging import selection

    folder = model_folder(deployment)
    keys = {name: api.encryption_key(deployment, name) for name in models}
    needs = selection.needs_of([(folder / f"{name}.pb", key) for name, key in keys.items()])
    isas = selection.check_isas(_words(options.isas))
    operators = sorted(needs.operators)
    label = selection.write_selection(
        root, deployment.library_name, models, needs, list(schema.operators()), isas
    )
    console.say(f"{len(operators)} operators: {', '.join(operators)}")
    return label, operators


def _row(made: Library) -> list[str]:
    sizes = [size_text(path.stat().st_size) for path in (made.shared, made.static)]
    return [made.abi, made.runtimes, made.c_library, *sizes, str(made.folder)]


def _describe(made: Library) -> dict[str, object]:
    return {
        "abi": made.abi,
        "runtimes": made.runtimes,
        "c_library": made.c_library,
        "shared": str(made.shared),
        "static": str(made.static),
        "shared_size": made.shared.stat().st_size,
        "static_size": made.static.stat().st_size,
        "operators": made.operators,
    }


def _report_sizes(made: Library, root: Path, console: Console) -> None:
    """Writes sizes.txt, sizes.json and sizes.html beside a library, and shows the largest parts."""
    from mace.graph import schema
    from mace.packaging import sizes
    from mace.report.sizes import treemap_page

    known = {name.lower() for name in schema.operators()}
    sources = [path.stem for path in (root / "mace" / "ops").glob("*.cc")]
    operators = [name for name in sources if name.replace("_", "") in known]
    total = made.shared.stat().st_size
    pieces = sizes.with_rest(sizes.read_map(made.link_map, operators), total)
    parts = sizes.summed(pieces)
    lines = [f"{size:>9}  {group}: {part}" for group, part, size in parts]
    lines += ["", *(f"{p.size:>9}  {p.group}: {p.part}: {p.name}" for p in pieces)]
    report = sizes.as_json(pieces, total)
    title = f"libmace.so for {made.abi} ({made.runtimes})"
    write_files(
        {
            made.folder / "sizes.txt": ("\n".join(lines) + "\n").encode(),
            made.folder / "sizes.json": (json.dumps(report, indent=1) + "\n").encode(),
            made.folder / "sizes.html": treemap_page(title, total, pieces).encode(),
        }
    )
    rows = [[group, part, f"{size:,}"] for group, part, size in parts[:_PARTS_SHOWN]]
    console.table(("group", "part", "bytes"), rows, "llr")
    console.say(f"all of it: {made.folder / 'sizes.txt'}, sizes.json and sizes.html")
