"""Crops as a float model's inputs, in batches of its size."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from faceage_edge.contract import Input
from faceage_edge.preprocess import InputEncoder

__all__ = ["model_inputs"]


def model_inputs(wanted: Input, crops: npt.NDArray[np.uint8]) -> Iterator[npt.NDArray[np.float32]]:
    """Encode crops for a float model, as its contract says and the device does.

    Args:
        wanted: the input part of the float model's contract.
        crops: uint8 (n, height, width, 3), BGR, in the contract's size.

    Yields:
        float32 (batch, height, width, 3) in the contract's colour order; the last batch is filled
        up with its last crop, which leaves every minimum and maximum as it is.
    """
    encoder = InputEncoder(wanted)
    for start in range(0, len(crops), wanted.batch):
        part = crops[start : start + wanted.batch]
        filler = np.repeat(part[-1:], wanted.batch - len(part), axis=0)
        yield encoder.encode(np.concatenate([part, filler])).astype(np.float32)
