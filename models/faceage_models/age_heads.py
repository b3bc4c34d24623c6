"""The heads an age model can be trained with: what they give, what they learn from, their loss.

A label is a span of ages in years, `low` and `high` alike where the age is exact. A bin such as
20-29 teaches what it says and no more: of CORAL's questions those inside the span have no answer
and are left out of the loss, a distribution has to put its mass into the span, age groups have to
put it into those that overlap it, a number of years has to lie in it, an age vector is flat on it.
So exact ages and bins train one model.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from faceage_edge.age import decode_head
from faceage_edge.contract import Output
from faceage_edge.errors import UsageError
from faceage_models.age_groups import (
    GROUPS,
    Bounds,
    group_loss,
    group_prior,
    group_targets,
    parse_groups,
)
from faceage_models.age_vector import (
    DEVIATION,
    earth_mover_loss,
    vector_prior,
    vector_targets,
)
from faceage_models.coral import coral_head_class, rank_losses
from faceage_models.keras_backend import training_keras

__all__ = ["AGES", "HEADS", "RANKS", "Head", "head_named", "rank_importance", "with_distribution"]

# Classes of 0 to 100 years; who is older counts as 100 (Cao et al., arXiv:1901.07884, section 4).
AGES = 101
RANKS = AGES - 1
# Of an exact label's neighbours: faces a year or two apart look alike (Gao et al., "Deep label
# distribution learning", arXiv:1611.01731, use 2).
_LABEL_SIGMA = 2.0
_YEARS_SCALE = 100.0

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Head:
    """One kind of head.

    Attributes:
        name: as the contract calls it.
        output: from pooled features (a Keras tensor) to the head's output.
        targets: from spans, float64 (n, 2) of low and high, to what the loss compares with.
        loss: of targets and outputs, a Keras scalar for each face, (n,); the third argument is the
            importance of each rank.
        contract: what the contract says of the output, beside its kind.
        prior: from spans to the bias that answers what is usual among them.
        parts: heads whose outputs stand side by side in this one's, the first of which is the
            age and the others help to learn; none where the head is one by itself.
        beside: how many numbers stand behind the age's own.
        answers: how many of the parts the finished model gives, each as an output of its own.
    """

    name: str
    output: Callable[[Any], Any]
    targets: Callable[[NDArray[np.float64]], Floats]
    loss: Callable[[Any, Any, Any], Any]
    contract: dict[str, Any]
    prior: Callable[[NDArray[np.float64]], Floats]
    parts: tuple["Head", ...] = ()
    beside: int = 0
    answers: int = 1

    @property
    def layers(self) -> int:
        """How many of a model's last layers are the head: its parts' and what joins them."""
        return len(self.parts) + 1 if self.parts else 1

    def begin(self, model: Any, spans: NDArray[np.float64]) -> None:
        """Let the head's layer begin with what is usual among the faces.

        From nought its biases would need thousands of steps to where they belong, while the
        network before them learns from an error that is not its own.

        Args:
            model: with this head.
            spans: float64 (n, 2), ages in years.
        """
        layers = model.layers[-self.layers :]
        for part, layer in zip(self.parts or (self,), layers, strict=False):
            kernel, _ = layer.get_weights()
            layer.set_weights([kernel, part.prior(spans)])

    def answering(self, model: Any) -> Any:
        """A model with this head, without what only helps to learn; the layers are shared."""
        if not self.parts:
            return model
        outputs = [layer.output for layer in model.layers[-self.layers :][: self.answers]]
        answer = outputs if self.answers > 1 else outputs[0]
        return training_keras().Model(model.input, answer, name=model.name)

    def described(self, size: int) -> Output:
        """The head's output, of `size` numbers, as a contract says it."""
        return Output("age", self.name, "float32", 1.0, 0, size, **self.contract)

    def years(self, outputs: Floats) -> NDArray[np.float64]:
        """Ages in years, (n,), of outputs, (n, size), as the device decodes them."""
        own = outputs[:, : outputs.shape[1] - self.beside]
        years, _ = decode_head(own.astype(np.float64), self.described(own.shape[1]))
        return years


