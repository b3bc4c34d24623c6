"""The table of published age models: what each was published with, and what it became here.

    python -m faceage_benchmarks.families --bundles DIR ... --json FILE --into docs/families.md

A bundle is a folder that `faceage-convert` wrote. What is measured of a model stands in its int8
file's contract: the error of float and int8 on the same labelled crops. Instructions come from the
result of `faceage-benchmark arm --peer NAME=FILE`, where there is one.
"""

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from faceage_edge.atomic import write_text
from faceage_edge.command import run
from faceage_edge.embedded import read_contract
from faceage_edge.errors import FaceageError, ModelFileError
from faceage_edge.model import read_model_bytes

__all__ = ["PUBLISHED", "family_row", "family_table", "main"]

_BEGIN, _END = "<!--families-->", "<!--/families-->"
_HEAD = (
    "| system | published | n | ours, float | ours, int8 | Δ (95 %) | int8 size | "
    "instructions A76 / A72 |"
)
_NOTHING = "not measured"


@dataclass(frozen=True)
class Published:
    """What a system was published as: its name, its figure in words, and its best known source."""

    system: str
    figure: str


# By the name that a bundle's model has.
PUBLISHED = {
    "faceage": Published("FaceAge (AIM)", "not stated on these faces"),
    "resnet50-regression": Published("ResNet50 regression", "MAE 5.42 (its validation set)"),
    "al-resnet": Published("Deep Age / AL-ResNet", "accuracy 43.16 % / 59.04 % (14 / 8 groups)"),
    "age-prediction-cnn": Published("age_prediction_cnn", "not stated"),
    "coral-age": Published("CORAL age", "MAE 5.16 (UTKFace), 8.07 (IMDB-WIKI)"),
    "ssr-net": Published("SSR-Net, as shipped", "not stated on these faces"),
    "mobilenet-regressor": Published("MobileNet regressor, as shipped", "not stated"),
    "c3ae": Published("C3AE, as shipped", "not stated on these faces"),
}


def family_row(bundle: Path, arm: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """What a bundle's age model states of itself.

    Args:
        bundle: a folder that `faceage-convert` wrote.
        arm: a result of `faceage-benchmark arm`.

    Returns:
        `name`, `system`, `published`, `int8_bytes`, `model_digest`, those of
        `measured` (`n`, `mae_float`, `mae_int8`, `delta_mae`, `delta_mae_ci95`, `set`, `crops`),
        and `instructions` by processor; None where something was not measured.

    Raises:
        ModelFileError: the folder holds no int8 age model, or several.
    """
    found = []
    for path in sorted(bundle.glob("*.int8.tflite")):
        data = read_model_bytes(path)
        contract = read_contract(data, str(path))
        if contract.task == "age":
            found.append((contract, data))
    if len(found) != 1:
        raise ModelFileError(
            f"{bundle} holds {len(found)} int8 age models, expected one: give a folder that "
            "faceage-convert wrote"
        )
    ((contract, data),) = found
    known = PUBLISHED.get(contract.name, Published(contract.name, "not stated"))
    measured = contract.provenance.get("measured", {})
    keys = ("n", "mae_float", "mae_int8", "delta_mae", "delta_mae_ci95", "set", "crops")
    return {
        "name": contract.name,
        "system": known.system,
        "published": known.figure,
        "int8_bytes": len(data),
        "model_digest": contract.model_digest,
        **{key: measured.get(key) for key in keys},
        "instructions": _instructions(contract.name, arm),
    }


def _instructions(name: str, arm: Mapping[str, Any] | None) -> dict[str, int | None]:
    processors = arm.get("processors", {}) if arm else {}
    return {
        processor: processors.get(processor, {}).get(f"peer-{name}", {}).get("instructions")
        for processor in ("cortex-a76", "cortex-a72")
    }


def family_table(rows: Sequence[Mapping[str, Any]]) -> str:
    """The rows as Markdown."""
    lines = [_HEAD, "|" + "---|" * (_HEAD.count("|") - 1)]
    for row in rows:
        counts = [row["instructions"][key] for key in ("cortex-a76", "cortex-a72")]
        millions = " / ".join(f"{count / 1e6:.1f} M" for count in counts if count is not None)
        delta = _NOTHING
        if row["delta_mae"] is not None:
            low, high = row["delta_mae_ci95"]
            delta = f"{row['delta_mae']:+.3f} ({low:+.3f} to {high:+.3f})"
        cells = [
            row["system"],
            row["published"],
            f"{row['n']:,}" if row["n"] else _NOTHING,
            _years(row["mae_float"]),
            _years(row["mae_int8"]),
            delta,
            f"{row['int8_bytes'] / 1e6:.2f} MB",
            millions or _NOTHING,
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _years(value: float | None) -> str:
    return _NOTHING if value is None else f"{value:.2f}"


def _into(page: Path, table: str) -> None:
    try:
        text = page.read_text(encoding="utf-8")
        before, rest = text.split(_BEGIN, 1)
        _, after = rest.split(_END, 1)
    except (OSError, ValueError) as error:
        raise FaceageError(
            f"{page} cannot be read or has no place for the table; expected {_BEGIN} and {_END}"
        ) from error
    write_text(page, f"{before}{_BEGIN}\n{table}\n{_END}{after}")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; the table goes to stdout too.

    Returns:
        0 done, 1 our error, 2 usage.
    """
    parser = argparse.ArgumentParser(prog="python -m faceage_benchmarks.families")
    add = parser.add_argument
    add("--bundles", type=Path, nargs="+", required=True, metavar="DIR", help="of faceage-convert")
    add("--arm", type=Path, metavar="FILE", help="result of faceage-benchmark arm --peer NAME=FILE")
    add("--json", type=Path, required=True, metavar="OUT", help="result file to write")
    add("--into", type=Path, metavar="PAGE", help="Markdown file whose table is renewed")
    options = parser.parse_args(argv)

    def body() -> int:
        arm = json.loads(options.arm.read_bytes()) if options.arm else None
        rows = [family_row(bundle, arm) for bundle in options.bundles]
        document = {"schema": "faceage-families/1", "families": rows}
        write_text(options.json, json.dumps(document, indent=1) + "\n")
        table = family_table(rows)
        if options.into:
            _into(options.into, table)
        print(table)
        return 0

    return run("faceage_benchmarks.families", body)


if __name__ == "__main__":
    raise SystemExit(main())
