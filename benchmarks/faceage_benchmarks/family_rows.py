"""What a published model became here: one row of the table of families, from files alone."""

import json
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from faceage_benchmarks.commands import find_command
from faceage_edge.contract import Contract
from faceage_edge.embedded import read_contract
from faceage_edge.errors import FaceageError, ModelFileError
from faceage_edge.model import read_model_bytes
from faceage_edge.two_branches import says_where

__all__ = ["PUBLISHED", "camera_loop", "family_row", "guesses", "measured_figures"]

_PROGRAM = "faceage-camera"
_CONTRACT_KEYS = ("n", "mae_float", "mae_int8", "delta_mae", "delta_mae_ci95", "set", "crops")


@dataclass(frozen=True)
class Published:
    """What a system was published as: its name, its figure in words, and the file it comes in."""

    system: str
    figure: str
    file: str


# By the name that a bundle's model has.
PUBLISHED = {
    "faceage": Published("FaceAge (AIM)", "not stated on these faces", ".h5 (Keras 2)"),
    "resnet50-regression": Published(
        "ResNet50 regression", "MAE 5.42 (its validation set)", ".pt2"
    ),
    "al-resnet": Published(
        "Deep Age / AL-ResNet", "accuracy 43.16 % / 59.04 % (14 / 8 groups)", ".h5 (Keras 2)"
    ),
    "al-resnet-8": Published(
        "Deep Age / AL-ResNet, 8 groups", "accuracy 59.04 % (Adience)", ".h5 (Keras 2)"
    ),
    "al-resnet-regions": Published(
        "Deep Age / AL-ResNet, its region cut out",
        "accuracy 43.16 % (14 groups)",
        "two .h5 (Keras 2)",
    ),
    "age-prediction-cnn": Published("age_prediction_cnn", "not stated", ".h5 (Keras 2)"),
    "age-prediction-resnet50": Published(
        "age_prediction_cnn, ResNet50 and gender", "not stated", ".h5 (Keras 2)"
    ),
    "age-prediction-regression": Published(
        "age_prediction_cnn, regression and gender", "not stated", ".h5 (Keras 2)"
    ),
    "coral-age": Published("CORAL age", "MAE 5.16 (UTKFace), 8.07 (IMDB-WIKI)", ".h5 (Keras 2)"),
    "dex": Published("DEX", "MAE 2.68 (MORPH 2), 3.09 (FG-NET)", ".h5 (Keras 2)"),
    "efficientnet-b0": Published("EfficientNet-B0", "not stated", ".h5 (Keras 2)"),
    "ssr-net": Published("SSR-Net, as shipped", "not stated on these faces", ".json and .h5"),
    "mobilenet-regressor": Published(
        "MobileNet regressor, as shipped", "not stated", ".json and .h5"
    ),
    "c3ae": Published("C3AE, as shipped", "not stated on these faces", ".h5 (Keras 2)"),
    "ssr-net-trained": Published("SSR-Net's streams", "not stated on these faces", ".h5 (Keras 2)"),
    "mobilenet-regressor-trained": Published("MobileNet regressor", "not stated", ".h5 (Keras 2)"),
    "c3ae-trained": Published("C3AE's network", "not stated on these faces", ".h5 (Keras 2)"),
}


def family_row(
    bundle: Path,
    arms: Sequence[Mapping[str, Any]] = (),
    results: Sequence[Mapping[str, Any]] = (),
) -> dict[str, Any]:
    """What a bundle's age model states of itself, and what was measured of it.

    Args:
        bundle: a folder that `faceage-convert` wrote.
        arms: results of `faceage-benchmark arm`; of two that counted it the later counts.
        results: accuracy results; that of this model takes the place of the contract's figures.

    Returns:
        `name`, `system`, `published`, `file`, `int8_bytes` (of two files of both), `model_digest`,
        `scheme`, `import_difference` (the largest difference of the imported float file's answers
        from the original's, as a share), those of `measured_figures`, and `instructions` by
        processor; None where something was not measured.

    Raises:
        ModelFileError: the folder holds no int8 age model, or several.
    """
    files = _age_files(bundle)
    contract = files[0][0]
    known = PUBLISHED.get(contract.name, Published(contract.name, "not stated", "not stated"))
    own = [one for one in results if one["model"]["digest"] == contract.model_digest]
    stated = contract.provenance.get("measured", {})
    return {
        "name": contract.name,
        "system": known.system,
        "published": known.figure,
        "file": known.file,
        "int8_bytes": sum(size for _, size in files),
        "model_digest": contract.model_digest,
        "scheme": contract.scheme,
        "import_difference": _import_difference([one for one, _ in files]),
        **{key: stated.get(key) for key in _CONTRACT_KEYS},
        **(measured_figures(own[0]) if own else {}),
        "instructions": _instructions([one for one, _ in files], arms),
    }


def _age_files(bundle: Path) -> list[tuple[Contract, int]]:
    """The int8 age model's files, each by contract and size in bytes: one, or of a model of two
    files the second, which states what was measured of both, and then the first."""
    found = []
    for path in sorted(bundle.glob("*.int8.tflite")):
        data = read_model_bytes(path)
        contract = read_contract(data, str(path))
        if contract.task == "age":
            found.append((contract, len(data)))
    stating = [one for one in found if not says_where(one[0])]
    if len(stating) != 1:
        raise ModelFileError(
            f"{bundle} holds {len(stating)} int8 age models, expected one: give a folder that "
            "faceage-convert wrote"
        )
    of = stating[0][0].crop.of
    return [*stating, *(one for one in found if of and one[0].model_digest == of)]


