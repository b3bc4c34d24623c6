"""From the samples of a detection result to its figures.

A photo's boxes and detections are the samples; which detection found which face is worked out
here, so that another rule can be tried on the same file.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from faceage_benchmarks.matching import IOU_THRESHOLD, match, overlaps
from faceage_calibration.errors import SamplesError
from faceage_calibration.stats import median_ratio, median_ratio_interval, quantile, share_interval

__all__ = ["FACE_BANDS", "SIZE_BANDS", "detection_figures"]

# Landmark distances are measured from this detector's points, when it took part.
_REFERENCE = "float32"
# Heights of labelled faces in pixels, and the first that is too large for the band.
SIZE_BANDS = (
    ("000-020", 20.0),
    ("020-040", 40.0),
    ("040-060", 60.0),
    ("060-100", 100.0),
    ("100-200", 200.0),
    ("200-", float("inf")),
)
# Labelled faces of a picture by which times are told apart, and the first that is too many.
FACE_BANDS = (("0-2", 3), ("3-", 1 << 30))
# Fewer pictures have no median worth an interval.
_LEAST_TIMED = 5
# In the order of FrameLandmarks.
_LEFT_EYE, _RIGHT_EYE = 0, 1


def detection_figures(samples: Mapping[str, Any], bootstrap: Mapping[str, Any]) -> dict[str, Any]:
    """Return the figures of a detection result.

    Args:
        samples: `photos` (list of `file`, `boxes` and `ignored`, boxes [x, y, width, height]),
            `detections` (detector name to one list per photo of `box`, `score` and `landmarks`,
            5 pairs), `ms` (detector name to milliseconds per photo) and `digests`.
        bootstrap: from result.bootstrap_settings; its confidence is that of the recall's interval.

    Returns:
        `n` labelled faces, `photos`, `time_reference` (whose time is the divisor of every
        `time_ratio`, the medians of both over the same pictures in turn; `time_by_faces` has it
        apart for pictures of few and of many labelled faces) and `detectors`, one object for each.

    Raises:
        SamplesError: no labelled face.
    """
    photos = samples["photos"]
    n = sum(len(photo["boxes"]) for photo in photos)
    if n == 0:
        raise SamplesError("no labelled face; recall has no value")
    detections = samples["detections"]
    matches = {name: _matches(photos, detections[name]) for name in detections}
    rows = []
    first = next(iter(detections))
    for name, faces in detections.items():
        reference = _reference(name, detections)
        distances = _landmark_distances(
            faces, matches[name], detections[reference], matches[reference]
        )
        rows.append(
            {"name": name, "digest": samples["digests"][name]}
            | _recall(matches[name], bootstrap["confidence"])
            | {"false_boxes": sum(map(_false_boxes, photos, faces, matches[name]))}
            | {"p50_ms": quantile(samples["ms"][name], 0.5)}
            | {"landmark_distance": quantile(distances, 0.5) if distances else None}
            | {"landmark_faces": len(distances), "landmark_reference": reference}
            | {"by_size": _groups(photos, matches[name], _size_band, bootstrap)}
            | {"by_condition": _groups(photos, matches[name], _conditions, bootstrap)}
            | _time_ratio(samples["ms"][name], samples["ms"][first], bootstrap)
            | {"time_by_faces": _time_by_faces(photos, samples["ms"], name, first, bootstrap)}
        )
    return {
        "n": n,
        "photos": len(photos),
        "time_reference": first,
        "recall_ci95_is": "Wilson score interval",
        "detectors": rows,
    }


def _reference(name: str, detections: Mapping[str, Any]) -> str:
    """Whose landmarks a detector's are compared with: its own float networks', or any float's."""
    own = f"{name.partition(':')[0]}:{_REFERENCE}"
    return next((one for one in (own, _REFERENCE) if one in detections), next(iter(detections)))


def _time_ratio(
    ms: list[float], first: list[float], bootstrap: Mapping[str, Any]
) -> dict[str, Any]:
    if len(ms) < _LEAST_TIMED or min(min(ms), min(first)) <= 0:
        return {"time_ratio": None, "time_ratio_ci95": None}
    groups = list(range(len(ms)))
    interval = median_ratio_interval(
        ms,
        first,
        groups=groups,
        resamples=bootstrap["resamples"],
        seed=bootstrap["seed"],
        confidence=bootstrap["confidence"],
    )
    return {"time_ratio": median_ratio(ms, first), "time_ratio_ci95": list(interval)}


