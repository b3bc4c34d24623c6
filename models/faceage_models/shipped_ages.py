"""The age models that are shipped: what they are made of, and under which terms.

Each is `models/<name>/<name>.keras`, as `faceage-train` wrote it; its card holds the commands.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from faceage_edge.errors import ModelFileError, UsageError
from faceage_models.coral import coral_head_class, fuse_head
from faceage_models.keras_loading import load_keras

__all__ = ["SHIPPED_AGES", "ShippedAge", "load_shipped", "shipped_age"]

_NO_TRADE = "non-commercial research"
_BOTH_SETS = (
    "trained on UTKFace, which is for non-commercial research, and on FairFace (Karkkainen and "
    "Joo, CC BY 4.0), from weights of HSE FaceRes (Savchenko, Apache-2.0), which were trained on "
    "VGGFace2 and IMDB-WIKI, both for research, and with such networks as teachers"
)


@dataclass(frozen=True)
class ShippedAge:
    """A shipped age model: `licence` in a few words, `terms` in full."""

    name: str
    licence: str
    terms: str


SHIPPED_AGES = {
    model.name: model
    for model in (
        ShippedAge("age-mobilenet-coral", _NO_TRADE, _BOTH_SETS),
        ShippedAge("age-tiny", _NO_TRADE, _BOTH_SETS),
        ShippedAge(
            "age-permissive",
            "CC BY 4.0",
            "trained on FairFace alone (Karkkainen and Joo, CC BY 4.0); started from MobileNetV1 "
            "weights of ImageNet (Apache-2.0)",
        ),
    )
}


def shipped_age(name: str) -> ShippedAge:
    """What is known of a shipped age model.

    Raises:
        UsageError: there is none of that name.
    """
    if name not in SHIPPED_AGES:
        raise UsageError(f"no shipped age model {name!r}; there are {', '.join(SHIPPED_AGES)}")
    return SHIPPED_AGES[name]


def load_shipped(path: Path) -> tuple[Any, list[float]]:
    """Read a trained model with a CORAL head for export.

    Args:
        path: .keras, as `faceage-train` writes it.

    Returns:
        A Keras model: input `(n, size, size, 3)` float32 RGB (u8 - 128) / 128, output "ranks"
        `(n, 100)` logits; and the biases of the ranks.

    Raises:
        ModelFileError: the file is missing, damaged, or its model has another head.
        MissingExtraError: Keras or TensorFlow is not installed.
    """
    model = load_keras(path)
    head = model.layers[-1]
    if not isinstance(head, coral_head_class()):
        raise ModelFileError(
            f"{path} ends in a {type(head).__name__}, expected a CORAL head: train it with "
            "faceage-train --head coral"
        )
    biases = np.asarray(head.rank_bias, np.float64)
    return fuse_head(model), [round(float(bias), 7) for bias in biases]
