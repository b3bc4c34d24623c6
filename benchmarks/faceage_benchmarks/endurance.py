"""Whether the camera loop stays up: memory over many frames, and results under random faults.

    python -m faceage_benchmarks.endurance --frames 100000 --json OUT
    python -m faceage_benchmarks.endurance --minutes 60 --json OUT

Starts `faceage-camera` as it is installed and feeds it raw frames of a face that moves, comes and
goes. With --minutes its worker is killed, crashed, stopped dead, or left without frames, at random.
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import cycle, islice, pairwise
from pathlib import Path
from typing import IO, Any

import numpy as np

from faceage_benchmarks.demo_clip import clip_frames, portrait
from faceage_benchmarks.machine import describe_machine, note_after
from faceage_edge.atomic import write_text
from faceage_edge.command import run
from faceage_edge.crop import shrink
from faceage_edge.errors import FaceageError

__all__ = ["main"]

_PROGRAM = "faceage_benchmarks.endurance"
_WIDTH, _HEIGHT, _FPS = 320, 240, 25.0
# Of a round of frames this share shows an empty wall.
_EMPTY = 0.3
_SAMPLE_S = 2.0
# Seconds between two faults, at random between these.
_FAULTS_S = (8.0, 25.0)
_PAUSE_S = 3.0
# What is done to the worker: a signal, or no frames for a while.
_FAULTS = {
    "killed": signal.SIGKILL,
    "segmentation fault": signal.SIGSEGV,
    "abort": signal.SIGABRT,
    "stopped dead": signal.SIGSTOP,
    "no frames": None,
}


@dataclass
class _Seen:
    """What came of a run: times of results, and the worker's RSS, descriptors and threads."""

    times: list[float] = field(default_factory=list)
    restarts: int = 0
    last_frame: int = -1
    degraded: int = 0
    rss_mb: list[float] = field(default_factory=list)
    descriptors: list[int] = field(default_factory=list)
    threads: list[int] = field(default_factory=list)
    faults: list[tuple[float, str]] = field(default_factory=list)


def main(argv: Sequence[str] | None = None) -> int:
    """Run and write the result file."""
    parser = argparse.ArgumentParser(prog=_PROGRAM, description="Keep the camera loop running.")
    kind = parser.add_mutually_exclusive_group(required=True)
    kind.add_argument("--frames", type=int, metavar="N", help="feed so many frames, without faults")
    kind.add_argument("--minutes", type=float, metavar="M", help="inject faults for so long")
    parser.add_argument("--seed", type=int, default=0, help="of the faults")
    parser.add_argument("--detector", default="mtcnn", help="of faceage-camera")
    parser.add_argument("--json", type=Path, required=True, metavar="OUT")
    options = parser.parse_args(argv)
    return run(_PROGRAM, lambda: _measure(options, list(argv or sys.argv[1:])))


def _measure(options: argparse.Namespace, words: list[str]) -> int:
    machine = describe_machine()
    seen = _Seen()
    command = [
        *_installed(), "--source", "-", "--width", str(_WIDTH), "--height", str(_HEIGHT),
        "--detector", options.detector,
    ]  # fmt: skip
    with tempfile.TemporaryFile() as said:
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=said
        ) as process:
            code = _drive(process, options, seen)
        said.seek(0)
        if code != 0 or not seen.times:
            tail = said.read().decode(errors="replace")[-800:]
            raise FaceageError(f"faceage-camera ended with code {code}: {tail}")
    note_after(machine)
    document = {
        "schema": "faceage-endurance/1",
        "command": ["python", "-m", _PROGRAM, *words],
        "machine": machine,
        **_figures(options, seen),
    }
    write_text(options.json, json.dumps(document, indent=1) + "\n")
    figures = ("frames", "restarts", "longest_gap_s", "rss_mb", "descriptors", "threads")
    for key in figures:
        print(f"{key}: {document[key]}")
    return 0


def _installed() -> list[str]:
    """What the installed script runs, of this very version."""
    return [sys.executable, "-P", "-m", "faceage_edge.camera_entry"]


def _drive(process: "subprocess.Popen[bytes]", options: argparse.Namespace, seen: _Seen) -> int:
    assert process.stdin is not None and process.stdout is not None
    reader = threading.Thread(target=_read, args=(process.stdout, seen), daemon=True)
    reader.start()
    done = threading.Event()
    watcher = threading.Thread(target=_sample, args=(process.pid, seen, done), daemon=True)
    watcher.start()
    if options.frames:
        _feed(process.stdin, islice(_frames(), options.frames), None)
    else:
        until = time.monotonic() + 60 * options.minutes
        pause = threading.Event()
        arguments = (process.pid, seen, until, pause, random.Random(options.seed))
        faults = threading.Thread(target=_inject, args=arguments, daemon=True)
        faults.start()
        _feed(process.stdin, _until(until), pause)
        faults.join()
    done.set()
    watcher.join()
    process.stdin.close()
    code = process.wait(120)
    reader.join(10)
    return code


