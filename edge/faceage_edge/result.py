"""What the loop says of one frame. It holds numbers only, never a picture."""

from dataclasses import dataclass
from typing import Any

from faceage_edge.tracking import TrackedFace

__all__ = ["FrameResult", "Status"]


@dataclass(frozen=True)
class Status:
    """How the program fares.

    `degraded`: something it was asked to use does not work and it goes on without, as on the CPU
    for a broken accelerator. `restarts`: how often its work was begun anew since it was started.
    """

    degraded: bool = False
    restarts: int = 0


@dataclass(frozen=True)
class FrameResult:
    """The faces of one frame.

    `frame` is the frame's index in its source, `time_s` its time there in seconds, `latency_ms`
    the milliseconds from the frame's arrival to this result, `status` how the program fares.
    """

    frame: int
    time_s: float
    latency_ms: float
    faces: tuple[TrackedFace, ...]
    status: Status = Status()

    def to_json(self) -> dict[str, Any]:
        """The result as JSON values: a public interface, one object a frame.

        `box` is [x, y, width, height] in frame pixels, as detected: a face at the frame's edge
        reaches beyond it, and cutting the box there would shift its centre and size. Ages are
        years, rounded to tenths: finer digits would be noise. `gender` and `gender_share` are
        there only where they are asked for.
        """
        return {
            "frame": self.frame,
            "time_s": round(self.time_s, 3),
            "latency_ms": round(self.latency_ms, 2),
            "degraded": self.status.degraded,
            "restarts": self.status.restarts,
            "faces": [_face(face) for face in self.faces],
        }


def _face(face: TrackedFace) -> dict[str, Any]:
    box = face.box
    said = {} if face.gender is None else _gender(*face.gender)
    return {
        "track": face.track,
        "box": [round(value, 1) for value in (box.x, box.y, box.width, box.height)],
        "score": round(face.score, 4),
        "age": round(face.age, 1),
        "age_low": _tenths(face.age_low),
        "age_high": _tenths(face.age_high),
        "age_jitter": _tenths(face.age_jitter),
        **said,
    }


def _gender(label: str, share: float) -> dict[str, Any]:
    return {"gender": label, "gender_share": round(share, 4)}


def _tenths(years: float | None) -> float | None:
    return None if years is None else round(years, 1)
