"""CORAL, rank-consistent ordinal regression (Cao, Mirjalili, Raschka, arXiv:1901.07884).

An age of K classes is K - 1 yes-or-no questions "older than k?". All of them share one weight
vector and differ in their bias only, so their probabilities never contradict each other:

    logit_k = w . x + b_k        label_k = 1 if age > k else 0        age = sum_k sigmoid(logit_k)

`CoralHead` is the layer, `coral_loss` its loss, and `fuse_head` writes it as one `Dense(K - 1)`
for export. The layer class is made on first use, so that importing this module needs no Keras.
"""

import importlib
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from faceage_edge.errors import UsageError
from faceage_models.frameworks import import_keras
from faceage_models.keras_backend import training_keras
from faceage_models.known_layers import LINEAR_1_BIAS

__all__ = [
    "CoralHead", "coral_head_class", "coral_loss", "framework_of", "fuse_head", "label_levels",
    "rank_losses", "with_plain_head",
]  # fmt: skip

RANKS_LAYER = "ranks"

CoralHead: Any  # made by `__getattr__` below


@cache
def coral_head_class() -> Any:
    """Make and register the Keras layer class `CoralHead`.

    `CoralHead(ranks)` maps features `(n, features)` float32 to logits `(n, ranks)` float32. Its
    weights are `kernel` `(features, 1)`, shared by all ranks, and `rank_bias` `(ranks,)`. The
    biases start falling evenly from 1 to 1 / ranks: the order that training must end in anyway
    (theorem 1 of the paper), so that no early step sees contradicting ranks.

    Returns:
        The class; the same object at every call.

    Raises:
        MissingExtraError: Keras is not installed.
    """
    keras = training_keras()

    @keras.saving.register_keras_serializable(package="faceage", name="CoralHead")
    class CoralHead(keras.layers.Layer):  # type: ignore[misc, name-defined]
        def __init__(self, ranks: int, **kwargs: Any) -> None:
            super().__init__(**kwargs)
            self.ranks = ranks

        def build(self, input_shape: tuple[int | None, ...]) -> None:
            self.kernel = self.add_weight(
                shape=(input_shape[-1], 1), initializer="glorot_uniform", name="kernel"
            )
            self.rank_bias = self.add_weight(
                shape=(self.ranks,), initializer="zeros", name="rank_bias"
            )
            self.rank_bias.assign(np.arange(self.ranks, 0, -1, dtype=np.float32) / self.ranks)

        def call(self, features: Any) -> Any:
            return keras.ops.matmul(features, self.kernel) + self.rank_bias

        def compute_output_shape(
            self, input_shape: tuple[int | None, ...]
        ) -> tuple[int | None, ...]:
            return (*input_shape[:-1], self.ranks)

        def get_config(self) -> dict[str, Any]:
            return {**super().get_config(), "ranks": self.ranks}

    return CoralHead


def __getattr__(name: str) -> Any:
    if name == "CoralHead":
        return coral_head_class()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def label_levels(ages: ArrayLike, *, ranks: int = 100) -> NDArray[np.float32]:
    """Turn ages into the yes-or-no labels of the ranks.

    Args:
        ages: `(n,)` ages in years, 0 or more. The last class means "`ranks` years and more".
        ranks: number of questions, one less than the number of classes.

    Returns:
        `(n, ranks)` float32 of 0 and 1; column k is 1 where the age is above k years.

    Raises:
        UsageError: an age is negative, infinite or not a number.

    >>> label_levels([0, 2, 9], ranks=3).tolist()
    [[0.0, 0.0, 0.0], [1.0, 1.0, 0.0], [1.0, 1.0, 1.0]]
    """
    years = np.asarray(ages, dtype=np.float64).reshape(-1)
    bad = ~np.isfinite(years) | (years < 0)
    if bad.any():
        raise UsageError(
            f"found the age {years[bad][0]} among the labels; ages are years from 0 up: "
            "correct or leave out that face"
        )
    return (years[:, None] > np.arange(ranks)).astype(np.float32)


