"""One network whose weights are the mean of several's that were trained on from the same start.

    python -m faceage_models.mean_weights A.keras B.keras --faces train.faces.npz --out MEAN.keras

Where the networks lie in one basin the mean errs as little as the mean of their answers, at the
cost of one (Izmailov et al., arXiv:1803.05407; Wortsman et al., arXiv:2203.05482). What its batch
normalisations subtract and divide by belongs to none of them, and is measured anew on crops as the
device cuts them, every other one mirrored.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from faceage_edge.command import run
from faceage_edge.errors import ModelFileError, UsageError
from faceage_models.age_batches import validation_crops
from faceage_models.age_pack import read_packs
from faceage_models.age_run_files import save_model
from faceage_models.crop_answers import answers_of
from faceage_models.keras_backend import training_keras
from faceage_models.keras_loading import load_keras
from faceage_models.settled import SETTLED_BY, settle

__all__ = ["main", "mean_model"]


def mean_model(models: Sequence[Any], crops: NDArray[np.uint8]) -> Any:
    """The first of several models, with the mean of all their weights.

    Args:
        models: Keras models of one architecture that take pictures as `signed-128`.
        crops: uint8 (n, size, size, 3), RGB, to measure normalisations on.

    Raises:
        ModelFileError: they are of different architectures.
    """
    weights = [model.get_weights() for model in models]
    shapes = {tuple(one.shape for one in some) for some in weights}
    if len(shapes) != 1:
        raise ModelFileError(
            "the models are of different architectures; a mean is of one network, trained on in "
            "several ways"
        )
    mean = models[0]
    mean.set_weights([np.mean(some, axis=0) for some in zip(*weights, strict=True)])
    settle(mean, [crops], answers_of(mean))
    return mean


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line.

    Returns:
        0 done, 1 our error, 2 usage.
    """
    parser = argparse.ArgumentParser(prog="python -m faceage_models.mean_weights")
    parser.add_argument("models", nargs="+", type=Path, metavar="KERAS", help="two or more")
    parser.add_argument(
        "--faces", required=True, type=Path, metavar="PACK", help="of faceage-train --pack"
    )
    parser.add_argument("--out", required=True, type=Path, metavar="KERAS", help="file to write")
    options = parser.parse_args(argv)
    return run("faceage_models.mean_weights", lambda: _write(options))


def _write(options: argparse.Namespace) -> int:
    if len(options.models) < 2:
        raise UsageError(f"a mean is of two models or more, found {len(options.models)}")
    models = [load_keras(path, training_keras()) for path in options.models]
    packs = read_packs([options.faces])
    if not packs:
        raise UsageError(f"{options.faces} holds no cut faces; write it with faceage-train --pack")
    faces = packs[0]
    every = max(len(faces.spans) // SETTLED_BY, 1)
    some = faces.only(np.arange(len(faces.spans)) % every == 0)
    crops = validation_crops(some, int(models[0].input_shape[1]))
    crops[::2] = crops[::2, :, ::-1].copy()
    save_model(mean_model(models, crops), options.out)
    print(options.out)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
