"""`faceage-benchmark detection`: which labelled faces detectors find, and how many they invent."""

import argparse
import hashlib
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from faceage_benchmarks.composites import compose_pictures
from faceage_benchmarks.detection_figures import detection_figures
from faceage_benchmarks.detectors import NamedDetector, open_detector
from faceage_benchmarks.machine import describe_machine, note_after
from faceage_benchmarks.matching import IOU_THRESHOLD, MATCHING_RULE
from faceage_benchmarks.output import deliver
from faceage_benchmarks.photo_boxes import LabelledPicture, read_photos
from faceage_benchmarks.result import bootstrap_settings, new_result
from faceage_calibration.progress import Progress
from faceage_edge.errors import UsageError
from faceage_edge.geometry import Face, FrameBox

__all__ = ["measure_detection", "run"]

# Hundredths of a pixel, and of a per mille of the score: far below what a detector resolves.
_PIXEL_DECIMALS = 2
_SCORE_DECIMALS = 5
_MS_DECIMALS = 3


def run(options: argparse.Namespace, command: Sequence[str]) -> int:
    """Measure the detectors that the command line names; see cli.py."""
    names = options.detector or ["int8", "float32"]
    if len(set(names)) < len(names):
        raise UsageError(f"a detector is named twice in {', '.join(names)}; name each one once")
    # What a detector leaves to OpenCV counts against the same threads as its networks.
    cv2.setNumThreads(options.threads)
    machine = describe_machine()
    photos = _labelled(options)
    detectors = [
        open_detector(name, min_face=options.min_face, threads=options.threads) for name in names
    ]
    samples = measure_detection(photos, detectors, progress=Progress("photos", len(photos)))
    note_after(machine)
    settings = bootstrap_settings("labelled faces", seed=options.seed)
    result = new_result(
        "detection",
        command=command,
        machine=machine,
        **detection_figures(samples, settings),
        set={
            "path": options.photos or options.composites,
            "part": None if options.photos else options.part,
            "digest": _set_digest(photos),
            "pictures": len(photos),
            "boxes": [str(file) for file in options.boxes],
        },
        min_face=options.min_face,
        threads=options.threads,
        matching={"rule": MATCHING_RULE, "iou": IOU_THRESHOLD},
        seeds={"composites": options.seed} if options.composites else {},
        bootstrap=settings,
        samples=samples,
    )
    deliver(result, options.json)
    return 0


def _labelled(options: argparse.Namespace) -> Sequence[LabelledPicture]:
    if options.photos:
        return read_photos(Path(options.photos), [Path(file) for file in options.boxes])
    if options.boxes:
        raise UsageError("--boxes with --composites; the faces of composed scenes are known")
    return compose_pictures(
        Path(options.composites), count=options.count, seed=options.seed, part=options.part
    )


def measure_detection(
    photos: Sequence[LabelledPicture],
    detectors: Sequence[NamedDetector],
    *,
    progress: Callable[[int], None] | None = None,
    clock: Callable[[], float] = time.perf_counter,
) -> dict[str, Any]:
    """Run every detector on every photo, in turn photo by photo.

    Args:
        photos: at least one.
        detectors: at least one; each sees the first photo once before, untimed.
        progress: told how many photos are done.
        clock: seconds, monotonic.

    Returns:
        The samples of a detection result, see detection_figures.

    Raises:
        FacesError: a photo is missing or is not a picture.
    """
    first = photos[0].picture()
    for detector in detectors:
        detector.detect(first)
    found: dict[str, list[list[dict[str, Any]]]] = {item.name: [] for item in detectors}
    ms: dict[str, list[float]] = {item.name: [] for item in detectors}
    for done, photo in enumerate(photos, start=1):
        frame = photo.picture()
        for detector in detectors:
            start = clock()
            faces = detector.detect(frame)
            ms[detector.name].append(round(1000 * (clock() - start), _MS_DECIMALS))
            found[detector.name].append([_face_row(face) for face in faces])
        if progress is not None:
            progress(done)
    return {
        "photos": [_photo_row(photo) for photo in photos],
        "detections": found,
        "ms": ms,
        "digests": {item.name: item.digest for item in detectors},
    }


def _photo_row(photo: LabelledPicture) -> dict[str, Any]:
    row: dict[str, Any] = {
        "file": photo.file,
        "digest": photo.digest(),
        "boxes": [_box_row(box) for box in photo.boxes],
        "ignored": [_box_row(box) for box in photo.ignored],
    }
    tags = photo.tags
    return row if tags is None else row | {"tags": [sorted(one) for one in tags]}


def _face_row(face: Face) -> dict[str, Any]:
    return {
        "box": _box_row(face.box),
        "score": round(face.score, _SCORE_DECIMALS),
        "landmarks": np.round(face.landmarks.points, _PIXEL_DECIMALS).tolist(),
    }


def _box_row(box: FrameBox) -> list[float]:
    sides = (box.x, box.y, box.width, box.height)
    return [round(float(side), _PIXEL_DECIMALS) for side in sides]


def _set_digest(photos: Sequence[LabelledPicture]) -> str:
    """Return the digest of a set as calibration computes it: over the sorted picture digests."""
    lines = "\n".join(sorted(photo.digest() for photo in photos))
    return hashlib.sha256(lines.encode("ascii")).hexdigest()
