"""Turn bytes of a crop into a model's input, exactly as its contract says.

A byte has 256 values, so any affine normalisation followed by quantization is a table of 256
entries a channel; looking it up is exact and needs no floating point per pixel.
"""

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from faceage_edge.contract import Input

__all__ = ["InputEncoder"]

Pictures = npt.NDArray[np.uint8]
Encoded = npt.NDArray[np.integer[Any] | np.floating[Any]]


class InputEncoder:
    """Encodes crops for one model's input."""

    def __init__(self, wanted: Input) -> None:
        """Build the table; `wanted` is the input part of the model's contract."""
        self._input = wanted
        self._dtype = np.dtype(wanted.dtype)
        normalisation = wanted.normalisation
        self._table = None
        self._xor = False
        # What the last call gave: the loop encodes hundreds of crops of one size a minute.
        self._made = np.empty((0, 0, 0, 3), np.uint8)
        if normalisation.kind == "affine":
            self._table = self._affine(np.array(normalisation.mean), np.array(normalisation.std))
            offset_binary = np.arange(256, dtype=np.uint8) ^ 0x80
            self._xor = self._dtype == np.int8 and bool(
                (self._table == offset_binary.view(np.int8)[None, :, None]).all()
            )

    def encode(self, pictures: Pictures) -> Encoded:
        """Encode crops.

        Args:
            pictures: uint8 (n, height, width, 3), BGR, in the contract's size.

        Returns:
            (n, height, width, 3) in the contract's colour order and dtype; the next call may
            overwrite it.
        """
        if self._xor:
            return self._flipped(pictures)
        if self._input.colour == "RGB":
            pictures = _swapped(pictures, np.empty_like(pictures))
        if self._table is not None:
            return self._look_up(pictures, self._table)
        encoded = [self._look_up(picture, self._own_table(picture)) for picture in pictures]
        return np.stack(encoded) if encoded else np.empty(pictures.shape, self._dtype)

    def _flipped(self, pictures: Pictures) -> Encoded:
        """Bytes less 128: their top bit the other way round."""
        if self._made.shape != pictures.shape:
            self._made = np.empty(pictures.shape, np.uint8)
        if self._input.colour == "RGB":
            pictures = _swapped(pictures, self._made)
        return np.bitwise_xor(pictures, np.uint8(0x80), out=self._made).view(np.int8)

    def _look_up(self, pictures: Pictures, table: Encoded) -> Encoded:
        flat = np.ascontiguousarray(pictures).reshape(-1, pictures.shape[-2], 3)
        if flat.size == 0:
            return np.empty(pictures.shape, self._dtype)
        return np.asarray(cv2.LUT(flat, table)).reshape(pictures.shape)

    def _own_table(self, picture: Pictures) -> Encoded:
        """The table of a crop that is standardised by its own mean and deviation.

        The floor 1/sqrt(N) is that of tf.image.per_image_standardization: a crop of one colour
        becomes zeros instead of a division by zero.
        """
        mean = float(picture.mean(dtype=np.float64))
        std = max(float(picture.std(dtype=np.float64)), 1 / np.sqrt(picture.size))
        return self._affine(np.full(3, mean), np.full(3, std))

    def _affine(self, mean: npt.NDArray[np.float64], std: npt.NDArray[np.float64]) -> Encoded:
        """The table of real = (byte - mean) / std, quantized: shape (1, 256, 3)."""
        real = (np.arange(256, dtype=np.float64)[:, None] - mean) / std
        clip = self._input.normalisation.clip
        if clip:
            real = real.clip(clip[0], clip[1])
        if self._dtype.kind == "f":
            return real.astype(np.float32)[None]
        limits = np.iinfo(self._dtype)
        quantized = np.rint(real / self._input.scale) + self._input.zero_point
        return quantized.clip(limits.min, limits.max).astype(self._dtype)[None]


def _swapped(pictures: Pictures, into: Pictures) -> Pictures:
    """Write RGB of BGR to `into`, which is returned.

    By OpenCV: numpy turns three numbers at a time, at twenty times the cost.
    """
    if pictures.size:
        rows = (-1, pictures.shape[-2], 3)
        cv2.cvtColor(pictures.reshape(rows), cv2.COLOR_BGR2RGB, dst=into.reshape(rows))
    return into
