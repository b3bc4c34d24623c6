"""`faceage-benchmark endurance`: whether the camera loop stays up.

Starts `faceage-camera` as it is installed and feeds it raw frames of a face that moves, comes and
goes: so many frames as fast as it takes them, or for so long at a camera's pace, while its worker
is killed, crashed, stopped dead, or left without frames, at random.
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
from itertools import cycle, islice
from pathlib import Path
from typing import IO

import numpy as np

from faceage_benchmarks.camera_models import asked_models
from faceage_benchmarks.demo_clip import clip_frames, portrait
from faceage_benchmarks.endurance_figures import NO_FRAMES, endurance_figures
from faceage_benchmarks.endurance_samples import Reading, Seen, endurance_samples
from faceage_benchmarks.machine import describe_machine, note_after
from faceage_benchmarks.output import deliver
from faceage_benchmarks.result import bootstrap_settings, new_result
from faceage_calibration.progress import Progress
from faceage_edge.crop import shrink
from faceage_edge.errors import FaceageError

__all__ = ["run"]

# What the installed script runs, of this very version.
_CAMERA = (sys.executable, "-P", "-m", "faceage_edge.camera_entry")
_WIDTH, _HEIGHT, _FPS = 320, 240, 25.0
# Of a round of frames this share shows an empty wall.
_EMPTY = 0.3
_SAMPLE_S = 2.0
# Seconds between two faults, at random between these; the last leaves time to come back from.
_FAULTS_S, _LAST_S = (8.0, 25.0), 15.0
_PAUSE_S = 3.0
_END_S = 120.0
# What is done to the worker: a signal, or no frames for a while.
_FAULTS = {
    "killed": signal.SIGKILL,
    "segmentation fault": signal.SIGSEGV,
    "abort": signal.SIGABRT,
    "stopped dead": signal.SIGSTOP,
    NO_FRAMES: None,
}
# Below these the file says that it is quick.
_FRAMES, _MINUTES = 100_000, 60.0


def run(options: argparse.Namespace, command: Sequence[str]) -> int:
    """Keep the loop running as the command line says; see loop_commands.py."""
    words = [] if options.detector is None else ["--detector", options.detector]
    models = asked_models([*_CAMERA, *words])
    machine = describe_machine()
    words += ["--source", "-", "--width", str(_WIDTH), "--height", str(_HEIGHT)]
    seen = _kept_running([*_CAMERA, *words], options)
    note_after(machine)
    samples = endurance_samples(seen, pause_s=_PAUSE_S)
    settings = bootstrap_settings("nothing: a run is one sample", seed=options.seed)
    pace = "as fast as it takes them" if options.frames else f"{_FPS:g} a second, with faults"
    result = new_result(
        "endurance",
        command=command,
        machine=machine,
        measures=f"faceage-camera {' '.join(words)}, frames {pace}",
        quick=(options.frames or _FRAMES) < _FRAMES or (options.minutes or _MINUTES) < _MINUTES,
        # As faceage-camera has it where nothing is asked.
        threads=1,
        models=models,
        **endurance_figures(samples, settings),
        seeds={"faults": options.seed},
        bootstrap=settings,
        samples=samples,
    )
    deliver(result, options.json)
    return 0


def _kept_running(program: Sequence[str], options: argparse.Namespace) -> Seen:
    """Feed the program to the end of the run.

    Raises:
        FaceageError: it ended badly or gave no results; its last words are in the message.
    """
    seen = Seen()
    with tempfile.TemporaryFile() as said:
        with subprocess.Popen(
            program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=said
        ) as process:
            code = _drive(process, options, seen)
        said.seek(0)
        if code != 0 or seen.shut or len(seen.times) < 2:
            words = said.read()[-800:].decode(errors="replace")
            raise FaceageError(
                f"faceage-camera ended with code {code} after {seen.fed} frames and "
                f"{len(seen.times)} results; its last words: {words}"
            )
    return seen


def _drive(process: "subprocess.Popen[bytes]", options: argparse.Namespace, seen: Seen) -> int:
    """Feed, watch and, where it is asked, disturb the process; return its exit code.

    Raises:
        FaceageError: it did not end when its frames did.
    """
    assert process.stdin is not None and process.stdout is not None
    reader = threading.Thread(target=_read, args=(process.stdout, seen), daemon=True)
    reader.start()
    done = threading.Event()
    watcher = threading.Thread(target=_sample, args=(process.pid, seen, done), daemon=True)
    watcher.start()
    try:
        if options.frames:
            progress = Progress("frames", options.frames)
            _feed(process.stdin, islice(_frames(), options.frames), seen, progress)
        else:
            _feed_with_faults(process, options, seen)
        process.stdin.close()
    except BrokenPipeError:
        seen.shut = True
    try:
        code = process.wait(_END_S)
    except subprocess.TimeoutExpired as error:
        process.kill()
        raise FaceageError(
            f"faceage-camera did not end within {_END_S:g} s of its last frame; is it stuck?"
        ) from error
    done.set()
    watcher.join()
    reader.join()
    return code


def _feed_with_faults(
    process: "subprocess.Popen[bytes]", options: argparse.Namespace, seen: Seen
) -> None:
    assert process.stdin is not None
    until = time.monotonic() + 60 * options.minutes
    pause = threading.Event()
    arguments = (process.pid, seen, until, pause, random.Random(options.seed))
    faults = threading.Thread(target=_inject, args=arguments, daemon=True)
    faults.start()
    progress = Progress("frames", round(60 * options.minutes * _FPS))
    _feed(process.stdin, _until(until, pause), seen, progress)
    faults.join()


def _frames() -> Iterator[bytes]:
    clip = [shrink(frame, _WIDTH, _HEIGHT) for frame in clip_frames(portrait())]
    noise = np.random.default_rng(0).integers(-4, 5, (8, _HEIGHT, _WIDTH, 3))
    walls = [(np.full((_HEIGHT, _WIDTH, 3), 110) + one).astype(np.uint8) for one in noise]
    empty = list(islice(cycle(walls), round(len(clip) * _EMPTY / (1 - _EMPTY))))
    return cycle([frame.tobytes() for frame in [*clip, *empty]])


def _until(until: float, pause: threading.Event) -> Iterator[bytes]:
    """Frames at the camera's pace until a time; none for a while where a pause is asked for."""
    begun = time.monotonic()
    for number, frame in enumerate(_frames()):
        if pause.is_set():
            time.sleep(_PAUSE_S)
            pause.clear()
        now = time.monotonic()
        if now >= until:
            return
        time.sleep(max(begun + number / _FPS - now, 0))
        yield frame


