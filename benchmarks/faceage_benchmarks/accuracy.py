"""`faceage-benchmark accuracy`: the error of an age model, in years, on labelled faces."""

import argparse
import csv
import io
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from faceage_benchmarks.age_figures import age_figures, outside_years
from faceage_benchmarks.machine import describe_machine, note_after
from faceage_benchmarks.opened import open_model, parsed
from faceage_benchmarks.output import deliver
from faceage_benchmarks.pictures_seen import range_pictures
from faceage_benchmarks.predict import (
    AgePredictor,
    age_predictor,
    measure_faces,
    same_template,
)
from faceage_benchmarks.result import bootstrap_settings, new_result
from faceage_benchmarks.shards import SHARD, Pipeline, local_engine, sharded
from faceage_calibration.choose import choose_stratified
from faceage_calibration.crops import CropMode, FaceCropper
from faceage_calibration.digest_split import split_by_digest
from faceage_calibration.faces import FaceSet, check_disjoint, read_faces
from faceage_calibration.progress import Progress
from faceage_edge import atomic
from faceage_edge.delegates import DelegateSpec
from faceage_edge.detector import Detector, named_detector
from faceage_edge.errors import ContractError, UsageError

__all__ = [
    "accuracy_content",
    "face_lines",
    "face_rows",
    "measure_beside",
    "run",
]


def run(options: argparse.Namespace, command: Sequence[str]) -> int:
    """Measure the model that the command line names; see cli.py."""
    machine = describe_machine()
    faces, content = _measure(options)
    note_after(machine)
    result = new_result(
        "accuracy",
        command=command,
        machine=machine,
        **content,
        decode=options.decode,
        threads=options.threads,
    )
    if options.csv:
        atomic.write_text(Path(options.csv), face_rows(faces, result["samples"]))
    if options.list:
        # Only the result itself goes to stdout, where it is asked for.
        listing = sys.stderr if options.json == "-" else sys.stdout
        listing.write(face_lines(faces, result["samples"]))
    deliver(result, options.json)
    return 0


def measure_beside(content: dict[str, Any], options: argparse.Namespace) -> dict[str, Any]:
    """Measure the error of the models that were timed, and return the result's keys with it.

    Args:
        content: of a latency result.
        options: the command line, which names `faces`.

    Returns:
        The content with `accuracy` (the figures of an accuracy result), `accuracy_of` (set, crops
        and detector), and the faces' samples in `samples.accuracy`.

    Raises:
        FacesError, ContractError: see accuracy_content.
    """
    _, ages = _measure(options)
    described = {key: ages.pop(key) for key in ("set", "crops", "detector", "seeds")}
    samples = ages.pop("samples")
    for key in ("model", "against", "bootstrap"):
        ages.pop(key, None)
    return content | {
        "accuracy": ages,
        "accuracy_of": described,
        "samples": content["samples"] | {"accuracy": samples},
    }


def _measure(options: argparse.Namespace) -> tuple[FaceSet, dict[str, Any]]:
    """Measure what the command line names; return the faces and an accuracy result's own keys."""
    predictor = _open(options, options.model, parsed(options.delegate))
    against = _open(options, options.against) if options.against else None
    faces = _faces(options, [model for model in (predictor, against) if model is not None])
    detector = None
    if options.crops == "detect":
        detector = named_detector(options.detector, threads=options.threads)
    content = accuracy_content(
        faces,
        predictor,
        against,
        detector=detector,
        seed=options.seed,
        progress=Progress("faces", len(faces.faces)),
        sharded=_sharded(options, len(faces.faces)),
    )
    content["set"]["path"] = options.faces
    content["seeds"] = {"choice": options.seed if options.limit else None}
    if detector is not None:
        content["detector"]["path"] = options.detector
    return faces, content


def accuracy_content(
    faces: FaceSet,
    predictor: AgePredictor,
    against: AgePredictor | None = None,
    *,
    detector: Detector | None = None,
    seed: int = 0,
    progress: Callable[[int], None] | None = None,
    sharded: Callable[..., dict[str, Any]] | None = None,
) -> dict[str, Any]:
    """Measure, and return an accuracy result's own keys.

    Args:
        faces: the labelled set.
        predictor: the model.
        against: a second model, measured on the very same crops.
        detector: finds the faces; without one they are cropped by the set's own alignment, and
            none counts as missed.
        seed: of the bootstrap.
        progress: told how many faces are done.
        sharded: what measures the set in many processes instead of here, see shards.sharded; given
            the faces, the digests of models and detector, and `progress`.

    Raises:
        FacesError: labels that do not fit together, or a file that is not a picture.
        ContractError: the two models want different crops.
    """
    if against is not None and not same_template(predictor, against):
        raise ContractError(
            f"{predictor.identity['path']} and {against.identity['path']} want different crops, so "
            "they cannot be compared on identical ones; measure each alone and compare the files"
        )
    mode: CropMode = "aligned" if detector is None else "detect"
    if sharded is not None:
        digests = (
            predictor.identity["digest"],
            against.identity["digest"] if against else None,
            detector.digest if detector else None,
        )
        samples = sharded(faces, digests, progress=progress)
    else:
        cropper = FaceCropper(predictor.template, mode=mode, detector=detector)
        samples = measure_faces(
            faces.faces,
            lambda face: cropper.crop(face, faces.alignment),
            predictor,
            against,
            progress=progress,
        )
    settings = bootstrap_settings("faces", seed=seed)
    return {
        "model": predictor.identity,
        **({} if against is None else {"against": against.identity}),
        **age_figures(samples, settings),
        "set": _set(faces),
        "crops": mode,
        "detector": None if detector is None else _detector(detector),
        "bootstrap": settings,
        "samples": samples,
    }


