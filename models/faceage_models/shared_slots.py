"""Hand arrays from process to process through shared memory: a pipe takes longer than a step."""

import pickle
from dataclasses import dataclass
from multiprocessing.context import SpawnContext
from typing import Any

import numpy as np

__all__ = ["Packed", "SharedSlots"]


@dataclass(frozen=True)
class Packed:
    """An item without its arrays; these lie in a slot, `lengths` bytes each."""

    slot: int
    item: bytes
    lengths: tuple[int, ...]


class SharedSlots:
    """Blocks of memory that a process and its children share; made before the children start."""

    def __init__(self, context: SpawnContext, number: int, size: int) -> None:
        """Reserve them.

        Args:
            context: of the children.
            number: of items that may wait.
            size: of each in bytes.
        """
        self._blocks: Any = [context.RawArray("B", size) for _ in range(number)]
        self._free: Any = context.Queue()
        for index in range(number):
            self._free.put(index)

    def pack(self, item: Any, patience_s: float) -> Packed:
        """Put an item's arrays into a free slot.

        Raises:
            queue.Empty: none became free in time.
            ValueError: they are larger than a slot.
        """
        buffers: list[pickle.PickleBuffer] = []
        data = pickle.dumps(item, protocol=5, buffer_callback=buffers.append)
        views = [np.frombuffer(buffer.raw(), np.uint8) for buffer in buffers]
        whole = sum(len(view) for view in views)
        if whole > len(self._blocks[0]):
            raise ValueError(f"{whole:,} bytes for a slot of {len(self._blocks[0]):,}")
        slot: int = self._free.get(timeout=patience_s)
        block, start = np.frombuffer(self._blocks[slot], np.uint8), 0
        for view in views:
            block[start : start + len(view)] = view
            start += len(view)
        return Packed(slot, data, tuple(len(view) for view in views))

    def unpack(self, packed: Packed) -> Any:
        """Take an item out, with arrays of its own, and let its slot go."""
        block = np.frombuffer(self._blocks[packed.slot], np.uint8)
        ends = np.cumsum(packed.lengths)
        copies = [
            block[end - length : end].copy()
            for end, length in zip(ends, packed.lengths, strict=True)
        ]
        self._free.put(packed.slot)
        return pickle.loads(packed.item, buffers=copies)
