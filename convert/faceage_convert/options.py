"""The command line of `faceage-convert`."""

import argparse
import re
from pathlib import Path

from faceage_calibration.crops import CROP_MODES
from faceage_convert.faces import NAMES
from faceage_convert.gate import Limits
from faceage_convert.recipes import REFINEMENTS
from faceage_convert.verify import PICTURES
from faceage_edge import __version__
from faceage_edge.bundles import shipped_names
from faceage_edge.detector import DEFAULT_DETECTOR
from faceage_edge.number_options import at_least
from faceage_models.age_inputs import INPUTS
from faceage_models.age_output import HEADS
from faceage_models.specification import Hints

__all__ = [
    "FACES",
    "HINTS",
    "SCHEMES",
    "given",
    "hints_of",
    "own_detector",
    "parser",
    "uses_recorded_ranges",
    "with_defaults",
]

# What may follow --quantize, and the folder that is written where none is named.
SCHEMES = {
    **{
        scheme: Path(f"faceage-{scheme}")
        for scheme in ("int8", "int8-float-io", "int16x8", "dynamic", "float16")
    },
    "none": Path("faceage-float32"),
}
TARGETS = ("cpu", "coral")

# Options about faces, and what holds where they are left out.
_DEFAULTS = {
    "eval_faces": None,
    "count": 500,
    "eval_count": 3000,
    "names": None,
    "crops": "detect",
    "shape": None,
    "interval_choice": None,
    "choice": None,
    "refine": (),
    "max_drop": Limits.drop,
    "max_band_drop": Limits.band_drop,
    "with_pictures": False,
}
FACES = ("faces", *_DEFAULTS)
# Below it no face has room; a typing error is likelier.
_LEAST_SIDE = 32
HINTS = ("contract", "head", "output", "normalise", "colour")


def parser() -> argparse.ArgumentParser:
    """Describe the command line; options that are left out are None."""
    made = argparse.ArgumentParser(
        prog="faceage-convert",
        usage="%(prog)s [--quantize SCHEME] [--out DIR] [--model FILE --faces PATH [OPTION ...]]",
        description="Convert a float age model and the face detector to int8 TFLite files. "
        "Shipped models are converted with their recorded ranges.",
        epilog="Also: faceage-convert inspect FILE, faceage-convert preflight FILE; each has "
        "--help. Exit codes: 0 done, 1 an error that the message explains, 2 wrong usage, "
        "3 the conversion costs more than it may.",
    )
    add = made.add_argument
    add("--quantize", choices=tuple(SCHEMES), default="int8", help="scheme (default: %(default)s)")
    add(
        "--qat",
        action="store_true",
        help="the weights and ranges of --model were trained for int8 by faceage-train --qat: take "
        "the ranges it left beside the model, record none and correct no biases; with int8 or "
        "int8-float-io, and the contract and the report say so",
    )
    add("--out", type=Path, metavar="DIR", help="folder to write (default: faceage-SCHEME)")
    add("--target", choices=TARGETS, default="cpu", help="what is to run it (default: %(default)s)")
    add(
        "--detector",
        metavar="NAME",
        help="face detector of the bundle, which also cuts the faces: face-finder, mtcnn, or a "
        f"folder that cuts them only (default: {DEFAULT_DETECTOR}); or the .tflite or .onnx of a "
        "detector of yours, which goes into the bundle and cuts none",
    )
    add(
        "--detector-contract",
        type=Path,
        metavar="FILE",
        help="what the detector in that file is, where its outputs do not tell",
    )
    add(
        "--detector-size",
        type=_size,
        metavar="WIDTHxHEIGHT",
        help="of the pictures of a detector whose .onnx leaves their size open",
    )
    add("--again", action="store_true", help="convert even where nothing has changed")
    add("--json", action="store_true", help="print the report as one line of JSON")
    add("--version", action="version", version=f"faceage {__version__}")
    _add_own(made.add_argument_group("a model of yours"))
    _add_faces(made.add_argument_group("faces to convert it with"))
    _add_limits(made.add_argument_group("how far its ages may move"))
    _add_interval(made.add_argument_group("what its interval is fitted on"))
    _add_hints(made.add_argument_group("what it is, where it carries no contract"))
    return made


def own_detector(options: argparse.Namespace) -> Path | None:
    """The file of the user's own detector, where `--detector` names one."""
    named = options.detector
    if named is None or not named.lower().endswith((".tflite", ".onnx")):
        return None
    return Path(named)


def _size(text: str) -> tuple[int, int]:
    found = re.fullmatch(r"(\d{1,4})x(\d{1,4})", text)
    width, height = map(int, found.groups()) if found else (0, 0)
    if min(width, height) < _LEAST_SIDE:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no size; expected such as 640x480, {_LEAST_SIDE} pixels a side or more"
        )
    return width, height


