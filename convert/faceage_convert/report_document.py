"""What is known of a conversion as one document: report.json."""

import json
import resource
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

from faceage_convert.age_result import AgeResult
from faceage_convert.conversion import Converted
from faceage_convert.inspection import operator_rows
from faceage_convert.provenance import tool_versions
from faceage_edge.flatbuffer import read_model_file
from faceage_edge.interval import interval_document

__all__ = ["REPORT_FORMAT", "report_document", "report_json"]

REPORT_FORMAT = 1


def report_document(
    age: AgeResult,
    detector: Sequence[Converted],
    *,
    command: Sequence[str],
    contents: Iterable[str],
    seconds: float,
    coral: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Collect what is known of a conversion as JSON values.

    Args:
        age: the age model and what was learnt about it.
        detector: the detector's finished networks.
        command: the command line as the user typed it.
        contents: every file of the bundle, relative to its folder.
        seconds: wall-clock time of the conversion.
        coral: from `compile_all`, where the target is a Coral.
    """
    return {
        "report": REPORT_FORMAT,
        "command": list(command),
        "seconds": round(seconds, 2),
        # Of all threads: what a busy machine does not lengthen.
        "cpu_seconds": round(time.process_time(), 2),
        "ranges_seconds": None if age.ranges_seconds is None else round(age.ranges_seconds, 2),
        # In KiB on Linux (getrusage(2)).
        "peak_memory_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        "tools": tool_versions(),
        "files": [_file(item) for item in (*age.files, *detector)],
        "comparison": None if age.comparison is None else asdict(age.comparison),
        "gate": None if age.verdict is None else asdict(age.verdict),
        "rungs": [asdict(rung) for rung in age.rungs],
        "layers": [asdict(layer) for layer in age.noise],
        "coral": coral,
        "contents": sorted(contents),
    }


def report_json(document: dict[str, Any]) -> str:
    """Write the report as indented JSON."""
    return json.dumps(document, indent=1, allow_nan=False) + "\n"


def _file(item: Converted) -> dict[str, Any]:
    assert item.checks is not None
    contract = item.contract
    calibration = contract.provenance.get("calibration")
    return {
        "file": item.file_name,
        "task": contract.task,
        "name": contract.name,
        "source": item.source.path.name,
        "source_size_bytes": len(item.source.data),
        "assumed": list(item.source.assumed),
        "licence": contract.licence,
        "input": {
            "shape": [contract.input.batch, contract.input.height, contract.input.width, 3],
            "dtype": contract.input.dtype,
            "scale": contract.input.scale,
            "zero_point": contract.input.zero_point,
        },
        "outputs": [{"name": o.name, "head": o.head, "dtype": o.dtype} for o in contract.outputs],
        "calibration_faces": None if calibration is None else calibration["n"],
        "qat": contract.provenance.get("qat"),
        "refined": contract.provenance.get("refined", []),
        "interval": None if contract.interval is None else interval_document(contract.interval),
        "model_digest": contract.model_digest,
        "source_digest": contract.provenance.get("source_digest"),
        "measured": contract.provenance.get("measured"),
        "operator_rows": operator_rows(read_model_file(item.data, item.file_name)),
        **asdict(item.checks),
    }
