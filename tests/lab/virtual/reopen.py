"""In the lab's guests: 300 frames of a source, then twenty times opened and closed.

    python3 reopen.py SOURCE [FOLDER]

Prints {"frames": 300, "before": [files, threads], "after": [files, threads]}, and leaves each
picture that was unlike those before in the folder, if one is named.
"""

import gc
import json
import sys
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from faceage_edge.capture import Freshest
from faceage_edge.frames import CameraRequest
from faceage_edge.sources import open_source

FRAMES, REOPENED = 300, 20
# An emulated processor is in no hurry.
PATIENCE_S = 60.0


def read(source: str, count: int) -> list[npt.NDArray[np.uint8]]:
    """Open it, take so many frames, close it; the pictures that came, (480, 640, 3), BGR."""
    opened = open_source(source, CameraRequest(640, 480, 30))
    if isinstance(opened, Freshest):
        opened.patience_s = PATIENCE_S
    with opened as frames:
        return [frame.picture for frame, _ in zip(frames, range(count), strict=False)]


def keep(pictures: list[npt.NDArray[np.uint8]], folder: Path) -> None:
    """Write those that are unlike those before."""
    different = {picture.tobytes(): picture for picture in pictures}
    for number, picture in enumerate(different.values()):
        cv2.imwrite(str(folder / f"{number}.png"), picture)


def traces() -> list[int]:
    """Open files and threads of this process, libcamera's among them."""
    # picamera2's objects refer to each other in circles, and hold pipes until they are collected.
    gc.collect()
    return [len(list(Path("/proc/self", kind).iterdir())) for kind in ("fd", "task")]


def main() -> None:
    """Count, and say so."""
    source, *folders = sys.argv[1:]
    pictures = read(source, FRAMES)
    for folder in folders:
        keep(pictures, Path(folder))
    frames = len(pictures)
    del pictures
    before = traces()
    for _ in range(REOPENED):
        read(source, 2)
    print(json.dumps({"frames": frames, "before": before, "after": traces()}))


if __name__ == "__main__":
    main()
