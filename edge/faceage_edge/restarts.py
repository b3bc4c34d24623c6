"""What follows when a worker ended: an end of all, or a new beginning, when, and with what."""

import signal
import time
from collections.abc import Callable
from dataclasses import dataclass

from faceage_edge.heartbeat_page import Failure

__all__ = ["Decision", "End", "Restarts"]

# Seconds before the first, second, ... new beginning in a row; the last for all after it. The
# first is at once: a crash is mostly the only one.
_DELAYS_S = (0.0, 0.5, 1.0, 2.0, 4.0)
# A worker that gave results for this long ended a row of failures.
_WELL_S = 5.0
# So many ends in a row before any result ever came are no accident.
_HOPELESS = 3
# A second death within this time is the accelerator's doing, not chance.
_ACCELERATOR_S = 120.0


@dataclass(frozen=True)
class End:
    """How a worker ended.

    `code`: its exit code, negative for a signal. `silent`: it was killed by us for its silence.
    `beats`: results it gave; `beats_ever`: with those of all before it. `lived_s`: seconds.
    `failure`: see `Failure`. `live`: its source is a camera. `exchange`: it was asked to end so
    that another can use the accelerator again.
    """

    code: int
    silent: bool = False
    beats: int = 0
    beats_ever: int = 0
    lived_s: float = 0.0
    failure: int = Failure.NONE
    live: bool = False
    exchange: bool = False


@dataclass(frozen=True)
class Decision:
    """`code` ends all with that exit code; None begins again after `delay_s`, `why` in words."""

    code: int | None = None
    delay_s: float = 0.0
    why: str = ""
    degraded: bool = False


class Restarts:
    """Decides, worker after worker."""

    def __init__(self, *, accelerated: bool, clock: Callable[[], float] = time.monotonic) -> None:
        self._accelerated = accelerated
        self._clock = clock
        self._row = 0
        self._died: list[float] = []
        self._degraded = False

    def decide(self, end: End) -> Decision:
        """Decide what follows an end that nobody asked for."""
        if end.exchange and not end.silent:
            self._degraded = False
            self._died.clear()
            return Decision(why="back to the accelerator")
        crashed = end.silent or end.code < 0 or (end.code == 1 and end.failure == Failure.NONE)
        if not crashed and not self.curable(end):
            return Decision(code=end.code)
        self._row = 1 if end.beats and end.lived_s >= _WELL_S else self._row + 1
        why = _why(end)
        self._judge_accelerator(end, crashed)
        if not end.beats_ever and self._row >= _HOPELESS:
            return Decision(
                code=1, why=f"{why}, {self._row} times in a row and before any result; giving up"
            )
        delay_s = _DELAYS_S[min(self._row, len(_DELAYS_S)) - 1]
        return Decision(delay_s=delay_s, why=why, degraded=self._degraded)

    def curable(self, end: End) -> bool:
        """Whether it was the accelerator that failed, or a camera that was lost."""
        if end.failure == Failure.ACCELERATOR:
            return self._accelerated
        return end.failure == Failure.SOURCE and end.live and bool(end.beats_ever)

    def _judge_accelerator(self, end: End, crashed: bool) -> None:
        if not self._accelerated or self._degraded:
            return
        if end.failure == Failure.ACCELERATOR and not crashed:
            self._degraded = True
        elif crashed:
            now = self._clock()
            self._died = [at for at in self._died if now - at < _ACCELERATOR_S] + [now]
            # One that never gave a result does not work; one that did may have died by chance.
            self._degraded = not end.beats or len(self._died) >= 2
        if self._degraded:
            self._row = 1


def _why(end: End) -> str:
    if end.silent:
        return "the worker was killed for its silence"
    if end.code < 0:
        return f"the worker was killed by {_signal(-end.code)}"
    if end.failure == Failure.SOURCE:
        return "the camera was lost"
    if end.failure == Failure.ACCELERATOR:
        return "the accelerator does not work"
    return f"the worker ended with code {end.code}"


def _signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
