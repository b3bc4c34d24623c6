"""What `faceage-calibrate ranges` does for a detector: scenes and clips through its networks."""

import argparse
from collections.abc import Iterator, Sequence
from itertools import chain, islice
from pathlib import Path

from faceage_calibration.chosen_sets import chosen_sets, joined
from faceage_calibration.compose import compose_scenes
from faceage_calibration.detector_ranges import find_float_stages, record_detector_ranges
from faceage_calibration.faces import FaceSet
from faceage_calibration.landmark_cache import LandmarkCache
from faceage_calibration.pictures import Picture
from faceage_calibration.progress import Progress
from faceage_calibration.ranges import Calibration, Ranges, write_ranges
from faceage_edge.detector import load_detector
from faceage_edge.errors import OutputError
from faceage_edge.frames import CameraRequest
from faceage_edge.sources import open_source

__all__ = ["detector_ranges"]

# Neighbouring frames of a clip look alike.
_CLIP_STEP = 5


def detector_ranges(options: argparse.Namespace, folder: Path) -> int:
    """Record the ranges of the float networks in a folder; see cli.py for the options."""
    out = Path(options.out)
    if not out.is_dir():
        raise OutputError(f"{out} is no folder; a detector's ranges files go into one")
    stages = find_float_stages(folder)
    faces = joined(chosen_sets(options))
    progress = Progress("faces", len(faces.faces))
    recorded = record_detector_ranges(
        stages,
        chain(_clip_frames(options.clips), _scene_frames(faces, options.seed, progress)),
        threads=options.threads,
    )
    calibration = Calibration.of(faces, faces.faces)
    for name, stage in stages.items():
        path = out / f"{stage.contract.name}.ranges.json"
        tensors, means = recorded[name]
        write_ranges(path, Ranges(stage.contract.model_digest, tensors, calibration, means))
        print(f"{path}: {len(tensors)} tensors over scenes of {len(faces.faces):,} faces")
    return 0


def _scene_frames(faces: FaceSet, seed: int, progress: Progress) -> Iterator[Picture]:
    # Where the face is in a chip, the reference detector says, whichever detector is recorded.
    cache = LandmarkCache(load_detector("mtcnn", scheme="float32"))
    done = 0
    for scene in compose_scenes(faces, cache.find_face, seed=seed):
        yield scene.frame
        done += len(scene.faces)
        progress(done)


def _clip_frames(clips: Sequence[str]) -> Iterator[Picture]:
    for clip in clips:
        with open_source(clip, CameraRequest()) as source:
            for frame in islice(source, 0, None, _CLIP_STEP):
                yield frame.picture
