"""Fill a bundle's folder with model files, their sidecars and ranges."""

from collections.abc import Sequence
from pathlib import Path

from faceage_calibration.ranges import write_ranges
from faceage_convert.age_result import AgeResult
from faceage_convert.conversion import Converted
from faceage_edge.contract import Contract
from faceage_edge.embedded import contract_bytes

__all__ = ["write_models"]


def write_models(folder: Path, age: AgeResult, detector: Sequence[Converted]) -> None:
    """Write each model and its contract's bytes beside it.

    A user's float file goes into `float/`, since the folder's own level holds exactly the models
    that the camera loads, and its ranges beside the int8 file.

    Args:
        folder: an empty folder.
        age: the finished age model.
        detector: the finished networks of the detector.
    """
    for item in (*age.files, *detector):
        _write(folder / item.file_name, item.data, item.contract)
    for part in (age, *([age.first] if age.first else [])):
        if part.ranges is None:
            continue
        source = part.converted.source
        (folder / "float").mkdir(exist_ok=True)
        name = source.contract.name
        _write(folder / "float" / f"{name}.float32.tflite", source.data, source.contract)
        write_ranges(folder / f"{name}.ranges.json", part.ranges)


def _write(path: Path, data: bytes, contract: Contract) -> None:
    path.write_bytes(data)
    path.with_suffix(".json").write_bytes(contract_bytes(contract))
