"""Gender beside age: a second output of a model, learnt from the faces whose labels say it.

It stands in the contract, with what its two values mean; a device tells it where it is asked to.
"""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from faceage_edge.contract import Output
from faceage_models.age_faces import GENDERS
from faceage_models.age_heads import Head
from faceage_models.keras_backend import training_keras

__all__ = ["gender_output", "gender_targets", "with_gender"]

_NAME = "gender"

Floats = NDArray[np.float32]


def gender_targets(targets: Floats, genders: Floats) -> Floats:
    """Put what a gender output is to answer behind an age head's targets.

    Args:
        targets: of the age head, (n, m).
        genders: of `TrainingFaces`, (n,).

    Returns:
        float32 (n, m + 2): 1 for the face's gender and 0 for the other, both 0 where it is unknown.
    """
    wanted = genders[:, None] == np.arange(len(GENDERS))
    return np.concatenate([targets, wanted], axis=1, dtype=np.float32)


def with_gender(head: Head, weight: float) -> Head:
    """A head of ages with a gender output beside it.

    Args:
        head: of ages alone.
        weight: of the gender's cross-entropy, above 0, where the head's own loss is 1.

    Returns:
        The head. Trained, the model gives both as outputs of their own, the age first; in training
        they stand side by side, and the targets are those of `gender_targets`.
    """
    two = len(GENDERS)

    def output(features: Any) -> Any:
        layers = training_keras().layers
        age, gender = head.output(features), layers.Dense(two, name=_NAME)(features)
        return layers.Concatenate(name="age_and_gender")([age, gender])

    def loss(wanted: Any, found: Any, importance: Any) -> Any:
        ops = training_keras().ops
        shares = ops.log_softmax(found[:, -two:], axis=-1)
        missed = -ops.sum(wanted[:, -two:] * shares, axis=-1)
        return head.loss(wanted[:, :-two], found[:, :-two], importance) + weight * missed

    def prior(_: NDArray[np.float64]) -> Floats:
        return np.zeros(two, np.float32)

    # Of a part, how it begins is all that is asked.
    gender = replace(head, name=_NAME, prior=prior)
    return replace(head, output=output, loss=loss, parts=(head, gender), beside=two, answers=2)


def gender_output() -> Output:
    """The gender output as a float model's contract says it."""
    return Output(_NAME, "gender", "float32", 1.0, 0, len(GENDERS), labels=GENDERS)
