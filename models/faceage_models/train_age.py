r"""`faceage-train`: train an age model on labelled faces.

    faceage-train --data utkface-train.tar fairface-train.tar --validate utkface-dev.tar --out RUN

Run the same command again to go on where it stopped. The result is RUN/best.keras with
RUN/best.json, its contract: `faceage-convert --model RUN/best.keras --contract RUN/best.json ...`.
"""

import argparse
import json
import os
import platform
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from faceage_calibration.progress import Progress
from faceage_edge.atomic import write_text
from faceage_edge.command import run
from faceage_edge.contract import Contract, Crop, Input, Normalisation
from faceage_edge.detector import named_detector
from faceage_edge.errors import FacesError, UsageError
from faceage_edge.geometry import CropTemplate
from faceage_models.age_backbones import age_model, take_weights
from faceage_models.age_faces import (
    TrainingFaces,
    age_batches,
    as_inputs,
    middle,
    read_training_faces,
)
from faceage_models.age_heads import AGES, head_named, rank_importance
from faceage_models.age_run import AgeRun, Epoch, Schedule, Stage
from faceage_models.float_source import SHIPPED_AGE, shipped_float
from faceage_models.keras_backend import training_keras
from faceage_models.train_options import parse_grid, training_options

__all__ = ["main"]


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
    template = crop_template(options.size, options.zoom)
    head_named(options.head)
    faces, unseen = _read(options, template)
    if not options.grid:
        best = _one_run(options, template, faces, unseen, Path(options.out))
        print(f"{Path(options.out) / 'best.keras'}: {best.mae:.3f} years in epoch {best.epoch + 1}")
        return 0
    rows = []
    for values in _combinations(parse_grid(options.grid)):
        chosen = argparse.Namespace(**(vars(options) | values))
        name = ",".join(f"{key}={value:g}" for key, value in values.items())
        best = _one_run(chosen, template, faces, unseen, Path(options.out) / name)
        rows.append([*(f"{value:g}" for value in values.values()), f"{best.mae:.4f}"])
        lines = [",".join([*values, "validation_mae_years"]), *(",".join(row) for row in rows)]
        write_text(Path(options.out) / "grid.csv", "\n".join(lines) + "\n")
        print(f"{name}: {best.mae:.3f} years", flush=True)
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


def _read(
    options: argparse.Namespace, template: CropTemplate
) -> tuple[TrainingFaces, TrainingFaces]:
    """The faces to learn from and those to choose by, which no training face may be among."""
    detector = named_detector(options.detector)
    exclude = _excluded(options.exclude)
    faces = read_training_faces(
        [Path(path) for path in options.data], template, detector,
        exclude=exclude, share=options.share, seed=options.seed,
    )  # fmt: skip
    unseen = read_training_faces([Path(path) for path in options.validate], template, detector)
    if shared := set(faces.digests) & set(unseen.digests):
        raise FacesError(
            f"{len(shared):,} faces of --validate are among those of --data; a model is chosen on "
            "faces it has not seen: take other sets"
        )
    return faces, unseen


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
    template: CropTemplate,
    faces: TrainingFaces,
    unseen: TrainingFaces,
    out: Path,
) -> Epoch:
    out.mkdir(parents=True, exist_ok=True)
    training_keras().utils.set_random_seed(options.seed)
    head = head_named(options.head)
    model = age_model(
        options.backbone, head,
        size=options.size, alpha=options.alpha, dropout=options.dropout,
    )  # fmt: skip
    if options.start:
        take_weights(model, Path(options.start))
    training = AgeRun(model, head, _schedule(options, len(faces.spans)), _importance(faces), out)
    batches = age_batches(
        faces, template, face_weights(faces.spans, options.rebalance),
        size=options.batch, seed=options.seed + training.step, targets=head.targets,
    )  # fmt: skip
    # First, so that what a stopped run leaves can be converted.
    write_text(out / "best.json", json.dumps(_contract(options, template, model), indent=1) + "\n")
    total = training.schedule.epochs * training.schedule.steps
    bar = Progress("steps", total)
    began = time.monotonic()
    best = training.train(batches, _validation(unseen, template), lambda step, _loss: bar(step))
    record = _record(options, faces, unseen, training, time.monotonic() - began)
    write_text(out / "train.json", json.dumps(record, indent=1) + "\n")
    return best


def _schedule(options: argparse.Namespace, faces: int) -> Schedule:
    stages = [Stage(options.head_epochs, "head")] if options.head_epochs else []
    if options.train_from is not None:
        stages.append(Stage(options.from_epochs, options.train_from))
    stages.append(Stage(options.epochs))
    steps = max(faces // options.batch, 1)
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
    unseen: TrainingFaces, template: CropTemplate
) -> Callable[[Callable[[NDArray[np.float32]], NDArray[np.float64]]], float]:
    crops = middle(unseen.canvases, template)

    def validate(predict: Callable[[NDArray[np.float32]], NDArray[np.float64]]) -> float:
        years = np.concatenate(
            [predict(as_inputs(crops[i : i + 512])) for i in range(0, len(crops), 512)]
        )
        low, high = unseen.spans.T
        return float(np.maximum(np.maximum(low - years, years - high), 0).mean())

    return validate


def _contract(options: argparse.Namespace, template: CropTemplate, model: Any) -> dict[str, Any]:
    """What `faceage-convert --contract` needs to know of best.keras."""
    head = head_named(options.head)
    size = int(model.output_shape[-1])
    rules = Normalisation("affine", mean=(128.0,) * 3, std=(128.0,) * 3)
    source = Input("input", 1, options.size, options.size, "RGB", "float32", 1.0, 0, rules)
    output = head.described(size)
    whole = Contract(
        "age", options.name, options.terms, source, Crop("template", template=template), (output,)
    ).to_json()
    kept = {key: whole[key] for key in ("format", "task", "name", "licence", "crop")}
    told = {key: whole["input"][key] for key in ("colour", "normalisation")}
    # The converter reads names and sizes from the file.
    (answer,) = whole["outputs"]
    return kept | {"input": told, "outputs": [{k: v for k, v in answer.items() if k != "name"}]}


def _record(
    options: argparse.Namespace,
    faces: TrainingFaces,
    unseen: TrainingFaces,
    training: AgeRun,
    seconds: float,
) -> dict[str, Any]:
    keras = training_keras()
    best = training.best
    return {
        "schema": "faceage-training/1",
        "created": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "options": {key: value for key, value in vars(options).items() if key != "grid"},
        "faces": {"training": len(faces.spans), "validation": len(unseen.spans)},
        "parameters": int(training.model.count_params()),
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


def _combinations(grid: dict[str, list[float]]) -> list[dict[str, float]]:
    return [dict(zip(grid, values, strict=True)) for values in product(*grid.values())]


if __name__ == "__main__":
    raise SystemExit(main())
