"""`faceage-calibrate`: labelled faces, and the ranges, intervals and alignments fitted on them.

Results go to the files named and as one line to stdout, progress to stderr. Exit codes: 0 done,
1 an error of ours, 2 usage.
"""

import argparse
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from faceage_calibration import choose_command, commands, prepare_command, threshold_command
from faceage_calibration.choose import SPREADS
from faceage_calibration.crops import CROP_MODES
from faceage_calibration.data_sets import DATA_SETS
from faceage_calibration.digest_split import PARTS
from faceage_calibration.names import CONVENTIONS
from faceage_edge.command import run as run_command
from faceage_edge.number_options import at_least

if TYPE_CHECKING:
    _Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]
    _Options = argparse._ActionsContainer

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
    _add_prepare(tasks)
    _add_choose(tasks)
    _add_ranges(tasks)
    _add_interval(tasks)
    _add_threshold(tasks)
    _add_shape(tasks)
    _add_alignment(tasks)
    return parser


def _add_prepare(tasks: "_Subparsers") -> None:
    parser = tasks.add_parser("prepare", help="a labelled set of faces cut out of whole photos")
    parser.set_defaults(body=prepare_command.prepare)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = _terms()
    parser.add_argument("--photos", required=True, metavar="PATH", help="folder or .tar of photos")
    parser.add_argument(
        "--format",
        choices=tuple(DATA_SETS),
        help="a published set, read by its own labels; --labels names its label file where that is "
        "not among the pictures",
    )
    parser.add_argument(
        "--part",
        choices=PARTS,
        help="of a set that says who is in a picture: the people of one part only, so that nobody "
        "is in two (of 100 people 70 train, 15 choice, 15 test)",
    )
    parser.add_argument(
        "--labels",
        metavar="CSV",
        help="table with the columns file and age, and where known gender, ethnicity and box (x y "
        "width height of the face; default: a labels.csv among the photos, else their names)",
    )
    _add_names(parser)
    parser.add_argument(
        "--out", required=True, metavar="OUT", help="set to write: a .tar file, else a folder"
    )
    parser.add_argument(
        "--rename-only",
        action="store_true",
        help="the pictures are faces already: rename them and leave every byte as it is",
    )
    # Photos are of any size: a pyramid sees small faces in large ones, a frame network does not.
    _add_detector(parser, "mtcnn")


def _terms() -> str:
    """The published sets and their terms, for --help."""
    lines = [
        f"  {name:10}{one.title}; labels: {one.labels}\n{'':12}terms: {one.terms}"
        for name, one in DATA_SETS.items()
    ]
    return "\n".join(["published sets (--format), got from their owners, on their terms:", *lines])


def _add_choose(tasks: "_Subparsers") -> None:
    parser = tasks.add_parser(
        "choose", help="faces spread over age, gender and ethnicity, apart from other sets"
    )
    parser.set_defaults(body=choose_command.choose)
    _add_faces(parser, "labelled faces to choose from", several=True)
    _add_count(parser, 500)
    _add_seed(parser)
    parser.add_argument(
        "--spread",
        choices=SPREADS,
        default=SPREADS[0],
        help="even: as many of every kind as there are; as-found: in the shares that the sets "
        "have, as an interval wants them (default: %(default)s)",
    )
    parser.add_argument(
        "--apart-from",
        nargs="+",
        action="extend",
        default=[],
        metavar="PATH",
        help="sets whose pictures are not to be chosen; or files that name such pictures: choices, "
        "ranges, intervals",
    )
    parser.add_argument("--out", required=True, metavar="OUT", help="choice file to write")


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
    _add_faces(
        parser, "faces to run it on; labels spread the choice but are not needed", several=True
    )
    which = parser.add_mutually_exclusive_group()
    _add_count(which, 500)
    _add_choice(which)
    _add_seed(parser)
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
    _add_faces(parser, "faces with exact ages that the model has not been trained on", several=True)
    _add_choice(parser)
    _add_crops(parser)
    parser.add_argument(
        "--coverage",
        type=float,
        default=0.9,
        metavar="SHARE",
        help="share of faces whose age the interval holds (default: %(default)s)",
    )
    parser.add_argument(
        "--shape",
        metavar="FILE",
        help="file of `shape`: where the interval is wider than elsewhere",
    )
    parser.add_argument(
        "--json", metavar="OUT",
        help="file to write (default: beside the model, where a device takes it)",
    )  # fmt: skip


def _add_threshold(tasks: "_Subparsers") -> None:
    parser = tasks.add_parser(
        "threshold", help="calibrate an age model's answers to: at least so old?"
    )
    parser.set_defaults(body=threshold_command.threshold)
    parser.add_argument("--model", required=True, metavar="M", help=".tflite age model")
    _add_faces(parser, "faces with exact ages that the model has not been trained on", several=True)
    _add_choice(parser)
    _add_crops(parser)
    parser.add_argument(
        "--out", metavar="OUT", help="file to write (default: beside the model, where it is found)"
    )


def _add_shape(tasks: "_Subparsers") -> None:
    parser = tasks.add_parser(
        "shape", help="where an age model errs more, and the curve that rights its ages"
    )
    parser.set_defaults(body=commands.shape)
    parser.add_argument("--model", required=True, metavar="M", help="float .tflite age model")
    _add_faces(parser, "many faces with exact ages, those trained on too", several=True)
    _add_choice(parser)
    _add_crops(parser)
    parser.add_argument(
        "--unseen",
        type=at_least(1, float),
        default=1.0,
        metavar="TIMES",
        help="how many times what these lack at 70 and over unseen faces lack, where the model has "
        "learnt from these (default: %(default)g)",
    )
    parser.add_argument("--out", required=True, metavar="FILE", help="file to write")


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
    _add_count(parser, 3000)
    _add_seed(parser)
    # Where faces usually lie was measured with it; another's landmarks would move every crop.
    _add_detector(parser, "mtcnn:float32")
    _add_json(parser)


def _add_faces(parser: argparse.ArgumentParser, text: str, *, several: bool = False) -> None:
    kind = "folders or .tar files" if several else "folder or .tar"
    parser.add_argument(
        "--faces",
        required=True,
        nargs="+" if several else None,
        metavar="PATH",
        help=f"{kind}: {text}",
    )
    _add_names(parser)


def _add_names(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--names",
        choices=CONVENTIONS,
        help="how the file names carry labels, where they could mean two things",
    )


def _add_count(parser: "_Options", count: int) -> None:
    parser.add_argument(
        "--count",
        type=at_least(1),
        default=count,
        metavar="N",
        help="faces to choose, spread over age, gender and ethnicity (default: %(default)s)",
    )


def _add_choice(parser: "_Options") -> None:
    parser.add_argument(
        "--choice", metavar="FILE", help="use only the faces in this file of `choose`"
    )


def _add_seed(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--seed", type=int, default=0, help="of the choice (default: %(default)s)")


def _add_threads(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--threads", type=at_least(1), default=1, metavar="T", help="CPU threads")


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
    _add_threads(parser)


def _add_json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", required=True, metavar="OUT", help="file to write")
