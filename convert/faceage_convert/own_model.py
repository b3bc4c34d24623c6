"""A user's own float model: its ranges, its int8 file and what that cost."""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from faceage_calibration.crops import CropMode, FaceCropper, crop_all
from faceage_calibration.faces import FaceSet
from faceage_calibration.inputs import model_inputs
from faceage_calibration.intervals import faces_needed, fit_shaped_interval
from faceage_calibration.progress import Progress
from faceage_calibration.ranges import Calibration, Ranges, record_activations
from faceage_calibration.shape_file import Shape
from faceage_convert.age_result import AgeResult, FaceRow
from faceage_convert.compare import Comparison, age_errors, check_spread, compare_ages
from faceage_convert.conversion import Converted, finish, to_quantized
from faceage_convert.faces import FaceChoice
from faceage_convert.gate import Limits, judge
from faceage_convert.ladder import REFINED, Attempt, climb
from faceage_convert.layers import LayerNoise, layer_noise
from faceage_convert.recipes import INT8, Recipe
from faceage_convert.refine import Refiner
from faceage_convert.runnable import runnable, with_first
from faceage_convert.verify import PICTURES
from faceage_edge.age import AgeModel, Ages
from faceage_edge.contract import AGE_HEADS
from faceage_edge.detector import Detector
from faceage_edge.errors import ModelFileError, UsageError
from faceage_edge.interval import IntervalShape
from faceage_edge.model import Model, load_model_bytes
from faceage_edge.two_branches import pieces_of
from faceage_models.float_source import FloatSource

__all__ = ["First", "Wish", "convert_own"]

Crops = npt.NDArray[np.uint8]
Years = npt.NDArray[np.float64]

# Share of faces whose true age the interval holds.
_COVERAGE = 0.9
_DIGITS = 10_000
# Faces on which layers are compared: their noise is a mean over thousands of values each.
_NOISE_FACES = 8
# What tells a user that something is wrong, but tells a device nothing.
_REPORT_ONLY = ("youngest", "oldest")


@dataclass(frozen=True)
class Wish:
    """What is wanted of a conversion: the recipe to begin with, `cpu` or `coral` as its target,
    what it may cost, the shape of its interval: None for one reach at every estimate; ranges that
    were learnt with the weights: None to record them; and whether an interval is fitted."""

    recipe: Recipe = INT8
    target: str = "cpu"
    limits: Limits = field(default_factory=Limits)
    shape: Shape | None = None
    learnt: Ranges | None = None
    interval: bool = True


@dataclass(frozen=True)
class First:
    """The first file of an age model of two, before and after its conversion."""

    float32: Model
    int8: Model


def convert_own(
    source: FloatSource,
    faces: FaceChoice,
    mode: CropMode,
    detector: Detector | None,
    wish: Wish,
    first: First | None = None,
) -> AgeResult:
    """Record ranges, quantize, fit an interval, measure, judge and verify.

    Args:
        source: the float model with its contract embedded.
        faces: what to calibrate and measure on.
        mode: `aligned` or `detect`.
        detector: finds the faces for `detect` crops.
        wish: how, and what it may cost.
        first: where `source` is the second file of a model of two; then ages are those of both.

    Raises:
        UsageError: the shape was fitted on estimates that another years curve had changed.
        ModelFileError: the model returns probabilities, cannot be quantized, or fails verification.
        FacesError: a picture is damaged, or the faces have too few different ages.
        QualityGateError: it costs more than it may, whatever is tried.
    """
    _check_curve(source, wish.shape)
    before, after = (None, None) if first is None else (first.float32, first.int8)
    own = load_model_bytes(source.data, source.path)
    float_model = with_first(own, before)
    cropper = FaceCropper(float_model.template, mode=mode, detector=detector)
    crops, _ = _cropped(faces.calibration, cropper, "cropping calibration faces")
    started = time.monotonic()
    seen = crops if before is None else pieces_of(before.run(crops), before, own, crops)
    ranges = wish.learnt or _ranges(source, seen, faces.calibration)
    took = time.monotonic() - started
    measure = _measurement(float_model, faces.evaluation, cropper)
    told = _told(faces, crops, cropper) if wish.interval else None
    refiner, shown = Refiner(source, ranges, seen), _shuffled(seen)

    def noise(made: Converted) -> tuple[LayerNoise, ...]:
        floating, rounded = (made.graph, source.contract), (made.data, made.contract)
        return layer_noise(floating, rounded, shown[:_NOISE_FACES], str(source.path))

    # Learnt ranges come with weights that were trained for their own rounding.
    refined = REFINED if wish.learnt is None else ()
    trial = _Trial(source, refiner, faces, wish, measure, told, after)
    climbed = climb(source, wish.recipe, wish.target, trial, noise, refined)
    taken = climbed.attempt
    finished = finish(taken.converted, shown)
    return AgeResult(
        finished,
        refiner.ranges_for(climbed.recipe),
        taken.comparison,
        verdict=taken.verdict,
        rungs=climbed.rungs,
        noise=climbed.noise,
        faces=_rows(measure, taken),
        ranges_seconds=None if wish.learnt else took,
    )


