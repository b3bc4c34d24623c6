"""`faceage-convert preflight FILE ...`: what of these models a Coral's Edge TPU would run."""

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from faceage_convert.coral import ON_CHIP_BYTES, Preflight, preflight
from faceage_edge.bundles import find_age
from faceage_edge.command import run
from faceage_edge.errors import QualityGateError
from faceage_edge.model import read_model_bytes

__all__ = ["preflight_lines", "preflight_main"]

# Of a tensor's name: old converters join those of all that they fused.
_LONGEST = 60


def preflight_main(argv: Sequence[str]) -> int:
    """Run the command.

    Args:
        argv: arguments behind `preflight`.

    Returns:
        The exit code: 0 all of it runs on the Edge TPU, 3 some of it would not or it does not fit,
        1 no readable model, 2 usage.
    """
    parser = argparse.ArgumentParser(
        prog="faceage-convert preflight",
        description="What of .tflite files the Edge TPU would run, without its compiler.",
    )
    parser.add_argument(
        "files", nargs="+", metavar="FILE", help=".tflite, or a shipped model's name"
    )
    parser.add_argument("--json", action="store_true", help="print one line of JSON")
    options = parser.parse_args(argv)
    return run("faceage-convert preflight", lambda: _preflight(options))


def _preflight(options: argparse.Namespace) -> int:
    found = {}
    for name in options.files:
        path = find_age(name)
        found[str(path)] = preflight(read_model_bytes(path), str(path))
    used = sum(one.bytes_on_chip for one in found.values())
    if options.json:
        models = {name: {**asdict(one), "mapped": one.mapped} for name, one in found.items()}
        print(json.dumps({"models": models, "bytes_on_chip": used, "budget": ON_CHIP_BYTES}))
    else:
        print("\n".join(_text(found, used)))
    _judge(found, used)
    return 0


def _text(found: dict[str, Preflight], used: int) -> list[str]:
    lines: list[str] = []
    for name, one in found.items():
        lines += [name, *preflight_lines(asdict(one)["rows"]), ""]
    share = used / ON_CHIP_BYTES
    return [*lines, f"{used:,} of {ON_CHIP_BYTES:,} bytes on the chip ({share:.0%})"]


def preflight_lines(rows: Sequence[dict[str, Any]]) -> list[str]:
    """Write a preflight's rows as a table: operator, version, bytes on the chip, where, why."""
    head = "operator             version   on chip  runs on   result"
    return [
        head,
        *[
            f"{row['operator']:<20} {row['version']:>7} {row['bytes_on_chip']:>9,}  "
            f"{row['status']:<8}  {row['result'][:_LONGEST]}"
            + (f"\n    {row['reason']}" if row["reason"] else "")
            for row in rows
        ],
    ]


def _judge(found: dict[str, Preflight], used: int) -> None:
    left = {Path(name).name: one for name, one in found.items() if one.first_on_cpu is not None}
    if left:
        first = ", ".join(
            f"{name} from {one.rows[one.first_on_cpu or 0].operator} ({one.first_on_cpu}) on"
            for name, one in left.items()
        )
        raise QualityGateError(f"the CPU would run part: {first}; convert with --target coral")
    if used > ON_CHIP_BYTES:
        raise QualityGateError(
            f"{used:,} bytes of weights, the chip holds {ON_CHIP_BYTES:,}: the rest would be sent "
            "anew for every call; take a smaller model"
        )
