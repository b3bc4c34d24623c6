"""An age model of two files: the second looks closer at a part of the face that the first says."""

import argparse
from dataclasses import replace
from pathlib import Path

from faceage_calibration.crops import CropMode
from faceage_convert.age_result import AgeResult
from faceage_convert.conversion import Converted, verified
from faceage_convert.faces import FaceChoice
from faceage_convert.finite import check_finite
from faceage_convert.import_float import import_float
from faceage_convert.own_model import First, Wish, convert_own
from faceage_edge.detector import Detector
from faceage_edge.errors import UsageError
from faceage_edge.model import load_model_bytes
from faceage_edge.two_branches import says_where
from faceage_models.float_source import FloatSource
from faceage_models.specification import Hints

__all__ = ["check_alone", "convert_two", "second_file", "unquantized"]


def check_alone(source: FloatSource) -> None:
    """Hold that a model is not the first of two.

    Raises:
        UsageError: it says where another looks closer.
    """
    if says_where(source.contract):
        raise UsageError(
            f'{source.path} has an output with the head "region", where a second model looks '
            "closer, and says only its part of an age: give the second with --closer"
        )


def second_file(first: FloatSource, options: argparse.Namespace) -> FloatSource:
    """Read what `--closer` and `--closer-contract` name.

    Args:
        first: the float model that says where.
        options: of `faceage-convert`.

    Raises:
        UsageError: the first says no region, or both have one name.
        ModelFileError: and others as for `import_float`.
    """
    if not says_where(first.contract):
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


def unquantized(source: FloatSource, options: argparse.Namespace) -> AgeResult:
    """A float model as it is, verified; of two files both.

    Args:
        source: the float model, or the one that says where.
        options: of `faceage-convert`.

    Raises:
        ModelFileError: it holds numbers that are not finite, or fails verification.
        UsageError: and others as for `second_file`.
    """
    taken = AgeResult(_as_it_is(source))
    if options.closer is None:
        return taken
    return AgeResult(_as_it_is(second_file(source, options)), first=taken)


def _as_it_is(source: FloatSource) -> Converted:
    check_finite(source.data, str(source.path))
    return verified(Converted(source.data, source.contract, source))


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
