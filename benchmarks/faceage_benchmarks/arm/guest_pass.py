"""One full pass of a detector over each of some frames, between markers.

Run in the guest as `python -m faceage_benchmarks.arm.guest_pass DETECTOR`, raw 640 x 480 BGR frames
on standard input; prints how many faces each frame had.
"""

import json
import os
import sys

import numpy as np

from faceage_edge.detector import load_detector

__all__ = ["HEIGHT", "MIN_FACE", "WIDTH"]

WIDTH, HEIGHT = 640, 480
MIN_FACE = 40.0


def _main(folder: str) -> None:
    frames = np.frombuffer(sys.stdin.buffer.read(), np.uint8).reshape(-1, HEIGHT, WIDTH, 3)
    detector = load_detector(folder)
    counts = []
    for frame in frames:
        # Twice uncounted: caches fill and buffers find their size.
        for _ in range(2):
            detector.detect(frame, min_face=MIN_FACE)
        os.getppid()
        faces = detector.detect(frame, min_face=MIN_FACE)
        os.getppid()
        counts.append(len(faces))
    print(json.dumps(counts))


if __name__ == "__main__":
    _main(sys.argv[1])
