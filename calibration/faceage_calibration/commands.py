"""What each task of `faceage-calibrate` does with its parsed command line."""

import argparse
import json
from dataclasses import replace
from pathlib import Path

import numpy as np

from faceage_calibration.alignment_measure import add_to_file, measure_alignment
from faceage_calibration.chosen_sets import chosen_sets, cropper_of, joined, read_sets
from faceage_calibration.crops import crop_sets
from faceage_calibration.detector_commands import detector_ranges
from faceage_calibration.estimates import Estimated, estimated
from faceage_calibration.faces import read_faces
from faceage_calibration.inputs import model_inputs
from faceage_calibration.interval_shape import fit_shape
from faceage_calibration.intervals import coverage_of, fit_shaped_interval
from faceage_calibration.outputs import writable
from faceage_calibration.progress import Progress
from faceage_calibration.ranges import Calibration, Ranges, record_activations, write_ranges
from faceage_calibration.shape_file import Shape, read_shape, write_shape
from faceage_calibration.years_curve import OLD, fit_years_curve
from faceage_edge.age import AgeModel, load_age_model, stated_years
from faceage_edge.atomic import write_text
from faceage_edge.bundles import find_age
from faceage_edge.contract import Contract
from faceage_edge.detector import named_detector
from faceage_edge.embedded import read_contract
from faceage_edge.errors import ModelFileError, UsageError
from faceage_edge.geometry import CropTemplate
from faceage_edge.interval import Interval, IntervalShape, interval_document
from faceage_edge.model import read_model_bytes
from faceage_edge.own_interval import interval_path

__all__ = ["alignment", "interval", "ranges", "shape"]

# The highest age that a head states which could decode any number, in years.
_HIGHEST = 100.0


def ranges(options: argparse.Namespace) -> int:
    """Record a float model's activation ranges, or those of a float detector's networks."""
    model = find_age(options.model, "float32")
    if model.is_dir():
        return detector_ranges(options, model)
    out = writable(options.out)
    data, contract = _float_age_model(model)
    sets = chosen_sets(options)
    crops, _ = crop_sets(sets, cropper_of(options, _template(contract, model)))
    recorded = record_activations(
        data,
        model_inputs(contract.input, crops),
        where=str(model),
        threads=options.threads,
        progress=Progress("ranges", -(-len(crops) // contract.input.batch)),
    )
    faces = joined(sets)
    calibration = Calibration.of(faces, faces.faces)
    digest = contract.model_digest
    means, peaks = recorded.means, recorded.peaks
    write_ranges(out, Ranges(digest, recorded.ranges, calibration, means, peaks=peaks))
    print(f"{out}: {len(recorded.ranges)} tensors over {len(crops):,} faces")
    return 0


def interval(options: argparse.Namespace) -> int:
    """Fit an age model's prediction interval and write it with what it was fitted on."""
    path = find_age(options.model)
    out = writable(options.json or str(interval_path(path)))
    # One beside the model may be another's, which is what is to be mended.
    model = load_age_model(path, threads=options.threads, own_interval=False)
    before = model.contract.interval
    shape = _shape(options.shape, before)
    found = _estimated(options, model)
    faces, truth, ages = found.faces, found.true, found.ages
    fitted = fit_shaped_interval(
        truth, ages.years, ages.spread, coverage=options.coverage, shape=shape
    )
    document = {
        "interval": interval_document(fitted),
        "covered_when_fitted": coverage_of(fitted, truth, ages.years, ages.spread),
        "model_digest": model.digest,
        "calibration": vars(Calibration.of(faces, faces.faces)),
        "crops": options.crops,
        "missed": found.missed,
    }
    write_text(out, json.dumps(document, indent=1) + "\n")
    told = f"{out}: holds {fitted.coverage:.0%} of faces like these {fitted.n:,}"
    if before is not None:
        held = coverage_of(before, truth, ages.years, ages.spread)
        told += f", of which the model's own, stating {before.coverage:.0%}, holds {held:.1%}"
    print(told)
    return 0


def _shape(file: str | None, before: Interval | None) -> IntervalShape | None:
    """Of the file; without one that of the model's own interval, whose size alone is then new."""
    if file is not None:
        return read_shape(Path(file)).interval
    return None if before is None else before.shape


def shape(options: argparse.Namespace) -> int:
    """Fit a model's years curve and the shape of its interval on many faces, and write both."""
    out = writable(options.out)
    model = load_age_model(find_age(options.model, "float32"), threads=options.threads)
    found = _estimated(options, model.without_curve())
    faces, truth, ages = found.faces, found.true, found.ages
    output = model.output
    highest = float(output.first_age + output.size) if output.head == "coral" else _HIGHEST
    curve = fit_years_curve(truth, ages.years, highest=highest, unseen=options.unseen)
    stated = stated_years(ages.years, replace(output, years_curve=curve))
    fitted = fit_shape(truth, stated, ages.spread)
    calibration = Calibration.of(faces, faces.faces)
    write_shape(out, Shape(model.contract.name, curve, fitted, calibration))
    before, after = np.abs(ages.years - truth).mean(), np.abs(stated - truth).mean()
    old = truth >= OLD
    print(
        f"{out}: {calibration.n:,} faces; mean absolute error {before:.3f} to {after:.3f} years by "
        f"the curve, signed error at {OLD:.0f} and over {(ages.years - truth)[old].mean():+.2f} to "
        f"{(stated - truth)[old].mean():+.2f}"
    )
    return 0


def _estimated(options: argparse.Namespace, model: AgeModel) -> Estimated:
    sets = read_sets(options, labelled=True)
    return estimated(sets, model, cropper_of(options, model.template))


def alignment(options: argparse.Namespace) -> int:
    """Measure a source's alignment and put it into an alignment file."""
    out = writable(options.json)
    detector = named_detector(options.detector, threads=options.threads)
    faces = read_faces(options.faces, names=options.names, labelled=False)
    measured = measure_alignment(
        faces,
        detector,
        count=options.count,
        seed=options.seed,
        progress=Progress("faces", min(options.count, len(faces.faces))),
    )
    add_to_file(out, options.convention_name, measured)
    print(json.dumps(measured.to_json()))
    return 0


def _float_age_model(path: Path) -> tuple[bytes, Contract]:
    data = read_model_bytes(path)
    sidecar = path.with_suffix(".json")
    beside = sidecar.read_bytes() if sidecar.is_file() else None
    contract = read_contract(data, str(path), sidecar=beside)
    if contract.task != "age":
        raise UsageError(
            f"{path} is one network of a {contract.task}; give the folder that holds all of them"
        )
    return data, contract


def _template(contract: Contract, path: Path) -> CropTemplate:
    if contract.crop.template is None:
        raise ModelFileError(
            f"{path} wants its faces cropped by {contract.crop.kind}; this version crops by "
            "landmark template"
        )
    return contract.crop.template