@dataclass(frozen=True)
class _Trial:
    """What each recipe is tried on; `told` is of `_told`, `first` the converted first file of a
    model of two."""

    source: FloatSource
    refiner: Refiner
    faces: FaceChoice
    wish: Wish
    measure: "_Measurement | None"
    told: tuple[Crops, Years] | None
    first: Model | None

    def __call__(self, recipe: Recipe) -> Attempt:
        """Quantize by a recipe, fit the interval, measure and judge."""
        made = to_quantized(self.source, self.refiner.ranges_for(recipe), recipe)
        if self.first is not None:
            made = _behind(made, self.first)
        run = partial(runnable, first=self.first)
        if self.told is not None:
            shape = None if self.wish.shape is None else self.wish.shape.interval
            made = _with_interval(made, run, self.told, shape)
        # Those of its ranges are stated with the ranges.
        own = (self.faces.calibration,) if self.wish.learnt is not None else ()
        apart = (*own, *self.faces.interval)
        if apart:
            made = _with_pictures(made, apart)
        return _measured(made, run, self.measure, self.wish.limits)


def _behind(made: Converted, first: Model) -> Converted:
    """The second file, which names the converted first one, not the float one any more."""
    crop = replace(made.contract.crop, of=first.digest)
    return replace(made, contract=replace(made.contract, crop=crop))


def _check_curve(source: FloatSource, shape: Shape | None) -> None:
    if shape is None:
        return
    curve = next(o.years_curve for o in source.contract.outputs if o.head in AGE_HEADS)
    # A straight curve and none are the same.
    straight = all(decoded == stated for decoded, stated in shape.years_curve)
    if curve != shape.years_curve and not (straight and not curve):
        raise UsageError(
            f"the shape goes with the years_curve {list(map(list, shape.years_curve))}, "
            f"{source.path} has {list(map(list, curve)) or 'none'}; state the curve in --contract"
        )


def _cropped(
    faces: FaceSet, cropper: FaceCropper, what: str
) -> tuple[Crops, npt.NDArray[np.bool_]]:
    return crop_all(faces, cropper, Progress(what, len(faces.faces)))


