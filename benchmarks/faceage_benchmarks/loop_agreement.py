"""Whether the camera loop sees in a film what a search and a reading of every frame sees.

Person by person: in how many frames both find them, and how far apart the medians of the ages are
that the two loops publish. What apart means, the every-frame loop itself tells: it sees the film
again, moved by a pixel, which changes nobody's age, and its medians move by so much. On the moved
films both loops are compared as well, since of so few people chance decides who is within a year.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from faceage_edge.age import Ages
from faceage_edge.age_choice import AgeChoice, AgePolicy
from faceage_edge.errors import FaceageError
from faceage_edge.finding import EveryFrame, SparsePasses
from faceage_edge.frames import Frame
from faceage_edge.loading import Models
from faceage_edge.loop import AgeEstimator, Finding, Watcher, watch
from faceage_edge.result import FrameResult
from faceage_edge.scene import SceneCuts
from faceage_edge.summary import Summary
from faceage_edge.tracking import Tracker, iou

__all__ = ["Loop", "compare", "summary"]

FPS = 25.0
_CLIP_FPS = 12.5
# Below so many frames a track is a passer-by or a mistake.
_LEAST_FRAMES = 10
# By which the film is moved for the every-frame loop's own repeatability: right and down, pixels.
_MOVES = ((1, 0), (0, 1))
_TARGET = 1.0

Picture = NDArray[np.uint8]
# The person of the every-frame loop, and their age in the other loop.
_Pair = tuple[int, float]


class _Kept:
    """A sink that keeps results."""

    def __init__(self) -> None:
        self.results: list[FrameResult] = []

    def write(self, result: FrameResult, picture: Picture) -> None:  # noqa: ARG002
        self.results.append(result)

    def __enter__(self) -> "_Kept":
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        return None


class _Counted:
    """An age model that counts the crops it reads."""

    def __init__(self, model: AgeEstimator) -> None:
        self._model = model
        self.template = model.template
        self.crops = 0

    def estimate(self, crops: Picture) -> Ages:
        self.crops += len(crops)
        return self._model.estimate(crops)


class Loop:
    """The camera loop on pictures that are there already.

    `ages` counts the crops that were read so far.
    """

    def __init__(self, models: Models, *, every_frame: bool, cuts: bool = False) -> None:
        finding: Finding = (
            EveryFrame(models.detector) if every_frame else SparsePasses(models.detector)
        )
        policy = AgePolicy(every_s=0.0) if every_frame else AgePolicy()
        self._model = _Counted(models.age)
        self._watcher = Watcher(
            finding=finding,
            ages=self._model,
            tracker=Tracker(),
            choice=AgeChoice(models.age.template, policy),
            cuts=SceneCuts(expected=cuts),
        )
        self._next = 0
        self._sink = _Kept()

    @property
    def ages(self) -> int:
        return self._model.crops

    def __call__(self, pictures: Sequence[Picture], fps: float = FPS) -> list[FrameResult]:
        """Watch pictures, uint8 (height, width, 3), BGR, and return the results so far."""
        watch(self._frames(pictures, fps), self._watcher, [self._sink], Summary())
        return self._sink.results

    def _frames(self, pictures: Sequence[Picture], fps: float) -> Iterator[Frame]:
        for picture in pictures:
            yield Frame(picture, self._next, self._next / fps, time.monotonic_ns())
            self._next += 1


@dataclass(frozen=True)
class _Seen:
    """What the two loops made of a film, and how many crops each read."""

    every: Sequence[FrameResult]
    own: Sequence[FrameResult]
    ages_every_frame: int
    ages: int


def compare(path: Path, models: Models) -> dict[str, Any]:
    """Watch a film with the loop and with one that searches and reads every frame.

    Args:
        path: the film.
        models: of both loops.

    Returns:
        `faces` of the every-frame loop, how many were `found` by the loop too, and its `extra`
        ones; `ages` and `ages_every_frame`, the crops that were read; `people`, everyone whom the
        every-frame loop saw in ten frames, each with `frames`, `found_in`, `every_frame_median`,
        `median`, `apart` (years; None where the loop did not see them) and `again_apart` (of each
        moved film in which the every-frame loop saw them again); and `moved`, such people of the
        moved films.

    Raises:
        FaceageError: no frame can be read.
    """
    pictures = _film(path)
    seen = _watched(pictures, models)
    moved = [_watched(_moved(pictures, move), models) for move in _MOVES]
    pairs, faces, extra = _matched(seen.every, seen.own)
    # A pixel is little against any face's box, so that boxes match as they are.
    again = [_matched(seen.every, one.every)[0] for one in moved]
    people = list(_people(seen.every, pairs))
    for track, person in people:
        person["again_apart"] = [
            round(abs(median - person["every_frame_median"]), 2)
            for some in again
            if (median := _median(some, track)) is not None
        ]
    return {
        "faces": faces,
        "found": len(pairs),
        "extra": extra,
        "ages": seen.ages,
        "ages_every_frame": seen.ages_every_frame,
        "people": [person for _, person in people],
        "moved": [
            person
            for one in moved
            for _, person in _people(one.every, _matched(one.every, one.own)[0])
        ],
    }


def summary(films: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Sum up what `compare` found on films.

    Returns:
        `people` with a median in both loops; of them `within_1_year`, `mean_apart` and
        `most_apart` in years; `moved`, the same of the moved films, and `again`, of the every-frame
        loop against itself on them, a person a film; `ages` and `ages_every_frame`.
    """
    people, moved = ([one for film in films for one in film[part]] for part in ("people", "moved"))
    return {
        **_apart([one["apart"] for one in people]),
        "moved": _apart([one["apart"] for one in moved]),
        "again": _apart([apart for one in people for apart in one["again_apart"]]),
        "ages": sum(film["ages"] for film in films),
        "ages_every_frame": sum(film["ages_every_frame"] for film in films),
    }


