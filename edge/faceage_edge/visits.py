"""A person's stay in view, its events, and its note for whoever must end it.

Light to import: the supervisor writes the `leave` that a dead worker could not.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

__all__ = ["EVENTS_FORMAT", "Reason", "Visit", "enter_event", "leave_event", "note_of", "noted"]

EVENTS_FORMAT = 1
# What an event repeats of a face's last result.
_SAID = ("age", "age_low", "age_high", "gender", "gender_share", "over", "answer")

_Document = dict[str, Any]


class Reason(StrEnum):
    """Why a `leave` is written; all but the first with the person in view for all anyone knows."""

    GONE = "gone"
    ENDED = "ended"
    CRASHED = "crashed"
    LOST = "lost"


@dataclass
class Visit:
    """Times are seconds in the source; `face` is the last result of the person's face."""

    track: int
    first_s: float
    last_s: float
    frames: int = 0
    missed: int = 0
    face: Mapping[str, Any] = field(default_factory=dict)

    @property
    def said(self) -> _Document:
        """What an event says of the age, and of gender where that is asked for."""
        return {name: self.face[name] for name in _SAID if name in self.face}


def enter_event(visit: Visit, now_s: float) -> _Document:
    """Return the event of someone who came, as events.schema.json has it."""
    return _head("enter", visit, now_s) | visit.said


def leave_event(visit: Visit, now_s: float, reason: Reason) -> _Document:
    """Return the event of someone who left."""
    stay = {
        "entered_s": visit.first_s,
        "left_s": visit.last_s,
        "dwell_s": round(visit.last_s - visit.first_s, 3),
        "frames": visit.frames,
    }
    why = {"cut_short": reason is not Reason.GONE, "reason": str(reason)}
    return _head("leave", visit, now_s) | stay | visit.said | why


def note_of(visits: Iterable[Visit]) -> bytes:
    """Write down who is in view, for `noted`; empty for nobody."""
    rows = [[one.track, one.first_s, one.last_s, one.frames, one.said] for one in visits]
    return json.dumps(rows).encode() if rows else b""


def noted(note: bytes) -> dict[int, Visit]:
    """Read what `note_of` wrote, by track."""
    rows = json.loads(note) if note else []
    return {
        track: Visit(track, first_s, last_s, frames, face=said)
        for track, first_s, last_s, frames, said in rows
    }


def _head(kind: str, visit: Visit, now_s: float) -> _Document:
    return {"format": EVENTS_FORMAT, "event": kind, "time_s": now_s, "track": visit.track}
