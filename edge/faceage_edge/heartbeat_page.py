"""The page of memory that a supervisor and its worker share.

A sign of life costs a store in it and no system call, outlives any way of dying, and writes
nothing anywhere. Light to import: the supervisor holds nothing else.
"""

import mmap
import os
import time
from enum import IntEnum

__all__ = ["Failure", "Field", "Page", "Stage"]

_ENVIRONMENT = "FACEAGE_HEARTBEAT"
# Room for the fields; behind it two places for a note, of some 200 people each.
_FIELD_BYTES = 4096
_NOTE_BYTES = 32768
_BYTES = _FIELD_BYTES + 2 * _NOTE_BYTES


class Field(IntEnum):
    """The 64-bit numbers of the page; times are time.monotonic_ns()."""

    STAGE = 0
    STAGE_NS = 1
    BEATS = 2
    BEAT_NS = 3
    LIVE = 4
    NEXT_FRAME = 5
    FIRST_NS = 6
    LAST_TRACK = 7
    BYTES_READ = 8
    FAILURE = 9
    DEGRADED = 10
    RESTARTS = 11
    SLOWED = 12
    NOTE = 13


class Stage(IntEnum):
    """What a worker is doing; how long it may take differs."""

    STARTING = 0
    ACCELERATOR = 1
    OPENING = 2
    WAITING = 3
    WORKING = 4
    WRITING = 5
    ENDING = 6


class Failure(IntEnum):
    """Why a worker ended with our error."""

    NONE = 0
    OTHER = 1
    SOURCE = 2
    ACCELERATOR = 3
    COMMAND = 4


class Page:
    """64-bit numbers by `Field`, all 0 at first; each is written by one side only."""

    def __init__(self, memory: mmap.mmap, descriptor: int | None = None) -> None:
        """Wrap a page of memory; `descriptor` is what a worker inherits to map it."""
        self._cells = memoryview(memory).cast("q")
        self._memory = memory
        self.descriptor = descriptor

    @classmethod
    def shared(cls) -> "Page":
        """Make a page that workers can inherit."""
        descriptor = os.memfd_create("faceage-heartbeat")
        os.ftruncate(descriptor, _BYTES)
        return cls(mmap.mmap(descriptor, _BYTES), descriptor)

    @classmethod
    def inherited(cls) -> "Page":
        """The supervisor's page, or one of our own where there is no supervisor."""
        text = os.environ.pop(_ENVIRONMENT, "")
        if not text.isdigit():
            return cls(mmap.mmap(-1, _BYTES))
        return cls(mmap.mmap(int(text), _BYTES), int(text))

    def environment(self) -> dict[str, str]:
        """The environment of a worker: our own, and where the page is."""
        return {**os.environ, _ENVIRONMENT: str(self.descriptor)}

    def __getitem__(self, field: Field) -> int:
        return int(self._cells[field])

    def __setitem__(self, field: Field, value: int) -> None:
        self._cells[field] = value

    def enter(self, stage: Stage) -> None:
        """Say what is done from now on."""
        self._cells[Field.STAGE_NS] = time.monotonic_ns()
        self._cells[Field.STAGE] = stage

    def keep(self, note: bytes) -> None:
        """Put a note in the place of the one before; one that is too long counts as none.

        Whoever dies at it leaves the old one or the new one, whole: which of the two places
        counts, and how much of it, is one number.
        """
        note = note if len(note) <= _NOTE_BYTES else b""
        place = 1 - (self[Field.NOTE] & 1)
        begin = _FIELD_BYTES + place * _NOTE_BYTES
        self._memory[begin : begin + len(note)] = note
        self[Field.NOTE] = len(note) << 1 | place

    def kept(self) -> bytes:
        """The note."""
        size, place = self[Field.NOTE] >> 1, self[Field.NOTE] & 1
        begin = _FIELD_BYTES + place * _NOTE_BYTES
        return self._memory[begin : begin + size]
