"""The loop with fakes for everything around it."""

import time
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pytest

from faceage_edge.age import Ages
from faceage_edge.age_choice import AgeChoice, AgePolicy
from faceage_edge.frames import Frame
from faceage_edge.geometry import CropTemplate, Face, FrameBox, FrameLandmarks
from faceage_edge.loop import Watcher, watch
from faceage_edge.result import FrameResult
from faceage_edge.scene import SceneCuts
from faceage_edge.summary import Summary
from faceage_edge.tracking import Tracker

Picture = npt.NDArray[np.uint8]
SHARES = np.array([[0.3, 0.4], [0.7, 0.4], [0.5, 0.6], [0.35, 0.8], [0.65, 0.8]])
TEMPLATE = CropTemplate(16, 16, SHARES * 16)


class GreyIsAge:
    """Takes the mean grey of a crop for its age, and keeps what it was given."""

    template = TEMPLATE

    def __init__(self) -> None:
        self.batches: list[Picture] = []

    def estimate(self, crops: Picture) -> Ages:
        self.batches.append(crops)
        years = crops.reshape(len(crops), -1).mean(axis=1)
        genders = tuple({"dark": 1 - grey / 255, "light": grey / 255} for grey in years.tolist())
        return Ages(years, np.full(len(crops), 5.0), years - 8, years + 9, genders)


class Finds:
    """Finds the same faces in every frame."""

    def __init__(self, faces: Sequence[Face]) -> None:
        self._faces = faces

    def find(self, picture: Picture, time_s: float, *, new_scene: bool) -> Sequence[Face]:
        return self._faces


class Keep:
    """A sink that keeps what it is given."""

    def __init__(self) -> None:
        self.results: list[FrameResult] = []
        self.pictures: list[Picture] = []

    def write(self, result: FrameResult, picture: Picture) -> None:
        self.results.append(result)
        self.pictures.append(picture)

    def __enter__(self) -> "Keep":
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        return None


def face_at(x: float) -> Face:
    side = 40.0
    return Face(FrameBox(x, 20, side, side), FrameLandmarks(SHARES * side + [x, 20]), 0.9)


def scene_frame(index: int, left: int = 30, right: int = 60) -> Frame:
    """A frame whose left half has one grey level and its right half another."""
    picture = np.full((100, 200, 3), left, np.uint8)
    picture[:, 100:] = right
    return Frame(picture, index, index / 10, time.monotonic_ns())


def run(
    frames: Sequence[Frame],
    faces: Sequence[Face],
    *,
    ages: GreyIsAge | None = None,
    genders: bool = False,
) -> tuple[Keep, Summary]:
    sink, summary = Keep(), Summary()
    watcher = Watcher(
        finding=Finds(faces),
        ages=ages or GreyIsAge(),
        tracker=Tracker(),
        choice=AgeChoice(TEMPLATE, AgePolicy(every_s=0.0)),
        cuts=SceneCuts(expected=True),
        genders=genders,
    )
    watch(frames, watcher, [sink], summary)
    return sink, summary


def test_every_frame_becomes_a_result_with_its_faces_ages() -> None:
    """Detection, crops, ages and tracks meet face by face."""
    sink, summary = run([scene_frame(index) for index in range(3)], [face_at(20), face_at(140)])
    assert [result.frame for result in sink.results] == [0, 1, 2]
    assert [result.time_s for result in sink.results] == [0.0, 0.1, 0.2]
    for result in sink.results:
        first, second = result.faces
        assert (first.track, second.track) == (1, 2)
        assert (first.age, first.age_low, first.age_high) == pytest.approx((30, 22, 39))
        assert second.age == pytest.approx(60)
        assert second.box == face_at(140).box
    assert summary.frames == 3


def test_gender_is_said_where_it_is_asked_for() -> None:
    """The mean over the track's crops; without being asked for, nothing of it is in a result."""
    frames, faces = [scene_frame(0, 51, 204), scene_frame(1, 51, 153)], [face_at(20), face_at(140)]
    sink, _ = run(frames, faces, genders=True)
    said = [face.gender for face in sink.results[1].faces]
    # The second is of 204 and 153 of 255, by crops of one quality.
    assert said == [("dark", pytest.approx(0.8)), ("light", pytest.approx(0.7))]
    sink, _ = run(frames, faces)
    assert {face.gender for result in sink.results for face in result.faces} == {None}


def test_a_frames_faces_go_to_the_model_as_one_batch_of_aligned_crops() -> None:
    """uint8 crops of the template's size, all faces of a frame at once."""
    ages = GreyIsAge()
    run([scene_frame(0)], [face_at(20), face_at(140)], ages=ages)
    (batch,) = ages.batches
    assert batch.shape == (2, 16, 16, 3)
    assert batch.dtype == np.uint8


def test_without_faces_the_age_model_is_not_asked() -> None:
    """An empty frame is a result with no faces, and costs no age."""
    ages = GreyIsAge()
    sink, _ = run([scene_frame(0)], [], ages=ages)
    assert sink.results[0].faces == ()
    assert ages.batches == []


def test_the_delay_is_counted_from_the_frames_arrival() -> None:
    """A frame that waited has its waiting in latency_ms."""
    frame = scene_frame(0)
    waited = Frame(frame.picture, 0, 0.0, frame.captured_ns - 250_000_000)
    sink, _ = run([waited], [])
    assert 250 <= sink.results[0].latency_ms < 1000


def test_a_cut_ends_all_tracks() -> None:
    """After a change of scene the same place holds someone else."""
    frames = [scene_frame(0), scene_frame(1, 200, 10), scene_frame(2, 200, 10)]
    sink, _ = run(frames, [face_at(20)])
    assert [result.faces[0].track for result in sink.results] == [1, 2, 2]
    assert sink.results[1].faces[0].age == pytest.approx(200), "nothing of the one before"


def test_sinks_get_the_frame_and_results_hold_none() -> None:
    """Private by default: a picture reaches the sinks beside the result, never in it."""
    frame = scene_frame(0)
    sink, _ = run([frame], [face_at(20)])
    assert sink.pictures[0] is frame.picture
    assert not any(isinstance(value, np.ndarray) for value in vars(sink.results[0]).values())


def test_a_request_to_leave_ends_the_loop_before_the_next_frame() -> None:
    """The frame in work is finished and written, the next one is not begun."""
    sink = Keep()
    choice = AgeChoice(TEMPLATE, AgePolicy())
    watcher = Watcher(Finds([]), GreyIsAge(), Tracker(), choice, SceneCuts(expected=False))
    watch(
        (scene_frame(index) for index in range(10)),
        watcher,
        [sink],
        Summary(),
        leave=lambda: len(sink.results) >= 2,
    )
    assert [result.frame for result in sink.results] == [0, 1]
