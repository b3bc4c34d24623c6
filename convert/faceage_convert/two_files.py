"""An age model of two files: the second looks closer at a part of the face that the first says."""

import argparse
from dataclasses import replace
from pathlib import Path

from faceage_calibration.crops import CropMode
from faceage_convert.age_result import AgeResult
from faceage_convert.faces import FaceChoice
from faceage_convert.import_float import import_float
from faceage_convert.own_model import First, Wish, convert_own
from faceage_edge.detector import Detector
from faceage_edge.errors import UsageError
from faceage_edge.model import load_model_bytes
from faceage_models.float_source import FloatSource
from faceage_models.specification import Hints

__all__ = ["convert_two", "second_file"]


def second_file(first: FloatSource, options: argparse.Namespace) -> FloatSource:
    """Read what `--closer` and `--closer-contract` name.

    Args:
        first: the float model that says where.
        options: of `faceage-convert`.

    Raises:
        UsageError: the first says no region, or both have one name.
        ModelFileError: and others as for `import_float`.
    """
    if all(output.head != "region" for output in first.contract.outputs):
        raise UsageError(
            f"--closer looks where {first.path} says, but its contract names no output with the "
            'head "region"; state it with --contract'
        )
    hints = Hints(contract=options.closer_contract)
    second = import_float(Path(options.closer), hints, first=first.contract.model_digest)
    if second.contract.name == first.contract.name:
        raise UsageError(
            f"{first.path} and {second.path} are both called {first.contract.name!r}, and so would "
            "their files be; state another name in a contract"
        )
    return second


def convert_two(
    first: FloatSource,
    second: FloatSource,
    faces: FaceChoice,
    mode: CropMode,
    detector: Detector | None,
    wish: Wish,
) -> AgeResult:
    """Convert both files; what it costs is measured on the ages of both together.

    Args:
        first: the float model of the whole face.
        second: that of the part.
        faces: and the others as for `convert_own`, whose errors it raises.

    Returns:
        The second file's result, with the first's in it.
    """
    # Alone it says half an age, by which nothing is to be judged.
    unmeasured = replace(faces, evaluation=faces.evaluation.only([]))
    whole = convert_own(first, unmeasured, mode, detector, replace(wish, interval=False))
    made = whole.converted
    both = First(
        float32=load_model_bytes(first.data, first.path),
        int8=load_model_bytes(made.data, Path(made.file_name)),
    )
    return replace(convert_own(second, faces, mode, detector, wish, both), first=whole)
