"""Write a trained run as its authors would have: a Keras 2 `.h5`.

    python -m faceage_models.keras2_file --run RUN --out FILE.h5

RUN is a folder of `faceage-train`. The weights go layer by layer into the same network of tf_keras;
its head ends as the published ones do: CORAL's in `Dense(1)`, `Linear_1_bias` and a sigmoid, groups
and distributions in a softmax, a regression in years. FILE.json beside it is the contract.
"""

import argparse
import json
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from faceage_edge.command import run
from faceage_edge.errors import ModelFileError, missing_extra
from faceage_models.age_backbones import backbone_features
from faceage_models.coral import coral_head_class
from faceage_models.frameworks import import_keras, native_log
from faceage_models.keras_loading import load_keras
from faceage_models.known_layers import LINEAR_1_BIAS, custom_objects

__all__ = ["main", "write_keras2"]


def write_keras2(folder: Path, path: Path) -> None:
    """Write a run's best model.

    Args:
        folder: of `faceage-train`: `best.keras`, `best.json` and `train.json` are read.
        path: `.h5` to write; its contract goes beside it.

    Raises:
        ModelFileError: the folder is none, or its network is another than it says.
        MissingExtraError: Keras or tf_keras is not installed.
    """
    keras = import_keras()
    try:
        import tf_keras
    except ImportError as error:
        raise missing_extra("tf_keras", "train") from error
    try:
        options = json.loads((folder / "train.json").read_bytes())["options"]
        contract = json.loads((folder / "best.json").read_bytes())
    except (OSError, ValueError, KeyError) as error:
        raise ModelFileError(f"{folder} is no folder of faceage-train: {error}") from error
    trained = load_keras(folder / "best.keras", keras)
    pixels, features = backbone_features(
        tf_keras, options["backbone"],
        size=options["size"], alpha=options["alpha"], dropout=options["dropout"],
        normalise=options["normalise"],
    )  # fmt: skip
    answers, weights = _heads(tf_keras, trained, features, contract["outputs"])
    model = tf_keras.Model(pixels, answers, name=trained.name)
    _copy(trained, model, weights)
    beside = path.with_name(f".{path.stem}.new.h5")
    with warnings.catch_warnings(), native_log():
        warnings.filterwarnings("ignore", ".*HDF5 file", UserWarning)
        model.save(beside)
    beside.replace(path)
    contract["outputs"][0] |= {"years_scale": 1.0} if _is_regression(contract) else {}
    path.with_suffix(".contract.json").write_text(json.dumps(contract, indent=1) + "\n")


def _is_regression(contract: dict[str, Any]) -> bool:
    return bool(contract["outputs"][0]["head"] == "regression")


def _heads(
    tf_keras: Any, trained: Any, features: Any, outputs: list[dict[str, Any]]
) -> tuple[Any, dict[str, list[Any]]]:
    """What the model answers, one tensor or several, and the heads' weights by layer."""
    if len(outputs) == 1:
        return _head(tf_keras, trained.layers[-1], features, outputs[0])
    answers: list[Any] = []
    weights: dict[str, list[Any]] = {}
    for output in outputs:
        answer, own = _head(tf_keras, trained.get_layer(output["name"]), features, output)
        answers.append(answer)
        weights |= own
    return answers, weights


def _head(
    tf_keras: Any, layer: Any, features: Any, output: dict[str, Any]
) -> tuple[Any, dict[str, list[Any]]]:
    """The published head on features, and its weights by layer."""
    layers = tf_keras.layers
    if isinstance(layer, coral_head_class()):
        kernel, biases = layer.get_weights()
        number = layers.Dense(1, use_bias=False, name="shared")(features)
        ranks = custom_objects(tf_keras)[LINEAR_1_BIAS](len(biases) + 1, name="linear_1_bias")
        answer = layers.Activation("sigmoid", name="probabilities")(ranks(number))
        return answer, {"shared": [kernel], "linear_1_bias": [biases]}
    kernel, bias = layer.get_weights()
    scale = float(output.get("years_scale", 1.0)) if output["head"] == "regression" else 1.0
    activation = None if output["head"] == "regression" else "softmax"
    dense = layers.Dense(kernel.shape[1], activation=activation, name=layer.name)
    return dense(features), {layer.name: [kernel * scale, bias * scale]}


def _copy(trained: Any, model: Any, head: dict[str, list[Any]]) -> None:
    known = {layer.name: layer for layer in trained.layers}
    for layer in model.layers:
        weights = head.get(layer.name)
        if weights is None and layer.weights:
            if layer.name not in known:
                raise ModelFileError(f"the trained model has no layer {layer.name!r}")
            weights = known[layer.name].get_weights()
        if weights:
            layer.set_weights([np.asarray(value) for value in weights])


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command.

    Returns:
        0 done, 1 our error, 2 usage.
    """
    parser = argparse.ArgumentParser(prog="python -m faceage_models.keras2_file")
    parser.add_argument("--run", type=Path, required=True, metavar="DIR", help="of faceage-train")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help=".h5 to write")
    options = parser.parse_args(argv)

    def body() -> int:
        write_keras2(options.run, options.out)
        print(options.out)
        return 0

    return run("faceage_models.keras2_file", body)


if __name__ == "__main__":
    raise SystemExit(main())
