"""Write a trained network that cuts a region out of its picture as two Keras 2 files.

The head is a dense layer on what both branches saw, side by side: the sum of one on each. So each
file ends in its own rows of it, the second with the bias, and the device adds what they give before
that is decoded. The first file also says the region. CORAL's one number is written as the ranks it
becomes, which can be added as they are.
"""

from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from faceage_edge.errors import UsageError
from faceage_models.al_resnet_regions import WHERE, closer_branch, piece_side, whole_branch
from faceage_models.coral import coral_head_class
from faceage_models.keras2_run import Run, copy_weights, read_run, write_h5

__all__ = ["PAIRS", "write_pair"]

# The backbones that become two files.
PAIRS = ("al-resnet-regions",)
# The layer, and so the output, that says ages in both.
_HEAD = "ages"
# What decodes an answer is taken off by the conversion; with it the files say shares by themselves.
_ACTIVATIONS = {"coral": "sigmoid", "groups": "softmax", "distribution": "softmax"}

Floats = NDArray[np.float32]


def write_pair(folder: Path, whole: Path, closer: Path) -> None:
    """Write the two networks of a run's best model.

    Args:
        folder: of `faceage-train`, as for `read_run`.
        whole: `.h5` to write: the network that looks at the whole face; its contract goes beside
            it, with "-whole" behind the run's name.
        closer: `.h5` to write: the one that looks closer, under the run's name.

    Raises:
        ModelFileError: the folder is none, or its network is another than it says.
        UsageError: its network is of one file, it tells gender too, or both have one path.
        MissingExtraError: Keras or tf_keras is not installed.
    """
    if whole.resolve() == closer.resolve():
        raise UsageError(f"--out and --closer are both {whole}; name two files")
    tf_keras, run = read_run(folder)
    _check(run, folder)
    first, second = _models(tf_keras, run)
    kept = {key: value for key, value in run.contract.items() if key not in ("crop", "outputs")}
    answer = run.contract["outputs"][0]
    answer |= {"name": _HEAD, **({"years_scale": 1.0} if answer["head"] == "regression" else {})}
    where = {"name": WHERE, "head": "region"}
    named = {"name": f"{kept['name']}-whole", "crop": run.contract["crop"]}
    write_h5(first, whole, kept | named | {"outputs": [answer, where]})
    write_h5(second, closer, kept | {"crop": {"kind": "region"}, "outputs": [answer]})


def _check(run: Run, folder: Path) -> None:
    backbone = run.options["backbone"]
    if backbone not in PAIRS:
        raise UsageError(
            f"the network of {folder}, {backbone}, is one file, and --closer is for those of two "
            f"({', '.join(PAIRS)}): leave it out"
        )
    if len(run.contract["outputs"]) > 1:
        raise UsageError(
            f"{folder} tells gender beside ages, and of a model of two files ages alone are added: "
            "train it without --gender"
        )


def _models(tf_keras: ModuleType, run: Run) -> tuple[Any, Any]:
    """Both networks of tf_keras, with their weights."""
    size, alpha = run.options["size"], run.options["alpha"]
    pixels, piece = (
        tf_keras.Input((side, side, 3), name="input") for side in (size, piece_side(size))
    )
    seen, where = whole_branch(tf_keras, pixels, alpha)
    looked = closer_branch(tf_keras, piece, alpha)
    answer = run.contract["outputs"][0]
    kernel, bias = _dense(run.trained.layers[-1], answer)
    parts = np.split(kernel, [seen.shape[-1]])
    made = []
    for inputs, features, beside, weights in (
        (pixels, seen, [where], [parts[0], np.zeros_like(bias)]),
        (piece, looked, [], [parts[1], bias]),
    ):
        head = tf_keras.layers.Dense(
            len(bias), activation=_ACTIVATIONS.get(answer["head"]), name=_HEAD
        )
        outputs = [head(features), *beside]
        name = f"{run.trained.name}_{'whole' if beside else 'closer'}"
        model = tf_keras.Model(inputs, outputs if beside else outputs[0], name=name)
        copy_weights(run.trained, model, {_HEAD: weights})
        made.append(model)
    return made[0], made[1]


def _dense(head: Any, answer: dict[str, Any]) -> tuple[Floats, Floats]:
    """A head as one dense layer: its kernel (features, m) and its bias (m,)."""
    kernel, bias = (np.asarray(value) for value in head.get_weights())
    if isinstance(head, coral_head_class()):
        kernel = np.repeat(kernel, len(bias), axis=1)
    # A regression ends in years.
    scale = answer.get("years_scale", 1.0) if answer["head"] == "regression" else 1.0
    return kernel * np.float32(scale), bias * np.float32(scale)
