"""Write a trained run as its authors would have: a Keras 2 `.h5`.

    python -m faceage_models.keras2_file --run RUN --out FILE.h5 [--closer FILE.h5]

RUN is a folder of `faceage-train`. The weights go layer by layer into the same network of tf_keras;
its head ends as the published ones do: CORAL's in `Dense(1)`, `Linear_1_bias` and a sigmoid, groups
and distributions in a softmax, a regression in years, or from 0 to 1 where it learnt squares.
FILE.contract.json beside it is the contract.
A network that cuts a region out of its picture becomes two files, see `keras2_pair`.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from faceage_edge.command import run
from faceage_edge.errors import UsageError
from faceage_models.age_backbones import backbone_features
from faceage_models.coral import coral_head_class
from faceage_models.keras2_pair import PAIRS, write_pair
from faceage_models.keras2_run import copy_weights, read_run, write_h5
from faceage_models.known_layers import LINEAR_1_BIAS, custom_objects

__all__ = ["main", "write_keras2"]


def write_keras2(folder: Path, path: Path) -> None:
    """Write a run's best model.

    Args:
        folder: of `faceage-train`, as for `read_run`.
        path: `.h5` to write; its contract goes beside it.

    Raises:
        ModelFileError: the folder is none, or its network is another than it says.
        UsageError: its network is of two files.
        MissingExtraError: Keras or tf_keras is not installed.
    """
    tf_keras, run = read_run(folder)
    options, contract = run.options, run.contract
    if options["backbone"] in PAIRS:
        raise UsageError(
            f"the network of {folder}, {options['backbone']}, cuts a region out of its picture, "
            "and such a model is two files: name the second with --closer"
        )
    pixels, features = backbone_features(
        tf_keras, options["backbone"],
        size=options["size"], alpha=options["alpha"], dropout=options["dropout"],
        normalise=options["normalise"],
    )  # fmt: skip
    factor = _published_factor(options["head"], contract["outputs"][0])
    answers, weights = _heads(tf_keras, run.trained, features, contract["outputs"], factor)
    model = tf_keras.Model(pixels, answers, name=run.trained.name)
    copy_weights(run.trained, model, weights)
    if factor != 1:
        contract["outputs"][0]["years_scale"] /= factor
    write_h5(model, path, contract)


def _published_factor(head: str, output: dict[str, Any]) -> float:
    """What the trainer's numbers are multiplied by: a regression is published in years, but that
    of age_prediction_cnn, by its squares, from 0 to 1, which is what the trainer learns."""
    return float(output["years_scale"]) if head == "regression" else 1.0


def _heads(
    tf_keras: Any, trained: Any, features: Any, outputs: list[dict[str, Any]], factor: float
) -> tuple[Any, dict[str, list[Any]]]:
    """What the model answers, one tensor or several, and the heads' weights by layer."""
    if len(outputs) == 1:
        return _head(tf_keras, trained.layers[-1], features, outputs[0], factor)
    answers: list[Any] = []
    weights: dict[str, list[Any]] = {}
    for output in outputs:
        answer, own = _head(tf_keras, trained.get_layer(output["name"]), features, output, factor)
        answers.append(answer)
        weights |= own
    return answers, weights


def _head(
    tf_keras: Any, layer: Any, features: Any, output: dict[str, Any], factor: float
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
    scale = factor if output["head"] == "regression" else 1.0
    activation = None if output["head"] == "regression" else "softmax"
    dense = layers.Dense(kernel.shape[1], activation=activation, name=layer.name)
    return dense(features), {layer.name: [kernel * scale, bias * scale]}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command.

    Returns:
        0 done, 1 our error, 2 usage.
    """
    parser = argparse.ArgumentParser(prog="python -m faceage_models.keras2_file")
    add = parser.add_argument
    add("--run", type=Path, required=True, metavar="DIR", help="of faceage-train")
    add("--out", type=Path, required=True, metavar="FILE", help=".h5 to write")
    add(
        "--closer", type=Path, metavar="FILE",
        help=".h5 of the second network, of a run whose first says where that looks closer",
    )  # fmt: skip
    options = parser.parse_args(argv)

    def body() -> int:
        if options.closer is None:
            write_keras2(options.run, options.out)
            print(options.out)
            return 0
        write_pair(options.run, options.out, options.closer)
        print(options.out, options.closer, sep="\n")
        return 0

    return run("faceage_models.keras2_file", body)


if __name__ == "__main__":
    raise SystemExit(main())
