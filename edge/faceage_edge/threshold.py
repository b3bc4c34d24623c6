"""Is this person at least so old? P(age >= T), calibrated, and what a kiosk should do.

A CORAL head's ranks share one score and differ by their biases, so a track's fused age tells the
score, and the score the rank's logit: P(age >= T) = sigmoid(score + b) with the bias b of rank T.
What that sigmoid says is no frequency yet; slope and offset per threshold, fitted on held-out
faces (Platt, "Probabilistic Outputs for Support Vector Machines", 1999), make it one. They lie
beside the model, in <model>.threshold.json.
"""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from faceage_edge.age import stated_years
from faceage_edge.contract import Contract, Output
from faceage_edge.errors import ContractError, ModelFileError, UsageError
from faceage_edge.json_fields import Fields
from faceage_edge.model import read_json_beside
from faceage_edge.result import FrameResult

__all__ = [
    "TABLE_FORMAT",
    "AgeCheck",
    "RankScale",
    "ThresholdFit",
    "open_age_check",
    "table_path",
]

TABLE_FORMAT = 1
Values = npt.NDArray[np.float64]
# Scores between which every age a CORAL head can state lies: sigmoids saturate long before.
_SCORES = np.linspace(-40.0, 40.0, 8001)


class RankScale:
    """From a CORAL head's age to the logit of one of its ranks."""

    def __init__(self, contract: Contract) -> None:
        """Tabulate the head's age over its score.

        Raises:
            ContractError: the model has no CORAL head with stated biases.
        """
        heads = [output for output in contract.outputs if output.head == "coral"]
        if not heads or not heads[0].rank_bias:
            raise ContractError(
                f"model {contract.name} has no CORAL head with its rank biases, and only its ranks "
                "state a probability of being older; use one that has (such as age-mobilenet-coral)"
            )
        self._output: Output = heads[0]
        self._bias = np.array(self._output.rank_bias)
        tails = (1 + np.tanh((_SCORES[:, None] + self._bias) / 2)) / 2
        self._ages = stated_years(self._output.first_age + tails.sum(axis=1), self._output)

    def has(self, threshold: int) -> bool:
        """Whether a rank asks about this age."""
        return 0 <= threshold - 1 - self._output.first_age < self._output.size

    def rank(self, threshold: int) -> int:
        """The rank that asks whether someone is at least `threshold` years old.

        Raises:
            UsageError: the head has none.
        """
        if not self.has(threshold):
            low = self._output.first_age + 1
            raise UsageError(
                f"the model's ranks ask about ages from {low} to {low + self._output.size - 1}, "
                f"not about {threshold}"
            )
        return threshold - 1 - self._output.first_age

    def logit(self, years: npt.ArrayLike, threshold: int) -> Values:
        """The logit of P(age >= threshold) that goes with an age of this head, uncalibrated.

        Args:
            years: ages, any shape; what the head cannot state counts as the nearest it can.
            threshold: in years.
        """
        scores = np.interp(np.asarray(years, np.float64), self._ages, _SCORES)
        return np.asarray(scores + self._bias[self.rank(threshold)])


@dataclass(frozen=True)
class ThresholdFit:
    """The calibration of one threshold: P = sigmoid(slope * logit + offset).

    `n_under` and `n_over` count the faces it was fitted on.
    """

    slope: float
    offset: float
    n_under: int
    n_over: int

    def probability(self, logits: Values) -> Values:
        """P(age >= threshold), 0 to 1, from `RankScale.logit`."""
        return np.asarray((1 + np.tanh((self.slope * logits + self.offset) / 2)) / 2)


class AgeCheck:
    """Adds `over` and `answer` to the faces of a result's JSON.

    `over` is P(age >= threshold) at the track's age. `answer` is `pass` when that age is at least
    `challenge`, else `challenge`: ask for a document.
    """

    def __init__(
        self, scale: RankScale, fit: ThresholdFit, *, threshold: int, challenge: int
    ) -> None:
        self._scale = scale
        self._fit = fit
        self._threshold = threshold
        self._challenge = challenge

    def over(self, years: npt.ArrayLike) -> Values:
        """P(age >= threshold) for estimated ages in years."""
        return self._fit.probability(self._scale.logit(years, self._threshold))

    def passes(self, years: npt.ArrayLike) -> npt.NDArray[np.bool_]:
        """Whether each estimated age is at least the challenge age."""
        return np.asarray(np.asarray(years) >= self._challenge)

    def document(self, result: FrameResult) -> dict[str, Any]:
        """A result as JSON values, with the two fields at each face."""
        document = result.to_json()
        for face, entry in zip(result.faces, document["faces"], strict=True):
            entry["over"] = round(float(self.over(face.age)), 4)
            entry["answer"] = "pass" if bool(self.passes(face.age)) else "challenge"
        return document


def open_age_check(
    path: Path, contract: Contract, *, threshold: int, challenge: int | None = None
) -> AgeCheck:
    """Prepare the answers of one model.

    Args:
        path: the model's file; its table lies beside it.
        contract: the model's.
        threshold: the age in question, years.
        challenge: an estimated age from which on no document is asked for; the threshold if None.

    Raises:
        UsageError: ages that do not go together.
        ModelFileError: the model has no table, one of another model, or none for this threshold.
        ContractError: the model has no ranks.
    """
    if challenge is not None and challenge < threshold:
        raise UsageError(
            f"--challenge {challenge} is below --threshold {threshold}; it is the estimated age "
            "from which on nobody is asked, such as 25 for a threshold of 18"
        )
    scale = RankScale(contract)
    scale.rank(threshold)
    fit = _read_fit(path, contract, threshold)
    return AgeCheck(scale, fit, threshold=threshold, challenge=challenge or threshold)


def table_path(model: Path) -> Path:
    """Where a model's table of thresholds lies."""
    return model.with_suffix(".threshold.json")


def _read_fit(path: Path, contract: Contract, threshold: int) -> ThresholdFit:
    beside = table_path(path)
    remedy = f"fit it with: faceage-calibrate threshold --model {path} --faces FACES"
    if not beside.is_file():
        raise ModelFileError(
            f"there is no {beside}, so no probability of {path.name} is calibrated; {remedy}"
        )
    top = Fields(read_json_beside(beside, remedy), str(beside))
    if top.integer("format") != TABLE_FORMAT:
        raise ContractError(f"{beside} has another format than {TABLE_FORMAT}; {remedy}")
    if top.text("model_digest") != contract.model_digest:
        raise ContractError(f"{beside} belongs to another model than {path.name}; {remedy}")
    fits = top.object("thresholds")
    if not fits.has(str(threshold)):
        known = ", ".join(fits.document)
        raise UsageError(
            f"{beside} has no threshold of {threshold}: too few faces on one side of it, or it was "
            f"not asked for; it has {known}"
        )
    return _fit(fits.object(str(threshold)))


def _fit(part: Fields) -> ThresholdFit:
    return ThresholdFit(
        slope=part.number("slope", above=0.0, below=math.inf),
        offset=part.number("offset"),
        n_under=part.integer("n_under", 1),
        n_over=part.integer("n_over", 1),
    )
