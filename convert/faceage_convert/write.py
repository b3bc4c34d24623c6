"""Fill a bundle's folder with model files, their sidecars and ranges."""

from pathlib import Path

from faceage_calibration.ranges import write_ranges
from faceage_convert.own_model import OwnResult
from faceage_convert.static import Converted
from faceage_edge.embedded import contract_bytes

__all__ = ["write_models"]


def write_models(folder: Path, files: list[Converted], own: OwnResult | None) -> None:
    """Write each model and its contract's bytes beside it.

    Args:
        folder: an empty folder.
        files: the finished int8 files.
        own: a user's model; its float file goes into `float/` (the folder's own level holds
            exactly the models that the camera loads) and its ranges beside the int8 file.
    """
    for item in files:
        _write(folder, item.file_name, item.data, contract_bytes(item.contract))
    if own is None:
        return
    source = own.converted.source
    (folder / "float").mkdir()
    name = f"{source.contract.name}.float32.tflite"
    _write(folder / "float", name, source.data, contract_bytes(source.contract))
    write_ranges(folder / f"{source.contract.name}.ranges.json", own.ranges)


def _write(folder: Path, name: str, data: bytes, contract: bytes) -> None:
    path = folder / name
    path.write_bytes(data)
    path.with_suffix(".json").write_bytes(contract)
