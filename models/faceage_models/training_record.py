"""What `faceage-train` writes down of a run: its `train.json`."""

import argparse
import platform
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from faceage_models.age_faces import TrainingFaces
from faceage_models.age_heads import AGES
from faceage_models.age_run import AgeRun
from faceage_models.keras_backend import training_keras

__all__ = ["training_record"]


def training_record(
    options: argparse.Namespace,
    faces: TrainingFaces,
    unseen: TrainingFaces,
    training: AgeRun,
    seconds: float,
) -> dict[str, Any]:
    """Say how a run was made and what each of its epochs came to.

    Args:
        options: of the command line.
        faces: learnt from.
        unseen: chosen by.
        training: the run, after an epoch.
        seconds: since this call began.

    Returns:
        A document for JSON, without a path of this machine.
    """
    keras = training_keras()
    best = training.best
    return {
        "schema": "faceage-training/1",
        "created": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "options": {key: _by_name(value) for key, value in vars(options).items() if key != "grid"},
        "faces": {"training": len(faces.spans), "validation": len(unseen.spans)},
        "parameters": int(training.head.answering(training.model).count_params()),
        "steps": training.step,
        "seconds_in_this_call": round(seconds, 1),
        "epochs": [asdict(epoch) for epoch in training.epochs],
        "best": None if best is None else asdict(best),
        "versions": {
            "python": platform.python_version(),
            "keras": keras.__version__,
            "backend": keras.backend.backend(),
            "numpy": np.__version__,
        },
        "ages": AGES,
    }


def _by_name(value: Any) -> Any:
    """Paths by their last part: the folders before it are this machine's own."""
    if isinstance(value, list):
        return [_by_name(part) for part in value]
    return Path(value).name if isinstance(value, str) and "/" in value else value
