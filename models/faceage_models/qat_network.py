"""An age model that trains with the rounding of int8, and what is read back from it.

The float model is taken apart (`folded_network`) and built again in tf_keras, where
tensorflow-model-optimization's wrappers round (`qat_layers`). A CORAL head stays as it is: float
and frozen, as one dense layer of its ranks, whose logits the converter rounds between fixed ends.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from faceage_edge.errors import FaceageError, ModelFileError
from faceage_models.coral import coral_head_class
from faceage_models.folded_network import Part, build_parts, folded_parts
from faceage_models.keras_backend import training_keras
from faceage_models.qat_layers import Rounding, result_sources
from faceage_models.qat_packages import import_qat

__all__ = ["QatNetwork", "check_monotone", "trainable_parts"]

Pixels = NDArray[np.float32]

# Of the largest answer: two frameworks add up in another order.
_SAME = 1e-3
_PICTURES = 8
_AT_ONCE = 64


class QatNetwork:
    """The network in tf_keras.

    Attributes:
        model: rounds; input (n, size, size, 3) float32 as the float model's, output likewise.
        learning: the variables that are trained.
        variables: all that a run's state must hold.
    """

    def __init__(self, source: Any) -> None:
        """Build it of a Keras 3 model and hold that both answer alike.

        Raises:
            UsageError: it has a layer that cannot be trained so.
            ModelFileError: its ranks contradict each other, or the two answer differently.
            MissingExtraError: the extra [qat] is not installed.
        """
        self._keras, tfmot = import_qat()
        self._parts, self._head = trainable_parts(source)
        if self._head is not None:
            check_monotone(np.asarray(self._head.rank_bias)[None], "the biases of its ranks")
        self._size = tuple(source.input_shape[1:])
        self._name = str(source.name)
        self._sources = result_sources(self._parts)
        self._rounding = Rounding(tfmot, sorted(set(self._sources.values()) - {""}))
        self._check_same(source)
        pixels = self._keras.Input(self._size, name="input")
        known = build_parts(self._keras, self._parts, pixels, self._rounding.wrap)
        self.model = self._keras.Model(pixels, self._answer(known), name=self._name)
        self.learning = [one for pair in self._rounding.weights.values() for one in pair]
        self.variables = [
            *self.learning,
            *(one for pair in self._rounding.ranges.values() for one in pair),
        ]

    def start_ranges(self, pixels: Pixels) -> None:
        """Let every range begin with what the float network shows, instead of far too wide.

        Args:
            pixels: of a few hundred faces, float32 (n, size, size, 3).
        """
        names = list(self._rounding.ranges)
        picture = self._keras.Input(self._size)
        known = build_parts(self._keras, self._parts, picture)
        float_model = self._keras.Model(picture, [known[name] for name in names])
        ends = []
        for start in range(0, len(pixels), _AT_ONCE):
            found = float_model(pixels[start : start + _AT_ONCE], training=False)
            values = found if isinstance(found, list) else [found]
            ends.append([[float(v.numpy().min()), float(v.numpy().max())] for v in values])
        lows, highs = np.min(ends, axis=0)[:, 0], np.max(ends, axis=0)[:, 1]
        for name, low, high in zip(names, lows, highs, strict=True):
            low_variable, high_variable = self._rounding.ranges[name]
            low_variable.assign(min(low, 0.0))
            high_variable.assign(max(high, 0.0))

    def ranges(self, picture: tuple[float, float]) -> dict[str, tuple[float, float]]:
        """The ranges as they are now.

        Args:
            picture: smallest and largest number of the input.

        Returns:
            (smallest, largest) of every result of the float .tflite that `float_model` becomes,
            but for the picture and the ranks, whose ranges the contract sets.
        """
        known = {"": picture}
        for name, (low, high) in self._rounding.ranges.items():
            known[name] = _shortest(low), _shortest(high)
        return {result: known[source] for result, source in self._sources.items()}

    def float_model(self) -> Any:
        """The weights as they are now in a Keras 3 model, without any rounding."""
        keras = training_keras()
        parts = [
            replace(part, weights=tuple(v.numpy() for v in self._rounding.weights[part.name]))
            if part.weights
            else part
            for part in self._parts
        ]
        pixels = keras.Input(self._size, name="input")
        known = build_parts(keras, parts, pixels)
        answer = known[parts[-1].name]
        if self._head is not None:
            head = coral_head_class()(self._head.ranks, name=self._head.name)
            answer = head(answer)
            head.set_weights(self._head.get_weights())
        return keras.Model(pixels, answer, name=self._name)

    def _answer(self, known: Mapping[str, Any]) -> Any:
        """The tied head as one dense layer that does not learn, or the last layer's own result."""
        features = known[self._parts[-1].name]
        if self._head is None:
            return features
        kernel, bias = self._head.get_weights()
        dense = self._keras.layers.Dense(len(bias), name=self._head.name, trainable=False)
        answer = dense(features)
        dense.set_weights([np.repeat(kernel, len(bias), axis=1), bias])
        return answer

    def _check_same(self, source: Any) -> None:
        pixels = self._keras.Input(self._size)
        known = build_parts(self._keras, self._parts, pixels)
        model = self._keras.Model(pixels, self._answer(known))
        pictures = np.random.default_rng(0).uniform(-1, 1, (_PICTURES, *self._size))
        theirs = np.asarray(source(pictures.astype(np.float32), training=False))
        ours = np.asarray(model(pictures.astype(np.float32), training=False))
        worst = float(np.abs(ours - theirs).max()) / max(1.0, float(np.abs(theirs).max()))
        # `not <=`, so that what is no number is refused too.
        if not worst <= _SAME:
            raise ModelFileError(
                f"{self._name} answers otherwise in tf_keras than in Keras 3: by {worst:.2g} of "
                f"its largest answer, expected {_SAME:g} at most; train it without --qat"
            )


def trainable_parts(model: Any) -> tuple[tuple[Part, ...], Any | None]:
    """A Keras 3 model's layers that are trained with rounding, and its CORAL head, if it has one.

    Raises:
        UsageError: a layer cannot be trained so.
    """
    last = model.layers[-1]
    head = last if isinstance(last, coral_head_class()) else None
    return folded_parts(model, head), head


def check_monotone(logits: NDArray[Any], what: str) -> None:
    """Hold that who is older than k years is older than k - 1 too.

    Args:
        logits: (n, ranks).
        what: they are, for the message.

    Raises:
        ModelFileError: a later rank is surer than an earlier one.
    """
    rise = float(np.diff(logits, axis=1).max())
    # Sums in float32 differ in their last digit.
    if rise > 1e-4:
        raise ModelFileError(
            f"{what} contradict each other: one rises by {rise:.3g} above the one before; train "
            "the CORAL model further before --qat"
        )


def _shortest(variable: Any) -> float:
    """A float32 variable as the shortest decimal that stands for it, as ranges are recorded."""
    value = float(str(np.float32(variable.numpy())))
    if not np.isfinite(value):
        raise FaceageError("a range of the network is no number any more; lower --rate")
    return value
