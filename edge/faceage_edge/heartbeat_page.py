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
_BYTES = 4096


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
