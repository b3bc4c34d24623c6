"""From an age model's outputs to years, their spread and a prediction interval."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from faceage_edge.contract import AGE_HEADS, Contract, Output
from faceage_edge.delegates import DelegateSpec
from faceage_edge.errors import ContractError
from faceage_edge.geometry import CropTemplate
from faceage_edge.interval import Interval, interval_ends
from faceage_edge.model import Model
from faceage_edge.own_interval import with_own_interval
from faceage_edge.two_branches import TwoBranches, load_branches

__all__ = [
    "AgeModel", "Ages", "decode_ages", "decode_genders", "decode_head", "gender_labels",
    "group_shares", "load_age_model", "stated_years",
]  # fmt: skip

Years = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Ages:
    """Ages of n faces, float64 (n,) in years, and what a model with such an output says of gender.

    `spread` is the standard deviation of the age distribution that the head itself states, 0 for
    heads that state none. `low` and `high` bound the prediction interval of the contract; where
    the contract has none they are years - spread and years + spread. `genders` holds for each face
    the share of each label, together 1; it is empty for a model that says none.
    """

    years: Years
    spread: Years
    low: Years
    high: Years
    genders: tuple[dict[str, float], ...] = ()


class AgeModel:
    """An age model ready for crops."""

    def __init__(self, model: Model | TwoBranches, *, decode: str = "sum") -> None:
        """Wrap a loaded model, or one of two files; `decode` as for `decode_ages`.

        Raises:
            ContractError: the model is no age model, or its crop is no template crop.
        """
        self._model = model
        self._decode = decode
        self.contract: Contract = model.contract
        self.digest = model.digest
        if model.contract.task != "age":
            raise ContractError(
                f"{model.path} is a {model.contract.task} model, expected an age model"
            )
        if model.contract.crop.template is None:
            raise ContractError(
                f"{model.path} wants its faces cropped by {model.contract.crop.kind}, "
                "this version crops by landmark template"
            )
        self.template: CropTemplate = model.contract.crop.template

    @property
    def output(self) -> Output:
        """The output that the ages are decoded from."""
        return _age_output(self.contract)

    def without_curve(self) -> "AgeModel":
        """The same model, stating what its head decodes whatever `years_curve` says."""
        bare = AgeModel(self._model, decode=self._decode)
        outputs = tuple(replace(one, years_curve=()) for one in self.contract.outputs)
        bare.contract = replace(self.contract, outputs=outputs)
        return bare

    def estimate(self, crops: npt.NDArray[np.uint8]) -> Ages:
        """Estimate the ages of aligned faces, and what the model says of their genders.

        Args:
            crops: uint8 (n, height, width, 3), BGR, cut to `template`.
        """
        outputs = self._model.run(crops)
        ages = decode_ages(outputs, self.contract, decode=self._decode)
        return replace(ages, genders=decode_genders(outputs, self.contract))


def _age_output(contract: Contract) -> Output:
    output = next((o for o in contract.outputs if o.head in AGE_HEADS), None)
    if output is None:
        raise ContractError(f"model {contract.name} has no age output")
    return output


def load_age_model(
    path: Path | str,
    *,
    threads: int = 1,
    xnnpack: bool = True,
    decode: str = "sum",
    delegate: DelegateSpec | None = None,
    own_interval: bool = True,
) -> AgeModel:
    """Load an age model; arguments and errors as for `load_branches` and `AgeModel`.

    Of a model of two files `path` is the second; the first lies beside it. An interval beside the
    model (see own_interval.py) takes the place of its contract's, but with `own_interval` False.

    Raises:
        ContractError: also where that interval belongs to another model.
    """
    model = load_branches(path, threads=threads, xnnpack=xnnpack, delegate=delegate)
    if own_interval:
        model.contract = with_own_interval(model.contract, model.path)
    return AgeModel(model, decode=decode)


def decode_ages(
    outputs: dict[str, npt.NDArray[np.float32]], contract: Contract, *, decode: str = "sum"
) -> Ages:
    """Decode a model's real outputs into ages.

    Args:
        outputs: real values by output name, float32 (n, size).
        contract: says which head each output is.
        decode: for a CORAL head `sum` adds up the probabilities, `count` counts those above one
            half, as the paper does (Cao, Mirjalili, Raschka, arXiv:1901.07884, eq. 1), and leaves
            the contract's `years_curve` out.

    Raises:
        ContractError: the contract names no age head.
    """
    output = _age_output(contract)
    values = outputs[output.name].astype(np.float64).reshape(-1, output.size)
    years, spread = decode_head(values, output)
    if output.head == "coral" and decode == "count":
        # The curve is fitted on sums, and takes them to the median that a count is already.
        years = output.first_age + (values > 0).sum(axis=1).astype(np.float64)
    else:
        years = stated_years(years, output)
    low, high = _bounds(years, spread, contract.interval)
    return Ages(years, spread, low, high)


def decode_head(values: Years, output: Output) -> tuple[Years, Years]:
    """Decode one age head, without its `years_curve`.

    Args:
        values: the head's real outputs, float64 (n, size).
        output: says which head it is.

    Returns:
        Years and spread as in `Ages`.
    """
    return _DECODERS[output.head](values, output)


def group_shares(outputs: dict[str, npt.NDArray[np.float32]], contract: Contract) -> Years | None:
    """How likely each age group is, by a model whose head says groups.

    Args:
        outputs: as for `decode_ages`.
        contract: its age head's `bounds` are the groups.

    Returns:
        float64 (n, groups), each row summing to 1; None for heads of other kinds.

    Raises:
        ContractError: the contract names no age head.
    """
    output = _age_output(contract)
    if output.head != "groups":
        return None
    return _softmax(outputs[output.name].astype(np.float64).reshape(-1, output.size))


def gender_labels(contract: Contract) -> tuple[str, ...]:
    """What a model's output of gender tells apart.

    Raises:
        ContractError: the model has none, or its contract does not say what its values mean.
    """
    output = contract.output("gender")
    if not output.labels:
        raise ContractError(
            f"the contract of model {contract.name} does not say what the values of its gender "
            f"output {output.name!r} stand for; convert it with a contract that states its labels"
        )
    return output.labels


def decode_genders(
    outputs: dict[str, npt.NDArray[np.float32]], contract: Contract
) -> tuple[dict[str, float], ...]:
    """Decode a model's output of gender.

    Args:
        outputs: as for `decode_ages`.
        contract: says which output it is and what its values mean.

    Returns:
        For each face the share of each label, together 1; empty where the contract states no
        labels.
    """
    output = next((o for o in contract.outputs if o.head == "gender" and o.labels), None)
    if output is None:
        return ()
    shares = _softmax(outputs[output.name].astype(np.float64).reshape(-1, output.size))
    return tuple(dict(zip(output.labels, row.tolist(), strict=True)) for row in shares)


def _coral(logits: Years, output: Output) -> tuple[Years, Years]:
    """Sum of P(age > k); the variance of a count with these tail probabilities is
    sum (2k + 1) P(age > k) - mean^2."""
    # The logistic function, in the form that cannot overflow.
    tail = (1 + np.tanh(logits / 2)) / 2
    mean = tail.sum(axis=1)
    second = (tail * (2 * np.arange(output.size) + 1)).sum(axis=1)
    return output.first_age + mean, np.sqrt(np.maximum(second - mean**2, 0))


def _distribution(logits: Years, output: Output) -> tuple[Years, Years]:
    return _moments(_softmax(logits), output.first_age + np.arange(output.size, dtype=np.float64))


def _groups(logits: Years, output: Output) -> tuple[Years, Years]:
    centers = np.array([(low + high) / 2 for low, high in output.bounds])
    return _moments(_softmax(logits), centers)


def _regression(values: Years, output: Output) -> tuple[Years, Years]:
    years = values[:, 0] * output.years_scale + output.years_offset
    return years, np.zeros_like(years)


def _softmax(logits: Years) -> Years:
    raised = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=1, keepdims=True))


def _moments(shares: Years, ages: Years) -> tuple[Years, Years]:
    mean = shares @ ages
    return mean, np.sqrt(np.maximum(shares @ ages**2 - mean**2, 0))


_DECODERS = {
    "coral": _coral,
    "distribution": _distribution,
    "groups": _groups,
    "regression": _regression,
}


def stated_years(years: Years, output: Output) -> Years:
    """What the contract's `years_curve` makes of decoded years, (n,); the same without one."""
    if not output.years_curve:
        return years
    decoded, stated = zip(*output.years_curve, strict=True)
    return np.asarray(np.interp(years, decoded, stated))


def _bounds(years: Years, spread: Years, interval: Interval | None) -> tuple[Years, Years]:
    if interval is None:
        return years - spread, years + spread
    # Nobody is younger than 0; the bounds are moved, not the estimate.
    low, high = interval_ends(interval, years, spread)
    return np.maximum(low, 0), np.maximum(high, 0)
