"""The command line of `faceage-convert`."""

import argparse
from collections.abc import Callable
from pathlib import Path

from faceage_calibration.crops import CROP_MODES
from faceage_convert.faces import NAMES
from faceage_convert.verify import PICTURES
from faceage_edge import __version__
from faceage_edge.bundles import shipped_names
from faceage_edge.detector import DEFAULT_DETECTOR
from faceage_edge.errors import UsageError
from faceage_models.age_inputs import INPUTS
from faceage_models.age_output import HEADS
from faceage_models.specification import Hints

__all__ = [
    "SCHEMES",
    "check_usage",
    "hints_of",
    "parser",
    "uses_recorded_ranges",
    "with_defaults",
]

# What may follow --quantize, and the folder that is written where none is named.
SCHEMES = {"int8": Path("faceage-int8"), "none": Path("faceage-float32")}

# Options about faces, and what holds where they are left out.
_DEFAULTS = {
    "eval_faces": None,
    "count": 500,
    "eval_count": 3000,
    "names": None,
    "crops": "detect",
}
_HINTS = ("contract", "head", "output", "normalise", "colour")


def parser() -> argparse.ArgumentParser:
    """Describe the command line; options that are left out are None."""
    made = argparse.ArgumentParser(
        prog="faceage-convert",
        usage="%(prog)s [--quantize SCHEME] [--out DIR] [--model FILE --faces PATH [OPTION ...]]",
        description="Convert a float age model and the face detector to int8 TFLite files. "
        "Shipped models are converted with their recorded ranges.",
        epilog="Exit codes: 0 done, 1 an error that the message explains, 2 wrong usage.",
    )
    add = made.add_argument
    add("--quantize", choices=tuple(SCHEMES), default="int8", help="scheme (default: %(default)s)")
    add("--out", type=Path, metavar="DIR", help="folder to write (default: faceage-int8)")
    add(
        "--detector",
        metavar="NAME",
        help="face detector of the bundle, which also cuts the faces: face-finder, mtcnn, or a "
        f"folder that cuts them only (default: {DEFAULT_DETECTOR})",
    )
    add("--json", action="store_true", help="print the report as one line of JSON")
    add("--version", action="version", version=f"faceage {__version__}")
    _add_own(made.add_argument_group("a model of yours"))
    _add_faces(made.add_argument_group("faces to convert it with"))
    _add_hints(made.add_argument_group("what it is, where it carries no contract"))
    return made


def check_usage(options: argparse.Namespace) -> None:
    """Refuse options that contradict each other or would be ignored.

    Raises:
        UsageError: naming them.
    """
    faces = _given(options, ("faces", *_DEFAULTS))
    if options.model is None:
        spare = [*faces, *_given(options, ("name", *_HINTS))]
        if spare:
            raise UsageError(
                f"{', '.join(spare)} without --model FILE; the shipped models need none of it, "
                "their contracts and recorded ranges come with them"
            )
    elif options.quantize == "none" and faces:
        raise UsageError(
            f"{', '.join(faces)} with --quantize none; nothing is quantized, so no faces are needed"
        )
    elif options.quantize != "none" and not uses_recorded_ranges(options) and not options.faces:
        raise UsageError(
            "--model needs --faces PATH: a folder or .tar of faces to record ranges on, 300 or "
            "more like those it will see; where their names carry ages the error is measured"
        )


def uses_recorded_ranges(options: argparse.Namespace) -> bool:
    """Whether the age model is converted as it was shipped: nothing is said but its name."""
    if options.model is None:
        return True
    said = _given(options, ("faces", *_DEFAULTS, "name", *_HINTS))
    return options.model in shipped_names() and not said


def with_defaults(options: argparse.Namespace) -> argparse.Namespace:
    """The options with defaults for what was left out about faces."""
    given = {name: value for name, value in vars(options).items() if value is not None}
    defaults = {**_DEFAULTS, "detector": DEFAULT_DETECTOR}
    return argparse.Namespace(**{**vars(options), **defaults, **given})


def hints_of(options: argparse.Namespace) -> Hints:
    """What the options say of the model."""
    return Hints(**{name: getattr(options, name) for name in _HINTS})


def _add_own(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    add(
        "--model",
        metavar="FILE",
        help=".keras, .h5 (+ .json), SavedModel folder, .pt2, .onnx or .tflite, or a shipped "
        "model's name",
    )
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
        type=_at_least(PICTURES),
        metavar="N",
        help=f"calibration faces (default: {_DEFAULTS['count']})",
    )
    add(
        "--eval-count",
        type=_at_least(1),
        metavar="N",
        help=f"evaluation faces at most (default: {_DEFAULTS['eval_count']})",
    )
    add("--names", choices=NAMES, help="how pictures are named; none: they carry no ages")
    add("--crops", choices=CROP_MODES, help=f"how faces are cut (default: {_DEFAULTS['crops']})")


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


def _given(options: argparse.Namespace, names: tuple[str, ...]) -> list[str]:
    return [f"--{n.replace('_', '-')}" for n in names if getattr(options, n) is not None]


def _at_least(least: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        try:
            value = int(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(f"{text!r} is no whole number") from error
        if value < least:
            raise argparse.ArgumentTypeError(f"{value} is too few, expected {least} or more")
        return value

    return parse
