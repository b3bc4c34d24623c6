"""`faceage-benchmark compare` and `report`: result files of several machines, put together."""

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from faceage_benchmarks.compare import change_figures, change_samples, sentences
from faceage_benchmarks.errors import ResultFileError
from faceage_benchmarks.grid import markdown_grid
from faceage_benchmarks.machine import describe_machine, note_after
from faceage_benchmarks.merged import merge, merged_grid
from faceage_benchmarks.page import write_report
from faceage_benchmarks.result import (
    bootstrap_settings,
    claims_to_be_result,
    new_result,
    read_result,
    write_result,
)
from faceage_benchmarks.tables import table_of
from faceage_edge.errors import UsageError

__all__ = ["compare", "compared_text", "report"]

Results = list[tuple[str, dict[str, Any]]]


def compare(options: argparse.Namespace, command: Sequence[str]) -> int:
    """Put the files of the command line side by side; see cli.py."""
    if len(options.files) < 2:
        raise UsageError("one file has nothing to stand beside; give two or more result files")
    machine = describe_machine()
    results = [(path, read_result(path)) for path in options.files]
    samples = change_samples(results)
    settings = bootstrap_settings("faces", seed=results[0][1]["bootstrap"]["seed"])
    changes = change_figures(samples, settings)
    note_after(machine)
    if options.json is not None:
        document = new_result(
            "compare",
            command=command,
            machine=machine,
            **changes,
            seeds={},
            bootstrap=settings,
            samples=samples,
        )
        write_result(options.json, document)
    if options.out is not None:
        _write_page(_titled(results), options.out)
    sys.stdout.write(compared_text(_titled(results), changes["changes"]))
    return 0


def compared_text(results: Results, changes: Sequence[Mapping[str, Any]]) -> str:
    """Return one Markdown table, and a line for each change of the error.

    Args:
        results: title and result; of one kind they stand column by column, of several kinds times
            and errors are merged by model and machine.
        changes: from compare.change_figures.
    """
    if len({result["kind"] for _, result in results}) == 1:
        text = table_of(results)
    elif rows := merge(results):
        text = markdown_grid(merged_grid(rows))
        for title, result in results:
            if result["kind"] not in ("accuracy", "latency"):
                text += f"\n{title}: a {result['kind']} result has no row here; --out shows it.\n"
    else:
        kinds = " and ".join(sorted({result["kind"] for _, result in results}))
        raise ResultFileError(
            f"results of different kinds do not compare: found {kinds}; give files of one kind, "
            "or latency and accuracy files of the same models"
        )
    return text + (f"\n{sentences(changes)}" if changes else "")


def report(options: argparse.Namespace, _command: Sequence[str]) -> int:
    """Make the page of a folder of result files; see cli.py."""
    folder = Path(options.folder)
    if not folder.is_dir():
        raise UsageError(f"{folder} is no folder; give the one that holds the result files")
    results: Results = []
    for path in sorted(folder.glob("*.json")):
        if claims_to_be_result(path):
            results.append((str(path), read_result(path)))
        else:
            print(f"passed over, no result file: {path}", file=sys.stderr)
    if not results:
        raise ResultFileError(
            f"{folder} holds no result file (*.json that faceage-benchmark wrote with --json)"
        )
    _write_page(_titled(results), options.out)
    return 0


def _write_page(results: Results, out: str) -> None:
    for path in write_report(results, Path(out)):
        print(f"wrote {path}", file=sys.stderr)


def _titled(results: Results) -> Results:
    """Name results by their files' stems, or by folder and stem where two stems are one."""
    stems = [Path(path).stem for path, _ in results]
    names = [
        stem if stems.count(stem) == 1 else f"{Path(path).parent.name}/{stem}"
        for (path, _), stem in zip(results, stems, strict=True)
    ]
    return [(name, result) for name, (_, result) in zip(names, results, strict=True)]
