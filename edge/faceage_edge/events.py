"""Who came and who left: `faceage-camera --events FILE`, a JSON object a line.

events.schema.json states the form. A person enters with the first frame that shows them and has
left when no frame showed them for a while, so the word of it comes that much later; the times in
the event are those of the frames.
"""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from faceage_edge.abandoned import end_abandoned
from faceage_edge.errors import OutputError
from faceage_edge.frames import Picture
from faceage_edge.line_file import LineFile
from faceage_edge.result import FrameResult
from faceage_edge.visits import EVENTS_FORMAT, Reason, Visit, enter_event, leave_event, note_of

__all__ = ["EVENTS_FORMAT", "EventFile", "Events"]

_Document = dict[str, Any]


class Events:
    """Turns results into events.

    A track that was not seen for more than `gone_s` seconds and `gone_frames` frames has left. Both
    exceed what the tracker itself bridges, so that nobody leaves who may still come back.
    """

    def __init__(self, *, gone_s: float = 2.0, gone_frames: int = 4) -> None:
        self._gone_s = gone_s
        self._gone_frames = gone_frames
        self._visits: dict[int, Visit] = {}
        self._now_s = 0.0

    def update(self, document: _Document) -> list[_Document]:
        """Take in a result and return what it tells of.

        Args:
            document: as the JSON lines have it; `time_s` does not decrease.
        """
        now = self._now_s = float(document["time_s"])
        events: list[_Document] = []
        for known in self._visits.values():
            known.missed += 1
        for face in document["faces"]:
            track = int(face["track"])
            if track not in self._visits:
                self._visits[track] = Visit(track, now, now, face=face)
                events.append(enter_event(self._visits[track], now))
            visit = self._visits[track]
            visit.last_s, visit.missed, visit.face = now, 0, face
            visit.frames += 1
        return events + list(self._left(now))

    def note(self) -> bytes:
        """Who is in view, for `end_abandoned`; empty for nobody."""
        return note_of(self._visits.values())

    def finish(self) -> list[_Document]:
        """Let everyone leave who is in view: the run ends."""
        visits, self._visits = self._visits, {}
        return [leave_event(visit, self._now_s, Reason.ENDED) for visit in visits.values()]

    def _left(self, now: float) -> Iterator[_Document]:
        for track, visit in list(self._visits.items()):
            if visit.missed > self._gone_frames and now - visit.last_s > self._gone_s:
                del self._visits[track]
                yield leave_event(visit, now, Reason.GONE)


class EventFile:
    """A sink that writes events, each through at once. An earlier file is added to.

    Whom an earlier run left in view, which ended without a word, has left first of all.
    """

    def __init__(
        self,
        target: Path,
        document: Callable[[FrameResult], _Document],
        *,
        events: Events,
        keep: Callable[[bytes], None] = lambda _: None,
    ) -> None:
        """Check that the file can be written.

        Args:
            target: the file.
            document: makes a result's JSON values.
            events: what makes the events.
            keep: takes, after each frame, the note of who is in view.

        Raises:
            OutputError: it cannot.
        """
        self._target = target
        self._file = LineFile(target)
        self._document = document
        self._events = events
        self._keep = keep

    def write(self, result: FrameResult, picture: Picture) -> None:  # noqa: ARG002
        """Write what a result tells of.

        Raises:
            OutputError: a line cannot be written, as on a full disk.
        """
        self._append(self._events.update(self._document(result)))
        self._keep(self._events.note())

    def _append(self, events: list[_Document]) -> None:
        self._file.append(json.dumps(event) + "\n" for event in events)

    def __enter__(self) -> "EventFile":
        end_abandoned(self._target, b"", Reason.LOST)
        self._file.open()
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        try:
            try:
                self._append(self._events.finish())
            finally:
                self._file.close()
        except OutputError:
            if kind is None:
                raise
