"""`faceage-benchmark convert`: how long a conversion takes, how much memory, and what comes out."""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from faceage_benchmarks.commands import find_command
from faceage_benchmarks.machine import describe_machine, note_after
from faceage_benchmarks.output import deliver
from faceage_benchmarks.result import bootstrap_settings, new_result
from faceage_calibration.progress import Progress
from faceage_calibration.stats import quantile, quantile_interval
from faceage_edge.errors import FaceageError

__all__ = ["conversion_figures", "run"]

_PROGRAM = "faceage-convert"
# Linux states a process's largest resident set in KiB.
_RSS_UNIT = 1024
# A conversion takes as long as the one before it, so few are enough; below, the file is quick.
_RUNS, _QUICK_RUNS = 10, 3


def run(options: argparse.Namespace, command: Sequence[str]) -> int:
    """Convert again and again, each time in a process and a folder of its own; see cli.py."""
    machine = describe_machine()
    words = _words(options)
    runs = options.runs or (_QUICK_RUNS if options.quick else _RUNS)
    progress = Progress("conversions", runs)
    samples: dict[str, list[float]] = {"seconds": [], "max_rss_bytes": []}
    report: dict[str, Any] = {}
    for done in range(runs):
        report, seconds, rss = _convert(words)
        samples["seconds"].append(seconds)
        samples["max_rss_bytes"].append(rss)
        progress(done + 1)
    note_after(machine)
    settings = bootstrap_settings("conversions", seed=options.seed)
    result = new_result(
        "convert",
        command=command,
        machine=machine,
        measures=f"{_PROGRAM} {' '.join(words)} --out DIR, process start to exit",
        quick=runs < _RUNS,
        **conversion_figures(samples, settings),
        files=report["files"],
        tools=report["tools"],
        seeds={},
        bootstrap=settings,
        samples=samples,
    )
    deliver(result, options.json)
    return 0


def conversion_figures(samples: Mapping[str, Any], bootstrap: Mapping[str, Any]) -> dict[str, Any]:
    """Return the figures of a convert result.

    Args:
        samples: `seconds` and `max_rss_bytes`, one of each a conversion, in the order they ran.
        bootstrap: from result.bootstrap_settings.

    Returns:
        `n`; `seconds`, the median, with its interval; `first_seconds`, when the program's files
        were perhaps not in the page cache yet; `max_rss_bytes`.

    Raises:
        SamplesError: fewer than two conversions.
    """
    seconds = samples["seconds"]
    drawing = {key: bootstrap[key] for key in ("seed", "resamples", "confidence")}
    return {
        "n": len(seconds),
        "seconds": quantile(seconds, 0.5),
        "seconds_ci95": list(
            quantile_interval(seconds, 0.5, groups=list(range(len(seconds))), **drawing)
        ),
        "first_seconds": seconds[0],
        "max_rss_bytes": max(samples["max_rss_bytes"]),
    }


def _words(options: argparse.Namespace) -> list[str]:
    words = ["--quantize", "int8"]
    for name in ("model", "faces", "detector"):
        value = getattr(options, name)
        words += [] if value is None else [f"--{name}", value]
    return words


def _convert(words: Sequence[str]) -> tuple[dict[str, Any], float, int]:
    """Run one conversion; return its report, its seconds and its largest resident set in bytes."""
    with tempfile.TemporaryDirectory() as folder, (Path(folder) / "out").open("w+b") as out:
        program = [find_command(_PROGRAM), *words, "--out", str(Path(folder) / "bundle"), "--json"]
        started = time.perf_counter()
        with subprocess.Popen(program, stdout=out, stderr=subprocess.PIPE) as process:
            assert process.stderr is not None
            said = process.stderr.read()
            # Waited for by hand: only wait4 tells what this one process used.
            _, status, used = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        seconds = round(time.perf_counter() - started, 4)
        if process.returncode:
            sys.stderr.write(said.decode(errors="replace"))
            raise FaceageError(
                f"{_PROGRAM} ended with exit code {process.returncode}; its message stands above"
            )
        out.seek(0)
        report: dict[str, Any] = json.loads(out.read())
        return report, seconds, used.ru_maxrss * _RSS_UNIT
