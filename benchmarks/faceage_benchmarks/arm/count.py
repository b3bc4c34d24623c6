"""Count what shipped models and the camera loop execute on ARM, and hold a budget."""

import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from faceage_benchmarks.arm.emulate import Counts, run_guest
from faceage_benchmarks.arm.guest_invoke import raw_digests
from faceage_benchmarks.arm.sysroot import CPUS, Sysroot
from faceage_edge.atomic import write_text
from faceage_edge.errors import FaceageError, QualityGateError
from faceage_edge.model import load_model

__all__ = [
    "TOLERANCE",
    "check_budget",
    "count_frames",
    "count_loops",
    "count_models",
    "write_budget",
]

# Counts repeat to a thousandth of a percent; half a percent is a change somebody made.
TOLERANCE = 0.005
# Three hundred frames on an emulator that shares its cores.
_LOOP_S = 3600.0
_SIDE_BY_SIDE = 4


def count_models(sysroot: Sysroot, models: Sequence[Path]) -> dict[str, dict[str, Any]]:
    """Run every model on every emulated processor.

    Args:
        sysroot: from `build_sysroot`.
        models: int8 .tflite files with contracts.

    Returns:
        {processor: {name: {"counts": {class: n}, "equals_host": bool}}}, names as
        `age-mobilenet-coral-int8`.
    """
    found: dict[str, dict[str, Any]] = {}
    for cpu in CPUS:
        found[cpu] = {}
        for path in models:
            guest = ["-m", "faceage_benchmarks.arm.guest_invoke", str(path.resolve())]
            run = run_guest(sysroot, cpu, guest)
            digests = json.loads(run.stdout.splitlines()[-1])
            # Five stretches: start-up, first invoke, between, second invoke, rest.
            found[cpu][path.name.removesuffix(".tflite").replace(".", "-")] = {
                "counts": run.counts[3],
                "equals_host": digests == raw_digests(load_model(path)),
            }
    return found


def count_frames(sysroot: Sysroot, cpu: str, frames: bytes, count: int) -> Counts:
    """Count what the camera process executes for a frame that is searched and read whole.

    The process runs on all frames and on the first quarter of them; the difference, divided by the
    difference in frames, is the cost of one.

    Args:
        sysroot: from `build_sysroot`.
        cpu: a key of `sysroot.CPUS`.
        frames: raw BGR frames one after the other, as `--source -` takes them.
        count: how many there are; at least 4. Each is 640 x 480.
    """
    size = len(frames) // count
    runs = []
    for some in (count, count // 4):
        guest = ["-m", "faceage_edge.camera", "--source", "-", "--every-frame"]
        runs.append(run_guest(sysroot, cpu, guest, stdin=frames[: some * size]).counts[-1])
    more = count - count // 4
    return {kind: (runs[0][kind] - runs[1][kind]) // more for kind in runs[0]}


def count_loops(
    sysroot: Sysroot, cpu: str, frames: bytes, count: int, detectors: Sequence[str]
) -> dict[str, Counts]:
    """Count what the worker of `faceage-camera` executes for a frame of a run, on average.

    The process runs on all frames and on the first one alone; what it executes more, divided by the
    frames more, is the cost of one. So start-up and the first frame are left out, and every pass
    and every age after it is in. Runs go side by side: a count does not depend on the others.

    Args:
        sysroot: from `build_sysroot`.
        cpu: a key of `sysroot.CPUS`.
        frames: as for `count_frames`.
        count: how many there are.
        detectors: names of shipped detectors.

    Returns:
        The counts by detector.
    """

    def executed(detector: str, stdin: bytes) -> Counts:
        guest = ["-m", "faceage_edge.camera", "--source", "-", "--detector", detector]
        return run_guest(sysroot, cpu, guest, stdin=stdin, timeout_s=_LOOP_S).counts[-1]

    with ThreadPoolExecutor(_SIDE_BY_SIDE) as pool:
        runs = {
            name: [
                pool.submit(executed, name, some)
                for some in (frames, frames[: len(frames) // count])
            ]
            for name in detectors
        }
        done = {name: [run.result() for run in pair] for name, pair in runs.items()}
    return {
        name: {kind: (whole[kind] - first[kind]) // (count - 1) for kind in whole}
        for name, (whole, first) in done.items()
    }


def write_budget(counts: Mapping[str, Mapping[str, Counts]], budget: Path) -> None:
    """Make today's counts the budget; see `check_budget`. OutputError when it cannot be written."""
    limits = {
        cpu: {name: one["all"] for name, one in sorted(named.items())}
        for cpu, named in counts.items()
    }
    write_text(budget, json.dumps(limits, indent=1) + "\n")


def check_budget(counts: Mapping[str, Mapping[str, Counts]], budget: Path) -> None:
    """Hold counts against a budget file.

    Args:
        counts: executed instructions by processor, name and class.
        budget: JSON, {processor: {name: instructions}}.

    Raises:
        FaceageError: the budget cannot be read.
        QualityGateError: a count exceeds its budget by more than the tolerance.
    """
    try:
        limits = json.loads(budget.read_text())
    except (OSError, ValueError) as error:
        raise FaceageError(f"cannot read the budget {budget}: {error}") from error
    over = [
        f"{name} on {cpu}: {counts[cpu][name]['all']:,} instead of {limit:,}"
        for cpu, names in limits.items()
        for name, limit in names.items()
        if name in counts.get(cpu, {}) and counts[cpu][name]["all"] > limit * (1 + TOLERANCE)
    ]
    if over:
        raise QualityGateError(
            f"more instructions than budgeted: {'; '.join(over)}; make it cheaper, or raise the "
            f"budget in {budget} with a reason"
        )
