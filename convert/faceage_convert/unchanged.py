"""Has anything changed since a bundle was written? If not, it is what a new run would write."""

import argparse
import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import faceage_calibration
import faceage_convert
import faceage_edge
import faceage_models
from faceage_convert.bundle import MARK, list_files
from faceage_convert.learnt_ranges import ranges_beside
from faceage_convert.provenance import tool_versions
from faceage_edge.bundles import DEFAULT_AGE, find, find_age
from faceage_edge.detector import DEFAULT_DETECTOR

__all__ = ["digests", "fingerprint", "unchanged"]

# They change where a result goes or how it is told, not what it is.
_NOT_ASKED = ("again", "json", "out", "version")
_PATHS = (
    "faces", "eval_faces", "choice", "contract", "detector_contract", "shape",
    "interval_choice", "closer", "closer_contract",
)  # fmt: skip


def fingerprint(options: argparse.Namespace) -> str:
    """Digest all that a conversion depends on: options, inputs, tools and our own code.

    Args:
        options: of `faceage-convert`.

    Returns:
        SHA-256 in hex. Files that cannot be read count as empty: the conversion will say so.
    """
    asked = {key: str(value) for key, value in vars(options).items() if key not in _NOT_ASKED}
    digest = hashlib.sha256(json.dumps([asked, tool_versions()], sort_keys=True).encode())
    for path in _inputs(options):
        digest.update(f"\\n{path.name} {_digest(path)}".encode())
    return digest.hexdigest()


def unchanged(out: Path, print_of: str) -> dict[str, Any] | None:
    """Read the report of a bundle that a run with this fingerprint wrote.

    Args:
        out: the bundle's folder.
        print_of: from `fingerprint`.

    Returns:
        The report; None where there is none, it is of another run, or a file was changed since.
    """
    try:
        document: dict[str, Any] = json.loads((out / MARK).read_bytes())
        same = document["fingerprint"] == print_of and document["digests"] == digests(out)
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return document if same else None


def digests(folder: Path) -> dict[str, str]:
    """SHA-256 in hex of every file of a bundle but its report, by name."""
    return {name: _digest(folder / name) for name in sorted(list_files(folder) - {MARK})}


def _inputs(options: argparse.Namespace) -> Iterable[Path]:
    for package in (faceage_edge, faceage_calibration, faceage_models, faceage_convert):
        assert package.__file__ is not None
        yield from sorted(Path(package.__file__).parent.glob("*.py"))
    for name in (options.model or DEFAULT_AGE, options.detector or DEFAULT_DETECTOR):
        yield from _tree(find(name))
    if options.qat:
        yield ranges_beside(find_age(options.model, "float32"))
    for option in _PATHS:
        path = getattr(options, option)
        if path is not None:
            yield from _tree(path)


def _tree(path: Path) -> Iterable[Path]:
    if path.is_dir():
        return sorted(file for file in path.rglob("*") if file.is_file())
    return [path]


def _digest(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""
