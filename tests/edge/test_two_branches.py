"""A model of two files: what is cut, what is added, and what does not belong together."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from faceage_edge.age import AgeModel
from faceage_edge.contract import Contract
from faceage_edge.errors import ContractError, ModelFileError
from faceage_edge.two_branches import TwoBranches, pieces_of, whole_beside

Golden = Callable[[str], Contract]
Pictures = npt.NDArray[np.uint8]


class Says:
    """A model that says the same of every crop, and keeps what it was shown."""

    def __init__(self, contract: Contract, **answers: list[float]) -> None:
        self.contract, self.path, self.digest = contract, Path("some.tflite"), contract.model_digest
        self._answers = answers
        self.shown: list[Pictures] = []

    def run(self, pictures: Pictures) -> dict[str, npt.NDArray[np.float32]]:
        self.shown.append(pictures)
        return {
            name: np.tile(np.array(answer, np.float32), (len(pictures), 1))
            for name, answer in self._answers.items()
        }


def both(golden: Golden, where: list[float]) -> tuple[Any, Any]:
    """The first says that the face is a child, the second that it is not."""
    whole = Says(golden("age-whole"), groups=[4.0, 5.0, 1.0], where=where)
    return whole, Says(golden("age-closer"), groups=[0.0, 0.0, 4.0])


def test_what_both_give_is_added_and_decoded_once(golden_contract: Golden) -> None:
    """Logits 4, 5 and 5 in all; crops are the first's, the interval the second's."""
    whole, closer = both(golden_contract, [0.25, 0.5, 0.75, 1.0])
    model = AgeModel(TwoBranches(whole, closer))
    assert (model.template.width, model.contract.name) == (128, "closer")
    ages = model.estimate(np.zeros((3, 128, 128, 3), np.uint8))
    shares = np.exp([4.0, 5.0, 5.0])
    shares /= shares.sum()
    years = float(shares @ [1.5, 5.5, 80.0])
    np.testing.assert_allclose(ages.years, [years] * 3, rtol=1e-6)
    np.testing.assert_allclose(ages.high - ages.years, 4 * ages.spread, rtol=1e-6)
    assert model.estimate(np.zeros((0, 128, 128, 3), np.uint8)).years.shape == (0,)


REGIONS = [
    # left, top, right, bottom; the columns and rows of the crop that are seen, note
    ([0.25, 0.5, 0.75, 1.0], (32, 95), (64, 127), "a quarter in, the lower half"),
    ([-3.0, -0.1, 0.5, 9.0], (0, 63), (0, 127), "cut off at the crop's edges"),
    ([1.0, 1.0, 1.0, 1.0], (127, 127), (127, 127), "no room: the last pixel"),
    ([0.75, 0.5, 0.25, 0.25], (96, 96), (64, 64), "turned inside out: the pixel at its place"),
    ([float("nan")] * 4, (0, 0), (0, 0), "no numbers"),
]


@pytest.mark.parametrize(("where", "columns", "rows", "note"), REGIONS)
def test_the_piece_is_the_region(
    where: list[float],
    columns: tuple[int, int],
    rows: tuple[int, int],
    note: str,
    golden_contract: Golden,
) -> None:
    """In the second's size; of a crop whose blue is the column and whose green is the row."""
    whole, closer = both(golden_contract, where)
    crop = np.zeros((1, 128, 128, 3), np.uint8)
    crop[..., 0], crop[..., 1] = np.arange(128), np.arange(128)[:, None]
    (piece,) = pieces_of(whole.run(crop), whole, closer, crop)
    assert piece.shape == (64, 96, 3)
    # Resampled by half or double: within a pixel of the region's outermost.
    found = [piece[..., channel].min().item() for channel in (0, 1)]
    found += [piece[..., channel].max().item() for channel in (0, 1)]
    wanted = [columns[0], rows[0], columns[1], rows[1]]
    np.testing.assert_allclose(found, wanted, atol=1, err_msg=note)


def test_what_does_not_belong_together(golden_contract: Golden) -> None:
    """Another first file, a first that says no region, or heads that are not alike."""
    whole, closer = both(golden_contract, [0.0, 0.0, 1.0, 1.0])
    other = Says(replace(whole.contract, provenance={"model_digest": "f" * 64}))
    with pytest.raises(ContractError, match="take the two files of one conversion"):
        TwoBranches(other, closer)  # type: ignore[arg-type]
    blind = Says(replace(whole.contract, outputs=whole.contract.outputs[:1]))
    with pytest.raises(ContractError, match="has no region output"):
        TwoBranches(blind, closer)  # type: ignore[arg-type]
    groups = replace(closer.contract.outputs[0], bounds=((0.0, 9.0), (9.0, 20.0), (20.0, 99.0)))
    with pytest.raises(ContractError, match="by different heads"):
        TwoBranches(whole, Says(replace(closer.contract, outputs=(groups,))))  # type: ignore[arg-type]


def test_the_second_alone(golden_contract: Golden, tmp_path: Path) -> None:
    """It is said which file is missing; by itself it is no age model."""
    (tmp_path / "noise.tflite").write_bytes(b"noise")
    closer = Says(golden_contract("age-closer"))
    with pytest.raises(ModelFileError, match=r"of the digest d{16}\.\.\., is not beside it"):
        whole_beside(tmp_path / "closer.tflite", closer.contract)
    with pytest.raises(ContractError, match="wants its faces cropped by region"):
        AgeModel(closer)  # type: ignore[arg-type]
