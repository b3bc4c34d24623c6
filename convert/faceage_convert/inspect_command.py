"""`faceage-convert inspect FILE`: what any .tflite file is, in words or as JSON."""

import argparse
import json
from collections.abc import Sequence
from typing import Any

from faceage_convert.inspection import inspect_file
from faceage_convert.recipes import REFINEMENTS
from faceage_edge.bundles import find_age
from faceage_edge.command import run

__all__ = ["inspect_main", "inspection_text"]


def inspect_main(argv: Sequence[str]) -> int:
    """Run the command.

    Args:
        argv: arguments behind `inspect`.

    Returns:
        The exit code: 0 told, 1 no readable model, 2 usage.
    """
    parser = argparse.ArgumentParser(
        prog="faceage-convert inspect",
        description="What a .tflite file is, read from the file itself.",
    )
    parser.add_argument("file", help="a .tflite file, or a shipped model's name")
    parser.add_argument("--json", action="store_true", help="print one line of JSON")
    options = parser.parse_args(argv)
    return run("faceage-convert inspect", lambda: _inspect(options))


def _inspect(options: argparse.Namespace) -> int:
    found = inspect_file(find_age(options.file))
    print(json.dumps(found) if options.json else inspection_text(found))
    return 0


def inspection_text(found: dict[str, Any]) -> str:
    """Write an inspection as lines for people.

    Args:
        found: as `inspect_file` gives it.
    """
    lines = [
        f"{found['file']}: {found['scheme']}, {found['size_bytes']:,} bytes",
        f"sha256 {found['sha256']}",
        "",
        *[f"input   {_tensor(tensor)}" for tensor in found["inputs"]],
        *[f"output  {_tensor(tensor)}" for tensor in found["outputs"]],
        "",
        "operator                     version  count  takes    gives",
        *[
            f"{row['name']:<28} {row['version']:>7} {row['count']:>6}  "
            f"{row['input']:<8} {row['output']}"
            for row in found["operators"]
        ],
        "",
        *[_stored(row) for row in found["weights"]],
        "",
        *_cost(found),
        *_contract(found["contract"]),
        *[f"problem: {problem}" for problem in found["problems"]],
    ]
    return "\n".join(lines)


def _tensor(tensor: dict[str, Any]) -> str:
    shape = " x ".join(map(str, tensor["shape"]))
    quantum = ""
    if tensor["scale"] is not None:
        quantum = f", scale {tensor['scale']:g}, zero point {tensor['zero_point']}"
    return f"{tensor['name']}: {tensor['dtype']} {shape}{quantum}"


def _stored(row: dict[str, Any]) -> str:
    axis = "" if row["axis"] is None else f", a scale for each channel (axis {row['axis']})"
    return f"stored  {row['count']} x {row['operator']} input {row['input']}: {row['dtype']}{axis}"


def _cost(found: dict[str, Any]) -> list[str]:
    lines = []
    if found["multiply_adds"] is not None:
        lines.append(
            f"{found['multiply_adds']:,} multiply-adds, {found['parameters']:,} parameters"
        )
    if found["xnnpack"] is not None:
        left = found["xnnpack"]["left_out"]
        rest = f"; built-in kernels run {len(left)}: {', '.join(sorted(set(left)))}" if left else ""
        lines.append(f"XNNPACK runs it in {found['xnnpack']['partitions']} pieces{rest}")
        lines.append(f"arena {found['arena_bytes']:,} bytes (built-in kernels)")
    return [*lines, ""]


def _contract(contract: dict[str, Any] | None) -> list[str]:
    if contract is None:
        return ["no valid contract: the device does not run it; faceage-convert writes one"]
    lines = [
        f"contract {contract['place']}: {contract['task']} {contract['name']}, "
        f"{contract['scheme']}, {', '.join(contract['heads'])}; {contract['licence']}",
        f"digest {contract['model_digest']}",
    ]
    if contract["derived_from"]:
        lines.append(f"derived from {contract['derived_from']}")
    if contract["qat"]:
        lines.append(
            f"trained with the rounding of int8: {contract['qat']['steps']:,} steps on "
            f"{contract['qat']['faces']:,} faces"
        )
    if contract["refined"]:
        lines.append(f"refined: {', '.join(REFINEMENTS[one] for one in contract['refined'])}")
    measured = contract["measured"]
    if measured and measured.get("delta_mae") is not None:
        lines.append(
            f"measured on {measured['n']} faces of {measured['set']}: error "
            f"{measured['mae_float']:.3f} float, {measured['mae_int8']:.3f} converted"
        )
    return lines
