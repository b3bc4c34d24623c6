"""`faceage-calibrate`: ranges, prediction intervals and alignments from labelled faces.

Results go to the files named and as one line to stdout, progress to stderr. Exit codes: 0 done,
1 an error of ours, 2 usage.
"""

import argparse
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from faceage_calibration import commands
from faceage_calibration.crops import CROP_MODES
from faceage_calibration.names import CONVENTIONS
from faceage_edge.command import run as run_command

if TYPE_CHECKING:
    _Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]

__all__ = ["main"]

_PROGRAM = "faceage-calibrate"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        argv: its arguments; those of the process when left out.

    Returns:
        The exit code.
    """
    options = _parser().parse_args(argv)
    body: Callable[[argparse.Namespace], int] = options.body
    return run_command(_PROGRAM, lambda: body(options))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=_PROGRAM, description="What a conversion must learn from faces with known ages."
    )
    tasks = parser.add_subparsers(dest="task", required=True, metavar="TASK")
    _add_ranges(tasks)
    _add_interval(tasks)
    _add_alignment(tasks)
    return parser


def _add_ranges(tasks: "_Subparsers") -> None:
    parser = tasks.add_parser(
        "ranges", help="activation ranges of a float model, from which int8 scales follow"
    )
    parser.set_defaults(body=commands.ranges)
    parser.add_argument(
        "--model",
        required=True,
        metavar="FLOAT",
        help="float .tflite age model, or the folder of a float face detector",
    )
    _add_faces(parser, "faces to run it on; labels spread the choice but are not needed")
    _add_choice(parser, count=500)
    _add_crops(parser)
    parser.add_argument(
        "--out",
        required=True,
        metavar="OUT",
        help="ranges file to write; for a detector the folder for those of its networks",
    )
    parser.add_argument(
        "--clips",
        nargs="*",
        default=[],
        metavar="FILE",
        help="videos that a detector's networks see beside the scenes composed of the faces",
    )
    parser.add_argument(
        "--part",
        choices=("train", "choice", "test"),
        help="take the faces from one part of the set, split by picture digests (default: all)",
    )


def _add_interval(tasks: "_Subparsers") -> None:
    parser = tasks.add_parser(
        "interval", help="prediction interval of an age model, from held-out faces"
    )
    parser.set_defaults(body=commands.interval)
    parser.add_argument("--model", required=True, metavar="M", help=".tflite age model")
    _add_faces(parser, "faces with exact ages that the model has not been trained on")
    _add_crops(parser)
    parser.add_argument(
        "--coverage",
        type=float,
        default=0.9,
        metavar="SHARE",
        help="share of faces whose age the interval holds (default: %(default)s)",
    )
    _add_json(parser)


def _add_alignment(tasks: "_Subparsers") -> None:
    parser = tasks.add_parser(
        "alignment", help="where a source's faces lie in their pictures: median landmarks"
    )
    parser.set_defaults(body=commands.alignment)
    _add_faces(parser, "faces, all cut the same way")
    parser.add_argument(
        "--convention-name",
        required=True,
        metavar="NAME",
        help="the source's name in the file, e.g. utkface",
    )
    _add_choice(parser, count=3000)
    _add_detector(parser, "float32")
    _add_json(parser)


def _add_faces(parser: argparse.ArgumentParser, text: str) -> None:
    parser.add_argument("--faces", required=True, metavar="PATH", help=f"folder or .tar: {text}")
    parser.add_argument(
        "--names",
        choices=CONVENTIONS,
        help="how the file names carry labels, where they could mean two things",
    )
    parser.add_argument("--threads", type=_positive, default=1, metavar="T", help="CPU threads")


def _add_choice(parser: argparse.ArgumentParser, *, count: int) -> None:
    parser.add_argument(
        "--count",
        type=_positive,
        default=count,
        metavar="N",
        help="faces to choose, spread over age, gender and ethnicity (default: %(default)s)",
    )
    parser.add_argument("--seed", type=int, default=0, help="of the choice (default: %(default)s)")


def _add_crops(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--crops",
        choices=CROP_MODES,
        default="aligned",
        help="aligned: by the set's own alignment; detect: by the detector, as on the camera "
        "(default: %(default)s)",
    )
    _add_detector(parser, "int8")


def _add_detector(parser: argparse.ArgumentParser, scheme: str) -> None:
    parser.add_argument(
        "--detector",
        default=scheme,
        metavar="NAME",
        help="int8 or float32 (the default detector), a shipped name or a folder, :float32 behind "
        "it for its float networks (default: %(default)s)",
    )


def _add_json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", required=True, metavar="OUT", help="file to write")


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{value} is below 1")
    return value