def coral_loss(levels: Any, logits: Any, *, importance: ArrayLike | None = None) -> Any:
    """Compute the CORAL loss: cross-entropy summed over ranks, averaged over faces (eq. 4).

    Args:
        levels: `(n, ranks)` of 0 and 1, as `label_levels` makes them.
        logits: `(n, ranks)` real-valued output of the head.
        importance: `(ranks,)` weight of each rank; all 1 where absent.

    Returns:
        A scalar Keras tensor, 0 or more.

    Raises:
        MissingExtraError: Keras is not installed.
    """
    ops = training_keras().ops
    logits = ops.convert_to_tensor(logits)
    per_rank = rank_losses(ops.cast(levels, logits.dtype), logits)
    if importance is not None:
        per_rank = per_rank * ops.cast(ops.convert_to_tensor(importance), logits.dtype)
    return ops.mean(ops.sum(per_rank, axis=-1))


def rank_losses(levels: Any, logits: Any) -> Any:
    """Cross-entropy of each rank, a Keras tensor `(n, ranks)`, 0 or more.

    Args:
        levels: Keras tensor `(n, ranks)` of 0 and 1.
        logits: Keras tensor of the same shape and dtype.
    """
    # log(1 - sigmoid(z)) = log(sigmoid(z)) - z: stays finite where the sigmoid rounds to 1.
    log_yes = training_keras().ops.log_sigmoid(logits)
    return -(levels * log_yes + (1 - levels) * (log_yes - logits))


def fuse_head(model: Any) -> Any:
    """Rewrite a model that ends in `CoralHead` so that it ends in one plain `Dense(ranks)`.

    The shared weight vector is repeated for every rank: the same logits from one fully connected
    operation, which every runtime and accelerator has. The layers before the head are shared with
    `model`, not copied.

    Args:
        model: functional Keras model, input `(n, height, width, 3)`, last layer a `CoralHead`.

    Returns:
        A Keras model of the same input whose last layer is the Dense layer "ranks".

    Raises:
        UsageError: the model does not end in a `CoralHead`.
        MissingExtraError: Keras is not installed.
    """
    head = model.layers[-1]
    if not isinstance(head, coral_head_class()):
        raise UsageError(
            f"the last layer of model {model.name!r} is a {type(head).__name__}, expected a "
            "CoralHead: only a CORAL model has a head to fuse"
        )
    return _ending_in_dense(
        import_keras(), model, head.input, np.asarray(head.kernel), np.asarray(head.rank_bias)
    )


def with_plain_head(model: Any) -> Any:
    """The model with its CORAL head, ours or `Linear_1_bias` behind a `Dense(1)`, fused.

    Args:
        model: of Keras 3 or tf_keras, with any head; other heads stay as they are.

    Returns:
        A model that gives the same; of ranks with the sigmoid that stood behind them.
    """
    if isinstance(model.layers[-1], coral_head_class()):
        return fuse_head(model)
    layers = list(model.layers)
    last = layers.pop() if getattr(layers[-1], "activation", None) is not None else None
    if len(layers) < 2 or type(layers[-1]).__name__ != LINEAR_1_BIAS:
        return model
    shared, ranks = layers[-2], layers[-1]
    if getattr(shared, "units", None) != 1 or ranks.input is not shared.output:
        return model
    kernel, *bias = shared.get_weights()
    return _ending_in_dense(
        framework_of(model), model, shared.input, kernel,
        ranks.get_weights()[0] + (bias[0] if bias else 0.0),
        getattr(last, "activation", None),
    )  # fmt: skip


def framework_of(model: Any) -> Any:
    """The module that a Keras model is of: `keras` or `tf_keras`."""
    return importlib.import_module(type(model).__module__.split(".")[0])


def _ending_in_dense(
    keras: Any, model: Any, features: Any, kernel: Any, biases: Any, activation: Any = None
) -> Any:
    dense = keras.layers.Dense(len(biases), activation=activation, name=RANKS_LAYER)
    fused = keras.Model(model.input, dense(features), name=model.name)
    dense.set_weights([np.repeat(kernel, len(biases), axis=1), biases])
    return fused
