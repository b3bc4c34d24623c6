"""End the visits in an events file that whoever wrote it did not live to end.

Who counts people by `enter` and `leave` must not keep someone inside for ever because a library
crashed or the power failed. Light to import: the supervisor does it for a dead worker.
"""

import json
from pathlib import Path
from typing import Any

from faceage_edge.line_file import LineFile
from faceage_edge.visits import Reason, Visit, leave_event, noted

__all__ = ["end_abandoned"]

# Some five thousand events. Who came before as many others did, and is still there, stays there.
_TAIL_BYTES = 1 << 20


def end_abandoned(target: Path, note: bytes, reason: Reason) -> int:
    """Add a `leave` for each person who entered and did not leave.

    The file says who they are; of those in the note it is known how long they were seen, of the
    others only that they came.

    Args:
        target: the events file; where there is none, nothing is done.
        note: from `visits.note_of`, or empty.
        reason: for the events.

    Returns:
        How many there were.

    Raises:
        OutputError: the file cannot be written.
    """
    inside, now_s = _inside(target)
    if not inside:
        return 0
    known = noted(note)
    visits = [known.get(track, visit) for track, visit in inside.items()]
    now_s = max([now_s, *(visit.last_s for visit in visits)])
    events = [leave_event(visit, now_s, reason) for visit in visits]
    file = LineFile(target)
    file.open()
    try:
        file.append(json.dumps(event) + "\n" for event in events)
    finally:
        file.close()
    return len(events)


def _inside(target: Path) -> tuple[dict[int, Visit], float]:
    """Who is in view at the end of a file, by track, and the time of its last event."""
    inside: dict[int, Visit] = {}
    now_s = 0.0
    for event in _events(target):
        now_s, track = float(event["time_s"]), int(event["track"])
        if event["event"] == "enter":
            inside[track] = Visit(track, now_s, now_s, 1, face=event)
        else:
            inside.pop(track, None)
    return inside, now_s


def _events(target: Path) -> list[dict[str, Any]]:
    """The last events of a file; lines that are none, as one that was torn, are passed over."""
    if not target.is_file():
        return []
    try:
        with target.open("rb") as file:
            file.seek(max(target.stat().st_size - _TAIL_BYTES, 0))
            lines = file.read().splitlines()
    except OSError:
        return []  # One may write it and not read it.
    return [event for line in lines if (event := _event(line)) is not None]


def _event(line: bytes) -> dict[str, Any] | None:
    try:
        event = json.loads(line)
    except ValueError:
        return None
    fits = isinstance(event, dict) and event.get("event") in ("enter", "leave")
    numbers = fits and all(isinstance(event.get(name), int | float) for name in ("time_s", "track"))
    return event if numbers else None
