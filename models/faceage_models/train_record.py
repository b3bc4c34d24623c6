"""What a training run writes beside its model: the contract, and the record of what was done."""

import argparse
import platform
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from faceage_edge.contract import Contract, Crop, Input
from faceage_edge.geometry import CropTemplate
from faceage_models.age_faces import TrainingFaces
from faceage_models.age_gender import gender_output
from faceage_models.age_heads import AGES, Head
from faceage_models.age_inputs import input_named
from faceage_models.age_run import AgeRun
from faceage_models.keras_backend import training_keras
from faceage_models.qat_packages import qat_versions
from faceage_models.qat_run import QatRun

__all__ = ["contract_document", "run_record"]


def contract_document(
    options: argparse.Namespace, model: Any, head: Head, template: CropTemplate
) -> dict[str, Any]:
    """What `faceage-convert --contract` needs to know of best.keras, as JSON.

    Args:
        options: of `faceage-train`.
        model: that is trained.
        head: its head.
        template: of its crop.
    """
    answers = model.layers[-head.layers :][: head.answers]
    outputs = [head.described(int(answers[0].output.shape[-1]))]
    if options.gender:
        outputs.append(gender_output())
    taken = input_named(options.normalise)
    source = Input(
        "input", 1, options.size, options.size, taken.colour, "float32", 1.0, 0,
        taken.normalisation,
    )  # fmt: skip
    crop = Crop("template", template=template)
    whole = Contract("age", options.name, options.terms, source, crop, tuple(outputs)).to_json()
    kept = {key: whole[key] for key in ("format", "task", "name", "licence", "crop")}
    told = {key: whole["input"][key] for key in ("colour", "normalisation")}
    # The converter reads sizes from the file, and the name of an only output.
    said = [{k: v for k, v in one.items() if k != "name"} for one in whole["outputs"]]
    if len(said) > 1:
        said = [{"name": layer.name} | one for layer, one in zip(answers, said, strict=True)]
    return kept | {"input": told, "outputs": said}


def run_record(
    options: argparse.Namespace,
    faces: TrainingFaces,
    unseen: TrainingFaces,
    training: AgeRun | QatRun,
    seconds: float,
) -> dict[str, Any]:
    """What was done so far, as JSON: train.json of the run's folder.

    Args:
        options: of `faceage-train`.
        faces: learnt from.
        unseen: chosen by.
        training: the run.
        seconds: since this call began.
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
            **(qat_versions() if options.qat else {}),
        },
        "ages": AGES,
    }


def _by_name(value: Any) -> Any:
    """Paths by their last part: the folders before it are this machine's own."""
    if isinstance(value, list):
        return [_by_name(part) for part in value]
    return Path(value).name if isinstance(value, str) and "/" in value else value
