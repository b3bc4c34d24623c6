"""Is a converted file what it claims to be, and does it compute?"""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from faceage_convert.schemes import check_int8, check_weights, read_scheme
from faceage_edge.embedded import read_contract
from faceage_edge.errors import ModelFileError
from faceage_edge.flatbuffer import read_model_file
from faceage_edge.golden import check_golden, golden_picture
from faceage_edge.model import Model, load_model_bytes
from faceage_edge.operators import operator_names

__all__ = ["PICTURES", "Checks", "count_answers", "different_pictures", "verify_file"]

# As many pictures as the check on constant outputs looks at, and how many different answers
# a model that looks at its input must give: two like faces may share one, half of them not.
PICTURES = 20
_LEAST_ANSWERS = 10


@dataclass(frozen=True)
class Checks:
    """What verification found in one file.

    `scheme` and `operators` are read from the flatbuffer; `kernel_difference` is the largest
    difference between XNNPACK and the built-in kernels on the golden pictures, in quanta for
    integer outputs; `answers` counts the different outputs on `pictures` pictures.
    """

    scheme: str
    operators: dict[str, int]
    size_bytes: int
    kernel_difference: float
    answers: int
    pictures: int


def verify_file(data: bytes, where: str, crops: npt.NDArray[np.uint8]) -> Checks:
    """Read a converted file back and run it with and without XNNPACK.

    Args:
        data: the whole .tflite file with its contract.
        where: the file's name, for messages.
        crops: `PICTURES` pictures of the input's size that differ, uint8 (n, height, width, 3),
            BGR.

    Returns:
        What was found.

    Raises:
        ModelFileError: the file is not what its contract says, does not run, or gives the same
            answer whatever it is shown.
    """
    contract = read_contract(data, where)
    graph = read_model_file(data, where)
    scheme = read_scheme(graph)
    if scheme != contract.scheme:
        raise ModelFileError(f"{where} holds {scheme} numbers, its contract says {contract.scheme}")
    if scheme == "int8":
        check_int8(graph, where)
    else:
        check_weights(graph, where)
    fast, plain = (load_model_bytes(data, Path(where), xnnpack=use) for use in (True, False))
    check_golden(fast, "xnnpack")
    check_golden(plain, "builtin")
    answers = count_answers(fast, crops)
    # A detector of finished boxes may answer "no face" to all of them, and be right.
    finished = contract.detector is not None and contract.detector.stage == "boxes"
    if answers < _LEAST_ANSWERS and not finished:
        raise ModelFileError(
            f"{where}: the number of different answers to {len(crops)} different pictures is "
            f"{answers}, expected {_LEAST_ANSWERS} or more; the model hardly looks at its input, "
            "or its answers move by less than one int8 step: check its weights, how its input is "
            "normalised (--normalise), and the faces"
        )
    return Checks(
        scheme=scheme,
        operators=dict(Counter(operator_names(graph))),
        size_bytes=len(data),
        kernel_difference=_kernel_difference(fast),
        answers=answers,
        pictures=len(crops),
    )


def count_answers(model: Model, crops: npt.NDArray[np.uint8]) -> int:
    """How many different outputs a model gives on the pictures, all outputs taken together."""
    raw = model.run_raw(crops)
    rows = [b"".join(values[i].tobytes() for values in raw.values()) for i in range(len(crops))]
    return len(set(rows))


def different_pictures(height: int, width: int) -> npt.NDArray[np.uint8]:
    """Twenty pictures made from the drawn face where no real faces are at hand: its 16 tiles in
    twenty seeded orders. uint8 (20, height, width, 3), BGR."""
    face = golden_picture("face", height, width)
    rows = np.array_split(np.arange(height), 4)
    columns = np.array_split(np.arange(width), 4)
    tiles = [(row, column) for row in rows for column in columns]
    pictures = np.empty((PICTURES, height, width, 3), dtype=np.uint8)
    for seed, picture in enumerate(pictures):
        order = np.random.Generator(np.random.PCG64(seed)).permutation(len(tiles))
        for (row, column), source in zip(tiles, order, strict=True):
            other_row, other_column = tiles[source]
            # Tiles may differ by a pixel in size; indices repeat or are left out at the edge.
            picked_rows = np.resize(other_row, len(row))
            picked_columns = np.resize(other_column, len(column))
            picture[np.ix_(row, column)] = face[np.ix_(picked_rows, picked_columns)]
    return pictures


def _kernel_difference(model: Model) -> float:
    golden = model.contract.golden
    return max(
        float(np.abs(np.subtract(golden["xnnpack"][o.name], golden["builtin"][o.name])).max())
        for o in model.contract.outputs
    )