def _ranges(source: FloatSource, crops: Crops, faces: FaceSet) -> Ranges:
    batches = -(-len(crops) // source.contract.input.batch)
    recorded = record_activations(
        source.data,
        model_inputs(source.contract.input, crops),
        where=str(source.path),
        threads=2,
        progress=Progress("recording ranges", batches),
    )
    _check_logits(source, recorded.ranges)
    calibration = Calibration.of(faces, faces.faces)
    digest, means, peaks = source.contract.model_digest, recorded.means, recorded.peaks
    return Ranges(digest, recorded.ranges, calibration, means, peaks=peaks)


def _check_logits(source: FloatSource, tensors: dict[str, tuple[float, float]]) -> None:
    """Refuse probabilities where logits are decoded: they would all be read as near 0.5."""
    for output in source.contract.outputs:
        low, high = tensors.get(output.name, (0.0, 0.0))
        if output.head not in ("regression", "region") and 0 <= low < high <= 1:
            raise ModelFileError(
                f"the output {output.name!r} of {source.path} stayed within {low:.3g} to "
                f"{high:.3g} on all faces, which looks like probabilities; a {output.head} head is "
                "decoded from logits: give the model without its last activation"
            )


def _told(faces: FaceChoice, crops: Crops, cropper: FaceCropper) -> tuple[Crops, Years]:
    """The crops of all faces that an interval is fitted on, (n, height, width, 3), and their exact
    ages, (n,); faces without one are left out."""
    what = "cropping faces of the interval"
    more = [_cropped(one, cropper, what)[0] for one in faces.interval]
    people = [face for one in (faces.calibration, *faces.interval) for face in one.faces]
    exact = [i for i, face in enumerate(people) if face.label.years is not None]
    ages = np.array([people[i].label.years for i in exact], dtype=np.float64)
    return np.concatenate([crops, *more])[exact], ages


def _with_interval(
    converted: Converted,
    run: Callable[[Converted], AgeModel],
    told: tuple[Crops, Years],
    shape: IntervalShape | None,
) -> Converted:
    """Fit the interval on the int8 file's own ages of faces which the float model must not have
    been trained on."""
    crops, true = told
    if len(true) < faces_needed(_COVERAGE):
        return converted
    ages = run(converted).estimate(crops)
    interval = fit_shaped_interval(true, ages.years, ages.spread, coverage=_COVERAGE, shape=shape)
    # Outwards, so that it covers what it did; digits beyond differ between machines.
    rounded = replace(
        interval,
        low=math.floor(interval.low * _DIGITS) / _DIGITS,
        high=math.ceil(interval.high * _DIGITS) / _DIGITS,
    )
    return replace(converted, contract=replace(converted.contract, interval=rounded))


def _with_pictures(converted: Converted, sets: Sequence[FaceSet]) -> Converted:
    """State which faces the interval was fitted on, where no ranges were recorded on them."""
    pictures = "".join("".join(Calibration.of(one, one.faces).pictures) for one in sets)
    provenance = {**converted.contract.provenance, "interval_pictures": pictures}
    return replace(converted, contract=replace(converted.contract, provenance=provenance))


@dataclass(frozen=True)
class _Measurement:
    """The faces that are measured on, cut once, and what the float model says of them."""

    faces: FaceSet
    crops: Crops
    before: Ages
    mode: CropMode
    missed: int


def _measurement(
    float_model: AgeModel, faces: FaceSet, cropper: FaceCropper
) -> _Measurement | None:
    if not faces.faces:
        return None
    crops, found = _cropped(faces, cropper, "cropping evaluation faces")
    before = float_model.estimate(crops)
    return _Measurement(faces, crops, before, cropper.mode, int((~found).sum()))


def _measured(
    converted: Converted,
    run: Callable[[Converted], AgeModel],
    measure: _Measurement | None,
    limits: Limits,
) -> Attempt:
    if measure is None:
        return Attempt(converted)
    faces = measure.faces
    ages = run(converted).estimate(measure.crops)
    before, after = measure.before.years, ages.years
    labels = [face.label for face in faces.faces]
    check_spread(after, labels, str(faces.path))
    comparison = compare_ages(
        measure.before, ages, faces.faces, mode=measure.mode, missed=measure.missed
    )
    decades = [label.decade for label in labels if label.decade is not None]
    verdict = None
    if len(decades) == len(labels):
        before_errors, after_errors = age_errors(before, labels), age_errors(after, labels)
        verdict = judge(before_errors, after_errors, decades, limits)
    return Attempt(_with_figures(converted, comparison, faces), after, comparison, verdict)


def _with_figures(converted: Converted, comparison: Comparison, faces: FaceSet) -> Converted:
    figures = {
        key: _rounded(value)
        for key, value in asdict(comparison).items()
        if value is not None and key not in _REPORT_ONLY
    }
    measured = {**figures, "set": faces.path.name, "set_digest": faces.digest}
    provenance = {**converted.contract.provenance, "measured": measured}
    return replace(converted, contract=replace(converted.contract, provenance=provenance))


def _rows(measure: _Measurement | None, taken: Attempt) -> tuple[FaceRow, ...]:
    if measure is None or taken.after is None:
        return ()
    return tuple(
        FaceRow(face.name, face.digest, face.label, float(before), float(after), crop)
        for face, before, after, crop in zip(
            measure.faces.faces, measure.before.years, taken.after, measure.crops, strict=True
        )
    )


def _rounded(figure: Any) -> Any:
    """Years to four decimals: below any interval stated here."""
    if isinstance(figure, tuple):
        return [_rounded(part) for part in figure]
    if isinstance(figure, dict):
        return {key: _rounded(part) for key, part in figure.items()}
    return round(figure, 4) if isinstance(figure, float) else figure


def _shuffled(crops: Crops) -> Crops:
    """Twenty of the crops, in an order that has nothing to do with ages."""
    order = np.random.Generator(np.random.PCG64(0)).permutation(len(crops))
    return crops[order[:PICTURES]]
