"""`faceage-benchmark arm`: the shipped models and the camera loop on emulated ARM boards."""

import argparse
import os
import sys
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from faceage_benchmarks.arm.count import (
    check_budget,
    count_frames,
    count_loops,
    count_models,
    write_budget,
)
from faceage_benchmarks.arm.emulate import Counts
from faceage_benchmarks.arm.figures import arm_figures
from faceage_benchmarks.arm.passes import count_passes, count_plain
from faceage_benchmarks.arm.scenes import LOOP_FRAMES, SCENES, scene_frames
from faceage_benchmarks.arm.sysroot import CPUS, Sysroot, build_sysroot
from faceage_benchmarks.demo_clip import clip_frames, portrait
from faceage_benchmarks.machine import describe_machine, note_after
from faceage_benchmarks.output import deliver
from faceage_benchmarks.result import bootstrap_settings, new_result
from faceage_edge.bundles import find
from faceage_edge.errors import QualityGateError, UsageError
from faceage_models.shipped_ages import SHIPPED_AGES

__all__ = ["run"]

# Name of the cost of one frame in the counts: the demonstration clip, one face, 640 x 480.
FRAME = "frame-one-face"
_FRAMES = 24
_DETECTORS = ("face-finder", "mtcnn")
_SHIPPED = (*SHIPPED_AGES, *_DETECTORS)


def run(options: argparse.Namespace, command: Sequence[str]) -> int:
    """Count what the command line names; see cli.py."""
    machine = describe_machine()
    models = [find(name) for name in options.models] or _shipped_models()
    project = Path(options.project)
    constraints = project / "constraints" / "device.txt"
    if not constraints.is_file():
        raise UsageError(
            f"{project} is no checkout of faceage (no {constraints.name} in constraints/); "
            "run this in one, or name it with --project"
        )
    peers = dict(_peer(text) for text in options.peer)
    sysroot = build_sysroot(_cache(options.cache), project, constraints)
    found = count_models(sysroot, models)
    counts = {cpu: {name: one["counts"] for name, one in found[cpu].items()} for cpu in CPUS}
    for cpu in CPUS if options.passes else ():
        counts[cpu] |= count_passes(sysroot, cpu, _DETECTORS, portrait())
    for name, file in peers.items():
        for cpu in CPUS:
            counts[cpu][f"peer-{name}"] = count_plain(sysroot, cpu, file)
    if options.frames:
        frames = b"".join(frame.tobytes() for frame in islice(clip_frames(portrait()), _FRAMES))
        for cpu in CPUS:
            counts[cpu][FRAME] = count_frames(sysroot, cpu, frames, _FRAMES)
    for scene in SCENES if options.loop else ():
        for cpu, named in _loops(sysroot, scene).items():
            counts[cpu] |= named
    note_after(machine)
    samples = {"counts": counts}
    settings = bootstrap_settings("nothing: counts repeat")
    content: dict[str, Any] = {
        "equals_host": all(
            one["equals_host"] for named in found.values() for one in named.values()
        ),
        "frames": _FRAMES if options.frames else 0,
        "loop_frames": LOOP_FRAMES if options.loop else 0,
        **arm_figures(samples, settings),
        "seeds": {},
        "bootstrap": settings,
        "samples": samples,
    }
    deliver(new_result("arm", command=command, machine=machine, **content), options.json)
    if not content["equals_host"]:
        raise QualityGateError(
            "an int8 output differs from this host's; XNNPACK gives the same bytes on both: see "
            f"`equals_host` in {options.json}, and whether both have the same LiteRT"
        )
    if options.write_budget is not None:
        write_budget(counts, Path(options.write_budget))
    if options.budget is not None:
        check_budget(counts, Path(options.budget))
    return 0


def _loops(sysroot: Sysroot, scene: str) -> dict[str, dict[str, Counts]]:
    """Count the loop on a scene with each detector: {processor: {name: counts}}."""
    frames = b"".join(frame.tobytes() for frame in scene_frames(scene))
    counts: dict[str, dict[str, Counts]] = {}
    for cpu in CPUS:
        found = count_loops(sysroot, cpu, frames, LOOP_FRAMES + 1, _DETECTORS)
        for name, one in found.items():
            print(f"{cpu}: {name}, {scene}: {one['all']:,} a frame", file=sys.stderr)
        counts[cpu] = {f"loop-{name}-{scene}": one for name, one in found.items()}
    return counts


def _peer(text: str) -> tuple[str, Path]:
    name, _, file = text.partition("=")
    if not Path(file).is_file():
        raise UsageError(f"--peer {text}: expected NAME=FILE with a .tflite file that exists")
    return name, Path(file)


def _shipped_models() -> list[Path]:
    return sorted(path for name in _SHIPPED for path in find(name).glob("*.int8.tflite"))


def _cache(named: str | None) -> Path:
    if named is not None:
        return Path(named)
    home = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(home) / "faceage" / "arm"
