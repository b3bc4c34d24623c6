"""Who came and who left."""

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from tests.edge.results import PICTURE, face, result

from faceage_edge.errors import OutputError
from faceage_edge.events import EventFile, Events
from faceage_edge.result import FrameResult
from faceage_edge.visits import noted

SCHEMA = json.loads((files("faceage_edge") / "events.schema.json").read_text())


def run(events: Events, *tracks: tuple[float, tuple[int, ...]]) -> list[dict[str, Any]]:
    found = []
    for number, (time_s, present) in enumerate(tracks):
        faces = (face(track, 30.0 + number) for track in present)
        found += events.update(result(number, *faces, time_s=time_s).to_json())
    return found


def test_a_visit_has_an_entry_an_exit_and_a_dwell_time() -> None:
    """Times are the frames'; the age is the last one before the person left."""
    seen = [(t / 10, (1,)) for t in range(11)]
    empty = [(t / 10, ()) for t in range(11, 40)]
    enter, leave = run(Events(), *seen, *empty)
    assert enter == {
        "format": 1,
        "event": "enter",
        "time_s": 0.0,
        "track": 1,
        "age": 30.0,
        "age_low": 24.0,
        "age_high": 37.0,
    }
    assert (leave["entered_s"], leave["left_s"], leave["dwell_s"]) == (0.0, 1.0, 1.0)
    assert (leave["frames"], leave["age"], leave["cut_short"]) == (11, 40.0, False)
    assert leave["reason"] == "gone"
    # Two seconds without the person, and the next frame says so.
    assert leave["time_s"] == 3.1


def test_gender_is_repeated_where_results_say_it() -> None:
    """In both events, as the schema has it, and in the note of who is in view."""
    events = Events()
    seen = [result(0, face(gender=("female", 0.6))), result(1, face(gender=("male", 0.75)))]
    (enter,) = [event for one in seen for event in events.update(one.to_json())]
    assert noted(events.note())[1].said["gender"] == "male"
    (leave,) = events.finish()
    assert (enter["gender"], enter["gender_share"]) == ("female", 0.6)
    assert (leave["gender"], leave["gender_share"]) == ("male", 0.75)
    for event in (enter, leave):
        jsonschema.validate(event, SCHEMA)


@pytest.mark.parametrize(
    ("frames", "kinds", "note"),
    [
        ([(0, (1,)), (1.5, ()), (1.6, (1,))], ["enter"], "a short gap is no exit"),
        ([(0, (1,)), (60, ()), (120, (1,))], ["enter"], "frames a minute apart: not four yet"),
        ([(0, (1,)), (1, (1, 2))], ["enter", "enter"], "two people"),
        ([(0, ()), (9, ())], [], "nobody"),
    ],
)
def test_nobody_leaves_too_soon(
    frames: list[tuple[float, tuple[int, ...]]], kinds: list[str], note: str
) -> None:
    """Both a time and a number of frames must have passed."""
    assert [event["event"] for event in run(Events(), *frames)] == kinds, note


def test_the_file_is_lines_of_the_schema(tmp_path: Path) -> None:
    """Every event fits the shipped schema, those at the end of the run too; runs add up."""
    target = tmp_path / "events.jsonl"
    for _ in range(2):
        with EventFile(target, FrameResult.to_json, events=Events()) as sink:
            sink.write(result(0, face(1), face(2)), PICTURE)
            assert '"enter"' in target.read_text().splitlines()[-1]
            sink.write(result(50, face(2)), PICTURE)
    events = [json.loads(line) for line in target.read_text().splitlines()]
    assert [event["event"] for event in events] == ["enter", "enter", "leave", "leave"] * 2
    left = [event for event in events if event["event"] == "leave"]
    assert all((event["cut_short"], event["reason"]) == (True, "ended") for event in left)
    for event in events:
        jsonschema.validate(event, SCHEMA)


def test_the_schema_refuses_what_is_no_event() -> None:
    """A leave without its times is none."""
    event = run(Events(), (0, (1,)))[0]
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(event | {"event": "leave"}, SCHEMA)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(event | {"format": 2}, SCHEMA)


def test_a_folder_that_is_not_there_is_said_at_once(tmp_path: Path) -> None:
    """Before any frame is looked at."""
    with pytest.raises(OutputError, match="is no folder"):
        EventFile(tmp_path / "no" / "events.jsonl", FrameResult.to_json, events=Events())
