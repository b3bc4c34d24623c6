"""`faceage-benchmark threshold`: how often someone too young passes, and who is asked."""

import argparse
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from faceage_benchmarks.machine import describe_machine, note_after
from faceage_benchmarks.opened import OpenedModel, open_model
from faceage_benchmarks.output import deliver
from faceage_benchmarks.pictures_seen import range_pictures
from faceage_benchmarks.predict import age_predictor, measure_faces
from faceage_benchmarks.result import bootstrap_settings, new_result, read_result
from faceage_benchmarks.threshold_figures import threshold_figures
from faceage_calibration.crops import FaceCropper
from faceage_calibration.faces import check_disjoint, read_faces
from faceage_calibration.progress import Progress
from faceage_edge.bundles import find_age
from faceage_edge.detector import named_detector
from faceage_edge.errors import FacesError, UsageError
from faceage_edge.threshold import AgeCheck, RankScale, open_age_check

__all__ = ["run", "threshold_samples"]

# Thousandths of a year and of a percent: below any model's resolution.
_DECIMALS = 5


def run(options: argparse.Namespace, command: Sequence[str]) -> int:
    """Measure the answers of the model that the command line names; see cli.py."""
    if (options.faces is None) == (options.result is None):
        raise UsageError("give --faces to measure on, or --result, an accuracy result of the model")
    machine = describe_machine()
    path = find_age(options.model)
    model = open_model(str(path), threads=options.threads)
    check = open_age_check(
        path, model.contract, threshold=options.threshold, challenge=options.challenge
    )
    measured = _from_result(options, model) if options.result else _from_faces(options, model)
    if measured["unit"] != "years":
        raise FacesError("these faces have bins of ages; a threshold needs exact ages")
    scale = RankScale(model.contract)
    challenge = options.challenge or options.threshold
    samples = threshold_samples(measured, check, scale, options.threshold, challenge)
    settings = bootstrap_settings("faces", seed=options.seed)
    note_after(machine)
    result = new_result(
        "threshold",
        command=command,
        machine=machine,
        model=model.identity | {"path": options.model},
        set=options.faces or read_result(options.result)["set"]["path"],
        **threshold_figures(samples, settings),
        seeds={},
        bootstrap=settings,
        samples=samples,
    )
    deliver(result, options.json)
    return 0


def threshold_samples(
    measured: Mapping[str, Any], check: AgeCheck, scale: RankScale, threshold: int, challenge: int
) -> dict[str, Any]:
    """Return the samples of a threshold result.

    Args:
        measured: an accuracy result's samples with exact ages.
        check: the model's calibrated answers.
        scale: its ranks.
        threshold: in years.
        challenge: in years.
    """
    predicted = np.asarray(measured["predicted"], np.float64)
    raw = (1 + np.tanh(scale.logit(predicted, threshold) / 2)) / 2
    return {
        "threshold": threshold,
        "challenge": challenge,
        "faces": measured["faces"],
        "true": measured["true"],
        "predicted": measured["predicted"],
        "gender": measured["gender"],
        "over": [round(float(value), _DECIMALS) for value in check.over(predicted)],
        "over_raw": [round(float(value), _DECIMALS) for value in raw],
    }


def _from_result(options: argparse.Namespace, model: OpenedModel) -> dict[str, Any]:
    result = read_result(options.result)
    digest = result.get("model", {}).get("digest")
    if result["kind"] != "accuracy" or digest != model.contract.model_digest:
        raise UsageError(
            f"{options.result} is no accuracy result of {options.model} (model digest "
            f"{str(digest)[:12]}, expected {model.contract.model_digest[:12]}); make one with "
            "faceage-benchmark accuracy"
        )
    samples: dict[str, Any] = result["samples"]
    return samples


def _from_faces(options: argparse.Namespace, model: OpenedModel) -> dict[str, Any]:
    faces = read_faces(options.faces)
    check_disjoint(range_pictures(model.contract), faces)
    predictor = age_predictor(model)
    detector = named_detector("int8", threads=options.threads)
    cropper = FaceCropper(predictor.template, mode="detect", detector=detector)
    return measure_faces(
        faces.faces,
        lambda face: cropper.crop(face, faces.alignment),
        predictor,
        progress=Progress("faces", len(faces.faces)),
    )
