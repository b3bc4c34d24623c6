"""What the loop says of one frame. It holds numbers only, never a picture."""

from dataclasses import dataclass
from typing import Any

from faceage_edge.tracking import TrackedFace

__all__ = ["FrameResult"]


@dataclass(frozen=True)
class FrameResult:
    """The faces of one frame.

    `frame` is the frame's index in its source, `time_s` its time there in seconds, `latency_ms`
    the milliseconds from the frame's arrival to this result.
    """

    frame: int
    time_s: float
    latency_ms: float
    faces: tuple[TrackedFace, ...]

    def to_json(self) -> dict[str, Any]:
        """The result as JSON values: a public interface, one object a frame.

        `box` is [x, y, width, height] in frame pixels, as detected: a face at the frame's edge
        reaches beyond it, and cutting the box there would shift its centre and size. Ages are
        years, rounded to tenths: finer digits would be noise.
        """
        return {
            "frame": self.frame,
            "time_s": round(self.time_s, 3),
            "latency_ms": round(self.latency_ms, 2),
            "faces": [_face(face) for face in self.faces],
        }


def _face(face: TrackedFace) -> dict[str, Any]:
    box = face.box
    return {
        "track": face.track,
        "box": [round(value, 1) for value in (box.x, box.y, box.width, box.height)],
        "score": round(face.score, 4),
        "age": round(face.age, 1),
        "age_low": _tenths(face.age_low),
        "age_high": _tenths(face.age_high),
    }


def _tenths(years: float | None) -> float | None:
    return None if years is None else round(years, 1)
