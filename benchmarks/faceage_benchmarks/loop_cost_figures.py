"""From the CPU time of turns, and from the faces of films, to the figures of a loop-cost result."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from faceage_calibration.errors import SamplesError
from faceage_calibration.stats import mean_interval, mean_ratio_interval

__all__ = ["YUNET", "loop_cost_figures"]

# What the loops are compared with, among the names of what took turns.
YUNET = "yunet-every-frame"
# In fewer frames a person is a passer-by or a mistake.
_LEAST_FRAMES = 10


def loop_cost_figures(samples: Mapping[str, Any], bootstrap: Mapping[str, Any]) -> dict[str, Any]:
    """Return the figures of a loop-cost result.

    Args:
        samples: `frames_a_turn`; by scene `cpu_s`: {what ran: seconds of each turn}, all the same
            turns, and `yunet_faces` of each turn; `clips`: {film: {detector: film_faces's rows}}.
        bootstrap: from result.bootstrap_settings; turns are drawn, of a ratio in pairs.

    Returns:
        `n` frames of each scene, `turns` of `frames_a_turn`; `scenes`, by name, with
        `cpu_ms_a_frame` by what ran, `share_of_yunet` by detector, each with its `_ci95`, and
        `yunet_faces_a_frame`; `clips`, by film and detector, from `_film`.

    Raises:
        SamplesError: what ran had not the same turns.
    """
    frames = samples["frames_a_turn"]
    drawing = {key: bootstrap[key] for key in ("seed", "resamples", "confidence")}
    turns = {len(values) for scene in samples["cpu_s"].values() for values in scene.values()}
    if len(turns) != 1 or 0 in turns:
        raise SamplesError(f"all take the same turns, found {sorted(turns)} of them")
    (count,) = turns
    scenes = {
        name: _scene(spent, frames, drawing)
        | {"yunet_faces_a_frame": sum(samples["yunet_faces"][name]) / (frames * count)}
        for name, spent in samples["cpu_s"].items()
    }
    clips = {
        film: {name: _film(rows) for name, rows in loops.items()}
        for film, loops in samples["clips"].items()
    }
    return {
        "n": frames * count,
        "turns": count,
        "frames_a_turn": frames,
        "scenes": scenes,
        "clips": clips,
    }


def _scene(
    spent: Mapping[str, Any], frames: int, drawing: Mapping[str, Any]
) -> dict[str, dict[str, Any]]:
    ms = {name: 1000 * np.asarray(values, np.float64) / frames for name, values in spent.items()}
    loops = [name for name in ms if name != YUNET]
    yunet = ms[YUNET]
    return {
        "cpu_ms_a_frame": {name: float(values.mean()) for name, values in ms.items()},
        "cpu_ms_a_frame_ci95": {
            name: list(mean_interval(values, **drawing)) for name, values in ms.items()
        },
        "share_of_yunet": {name: float(ms[name].mean() / yunet.mean()) for name in loops},
        "share_of_yunet_ci95": {
            name: list(mean_ratio_interval(ms[name], yunet, **drawing)) for name in loops
        },
    }


def _film(rows: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a film's rows say.

    Args:
        rows: from film_faces.film_faces.

    Returns:
        `faces` of the search of every frame, `found` of them by the loop, `extra` faces, and
        `people`, those seen in ten frames or more: `frames`, `found_in` so many of them,
        `every_frame_median` and `median` of the ages given frame by frame, and how far these two
        are `apart`, years; `every_frame_last`, `last` and `last_apart` of the ages in the last
        frame that shows the person to both, the age that is known of them when they leave; None
        where the loop has none. `most_apart` and `most_last_apart` are the largest of them.
    """
    people = [_person(rows, one) for one in dict.fromkeys(rows["person"])]
    people = [one for one in people if one["frames"] >= _LEAST_FRAMES]
    return {
        "faces": len(rows["person"]),
        "found": sum(age is not None for age in rows["loop_age"]),
        "extra": sum(rows["extra"]),
        "people": people,
        "most_apart": _most(people, "apart"),
        "most_last_apart": _most(people, "last_apart"),
    }


def _person(rows: Mapping[str, Any], one: int) -> dict[str, Any]:
    pairs = [
        (age, own)
        for person, age, own in zip(rows["person"], rows["age"], rows["loop_age"], strict=True)
        if person == one
    ]
    found = [(age, own) for age, own in pairs if own is not None]
    every = float(np.median([age for age, _ in pairs]))
    median = float(np.median([own for _, own in found])) if found else None
    every_last, last = found[-1] if found else (None, None)
    return {
        "frames": len(pairs),
        "found_in": len(found),
        "every_frame_median": every,
        "median": median,
        "apart": None if median is None else abs(median - every),
        "every_frame_last": every_last,
        "last": last,
        "last_apart": None if last is None else abs(last - every_last),
    }


def _most(people: Sequence[Mapping[str, Any]], name: str) -> float | None:
    return max((one[name] for one in people if one[name] is not None), default=None)