def _frames() -> Iterator[bytes]:
    clip = [shrink(frame, _WIDTH, _HEIGHT) for frame in clip_frames(portrait())]
    noise = np.random.default_rng(0).integers(-4, 5, (8, _HEIGHT, _WIDTH, 3))
    walls = [(np.full((_HEIGHT, _WIDTH, 3), 110) + one).astype(np.uint8) for one in noise]
    empty = list(islice(cycle(walls), round(len(clip) * _EMPTY / (1 - _EMPTY))))
    return cycle([frame.tobytes() for frame in [*clip, *empty]])


def _until(until: float) -> Iterator[bytes]:
    """Frames at the camera's pace until a time."""
    begun = time.monotonic()
    for number, frame in enumerate(_frames()):
        now = time.monotonic()
        if now >= until:
            return
        time.sleep(max(begun + number / _FPS - now, 0))
        yield frame


def _feed(pipe: IO[bytes], frames: Iterator[bytes], pause: threading.Event | None) -> None:
    try:
        for frame in frames:
            if pause is not None and pause.is_set():
                time.sleep(_PAUSE_S)
                pause.clear()
            pipe.write(frame)
        pipe.flush()
    except BrokenPipeError as error:
        raise FaceageError("faceage-camera closed its standard input before the end") from error


def _read(pipe: IO[bytes], seen: _Seen) -> None:
    for line in pipe:
        result = json.loads(line)
        seen.times.append(time.monotonic())
        seen.restarts, seen.last_frame = result["restarts"], result["frame"]
        seen.degraded += result["degraded"]


def _worker(supervisor: int) -> int | None:
    try:
        words = Path(f"/proc/{supervisor}/task/{supervisor}/children").read_text().split()
    except OSError:
        return None
    return int(words[0]) if words else None


def _sample(supervisor: int, seen: _Seen, done: threading.Event) -> None:
    while not done.wait(_SAMPLE_S):
        worker = _worker(supervisor)
        place = Path(f"/proc/{worker}")
        try:
            status = (place / "status").read_text()
            count = len(os.listdir(place / "fd"))  # noqa: PTH208
        except OSError:
            continue
        values = dict(line.split(":", 1) for line in status.splitlines())
        if "VmRSS" not in values:
            continue
        seen.rss_mb.append(round(int(values["VmRSS"].split()[0]) / 1024, 1))
        seen.descriptors.append(count)
        seen.threads.append(int(values["Threads"]))


def _inject(
    supervisor: int, seen: _Seen, until: float, pause: threading.Event, dice: random.Random
) -> None:
    while True:
        wait_s = dice.uniform(*_FAULTS_S)
        # The last one leaves time to come back from.
        if time.monotonic() + wait_s + 15 > until:
            return
        time.sleep(wait_s)
        name = dice.choice(list(_FAULTS))
        worker, number = _worker(supervisor), _FAULTS[name]
        if number is None:
            pause.set()
        elif worker is not None:
            os.kill(worker, number)
        seen.faults.append((time.monotonic(), name))


def _figures(options: argparse.Namespace, seen: _Seen) -> dict[str, Any]:
    gaps = [(later - at, at) for at, later in pairwise(seen.times)]
    tenth = max(len(seen.rss_mb) // 10, 1)
    return {
        "frames": len(seen.times),
        "frames_fed": seen.last_frame + 1,
        "frames_lost": seen.last_frame + 1 - len(seen.times),
        "seconds": round(seen.times[-1] - seen.times[0], 1),
        "restarts": seen.restarts,
        "degraded_results": seen.degraded,
        "faults": len(seen.faults),
        "longest_gap_s": round(max(gaps)[0], 2) if gaps else 0.0,
        "longest_gap_after_s": {
            name: round(max(_gaps_after(seen, name), default=0.0), 2) for name in _FAULTS
        },
        "rss_mb": {
            "start": _mean(seen.rss_mb[1 : 1 + tenth]),
            "end": _mean(seen.rss_mb[-tenth:]),
            "most": max(seen.rss_mb, default=0.0),
        },
        "descriptors": _range(seen.descriptors),
        "threads": _range(seen.threads),
        "seed": options.seed,
        "samples": {
            "rss_mb": seen.rss_mb,
            "descriptors": seen.descriptors,
            "threads": seen.threads,
            "faults": [[round(at - seen.times[0], 1), name] for at, name in seen.faults],
        },
    }


def _gaps_after(seen: _Seen, name: str) -> list[float]:
    """From each fault of a kind to the second result after it: the first may have been on its way.

    Seconds; of a pause of the frames, what it lasted is left out.
    """
    found = []
    for at, kind in seen.faults:
        later = [time_s for time_s in seen.times if time_s > at]
        if kind == name and len(later) > 1:
            gaps = [b - a for a, b in pairwise([at, *later[:50]])]
            found.append(max(gaps) - (_PAUSE_S if name == "no frames" else 0.0))
    return found


def _mean(values: Sequence[float]) -> float | None:
    return round(sum(values) / len(values), 1) if values else None


def _range(values: Sequence[int]) -> dict[str, int]:
    return {"least": min(values, default=0), "most": max(values, default=0)}


if __name__ == "__main__":
    sys.exit(main())