def head_named(name: str, groups: str | None = None, *, deviation: float | None = None) -> Head:
    """Return a head.

    Args:
        name: one of `HEADS`.
        groups: of a `groups` head, its age groups as `parse_groups` reads them, instead of GROUPS.
        deviation: of an `age-vector` head, its bells' in years, instead of DEVIATION.

    Raises:
        UsageError: there is none of that name, or the groups or the deviation are none.
    """
    if name not in HEADS:
        raise UsageError(f"no head {name!r}; there are {', '.join(HEADS)}")
    if name == "age-vector" and deviation is not None:
        return _vector_head(deviation)
    return HEADS[name] if groups is None else _group_head(parse_groups(groups))


def with_distribution(weight: float) -> Head:
    """A CORAL head that learns a distribution of ages on the same features, beside its ranks.

    Args:
        weight: of the distribution's loss, above 0, where that of the ranks is 1.

    Returns:
        The head; its outputs are the ranks and behind them the logits of the ages, its targets
        those of both in the same order.
    """
    coral, ages = HEADS["coral"], HEADS["distribution"]

    def output(features: Any) -> Any:
        joined = training_keras().layers.Concatenate(name="ranks_and_ages")
        return joined([coral.output(features), ages.output(features)])

    def targets(spans: NDArray[np.float64]) -> Floats:
        return np.concatenate([coral.targets(spans), ages.targets(spans)], axis=1)

    def loss(wanted: Any, found: Any, importance: Any) -> Any:
        ranks = coral.loss(wanted[:, : 2 * RANKS], found[:, :RANKS], importance)
        return ranks + weight * ages.loss(wanted[:, 2 * RANKS :], found[:, RANKS:], importance)

    return Head("coral", output, targets, loss, {}, coral.prior, (coral, ages), AGES)


def rank_importance(low: ArrayLike) -> Floats:
    """Weight of each rank by how evenly the faces divide at it (Cao et al., section 3.5).

    sqrt(max(N_k, N - N_k)) for N_k faces above rank k of N, divided by the largest of them.

    Args:
        low: (n,) ages, or the lower ends of spans, in years.

    Returns:
        float32 (100,), 0.7 to 1.
    """
    ages = np.asarray(low, np.float64).reshape(-1)
    above = (ages[:, None] > np.arange(RANKS)).sum(axis=0)
    weight = np.sqrt(np.maximum(above, ages.size - above))
    return np.asarray(weight / max(float(weight.max()), 1e-9), np.float32)


def _coral_targets(spans: NDArray[np.float64]) -> Floats:
    """(n, 2 x 100): is the face older than k, 0 or 1; and is that known, 0 or 1."""
    ranks = np.arange(RANKS)
    low, high = spans[:, :1], spans[:, 1:]
    older = low > ranks
    known = older | (high <= ranks)
    return np.concatenate([older, known], axis=1).astype(np.float32)


def _coral_loss(targets: Any, logits: Any, importance: Any) -> Any:
    ops = training_keras().ops
    older, known = targets[:, :RANKS], targets[:, RANKS:]
    return ops.sum(rank_losses(older, logits) * known * ops.convert_to_tensor(importance), axis=-1)


def _coral_prior(spans: NDArray[np.float64]) -> Floats:
    older = (spans[:, :1] > np.arange(RANKS)).mean(axis=0)
    return _logit(older, len(spans))


def _logit(share: NDArray[np.float64], count: int) -> Floats:
    """Of shares among so many; those of nobody and of everybody are off by half a face."""
    sure = np.clip(share, 0.5 / count, 1 - 0.5 / count)
    return np.asarray(np.log(sure / (1 - sure)), np.float32)


def _distribution_prior(spans: NDArray[np.float64]) -> Floats:
    wanted = _distribution_targets(spans)[:, :AGES]
    share = (wanted / wanted.sum(axis=1, keepdims=True)).mean(axis=0)
    return np.asarray(np.log(share + 1e-4), np.float32)


