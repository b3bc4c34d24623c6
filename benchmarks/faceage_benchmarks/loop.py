"""`faceage-benchmark loop`: the installed `faceage-camera` as a process, watched from outside.

A clip is played at a camera's rate; on a device the same command takes the real camera. What the
loop prints is its own word on each frame; when the lines come, what was dropped and what the
process uses are seen from here.
"""

import argparse
import json
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from faceage_benchmarks.camera_models import asked_models
from faceage_benchmarks.commands import find_command
from faceage_benchmarks.loop_figures import loop_figures
from faceage_benchmarks.machine import describe_machine, note_after
from faceage_benchmarks.output import deliver
from faceage_benchmarks.result import bootstrap_settings, new_result
from faceage_benchmarks.usage import usage_of
from faceage_calibration.progress import Progress
from faceage_edge.errors import FaceageError

__all__ = ["run"]

_PROGRAM = "faceage-camera"
_SECONDS, _RESULTS = 60.0, 1024
_QUICK_SECONDS = 10.0
# As with models: clocks and caches settle in proportion to what follows.
_WARM_UP_SHARE = 0.1
# A camera that needs longer than this for its first frame, or between two, has stopped.
_PATIENCE_S = 60.0
_PASSED_ON = ("model", "detector", "models", "min_face", "threads", "width", "height", "fps")


@dataclass
class _Seen:
    """What was seen of the loop; times are seconds since the process was started."""

    lines: list[tuple[float, str]] = field(default_factory=list)
    usage: list[tuple[float, float, int]] = field(default_factory=list)


def run(options: argparse.Namespace, command: Sequence[str]) -> int:
    """Measure the loop that the command line describes; see cli.py."""
    machine = describe_machine()
    seconds = options.seconds or (_QUICK_SECONDS if options.quick else _SECONDS)
    results = 2 if options.quick or options.seconds else _RESULTS
    words = _words(options)
    models = asked_models([find_command(_PROGRAM), *words])
    words += ["--source", options.source]
    words += [] if options.rate is None else ["--rate", f"{options.rate:g}"]
    seen = _watch([find_command(_PROGRAM), *words], seconds, results)
    note_after(machine)
    samples = _samples(seen, _WARM_UP_SHARE * seconds)
    settings = bootstrap_settings("seconds of the run", seed=options.seed)
    figures = loop_figures(samples, settings)
    result = new_result(
        "loop",
        command=command,
        machine=machine,
        measures=f"{_PROGRAM} {' '.join(words)}, one process, its own processes included",
        source=Path(options.source).name,
        rate=options.rate,
        models=models,
        quick=seconds < _SECONDS or figures["n"] < _RESULTS,
        threads=int(options.threads or 1),
        **figures,
        seeds={},
        bootstrap=settings,
        samples=samples,
    )
    deliver(result, options.json)
    return 0


def _words(options: argparse.Namespace) -> list[str]:
    words = []
    for key in _PASSED_ON:
        value = getattr(options, key)
        words += [] if value is None else [f"--{key.replace('_', '-')}", str(value)]
    return words


def _watch(program: Sequence[str], seconds: float, results: int) -> _Seen:
    """Let the loop run behind its warm-up for so long and for so many results."""
    seen = _Seen()
    wanted = seconds * (1 + _WARM_UP_SHARE)
    progress = Progress("seconds of the loop", round(wanted))
    with tempfile.TemporaryFile("w+") as said:
        started = time.monotonic()
        with subprocess.Popen(program, stdout=subprocess.PIPE, stderr=said, text=True) as process:
            assert process.stdout is not None
            reader = threading.Thread(target=_read, args=(process.stdout, seen, started))
            reader.start()
            try:
                while process.poll() is None and not _enough(seen, wanted, results):
                    _look(process.pid, seen, started)
                    # Up to the last but one: how long it takes depends on the results too.
                    progress(min(round(_since_first(seen)), round(wanted) - 1))
                    time.sleep(1.0)
                stopped = process.poll() is None
            finally:
                _end(process)
                reader.join()
        if not stopped:
            said.seek(0)
            sys.stderr.write(said.read())
            raise FaceageError(
                f"{_PROGRAM} ended by itself after {len(seen.lines)} results with code "
                f"{process.returncode}; its messages stand above"
                + ("" if "--rate" in program else "; a clip needs --rate N, to be played on")
            )
        progress(round(wanted))
    return seen


def _read(stream: IO[str], seen: _Seen, started: float) -> None:
    for line in stream:
        seen.lines.append((time.monotonic() - started, line))


def _look(pid: int, seen: _Seen, started: float) -> None:
    now = time.monotonic() - started
    if (used := usage_of(pid)) is not None:
        seen.usage.append((now, used.cpu_s, used.rss_bytes))
    last = seen.lines[-1][0] if seen.lines else 0.0
    if now - last > _PATIENCE_S:
        raise FaceageError(f"{_PROGRAM} gave no result for {_PATIENCE_S:g} seconds; is it stuck?")


def _since_first(seen: _Seen) -> float:
    return seen.lines[-1][0] - seen.lines[0][0] if seen.lines else 0.0


def _enough(seen: _Seen, seconds: float, results: int) -> bool:
    """Tell whether so many seconds passed, and so many results came behind the warm-up."""
    if _since_first(seen) < seconds:
        return False
    begin = seen.lines[0][0] + seconds * _WARM_UP_SHARE / (1 + _WARM_UP_SHARE)
    return sum(at >= begin for at, _ in seen.lines) >= results


def _end(process: subprocess.Popen[str]) -> None:
    """Ask for an end as Ctrl-C does; kill what does not end."""
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()


def _samples(seen: _Seen, warm_up_s: float) -> dict[str, Any]:
    """Return what was seen, on a clock that starts with the first result."""
    first = seen.lines[0][0]
    rows = [json.loads(line) for _, line in seen.lines]
    return {
        "warm_up_s": round(warm_up_s, 3),
        "first_result_s": round(first, 3),
        "frame": [row["frame"] for row in rows],
        "at_s": [round(at - first, 4) for at, _ in seen.lines],
        "latency_ms": [row["latency_ms"] for row in rows],
        "faces": [len(row["faces"]) for row in rows],
        "usage": {
            "at_s": [round(at - first, 3) for at, _, _ in seen.usage],
            "cpu_s": [cpu for _, cpu, _ in seen.usage],
            "rss_bytes": [rss for _, _, rss in seen.usage],
        },
    }
