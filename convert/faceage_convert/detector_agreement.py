"""How far an int8 detector says what its float model says, on scenes without labels."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from faceage_calibration.pictures import Picture
from faceage_convert.embed import embed_contract
from faceage_edge.contract import Contract
from faceage_edge.detector import detector_of
from faceage_edge.geometry import Face, iou
from faceage_edge.model import load_model_bytes

__all__ = ["Agreement", "Seen", "agreement", "faces_seen"]

Seen = list[list[Face]]
# The smallest face a detector is ever asked for.
_MIN_FACE = 20.0
_SAME = 0.5


@dataclass(frozen=True)
class Agreement:
    """Faces that the float model found in the scenes, the int8 one, and both at one place."""

    scenes: int
    float_faces: int
    int8_faces: int
    both: int

    @property
    def share(self) -> float:
        """Twice what both found, of all that either found (Dice); 1 where neither found any."""
        every = self.float_faces + self.int8_faces
        return 2 * self.both / every if every else 1.0

    def document(self) -> dict[str, Any]:
        """As JSON values, for a contract's provenance."""
        return asdict(self)

    def words(self) -> str:
        """The same for people."""
        return (
            f"in {self.scenes} scenes float found {self.float_faces} faces, int8 "
            f"{self.int8_faces}, both {self.both}"
        )


def faces_seen(data: bytes, contract: Contract, scenes: Iterable[Picture]) -> Seen:
    """What a whole detector in one file finds in scenes.

    Args:
        data: the .tflite; its contract is embedded here.
        contract: of the stage `anchors` or `boxes`.
        scenes: uint8 (height, width, 3), BGR.
    """
    stage = contract.detector
    assert stage is not None
    whole, _ = embed_contract(data, contract, contract.name)
    model = load_model_bytes(whole, Path(contract.name))
    detector = detector_of({stage.stage: model}, contract.name)
    return [detector.detect(scene, min_face=_MIN_FACE) for scene in scenes]


def agreement(by_float: Seen, by_int8: Seen) -> Agreement:
    """Compare what two detectors found in the same scenes.

    A face is found by both where boxes overlap by half of their union, each counted once.
    """
    both = sum(_matched(one, other) for one, other in zip(by_float, by_int8, strict=True))
    float_faces, int8_faces = (sum(map(len, seen)) for seen in (by_float, by_int8))
    return Agreement(len(by_float), float_faces, int8_faces, both)


def _matched(one: list[Face], other: list[Face]) -> int:
    free = list(other)
    for face in one:
        best = max(free, key=lambda candidate: iou(face.box, candidate.box), default=None)
        if best is not None and iou(face.box, best.box) >= _SAME:
            free.remove(best)
    return len(other) - len(free)