def _time_by_faces(
    photos: list[dict[str, Any]],
    ms: Mapping[str, list[float]],
    name: str,
    first: str,
    bootstrap: Mapping[str, Any],
) -> dict[str, Any]:
    bands: dict[str, list[int]] = {}
    for index, photo in enumerate(photos):
        band = next(band for band, above in FACE_BANDS if len(photo["boxes"]) < above)
        bands.setdefault(band, []).append(index)
    return {
        band: {"photos": len(chosen)}
        | _time_ratio([ms[name][i] for i in chosen], [ms[first][i] for i in chosen], bootstrap)
        for band, chosen in sorted(bands.items())
    }


def _size_band(photo: dict[str, Any], face: int) -> list[str]:
    height = photo["boxes"][face][3]
    return [next(name for name, below in SIZE_BANDS if height < below)]


def _conditions(photo: dict[str, Any], face: int) -> list[str]:
    tags = photo.get("tags")
    return [] if tags is None else list(tags[face]) or ["clean"]


def _groups(
    photos: list[dict[str, Any]],
    matches: list[list[int | None]],
    names: Callable[[dict[str, Any], int], list[str]],
    bootstrap: Mapping[str, Any],
) -> dict[str, Any]:
    """Recall of each group of labelled faces that is not empty; a face may be in several."""
    hits: dict[str, list[bool]] = {}
    for photo, found in zip(photos, matches, strict=True):
        for face, index in enumerate(found):
            for name in names(photo, face):
                hits.setdefault(name, []).append(index is not None)
    return {
        name: {
            "n": len(group),
            "recall": sum(group) / len(group),
            "recall_ci95": list(
                share_interval(sum(group), len(group), confidence=bootstrap["confidence"])
            ),
        }
        for name, group in sorted(hits.items())
    }


def _matches(
    photos: list[dict[str, Any]], detections: list[list[dict[str, Any]]]
) -> list[list[int | None]]:
    return [
        match(
            photo["boxes"],
            [face["box"] for face in faces],
            [face["score"] for face in faces],
            iou=IOU_THRESHOLD,
        )
        for photo, faces in zip(photos, detections, strict=True)
    ]


def _recall(matches: list[list[int | None]], confidence: float) -> dict[str, Any]:
    hits = [index is not None for photo in matches for index in photo]
    return {
        "found": sum(hits),
        "recall": sum(hits) / len(hits),
        "recall_ci95": list(share_interval(sum(hits), len(hits), confidence=confidence)),
    }


def _false_boxes(
    photo: dict[str, Any], faces: list[dict[str, Any]], found: list[int | None]
) -> int:
    """Count the detections that found no labelled face and lie on no ignored one."""
    spare = [face["box"] for index, face in enumerate(faces) if index not in found]
    if not spare:
        return 0
    if not photo["ignored"]:
        return len(spare)
    return int((overlaps(spare, photo["ignored"]).max(axis=1) < IOU_THRESHOLD).sum())


def _landmark_distances(
    detections: list[list[dict[str, Any]]],
    matches: list[list[int | None]],
    reference: list[list[dict[str, Any]]],
    reference_matches: list[list[int | None]],
) -> list[float]:
    """Return a distance for each labelled face that both found.

    The mean distance of the five points, as a share of the distance between the reference's eyes:
    the same error in pixels means less on a larger face.
    """
    distances = []
    for faces, found, others, other_found in zip(
        detections, matches, reference, reference_matches, strict=True
    ):
        for index, other in zip(found, other_found, strict=True):
            if index is None or other is None:
                continue
            points = np.asarray(faces[index]["landmarks"], dtype=np.float64)
            truth = np.asarray(others[other]["landmarks"], dtype=np.float64)
            eyes = float(np.linalg.norm(truth[_RIGHT_EYE] - truth[_LEFT_EYE]))
            # Five points in one place: a detector that gives none.
            if eyes > 0 and np.ptp(points, axis=0).any():
                distances.append(float(np.linalg.norm(points - truth, axis=1).mean()) / eyes)
    return distances
