"""Visits that whoever wrote them did not live to end."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from tests.edge.results import PICTURE, face, result
from tests.edge.test_events import SCHEMA

from faceage_edge import abandoned
from faceage_edge.abandoned import end_abandoned
from faceage_edge.events import EventFile, Events
from faceage_edge.heartbeat_page import Field, Page
from faceage_edge.result import FrameResult
from faceage_edge.visits import Reason


def died(target: Path, page: Page, *frames: tuple[int, ...]) -> None:
    """Leave what a process does that died after frames, a second apart, with these tracks."""
    sink = EventFile(target, FrameResult.to_json, events=Events(), keep=page.keep)
    sink.__enter__()
    for number, tracks in enumerate(frames):
        faces = (face(track, 30.0 + number) for track in tracks)
        sink.write(result(number, *faces, time_s=float(number)), PICTURE)
    sink._file.close()


def lines(target: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in target.read_text().splitlines()]


def test_who_was_in_view_has_left(tmp_path: Path) -> None:
    """With the stay and the age of the last frame; who had left before does not leave again."""
    target, page = tmp_path / "events.jsonl", Page.shared()
    died(target, page, (1, 2), *[(2,)] * 9)
    assert [event["event"] for event in lines(target)] == ["enter", "enter", "leave"]
    assert end_abandoned(target, page.kept(), Reason.CRASHED) == 1
    last = lines(target)[-1]
    jsonschema.validate(last, SCHEMA)
    assert (last["event"], last["track"], last["reason"]) == ("leave", 2, "crashed")
    assert (last["dwell_s"], last["frames"], last["age"]) == (9.0, 10, 39.0)
    assert last["cut_short"] is True and last["time_s"] == 9.0
    assert end_abandoned(target, page.kept(), Reason.CRASHED) == 0, "once"


def test_the_next_run_ends_what_a_power_cut_left(tmp_path: Path) -> None:
    """Nothing but the file is left then: of the stay only its beginning is known."""
    target = tmp_path / "events.jsonl"
    died(target, Page.shared(), (1,), (1, 2))
    with target.open("a") as file:
        file.write('{"format": 1, "event": "en')
    with EventFile(target, FrameResult.to_json, events=Events()) as sink:
        sink.write(result(0, face(1)), PICTURE)
    text = [line for line in target.read_text().splitlines() if not line.endswith('"en')]
    events = [json.loads(line) for line in text]
    for event in events:
        jsonschema.validate(event, SCHEMA)
    told = [(event["event"], event["track"], event.get("reason")) for event in events]
    assert told == [
        ("enter", 1, None),
        ("enter", 2, None),
        ("leave", 1, "lost"),
        ("leave", 2, "lost"),
        ("enter", 1, None),
        ("leave", 1, "ended"),
    ]
    assert [event["frames"] for event in events[2:4]] == [1, 1]
    assert [event["time_s"] for event in events[2:4]] == [1.0, 1.0], "never before an earlier one"


ENTER = '{"format": 1, "event": "enter", "time_s": 3.5, "track": 7, "age": 30.0}'
LEAVE = ENTER.replace("enter", "leave")
FILES = [
    ("", 0, "empty"),
    (f"{ENTER}\n", 1, "one inside"),
    (f"{ENTER}\n{LEAVE}\n", 0, "gone"),
    (f"{ENTER}\n{LEAVE}\n{ENTER}\n", 1, "a number that an earlier run used too"),
    (f"{ENTER}\n{LEAVE[:30]}", 1, "died while writing that somebody left"),
    (ENTER[:40], 0, "died while writing that somebody came: nobody can have read it"),
    (f'no events\n[1]\n{{"event": "enter"}}\n{ENTER}\n', 1, "lines of something else"),
]


@pytest.mark.parametrize(("text", "count", "note"), FILES)
def test_the_file_says_who_is_inside(tmp_path: Path, text: str, count: int, note: str) -> None:
    """Whatever state it was left in; nothing is written where nobody is."""
    target = tmp_path / "events.jsonl"
    target.write_text(text)
    assert end_abandoned(target, b"", Reason.LOST) == count, note
    written = target.read_text()[len(text) :]
    assert written.strip().count("\n") + bool(written.strip()) == count, note
    assert bool(written) == bool(count), note


def test_a_film_that_was_named_by_mistake_stays_as_it_is(tmp_path: Path) -> None:
    """Bytes that are no events are nothing to end; neither is a file that is not there."""
    target = tmp_path / "film.mp4"
    assert end_abandoned(target, b"", Reason.LOST) == 0 and not target.exists()
    target.write_bytes(bytes(range(256)) * 10)
    assert end_abandoned(target, b"", Reason.CRASHED) == 0
    assert target.read_bytes() == bytes(range(256)) * 10


def test_only_the_end_of_a_long_file_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the middle of a line on, which is none."""
    target = tmp_path / "events.jsonl"
    target.write_text(f"{ENTER}\n" + f"{ENTER.replace('7', '8')}\n" * 2)
    monkeypatch.setattr(abandoned, "_TAIL_BYTES", 2 * len(ENTER) + 10)
    assert end_abandoned(target, b"", Reason.LOST) == 1
    assert lines(target)[-1]["track"] == 8


def test_a_note_is_the_old_one_or_the_new_one() -> None:
    """A writer that dies before the number that says so is stored has changed nothing."""
    page = Page.shared()
    assert page.kept() == b""
    page.keep(b"one person")
    number = page[Field.NOTE]
    page.keep(b"two persons")
    assert page.kept() == b"two persons"
    page[Field.NOTE] = number
    assert page.kept() == b"one person"
    page.keep(b"x" * 40_000)
    assert page.kept() == b"", "too long for its place"


def test_more_people_than_a_note_holds_have_left_too(tmp_path: Path) -> None:
    """Of them only the file knows."""
    target, page = tmp_path / "events.jsonl", Page.shared()
    died(target, page, tuple(range(1, 1001)))
    assert page.kept() == b""
    assert end_abandoned(target, page.kept(), Reason.CRASHED) == 1000
