r"""`faceage-train`: train an age model on labelled faces.

    faceage-train --data utkface-train.tar fairface-train.tar --validate utkface-dev.tar --out RUN

Run the same command again to go on where it stopped. The result is RUN/best.keras with
RUN/best.json, its contract: `faceage-convert --model RUN/best.keras --contract RUN/best.json ...`.
"""

import argparse
import contextlib
import json
import os
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from faceage_calibration.progress import Progress
from faceage_edge.atomic import write_text
from faceage_edge.command import run
from faceage_edge.detector import named_detector
from faceage_edge.errors import FacesError, UsageError
from faceage_edge.geometry import CropTemplate
from faceage_models.age_backbones import age_model, take_weights
from faceage_models.age_batches import Drawing, batches_beside, validation_crops
from faceage_models.age_faces import TrainingFaces, check_faces, read_training_faces
from faceage_models.age_gender import gender_targets, with_gender
from faceage_models.age_heads import Head, head_named, rank_importance, with_distribution
from faceage_models.age_inputs import input_named
from faceage_models.age_pack import is_pack, read_packs, write_pack
from faceage_models.age_run import AgeRun, Schedule, Stage
from faceage_models.age_run_files import Epoch
from faceage_models.age_teacher import Teachers, asked_once, kept_answers, taught
from faceage_models.age_wear import WEAR
from faceage_models.event_log import EventLog, tensorboard_parts
from faceage_models.float_source import SHIPPED_AGE, shipped_float
from faceage_models.keras_backend import training_keras
from faceage_models.qat_packages import import_qat
from faceage_models.qat_run import FaceSource, QatRun, check_trainable
from faceage_models.quick_torch import check_quick
from faceage_models.train_options import parse_grid, training_options
from faceage_models.train_record import contract_document, run_record

__all__ = ["main"]

