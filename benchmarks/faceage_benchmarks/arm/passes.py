"""What a full pass of a detector costs on frames of no, one, two and four faces."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from faceage_benchmarks.arm.emulate import Counts, run_guest
from faceage_benchmarks.arm.guest_pass import HEIGHT, WIDTH
from faceage_benchmarks.arm.sysroot import Sysroot
from faceage_edge.bundles import find
from faceage_edge.crop import shrink
from faceage_edge.errors import FaceageError

__all__ = ["FACES", "count_passes", "count_plain", "pass_frame"]

FACES = (0, 1, 2, 4)
# The head of the photograph `demo_clip.portrait`, and its height in the frames; its face is half
# as high: 100 pixels.
_HEAD = (slice(0, 260), slice(110, 340))
_HIGH = 200


def pass_frame(photograph: NDArray[np.uint8], faces: int) -> NDArray[np.uint8]:
    """Draw a frame with a number of faces 100 pixels high on a lit wall.

    Args:
        photograph: `demo_clip.portrait()`.
        faces: up to six.

    Returns:
        uint8 (480, 640, 3), BGR.
    """
    wall = np.array([[[90, 100, 110], [150, 150, 140]], [[60, 70, 90], [120, 130, 140]]], np.uint8)
    frame = shrink(wall, WIDTH, HEIGHT).copy()
    head = photograph[_HEAD]
    width = round(head.shape[1] * _HIGH / head.shape[0])
    small = shrink(np.ascontiguousarray(head), width, _HIGH)
    for number in range(faces):
        top, left = 25 + 225 * (number // 3), 20 + 205 * (number % 3)
        frame[top : top + _HIGH, left : left + width] = small
    return frame


def count_passes(
    sysroot: Sysroot, cpu: str, detectors: Sequence[str], photograph: NDArray[np.uint8]
) -> dict[str, Counts]:
    """Count a full pass of each detector over each frame.

    Args:
        sysroot: from `build_sysroot`.
        cpu: a key of `sysroot.CPUS`.
        detectors: shipped names.
        photograph: `demo_clip.portrait()`.

    Returns:
        The counts by `pass-<detector>-<faces>`.

    Raises:
        FaceageError: a detector found another number of faces than there are.
    """
    frames = b"".join(pass_frame(photograph, faces).tobytes() for faces in FACES)
    counts = {}
    for name in detectors:
        guest = ["-m", "faceage_benchmarks.arm.guest_pass", str(find(name).resolve())]
        run = run_guest(sysroot, cpu, guest, stdin=frames)
        found = json.loads(run.stdout.splitlines()[-1])
        if tuple(found) != FACES:
            raise FaceageError(f"{name} found {found} faces where {list(FACES)} are")
        # Stretches: start-up, then pass and pause in turn, the rest.
        for index, faces in enumerate(FACES):
            counts[f"pass-{name}-{faces}"] = run.counts[1 + 2 * index]
    return counts


def count_plain(sysroot: Sysroot, cpu: str, file: Path) -> Counts:
    """Count one invoke of any .tflite file of one fixed input."""
    guest = ["-m", "faceage_benchmarks.arm.guest_plain", str(file.resolve())]
    return run_guest(sysroot, cpu, guest).counts[3]
