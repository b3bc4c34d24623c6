"""Spoil real files at random: a few changes each, of the kinds that readers get wrong."""

from collections.abc import Sequence

import numpy as np

__all__ = ["Mutator"]

_NUMBERS = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
_WORDS = (
    b"", b"null", b"-1", b"1e999", b"NaN", b"true", b"[]", b"{}", b'"', b",", b"\n", b"\x00",
    b"999999999999999999999", b"\xff\xfe", b"\xc3\x28",
)  # fmt: skip
_MOST_CHANGES = 6


class Mutator:
    """Makes spoiled inputs from seeds, the same ones for the same number."""

    def __init__(self, seeds: Sequence[bytes], seed: int) -> None:
        """Start with real files, at least one."""
        self._seeds = list(seeds)
        self._random = np.random.Generator(np.random.PCG64(seed))

    def next(self) -> bytes:
        """The next input."""
        data = bytearray(self._seeds[self._below(len(self._seeds))])
        for _ in range(1 + self._below(_MOST_CHANGES)):
            change = self._CHANGES[self._below(len(self._CHANGES))]
            change(self, data)
        return bytes(data)

    def _below(self, end: int) -> int:
        return int(self._random.integers(0, max(end, 1)))

    def _byte(self, data: bytearray) -> None:
        if data:
            data[self._below(len(data))] = self._below(256)

    def _number(self, data: bytearray) -> None:
        # Flatbuffers keep offsets and counts at multiples of four.
        at = self._below(len(data) // 4) * 4
        value = _NUMBERS[self._below(len(_NUMBERS))]
        data[at : at + 4] = value.to_bytes(4, "little")

    def _nearby(self, data: bytearray) -> None:
        at = self._below(len(data) // 4) * 4
        value = int.from_bytes(data[at : at + 4], "little") + self._below(33) - 16
        data[at : at + 4] = (value % 2**32).to_bytes(4, "little")

    def _word(self, data: bytearray) -> None:
        at = self._below(len(data))
        data[at : at + self._below(8)] = _WORDS[self._below(len(_WORDS))]

    def _cut(self, data: bytearray) -> None:
        del data[self._below(len(data)) :]

    def _remove(self, data: bytearray) -> None:
        at = self._below(len(data))
        del data[at : at + self._below(64)]

    def _repeat(self, data: bytearray) -> None:
        at = self._below(len(data))
        data[at:at] = data[at : at + self._below(64)]

    def _splice(self, data: bytearray) -> None:
        other = self._seeds[self._below(len(self._seeds))]
        at = self._below(min(len(data), len(other)))
        data[at:] = other[at:]

    _CHANGES = (_byte, _byte, _number, _nearby, _nearby, _word, _remove, _repeat, _splice, _cut)