def uses_recorded_ranges(options: argparse.Namespace) -> bool:
    """Whether the age model is converted as it was shipped: nothing is said but its name."""
    if options.model is None:
        return True
    if options.qat:
        return False
    said = given(options, (*FACES, "name", *HINTS))
    if own_detector(options) is not None:
        said = [name for name in said if name != "--faces"]
    return options.model in shipped_names() and not said


def with_defaults(options: argparse.Namespace) -> argparse.Namespace:
    """The options with defaults for what was left out about faces."""
    given = {name: value for name, value in vars(options).items() if value is not None}
    defaults = {**_DEFAULTS, "detector": DEFAULT_DETECTOR}
    return argparse.Namespace(**{**vars(options), **defaults, **given})


def hints_of(options: argparse.Namespace) -> Hints:
    """What the options say of the model."""
    return Hints(**{name: getattr(options, name) for name in HINTS})


def given(options: argparse.Namespace, names: tuple[str, ...]) -> list[str]:
    """Those of some options that the command line has, as it has them."""
    return [f"--{n.replace('_', '-')}" for n in names if getattr(options, n) is not None]


def _add_own(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    add(
        "--model",
        metavar="FILE",
        help=".keras, .h5 (+ .json), SavedModel folder, .pt2, .onnx or .tflite, or a shipped "
        "model's name",
    )
    add(
        "--closer",
        type=Path,
        metavar="FILE",
        help="a second model, of the part of the face that an output of --model says; what both "
        "give is added",
    )
    add("--closer-contract", type=Path, metavar="CONTRACT", help="what that one is")
    add("--name", help="name in the contract and the file names (default: the file's)")


def _add_faces(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    add("--faces", type=Path, metavar="PATH", help="folder or .tar of faces to record ranges on")
    add(
        "--eval-faces",
        type=Path,
        metavar="PATH",
        help="other faces to measure on (default: the rest of --faces)",
    )
    add(
        "--count",
        type=at_least(PICTURES),
        metavar="N",
        help=f"calibration faces (default: {_DEFAULTS['count']})",
    )
    add(
        "--eval-count",
        type=at_least(1),
        metavar="N",
        help=f"evaluation faces at most (default: {_DEFAULTS['eval_count']})",
    )
    add(
        "--choice",
        type=Path,
        metavar="FILE",
        help="file of faceage-calibrate choose: the calibration faces are those that it lists; the "
        "rest of --faces is measured on, or --eval-faces",
    )
    add("--names", choices=NAMES, help="how pictures are named; none: they carry no ages")
    add(
        "--with-pictures",
        action="store_const",
        const=True,
        help="put the faces that moved most into the report",
    )
    add("--crops", choices=CROP_MODES, help=f"how faces are cut (default: {_DEFAULTS['crops']})")


def _add_limits(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    add(
        "--refine",
        nargs="+",
        choices=tuple(REFINEMENTS),
        metavar="HOW",
        help="begin with a refined int8 file, not only where a plain one costs too much: equalise "
        "(channels are scaled so that they span alike), clip (ranges are cut where a finer step "
        "gains more than the cut values lose), round (weights are rounded up or down by "
        "what that does to a layer's result); none costs a device anything",
    )
    add(
        "--max-drop",
        type=_years,
        metavar="YEARS",
        help=f"rise of the mean error that is allowed (default: {_DEFAULTS['max_drop']})",
    )
    add(
        "--max-band-drop",
        type=_years,
        metavar="YEARS",
        help=f"and within a band of ages (default: {_DEFAULTS['max_band_drop']})",
    )


def _add_interval(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    add(
        "--shape",
        type=Path,
        metavar="FILE",
        help="file of faceage-calibrate shape: where the interval is wider than elsewhere",
    )
    add(
        "--interval-choice",
        type=Path,
        metavar="FILE",
        help="file of faceage-calibrate choose: faces of --faces or --eval-faces that the interval "
        "is fitted on beside the calibration faces",
    )


def _add_hints(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    add("--contract", type=Path, metavar="FILE", help="JSON or .toml that states all of it")
    add("--head", choices=HEADS, help="what the numbers of its output mean")
    add("--output", metavar="NAME", help="which output is the age, of several")
    add(
        "--normalise",
        choices=tuple(INPUTS),
        help="its input: signed (u8/127.5 - 1), signed-128 ((u8-128)/128), unit (u8/255), bytes, "
        "imagenet (mean and deviation of colour), caffe (BGR, mean taken off), standardise (each "
        "picture by its own mean and deviation)",
    )
    add("--colour", choices=("RGB", "BGR"), help="its input's colour order")


def _years(text: str) -> float:
    try:
        value = float(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of years") from error
    if not 0 < value <= 120:
        raise argparse.ArgumentTypeError(f"{text} years: expected more than 0, 120 at most")
    return value