def _feed(pipe: IO[bytes], frames: Iterator[bytes], seen: Seen, progress: Progress) -> None:
    for frame in frames:
        pipe.write(frame)
        seen.fed += 1
        progress(seen.fed)
    pipe.flush()


def _read(pipe: IO[bytes], seen: Seen) -> None:
    for line in pipe:
        result = json.loads(line)
        seen.times.append(time.monotonic())
        seen.restarts.append(result["restarts"])
        seen.degraded.append(result["degraded"])


def _worker(supervisor: int) -> int | None:
    try:
        words = Path(f"/proc/{supervisor}/task/{supervisor}/children").read_text().split()
    except OSError:
        return None
    return int(words[0]) if words else None


def _sample(supervisor: int, seen: Seen, done: threading.Event) -> None:
    while not done.wait(_SAMPLE_S):
        place = Path(f"/proc/{_worker(supervisor)}")
        try:
            status = (place / "status").read_text()
            count = len(os.listdir(place / "fd"))  # noqa: PTH208
        except OSError:
            continue
        values = dict(line.split(":", 1) for line in status.splitlines())
        if "VmRSS" not in values:  # it has just ended
            continue
        rss_mb = int(values["VmRSS"].split()[0]) / 1024
        seen.readings.append(Reading(time.monotonic(), rss_mb, count, int(values["Threads"])))


def _inject(
    supervisor: int, seen: Seen, until: float, pause: threading.Event, dice: random.Random
) -> None:
    while True:
        wait_s = dice.uniform(*_FAULTS_S)
        if time.monotonic() + wait_s + _LAST_S > until:
            return
        time.sleep(wait_s)
        name = dice.choice(list(_FAULTS))
        worker, number = _worker(supervisor), _FAULTS[name]
        if number is None:
            pause.set()
        elif worker is None or not _sent(worker, number):
            continue  # what the one before did to it is not over yet
        seen.faults.append((time.monotonic(), name))


def _sent(worker: int, number: signal.Signals) -> bool:
    try:
        os.kill(worker, number)
    except ProcessLookupError:
        return False
    return True