def _import_difference(contracts: Sequence[Contract]) -> float | None:
    """Of two files the larger."""
    stated = [one.provenance.get("import_difference") for one in contracts]
    return max((one for one in stated if one is not None), default=None)


def measured_figures(result: Mapping[str, Any]) -> dict[str, Any]:
    """What an accuracy result of an int8 model against its float file says, rounded.

    Returns:
        `n`, `mae_float`, `mae_int8`, `delta_mae`, `delta_mae_ci95` in years, `set`, `crops`; of a
        model of age groups also `groups`: how many, and `float` and `int8` with the scores of
        group_scores, and `delta_accuracy` with its interval; of one that says gender `gender`:
        `n`, `majority`, and how often `float` and `int8` are right.

    Raises:
        FaceageError: it has no second model, or bins instead of ages.
    """
    if "delta_mae" not in result:
        raise FaceageError(
            "an accuracy result compares no int8 model with its float file in years; measure with "
            "--model INT8 --against FLOAT on faces with exact ages"
        )
    figures = {
        "n": result["n"],
        "mae_float": round(result["against_figures"]["mae"], 4),
        "mae_int8": round(result["mae"], 4),
        "delta_mae": round(result["delta_mae"], 4),
        "delta_mae_ci95": [round(part, 4) for part in result["delta_mae_ci95"]],
        "set": Path(result["set"]["path"]).name,
        "crops": result["crops"],
    }
    if "group_scores" in result:
        figures["groups"] = {
            "number": len(result["group_scores"]["bounds"]),
            "float": _scores(result["against_group_scores"]),
            "int8": _scores(result["group_scores"]),
            "delta_accuracy": round(result["delta_accuracy"], 4),
            "delta_accuracy_ci95": [round(part, 4) for part in result["delta_accuracy_ci95"]],
        }
    if "gender_scores" in result:
        gender = result["gender_scores"]
        figures["gender"] = {
            "n": gender["n"],
            "majority": round(gender["majority"], 4),
            "float": round(result["against_gender_scores"]["accuracy"], 4),
            "int8": round(gender["accuracy"], 4),
        }
    return figures


def _scores(scores: Mapping[str, Any]) -> dict[str, float]:
    return {key: round(value, 4) for key, value in scores.items() if isinstance(value, float)}


def guesses(results: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """What one answer for all faces comes to, on each set that results were measured on.

    Args:
        results: accuracy results with exact ages.

    Returns:
        A set each: `set`, `n`, `median`: of its ages in years, and `mae_median`: the error of
        always saying that. No other answer for all has a smaller one, the training faces' median
        included.
    """
    found: dict[tuple[str, int], dict[str, Any]] = {}
    for result in results:
        if result["samples"]["unit"] != "years":
            continue
        ages = np.asarray(result["samples"]["true"], np.float64)
        name, median = Path(result["set"]["path"]).name, float(np.median(ages))
        found[name, ages.size] = {
            "set": name,
            "n": ages.size,
            "median": round(median, 3),
            "mae_median": round(float(np.abs(ages - median).mean()), 4),
        }
    return list(found.values())


def camera_loop(bundle: Path, clip: Path) -> dict[str, Any]:
    """Run the camera loop with a bundle's models on a clip, once through.

    Returns:
        `clip`, `frames` that it answered, `ages` that it said, and `youngest` and `oldest` in
        years (None without an age).

    Raises:
        FaceageError: the loop failed; its message stands on stderr.
    """
    command = [find_command(_PROGRAM), "--models", str(bundle), "--source", str(clip)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise FaceageError(
            f"{_PROGRAM} with {bundle} ended with code {done.returncode}; its message stands above"
        )
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    ages = [
        face["age"]
        for line in lines
        for face in line.get("faces", ())
        if face.get("age") is not None
    ]
    return {
        "clip": clip.name,
        "frames": len(lines),
        "ages": len(ages),
        "youngest": min(ages, default=None),
        "oldest": max(ages, default=None),
    }


def _instructions(
    contracts: Sequence[Contract], arms: Sequence[Mapping[str, Any]]
) -> dict[str, int | None]:
    """Of one invoke by processor, of two files of both; None where one was not counted."""
    each = [_counted(contract, arms) for contract in contracts]
    found: dict[str, int | None] = {}
    for processor in each[0]:
        counts = [count for one in each if (count := one[processor]) is not None]
        found[processor] = sum(counts) if len(counts) == len(each) else None
    return found


def _counted(contract: Contract, arms: Sequence[Mapping[str, Any]]) -> dict[str, int | None]:
    """Of one invoke by processor: of a model that was counted by its file, or as a peer by name."""
    found: dict[str, int | None] = dict.fromkeys(("cortex-a76", "cortex-a72"))
    for arm in arms:
        counted = {one["digest"]: one["name"] for one in arm.get("models", ())}
        name = counted.get(contract.model_digest, f"peer-{contract.name}")
        for processor in found:
            own = arm["processors"].get(processor, {}).get(name)
            found[processor] = own["instructions"] if own else found[processor]
    return found
