"""An age model of two files: one looks at the whole face and says where to look closer, the other
looks there.

As one network it would end in a dense layer on the features of both branches. That layer is the sum
of one on each, so each file ends in its own, and what they give is added before it is decoded.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt

from faceage_edge.contract import AGE_HEADS, Contract, Output
from faceage_edge.crop import cut
from faceage_edge.delegates import DelegateSpec
from faceage_edge.errors import ContractError, FaceageError, ModelFileError
from faceage_edge.geometry import FrameBox
from faceage_edge.model import Model, load_model, model_contract

__all__ = [
    "TwoBranches", "load_branches", "model_files", "pieces_of", "readable_contracts",
    "says_where", "whole_beside",
]  # fmt: skip

Pictures = npt.NDArray[np.uint8]
Answers = dict[str, npt.NDArray[np.float32]]


class TwoBranches:
    """Two loaded models that answer as one. Not safe to call from two threads at once.

    `whole` is the first of them and `closer` the second, whose are `path`, `digest` and, but for
    input and crop, `contract`.
    """

    def __init__(self, whole: Model, closer: Model) -> None:
        """Join two models.

        Args:
            whole: its contract has a `region` output beside its age.
            closer: its crop is the region that this very `whole` says.

        Raises:
            ContractError: they do not belong together, or the first says no region.
        """
        _check(whole, closer)
        self.whole, self.closer = whole, closer
        # It takes what the first takes, and states what the second does: interval and all.
        self.contract: Contract = replace(
            closer.contract, crop=whole.contract.crop, input=whole.contract.input
        )
        self.path = closer.path
        self.digest = closer.digest

    def run(self, pictures: Pictures) -> Answers:
        """Run both on crops.

        Args:
            pictures: uint8 (n, height, width, 3), BGR, in the size of the first; any n.

        Returns:
            The outputs of the second as real numbers, (n, ...); those of its age with the first's
            added.
        """
        said = self.whole.run(pictures)
        answers = self.closer.run(pieces_of(said, self.whole, self.closer, pictures))
        own, other = (_age(model.contract) for model in (self.closer, self.whole))
        answers[own.name] = answers[own.name] + said[other.name].reshape(answers[own.name].shape)
        return answers


def load_branches(
    path: str | Path,
    *,
    threads: int = 1,
    xnnpack: bool = True,
    delegate: DelegateSpec | None = None,
) -> Model | TwoBranches:
    """Load a model, with its first file where it is of two.

    Args:
        path: of the file; of a model of two the second, beside which the first lies.
        threads: and the others as for `load_model`, whose errors they raise.

    Raises:
        ModelFileError: and as for `whole_beside`.
        ContractError: and as for `TwoBranches`; or it is the first of two.
    """
    load = partial(load_model, threads=threads, xnnpack=xnnpack, delegate=delegate)
    model = load(path)
    if says_where(model.contract):
        raise ContractError(
            f"{path} is the first file of an age model of two, which says only its part of an age "
            "and where the second looks closer; name the second"
        )
    if model.contract.crop.kind != "region":
        return model
    return TwoBranches(load(whole_beside(Path(path), model.contract)), model)


def pieces_of(said: Answers, whole: Model, closer: Model, pictures: Pictures) -> Pictures:
    """Cut the pieces of crops that the second model looks at.

    Args:
        said: what the first model says of the crops.
        whole: the first model.
        closer: the second, whose input has the pieces' size.
        pictures: the crops, uint8 (n, height, width, 3).

    Returns:
        uint8 (n, height, width, 3) in the second's size. Shares beyond 0 to 1 are cut off there; a
        region without room is the pixel at its place.
    """
    size = closer.contract.input
    regions = said[whole.contract.output("region").name].reshape(-1, 4)
    # Of numbers that are none a float model could give: the crop's corner, and no crash.
    shares = np.clip(np.nan_to_num(regions), 0, 1)
    pieces = np.empty((len(pictures), size.height, size.width, 3), np.uint8)
    for piece, picture, (left, top, right, bottom) in zip(pieces, pictures, shares, strict=True):
        height, width = picture.shape[:2]
        box = FrameBox(left * width, top * height, (right - left) * width, (bottom - top) * height)
        # A region at the far edge would begin behind the last pixel.
        box = FrameBox(min(box.x, width - 1), min(box.y, height - 1), box.width, box.height)
        piece[...] = cut(picture, box, size.width, size.height)
    return pieces


def says_where(contract: Contract) -> bool:
    """Tell whether a model is the first of two."""
    return any(output.head == "region" for output in contract.outputs)


def model_files(path: Path) -> tuple[Path, ...]:
    """The files of a model, without loading it: its own, after that of the first where it is the
    second of two; errors are those of `model_contract` and `whole_beside`."""
    contract = model_contract(path)
    if contract.crop.kind != "region":
        return (path,)
    return (whole_beside(path, contract), path)


def whole_beside(path: Path, contract: Contract, *, ends: Sequence[str] = ("",)) -> Path:
    """Find the first file of a model of two, in the folder of the second.

    Args:
        path: of the second.
        contract: of the second.
        ends: what may stand behind .tflite in its name.

    Raises:
        ModelFileError: it is not there.
    """
    files = (file for end in ends for file in sorted(path.parent.glob(f"*.tflite{end}")))
    for other, stated in readable_contracts(file for file in files if file != path):
        if stated.model_digest == contract.crop.of:
            return other
    raise ModelFileError(
        f"{path} looks closer at a part of a face that another model says, and that model, of the "
        f"digest {contract.crop.of[:16] or 'none'}..., is not beside it; keep the two files that "
        "faceage-convert --closer wrote in one folder"
    )


def readable_contracts(files: Iterable[Path]) -> Iterator[tuple[Path, Contract]]:
    """The contracts of model files, one after the other, without those that cannot be read."""
    for file in files:
        try:
            contract = model_contract(file)
        except FaceageError:
            continue  # another file's fault is not this model's
        yield file, contract


def _age(contract: Contract) -> Output:
    return next(output for output in contract.outputs if output.head in AGE_HEADS)


def _check(whole: Model, closer: Model) -> None:
    if closer.contract.crop.of != whole.contract.model_digest:
        raise ContractError(
            f"{closer.path} looks closer where a model of the digest "
            f"{closer.contract.crop.of[:16]} says, {whole.path} has "
            f"{whole.contract.model_digest[:16]}; take the two files of one conversion"
        )
    whole.contract.output("region")
    told = [
        (age.head, age.size, age.first_age, age.bounds, age.years_scale)
        for age in (_age(whole.contract), _age(closer.contract))
    ]
    if told[0] != told[1]:
        raise ContractError(
            f"{whole.path} and {closer.path} say ages by different heads, {told[0][:2]} and "
            f"{told[1][:2]}; what they give is added, so both must be alike"
        )