def _apart(found: Sequence[float | None]) -> dict[str, Any]:
    years = [value for value in found if value is not None]
    return {
        "people": len(years),
        "within_1_year": sum(value <= _TARGET for value in years),
        "mean_apart": round(float(np.mean(years)), 2) if years else None,
        "most_apart": max(years, default=None),
    }


def _people(
    every: Sequence[FrameResult], pairs: Sequence[_Pair]
) -> Iterator[tuple[int, dict[str, Any]]]:
    """Everyone whom the every-frame loop saw often enough: their track there, their figures."""
    for track in sorted({face.track for result in every for face in result.faces}):
        ages = [face.age for result in every for face in result.faces if face.track == track]
        if len(ages) < _LEAST_FRAMES:
            continue
        theirs, mine = float(np.median(ages)), _median(pairs, track)
        yield (
            track,
            {
                "frames": len(ages),
                "found_in": sum(their == track for their, _ in pairs),
                "every_frame_median": round(theirs, 2),
                "median": None if mine is None else round(mine, 2),
                "apart": None if mine is None else round(abs(mine - theirs), 2),
            },
        )


def _median(pairs: Sequence[_Pair], track: int) -> float | None:
    ages = [age for their, age in pairs if their == track]
    return float(np.median(ages)) if ages else None


def _watched(pictures: Sequence[Picture], models: Models) -> _Seen:
    every, own = (Loop(models, every_frame=every, cuts=True) for every in (True, False))
    results = [loop(pictures, _CLIP_FPS) for loop in (every, own)]
    return _Seen(results[0], results[1], every.ages, own.ages)


def _moved(pictures: Sequence[Picture], move: tuple[int, int]) -> list[Picture]:
    """The pictures moved right and down by some pixels, their edges repeated."""
    right, down = move
    border = ((down, 0), (right, 0), (0, 0))
    return [
        np.pad(picture, border, mode="edge")[: picture.shape[0], : picture.shape[1]]
        for picture in pictures
    ]


def _film(path: Path) -> list[Picture]:
    film = cv2.VideoCapture(str(path))
    pictures = []
    while (read := film.read())[0]:
        pictures.append(np.asarray(read[1], np.uint8))
    film.release()
    if not pictures:
        raise FaceageError(f"no frame of {path} can be read")
    return pictures


def _matched(
    every: Sequence[FrameResult], own: Sequence[FrameResult]
) -> tuple[list[_Pair], int, int]:
    """Each face of the every-frame loop that the loop has too: its track there, its age here."""
    pairs, faces, extra = [], 0, 0
    for theirs, mine in zip(every, own, strict=True):
        free = list(mine.faces)
        faces += len(theirs.faces)
        for face in theirs.faces:
            best = max(free, key=lambda other: iou(face.box, other.box), default=None)
            if best is not None and iou(face.box, best.box) > 0.3:
                free.remove(best)
                pairs.append((face.track, best.age))
        extra += len(free)
    return pairs, faces, extra