def face_rows(faces: FaceSet, samples: dict[str, Any]) -> str:
    """Return the CSV with a line a face: file, digest, true age or bin, prediction, found.

    Args:
        faces: the measured set.
        samples: of the result, in the same order.
    """
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(["file", "digest", "true", "predicted", "low", "high", "found"])
    nothing = [""] * len(faces.faces)
    columns = (samples.get(key, nothing) for key in ("predicted", "low", "high"))
    for face, true, *numbers, found in zip(
        faces.faces, samples["true"], *columns, samples["found"], strict=True
    ):
        rows.writerow([face.name, face.digest, _true_cell(true), *numbers, int(found)])
    return text.getvalue()


def face_lines(faces: FaceSet, samples: dict[str, Any]) -> str:
    """Return a line a face to read: its file, the label, what is predicted, and the error.

    Args:
        faces: the measured set.
        samples: of the result, in the same order; the error of a bin is the years outside it.
    """
    wide = max((len(face.name) for face in faces.faces), default=0)
    lines = []
    for face, true, years in zip(faces.faces, samples["true"], samples["predicted"], strict=True):
        if isinstance(true, list):
            error = float(outside_years([true], np.array([years]))[0])
        else:
            error = years - true
        label = _true_cell(true)
        lines.append(f"{face.name:{wide}}  true {label:>5}  predicted {years:5.1f}  {error:+.1f}\n")
    return "".join(lines)


def _sharded(options: argparse.Namespace, count: int) -> Callable[..., dict[str, Any]] | None:
    """Return what measures the set in shards, or None where this process does it as well."""
    size = options.shard or SHARD
    workers = options.workers or _cores()
    if options.delegate is not None and options.dask is not None:
        raise UsageError("--delegate with --dask: one accelerator is one process's")
    if options.delegate is not None or (options.dask is None and (workers < 2 or count <= size)):
        return None
    if options.dask is not None:
        from faceage_benchmarks.dask_engine import dask_engine

        engine = dask_engine(options.dask)
    else:
        engine = local_engine(min(workers, -(-count // size)))
    folder = None if options.json in (None, "-") else Path(f"{options.json}.shards")

    def measure(
        faces: FaceSet,
        digests: tuple[str | None, ...],
        progress: Callable[[int], None] | None = None,
    ) -> dict[str, Any]:
        pipeline = Pipeline(
            model=_everywhere(options.model),
            against=options.against and _everywhere(options.against),
            contract=options.contract and _everywhere(options.contract),
            crops=options.crops,
            detector=_everywhere(options.detector),
            decode=options.decode,
            threads=options.threads,
            digests=digests,
        )
        return sharded(faces, pipeline, engine, folder=folder, size=size, progress=progress)

    return measure


def _everywhere(name: str) -> str:
    """Return a path in full, since workers run in other folders; a shipped name as it is."""
    return str(Path(name).resolve()) if Path(name).exists() else name


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _open(
    options: argparse.Namespace, name: str, delegate: DelegateSpec | None = None
) -> AgePredictor:
    model = open_model(
        name, contract_file=options.contract, threads=options.threads, delegate=delegate
    )
    return age_predictor(model, decode=options.decode)


def _faces(options: argparse.Namespace, models: Sequence[AgePredictor]) -> FaceSet:
    # In full, because workers may run in another folder.
    faces = read_faces(Path(options.faces).resolve(), names=options.names)
    if options.part is not None:
        faces = vars(split_by_digest(faces))[options.part]
    for model in models:
        check_disjoint(range_pictures(model.contract), faces)
    if options.limit is None:
        return faces
    return faces.only(choose_stratified(faces, options.limit, seed=options.seed))


def _set(faces: FaceSet) -> dict[str, Any]:
    return {
        "path": str(faces.path),
        "digest": faces.digest,
        "pictures": len(faces.faces),
        "convention": faces.convention,
        "alignment": faces.alignment,
    }


def _detector(detector: Detector) -> dict[str, Any]:
    return {"path": "", "digest": detector.digest, "scheme": detector.scheme}


def _true_cell(true: float | list[float | None]) -> str:
    """Return an age, or a bin as 20-29 (its upper bound is outside it) or 70+."""
    if not isinstance(true, list):
        return f"{true:g}"
    low, high = true
    return f"{low:g}+" if high is None else f"{low:g}-{high - 1:g}"
