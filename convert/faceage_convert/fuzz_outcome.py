"""What a run of the fuzzer did, in rows few enough to publish."""

import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Outcome", "Progress", "Row", "SeedFile", "seed_files"]


@dataclass(frozen=True)
class SeedFile:
    """A real file that inputs begin with: its SHA-256 and its size in bytes."""

    sha256: str
    bytes: int


@dataclass(frozen=True)
class Row:
    """Executions so far and seconds since the start; `edges` of our code that inputs had reached,
    None where the engine does not look."""

    executions: int
    seconds: float
    edges: int | None = None


@dataclass(frozen=True)
class Outcome:
    """What a run did and found.

    `seed` is that of the inputs, `findings` are messages, each kind once. The last row of
    `progress` is the end.
    """

    target: str
    engine: str
    seed: int
    seed_files: tuple[SeedFile, ...]
    progress: tuple[Row, ...]
    findings: tuple[str, ...]

    @property
    def executions(self) -> int:
        """Of the whole run."""
        return self.progress[-1].executions

    @property
    def seconds(self) -> float:
        """Of the whole run."""
        return self.progress[-1].seconds


def seed_files(seeds: Sequence[bytes]) -> tuple[SeedFile, ...]:
    """Say which files a run began with."""
    return tuple(SeedFile(hashlib.sha256(data).hexdigest(), len(data)) for data in seeds)


class Progress:
    """Keeps a row whenever the executions have doubled: twenty or so for a million."""

    def __init__(self) -> None:
        """Start the clock."""
        self.started = time.monotonic()
        self._next = 1
        self._rows: list[Row] = []

    def note(self, executions: int, edges: int | None = None) -> None:
        """Keep a row if it is time for one."""
        if executions >= self._next:
            self._rows.append(self._row(executions, edges))
            self._next = 2 * executions

    def end(self, executions: int, edges: int | None = None) -> None:
        """Keep the last row."""
        self._rows.append(self._row(executions, edges))

    def rows(self) -> tuple[Row, ...]:
        """Return what was kept."""
        return tuple(self._rows)

    def _row(self, executions: int, edges: int | None) -> Row:
        return Row(executions, round(time.monotonic() - self.started, 2), edges)