def _regression_prior(spans: NDArray[np.float64]) -> Floats:
    return np.asarray(
        _regression_targets(np.median(spans, axis=0, keepdims=True)).mean(axis=1), np.float32
    )


def _distribution_targets(spans: NDArray[np.float64]) -> Floats:
    """(n, 101 + 1): the wanted distribution, or which ages a span allows; and 1 for a span."""
    ages = np.arange(AGES)
    low, high = np.minimum(spans, AGES - 1)[:, :1], np.minimum(spans, AGES - 1)[:, 1:]
    bell = np.exp(-((ages - low) ** 2) / (2 * _LABEL_SIGMA**2))
    allowed = (ages >= np.floor(low)) & (ages <= high)
    is_span = high > low
    wanted = np.where(is_span, allowed, bell / bell.sum(axis=1, keepdims=True))
    return np.concatenate([wanted, is_span], axis=1).astype(np.float32)


def _distribution_loss(targets: Any, logits: Any, _importance: Any) -> Any:
    ops = training_keras().ops
    wanted, is_span = targets[:, :AGES], targets[:, AGES]
    log_shares = ops.log_softmax(logits, axis=-1)
    exact = -ops.sum(wanted * log_shares, axis=-1)
    # The logarithm of the mass inside the span: -1e9 takes what is outside away.
    inside = -ops.logsumexp(log_shares + (wanted - 1) * 1e9, axis=-1)
    return ops.where(is_span > 0, inside, exact)


def _regression_targets(spans: NDArray[np.float64]) -> Floats:
    return np.asarray(np.minimum(spans, AGES - 1) / _YEARS_SCALE, np.float32)


def _regression_loss(targets: Any, outputs: Any, _importance: Any) -> Any:
    """Years by which the answer lies outside the span."""
    ops = training_keras().ops
    value = outputs[:, 0]
    below, above = targets[:, 0] - value, value - targets[:, 1]
    return _YEARS_SCALE * ops.maximum(ops.maximum(below, above), 0.0)


def _squared_loss(targets: Any, outputs: Any, importance: Any) -> Any:
    """The square of it, of ages from 0 to 1."""
    return (_regression_loss(targets, outputs, importance) / _YEARS_SCALE) ** 2


def _dense(units: int, name: str, **more: Any) -> Callable[[Any], Any]:
    return lambda features: training_keras().layers.Dense(units, name=name, **more)(features)


def _group_head(bounds: Bounds) -> Head:
    return Head(
        "groups",
        _dense(len(bounds), "groups"),
        group_targets(bounds),
        group_loss,
        {"bounds": bounds},
        group_prior(bounds),
    )


def _vector_head(deviation: float) -> Head:
    targets = vector_targets(AGES, deviation)
    return Head(
        "distribution",
        _dense(AGES, "ages"),
        targets,
        earth_mover_loss,
        {},
        vector_prior(targets),
    )


def _coral(features: Any) -> Any:
    return coral_head_class()(RANKS, name="coral")(features)


_YEARS = {"years_scale": _YEARS_SCALE, "years_offset": 0.0}
_SINGLE = _dense(1, "years")
# Random weights of a thousand features scatter answers by more than a life, and of such errors the
# square leaves the network before them nothing else to learn from.
_FROM_NOUGHT = _dense(1, "years", kernel_initializer="zeros")

# By the name that `--head` calls them; the contract's word for two of them is another's.
HEADS = {
    "coral": Head("coral", _coral, _coral_targets, _coral_loss, {}, _coral_prior),
    "distribution": Head(
        "distribution",
        _dense(AGES, "ages"),
        _distribution_targets,
        _distribution_loss,
        {},
        _distribution_prior,
    ),
    "regression": Head(
        "regression", _SINGLE, _regression_targets, _regression_loss, _YEARS, _regression_prior
    ),
    "groups": _group_head(parse_groups(GROUPS)),
    "age-vector": _vector_head(DEVIATION),
    "regression-mse": Head(
        "regression", _FROM_NOUGHT, _regression_targets, _squared_loss, _YEARS, _regression_prior
    ),
}
