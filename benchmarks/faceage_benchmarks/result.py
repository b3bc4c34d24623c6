"""The result file: one versioned JSON format for every kind of measurement.

`result.schema.json` is the format. Within a version keys are only added; a reader ignores what it
does not know. Version 2 says of every result whether it is `tainted` (taint.py); files of version
1 do not, and still read. Figures are computed from the rounded samples that stand in the same
file, so that anyone can compute them again (figures.py).
"""

import importlib.resources
import json
import time
from collections.abc import Mapping, Sequence
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

from faceage_benchmarks.errors import ResultFileError
from faceage_benchmarks.schema_check import violations
from faceage_benchmarks.taint import taint_reasons
from faceage_calibration.stats import CONFIDENCE, RESAMPLES
from faceage_edge import atomic

__all__ = [
    "FORMAT",
    "bootstrap_settings",
    "check_result",
    "claims_to_be_result",
    "dumps",
    "new_result",
    "read_result",
    "result_schema",
    "write_result",
]

_FAMILY = "faceage-result/"
FORMAT = f"{_FAMILY}2"
# That this program reads: the first does not say whether a run was disturbed.
_READ = (f"{_FAMILY}1", FORMAT)
_FAULTS_SHOWN = 5


@cache
def result_schema() -> dict[str, Any]:
    """Return the JSON Schema of the format."""
    text = importlib.resources.files(__package__).joinpath("result.schema.json").read_text("utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema


def bootstrap_settings(unit: str, *, seed: int = 0) -> dict[str, Any]:
    """Return how the file's intervals are drawn, as the file says it.

    Args:
        unit: what is drawn again, such as "faces" or "loads".
        seed: of the drawing.
    """
    return {
        "method": "percentile",
        "unit": unit,
        "resamples": RESAMPLES,
        "confidence": CONFIDENCE,
        "seed": seed,
    }


def new_result(
    kind: str, *, command: Sequence[str], machine: Mapping[str, Any], **content: Any
) -> dict[str, Any]:
    """Return a result in the order a reader wants: what, figures, then machine and samples.

    Args:
        kind: of the measurement.
        command: the command line with the paths as they were given.
        machine: from machine.describe_machine, after machine.note_after.
        content: the kind's own keys, `seeds`, `bootstrap` and `samples` among them.

    Raises:
        ResultFileError: a key is missing or has a wrong value; the figures are not fit to write.
    """
    last = ("seeds", "bootstrap", "samples")
    reasons = taint_reasons(kind, machine)
    tail: dict[str, Any] = {key: content.pop(key) for key in last if key in content}
    result: dict[str, Any] = {
        "schema": FORMAT,
        "kind": kind,
        "created": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "command": list(command),
        "tainted": bool(reasons),
        "taint": reasons,
        **content,
        "machine": dict(machine),
        **tail,
    }
    check_result(result, "the new result")
    return result


def check_result(result: object, where: str) -> None:
    """Check an object against the format.

    Raises:
        ResultFileError: another format or version, or keys that are missing or wrong.
    """
    if not isinstance(result, dict) or not str(result.get("schema")).startswith(_FAMILY):
        raise ResultFileError(
            f"{where} is not a faceage result file: expected an object with "
            f'"schema": "{FORMAT}". Make one with faceage-benchmark ... --json'
        )
    if result["schema"] not in _READ:
        raise ResultFileError(
            f"{where} is in format {result['schema']}, this program reads {' and '.join(_READ)}; "
            "use the faceage that wrote it or measure again"
        )
    faults = list(islice(violations(result, result_schema()), _FAULTS_SHOWN))
    if faults:
        raise ResultFileError(f"{where} is not a complete result: " + "; ".join(faults))


def dumps(result: Mapping[str, Any]) -> str:
    """Return the file's text: a key a line at the top, samples packed."""
    lines = [f"  {json.dumps(key)}: {_packed(value)}" for key, value in result.items()]
    return "{\n" + ",\n".join(lines) + "\n}\n"


def write_result(path: str | Path, result: Mapping[str, Any]) -> None:
    """Check a result and write it atomically; an older file stays whole when this fails.

    Raises:
        ResultFileError: the result does not fit the format.
        OutputError: the file cannot be written.
    """
    check_result(dict(result), f"the result for {path}")
    atomic.write_text(Path(path), dumps(result))


def read_result(path: str | Path) -> dict[str, Any]:
    """Read and check a result file.

    Raises:
        ResultFileError: missing, not JSON, another format or version, incomplete.
    """
    try:
        result = json.loads(Path(path).read_text("utf-8"), parse_constant=_no_constant)
    except OSError as error:
        raise ResultFileError(
            f"cannot read {path}: {error.strerror}; expected a file that "
            "faceage-benchmark wrote with --json"
        ) from error
    except ValueError as error:
        raise ResultFileError(f"{path} is not JSON ({error}); expected a result file") from error
    check_result(result, str(path))
    assert isinstance(result, dict)
    return result


def claims_to_be_result(path: Path) -> bool:
    """Tell a result file, even one that is damaged or of another version, from other JSON."""
    try:
        document = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return True  # read_result says what is wrong with it
    return isinstance(document, dict) and str(document.get("schema")).startswith(_FAMILY)


def _packed(value: Any) -> str:
    """Return a value on one line, or a list of objects with one object a line."""
    if isinstance(value, list) and value and isinstance(value[0], dict):
        rows = ",\n".join("    " + json.dumps(row, allow_nan=False) for row in value)
        return "[\n" + rows + "\n  ]"
    return json.dumps(value, allow_nan=False)


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is not a number")
