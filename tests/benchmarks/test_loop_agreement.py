"""The camera loop against one that reads every frame: figures by hand, and the shipped models."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from faceage_benchmarks.loop_agreement import Loop, compare, summary
from faceage_edge.errors import FaceageError
from faceage_edge.loading import load_bundle

Picture = NDArray[np.uint8]


def person(apart: float | None, *again: float) -> dict[str, Any]:
    return {"apart": apart, "again_apart": list(again)}


def test_the_summary_counts_people() -> None:
    """Within a year or not, of all films; who has no median in one of the loops counts nowhere."""
    films = [
        {"people": [person(0.2, 0.1, 3.0), person(None)], "moved": [person(2.0)],
         "ages": 5, "ages_every_frame": 50},
        {"people": [person(1.0, 0.5)], "moved": [], "ages": 7, "ages_every_frame": 70},
    ]  # fmt: skip
    assert summary(films) == {
        "people": 2,
        "within_1_year": 2,
        "mean_apart": 0.6,
        "most_apart": 1.0,
        "moved": {"people": 1, "within_1_year": 0, "mean_apart": 2.0, "most_apart": 2.0},
        "again": {"people": 3, "within_1_year": 2, "mean_apart": 1.2, "most_apart": 3.0},
        "ages": 12,
        "ages_every_frame": 120,
    }


def test_a_film_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    """With its name, before any loop runs."""
    empty = tmp_path / "empty.gif"
    empty.write_bytes(b"")
    with pytest.raises(FaceageError, match=r"no frame of .*empty\.gif"):
        compare(empty, load_bundle())


@pytest.mark.usefixtures("shipped")
def test_a_still_face_is_read_every_frame_by_one_loop_and_a_few_times_by_the_other(
    astronaut: Picture,
) -> None:
    """Both give its age; the counts are those of the crops."""
    pictures = [astronaut] * 30
    every, own = (Loop(load_bundle(), every_frame=every) for every in (True, False))
    ages = [[result.faces[0].age for result in loop(pictures)] for loop in (every, own)]
    assert every.ages == 30 and 3 <= own.ages <= 15
    assert ages[0] == pytest.approx(ages[1], abs=1.0)


@pytest.mark.slow
@pytest.mark.usefixtures("shipped")
@pytest.mark.parametrize("detector", ["mtcnn", "face-finder"])
def test_people_are_given_the_age_that_reading_every_frame_gives(
    shared_data: Path, detector: str
) -> None:
    """On the films whose faces are large enough to be followed, with fewer readings.

    0.8 years lie between what is measured, 0.71 and 0.37, and the 1.5 and 0.87 that the twelve best
    crops of each person gave on the same films.
    """
    names = ("face-demographics-walking-and-pause", "head-pose-female-and-male")
    models = load_bundle(detector=detector)
    found = summary([compare(shared_data / "clips" / f"{name}.gif", models) for name in names])
    parts = [found, found["moved"]]
    people = [part["people"] for part in parts]
    assert people == [5, 10]
    mean = sum(part["mean_apart"] * part["people"] for part in parts) / sum(people)
    assert mean < 0.8, found
    assert found["ages"] < 0.7 * found["ages_every_frame"], found
