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
from faceage_edge.model import load_model
from faceage_models.shipped_ages import SHIPPED_AGES
from faceage_models.tflite_cost import graph_cost

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
    floats = _float_forms(models) if options.float else []
    peers = dict(_peer(text) for text in options.peer)
    project = Path(options.project)
    sysroot = build_sysroot(_cache(options.cache), project, _constraints(project))
    found = count_models(sysroot, models)
    equal = all(one["equals_host"] for named in found.values() for one in named.values())
    counts = {cpu: {name: one["counts"] for name, one in found[cpu].items()} for cpu in CPUS}
    plain = {_name(path): path for path in floats}
    plain |= {f"peer-{name}": path for name, path in peers.items()}
    for cpu in CPUS:
        counts[cpu] |= {name: count_plain(sysroot, cpu, path) for name, path in plain.items()}
        counts[cpu] |= _loops_and_passes(sysroot, cpu, options)
    note_after(machine)
    content = _content(options, models, floats, counts) | {"equals_host": equal}
    deliver(new_result("arm", command=command, machine=machine, **content), options.json)
    if not equal:
        raise QualityGateError(
            "an int8 output differs from this host's; XNNPACK gives the same bytes on both: see "
            f"`equals_host` in {options.json}, and whether both have the same LiteRT"
        )
    if options.write_budget is not None:
        write_budget(counts, Path(options.write_budget))
    if options.budget is not None:
        check_budget(counts, Path(options.budget))
    return 0


def _content(
    options: argparse.Namespace,
    models: Sequence[Path],
    floats: Sequence[Path],
    counts: dict[str, dict[str, Counts]],
) -> dict[str, Any]:
    samples = {
        "counts": counts,
        "multiply_adds": {
            _name(path): graph_cost(path.read_bytes()).multiply_adds for path in models
        },
    }
    settings = bootstrap_settings("nothing: counts repeat")
    return {
        "frames": _FRAMES if options.frames else 0,
        "loop_frames": LOOP_FRAMES if options.loop else 0,
        "models": [_identity(path) for path in (*models, *floats)],
        **arm_figures(samples, settings),
        "seeds": {},
        "bootstrap": settings,
        "samples": samples,
    }


def _loops_and_passes(sysroot: Sysroot, cpu: str, options: argparse.Namespace) -> dict[str, Counts]:
    """What the shipped detectors cost on one processor, as far as it is asked for."""
    counts: dict[str, Counts] = {}
    if options.passes:
        counts |= count_passes(sysroot, cpu, _DETECTORS, portrait())
    if options.frames:
        frames = b"".join(frame.tobytes() for frame in islice(clip_frames(portrait()), _FRAMES))
        counts[FRAME] = count_frames(sysroot, cpu, frames, _FRAMES)
    for scene in SCENES if options.loop else ():
        counts |= _loops(sysroot, cpu, scene)
    return counts


def _loops(sysroot: Sysroot, cpu: str, scene: str) -> dict[str, Counts]:
    """Count the loop on a scene with each detector."""
    frames = b"".join(frame.tobytes() for frame in scene_frames(scene))
    found = count_loops(sysroot, cpu, frames, LOOP_FRAMES + 1, _DETECTORS)
    for name, one in found.items():
        print(f"{cpu}: {name}, {scene}: {one['all']:,} a frame", file=sys.stderr)
    return {f"loop-{name}-{scene}": one for name, one in found.items()}


def _constraints(project: Path) -> Path:
    file = project / "constraints" / "device.txt"
    if not file.is_file():
        raise UsageError(
            f"{project} is no checkout of faceage (no {file.name} in constraints/); "
            "run this in one, or name it with --project"
        )
    return file


def _identity(path: Path) -> dict[str, Any]:
    contract = load_model(path).contract
    return {
        "name": _name(path),
        "digest": contract.model_digest,
        "scheme": contract.scheme,
        "bytes": path.stat().st_size,
    }


def _name(path: Path) -> str:
    return path.name.removesuffix(".tflite").replace(".", "-")


def _float_forms(models: Sequence[Path]) -> list[Path]:
    """Return the float files beside int8 ones, as the shipped models have them."""
    beside = [path.with_name(path.name.replace(".int8.", ".float32.")) for path in models]
    return [
        path for path, int8 in zip(beside, models, strict=True) if path != int8 and path.is_file()
    ]


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