# Pixels by which a crop's landmarks may lie elsewhere: the template follows what a set's faces
# measure on average, and measured anew that moves by a tenth of one.
_SAME_CROP = 0.25


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command.

    Returns:
        0 done, 1 our error, 2 usage, 130 stopped from the keyboard.
    """
    options = training_options(argv)
    # Read once, when TensorFlow loads: faster by far, and no result is compared by bytes.
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    return run("faceage-train", lambda: _train(options))


def _train(options: argparse.Namespace) -> int:
    if options.pack:
        return _pack(options)
    if options.tensorboard or options.logdir:
        # Looked for before the faces are cut, which takes longer.
        tensorboard_parts()
    if options.qat:
        # So is this, for the same reason.
        import_qat()
        check_trainable(_network(options, _head(options)), Path(options.start))
    if options.precision == "bfloat16":
        head, taken = _head(options), input_named(options.normalise)
        check_quick(_network(options, head), taken, head_layers=head.layers)
    teachers = Teachers([Path(path) for path in options.teacher])
    faces, unseen = _read(options, max(options.size, options.cut, *teachers.sides))
    if not options.grid:
        best = _one_run(options, teachers, faces, unseen, Path(options.out))
        print(f"{Path(options.out) / 'best.keras'}: {best.mae:.3f} years in epoch {best.epoch + 1}")
        return 0
    rows = []
    for values in _combinations(parse_grid(options.grid)):
        chosen = argparse.Namespace(**(vars(options) | values))
        name = ",".join(f"{key}={value:g}" for key, value in values.items())
        best = _one_run(chosen, teachers, faces, unseen, Path(options.out) / name)
        rows.append([*(f"{value:g}" for value in values.values()), f"{best.mae:.4f}"])
        lines = [",".join([*values, "validation_mae_years"]), *(",".join(row) for row in rows)]
        write_text(Path(options.out) / "grid.csv", "\n".join(lines) + "\n")
        print(f"{name}: {best.mae:.3f} years", flush=True)
    return 0


def _pack(options: argparse.Namespace) -> int:
    """Cut the faces of --data, or those of --validate, for another host, and stop."""
    template = crop_template(max(options.size, options.cut), options.zoom)
    faces = read_training_faces(
        [Path(path) for path in options.data or options.validate], template,
        named_detector(options.detector), exclude=_excluded(options.exclude),
        share=options.share, seed=options.seed, choosing=not options.data,
    )  # fmt: skip
    write_pack(faces, Path(options.pack), quality=options.pack_quality)
    print(f"{options.pack}: {len(faces.spans):,} faces, crops of {template.width} pixels")
    return 0


def crop_template(size: int, zoom: float = 1.0) -> CropTemplate:
    """The shipped age model's template in another size, and nearer or farther.

    Args:
        size: height and width of the crop in pixels.
        zoom: how much larger the face is in it; 1 as shipped.
    """
    known = shipped_float(SHIPPED_AGE).contract.crop.template
    assert known is not None
    # Pixel centres lie at integers, so pictures scale around -0.5.
    points = (known.points + 0.5) * (size / known.width) - 0.5
    centre = (size - 1) / 2
    return CropTemplate(size, size, np.round((points - centre) * zoom + centre, 3))


def _read(options: argparse.Namespace, side: int) -> tuple[TrainingFaces, TrainingFaces]:
    """The faces to learn from and those to choose by, which no training face may be among."""
    faces = _faces(
        options, options.data, side,
        exclude=_excluded(options.exclude), share=options.share, seed=options.seed,
    )  # fmt: skip
    unseen = _faces(options, options.validate, side, choosing=True)
    if shared := set(faces.digests) & set(unseen.digests):
        raise FacesError(
            f"{len(shared):,} faces of --validate are among those of --data; a model is chosen on "
            "faces it has not seen: take other sets"
        )
    return faces, unseen


def _faces(
    options: argparse.Namespace, paths: Sequence[str], side: int, **chosen: Any
) -> TrainingFaces:
    """Faces out of sets, to be cut, and out of files of cut ones, whose size must do."""
    packed = read_packs([Path(path) for path in paths], **chosen)
    whole = [Path(path) for path in paths if not is_pack(Path(path))]
    if packed and packed[0].template.width >= side:
        side = packed[0].template.width
    template = crop_template(side, options.zoom)
    if whole:
        packed.append(
            read_training_faces(whole, template, named_detector(options.detector), **chosen)
        )
    for part in packed:
        if not np.allclose(part.template.points, template.points, atol=_SAME_CROP):
            raise FacesError(
                f"a file of cut faces has crops of {part.template.width} pixels, expected {side} "
                f"and the face of --zoom {options.zoom:g}; cut it anew with --pack and --cut {side}"
            )
    faces = packed[0]
    for part in packed[1:]:
        faces = faces.joined(part)
    check_faces(faces, [Path(path) for path in paths])
    return faces


def _excluded(path: str | None) -> frozenset[str]:
    if path is None:
        return frozenset()
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read the list {path} of --exclude: {error}") from error
    return frozenset(line.strip() for line in text.splitlines() if line.strip())


def _one_run(
    options: argparse.Namespace,
    teachers: Teachers,
    faces: TrainingFaces,
    unseen: TrainingFaces,
    out: Path,
) -> Epoch:
    out.mkdir(parents=True, exist_ok=True)
    training_keras().utils.set_random_seed(options.seed)
    head = _head(options)
    model = _network(options, head)
    head.begin(model, faces.spans)
    if options.start:
        take_weights(model, Path(options.start))
    training = _opened(options, model, head, faces, out)
    # First, so that what a stopped run leaves can be converted.
    document = contract_document(options, model, head, crop_template(options.size, options.zoom))
    write_text(out / "best.json", json.dumps(document, indent=1) + "\n")
    total = training.schedule.epochs * training.schedule.steps
    bar = Progress("steps", total)
    began = time.monotonic()
    drawing = Drawing(
        face_weights(faces.spans, options.rebalance), options.batch, options.seed,
        (options.size,), WEAR[options.augment], first=training.step,
    )  # fmt: skip
    source = _batches(options, teachers, faces, drawing, out)
    with contextlib.closing(source) as batches, _event_log(options, out) as log:

        def ended(epoch: Epoch, rate: float) -> None:
            document = run_record(options, faces, unseen, training, time.monotonic() - began)
            write_text(out / "train.json", json.dumps(document, indent=1) + "\n")
            if log is not None:
                log(epoch, rate)

        return training.train(
            batches, _validation(unseen, options.size), lambda step, _loss: bar(step), ended=ended
        )


def _network(options: argparse.Namespace, head: Head) -> Any:
    return age_model(
        options.backbone, head,
        size=options.size, alpha=options.alpha, dropout=options.dropout,
        normalise=options.normalise,
    )  # fmt: skip


def _opened(
    options: argparse.Namespace, model: Any, head: Head, faces: TrainingFaces, out: Path
) -> AgeRun | QatRun:
    """The run in a folder, anew or where it stopped."""
    schedule, importance = _schedule(options, len(faces.spans)), _importance(faces)
    taken = input_named(options.normalise)
    if not options.qat:
        return AgeRun(model, head, schedule, importance, out, taken, options.precision)
    source = FaceSource(faces, options.size, options.seed)
    return QatRun(model, head, schedule, importance, out, taken, source)


@contextlib.contextmanager
def _event_log(
    options: argparse.Namespace, out: Path
) -> Iterator[Callable[[Epoch, float], None] | None]:
    """What is told of each epoch of the run in `out`: a folder of TensorBoard's, where wanted."""
    if options.logdir:
        # Of a grid, a folder for each run, as TensorBoard tells runs apart.
        folder = Path(options.logdir) / (out.name if options.grid else "")
    elif options.tensorboard:
        folder = out / "tensorboard"
    else:
        yield None
        return
    with EventLog(folder) as log:
        yield log.write


def _batches(
    options: argparse.Namespace,
    teachers: Teachers,
    faces: TrainingFaces,
    drawing: Drawing,
    out: Path,
) -> Generator[tuple[NDArray[np.uint8], NDArray[np.float32]]]:
    """Crops for the network, and what to learn of them: the labels, and what teachers say."""
    head, sides = _head(options), {options.size}
    told = _told(options, teachers, faces, out)
    if told is None:
        sides |= set(teachers.sides)
    drawing = replace(drawing, sides=tuple(sorted(sides)))
    with contextlib.closing(batches_beside(faces, drawing, options.workers)) as batches:
        for batch in batches:
            targets = head.targets(batch.spans)
            if options.gender:
                targets = gender_targets(targets, faces.genders[batch.chosen])
            if told is not None:
                targets = taught(targets, told[batch.chosen], options.teacher_share)
            elif teachers.sides:
                says = teachers.probabilities(batch.crops)
                targets = taught(targets, says, options.teacher_share)
            yield batch.crops[options.size], targets


def _told(
    options: argparse.Namespace, teachers: Teachers, faces: TrainingFaces, out: Path
) -> NDArray[np.float32] | None:
    """What teachers say of each face, where they are not asked about every look."""
    if options.teacher_answers:
        return kept_answers(Path(options.teacher_answers), faces)
    return asked_once(teachers, faces, out / "teachers.npz") if options.teacher_once else None


def _head(options: argparse.Namespace) -> Head:
    if options.also_distribution:
        return with_distribution(options.also_distribution)
    head = head_named(options.head, options.groups, deviation=options.age_deviation)
    return with_gender(head, options.gender) if options.gender else head


def _schedule(options: argparse.Namespace, faces: int) -> Schedule:
    stages = [Stage(options.head_epochs, "head")] if options.head_epochs else []
    if options.train_from is not None:
        stages.append(Stage(options.from_epochs, options.train_from))
    stages.append(Stage(options.epochs))
    steps = options.epoch_steps or max(faces // options.batch, 1)
    return Schedule(tuple(stages), steps, options.rate, options.decay)


def _importance(faces: TrainingFaces) -> NDArray[np.float32]:
    return rank_importance(faces.spans[:, 0])


def face_weights(spans: NDArray[np.float64], rebalance: str) -> NDArray[np.float64]:
    """How often each face is drawn.

    Args:
        spans: float64 (n, 2), ages in years.
        rebalance: `none`: all alike; `uniform`: every decade of life as often as any other;
            `sqrt`: half way between, by the square root of a decade's faces.

    Returns:
        float64 (n,), mean 1.
    """
    if rebalance == "none":
        return np.ones(len(spans))
    decades = np.minimum(spans.mean(axis=1) // 10, 9).astype(int)
    count = np.bincount(decades, minlength=10)[decades].astype(float)
    weights = 1 / (count if rebalance == "uniform" else np.sqrt(count))
    return np.asarray(weights / weights.mean())


def _validation(
    unseen: TrainingFaces, side: int
) -> Callable[[Callable[[NDArray[np.uint8]], NDArray[np.float64]]], float]:
    crops = validation_crops(unseen, side)

    def validate(predict: Callable[[NDArray[np.uint8]], NDArray[np.float64]]) -> float:
        years = predict(crops)
        low, high = unseen.spans.T
        return float(np.maximum(np.maximum(low - years, years - high), 0).mean())

    return validate


def _combinations(grid: dict[str, list[float]]) -> list[dict[str, float]]:
    return [dict(zip(grid, values, strict=True)) for values in product(*grid.values())]


if __name__ == "__main__":
    raise SystemExit(main())
