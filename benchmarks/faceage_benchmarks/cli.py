"""`faceage-benchmark`: measurements, each a result file, and result files side by side.

Results go to stdout, progress to stderr. Exit codes: 0 done, 1 an error of ours, 2 usage.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from faceage_benchmarks.arguments import JSON_HELP, check_writable
from faceage_benchmarks.conversion_commands import add_conversion_commands
from faceage_benchmarks.loop_commands import add_loop_commands
from faceage_edge.command import run as run_command
from faceage_edge.number_options import at_least

if TYPE_CHECKING:
    _Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]

__all__ = ["main"]

_PROGRAM = "faceage-benchmark"
# Of `faceage_calibration.digest_split`, which a device need not load.
_PARTS = ("train", "choice", "test")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        argv: its arguments; those of the process when left out.

    Returns:
        The exit code.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    options = _parser().parse_args(arguments)
    body: Callable[[argparse.Namespace, Sequence[str]], int] = options.body
    return run_command(_PROGRAM, lambda: body(options, [_PROGRAM, *arguments]))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=_PROGRAM, description="Measure age models and detectors; every file can be recomputed."
    )
    commands = parser.add_subparsers(dest="measurement", required=True, metavar="MEASUREMENT")
    _add_accuracy(commands)
    _add_latency(commands)
    _add_threshold(commands)
    add_loop_commands(commands)
    _add_detection(commands)
    _add_arm(commands)
    add_conversion_commands(commands)
    _add_compare(commands)
    _add_report(commands)
    return parser


def _add_accuracy(commands: "_Subparsers") -> None:
    parser = commands.add_parser("accuracy", help="error in years on labelled faces")
    parser.set_defaults(body=_accuracy)
    _add_models(parser, "compared face by face on the same crops")
    parser.add_argument("--json", required=True, metavar="OUT", help=JSON_HELP)
    parser.add_argument("--csv", metavar="FILE", help="a line a face: label, age, interval, found")
    parser.add_argument(
        "--list", action="store_true", help="print each face's label and predicted age"
    )
    _add_faces(parser, required=True, purpose="folder or .tar of faces")


def _add_latency(commands: "_Subparsers") -> None:
    parser = commands.add_parser("latency", help="milliseconds a run, one model or two in turn")
    parser.set_defaults(body=_latency)
    _add_models(parser, "run in turn with the first; the ratio is first / second")
    parser.add_argument("--json", metavar="OUT", help=JSON_HELP)
    parser.add_argument(
        "--seconds", type=at_least(0, float), metavar="S", help="measure at least this long"
    )
    parser.add_argument("--runs", type=at_least(1), metavar="K", help="measure at least so often")
    parser.add_argument(
        "--loads", type=at_least(1), metavar="L", help="load the models anew so often, at least 2"
    )
    parser.add_argument("--quick", action="store_true", help="a short look; the file says so")
    _add_faces(
        parser,
        required=False,
        purpose="faces to measure the error on as well, through the very code that was timed",
    )


def _add_threshold(commands: "_Subparsers") -> None:
    parser = commands.add_parser(
        "threshold", help="how often someone too young passes an age check, and who is asked"
    )
    parser.set_defaults(body=_threshold)
    parser.add_argument(
        "--model", required=True, metavar="M", help=".tflite or a shipped model's name"
    )
    parser.add_argument("--faces", metavar="PATH", help="folder or .tar of faces with exact ages")
    parser.add_argument(
        "--result", metavar="FILE", help="instead of faces: an accuracy result of this model"
    )
    parser.add_argument(
        "--threshold", type=at_least(1), required=True, metavar="AGE", help="the age in question"
    )
    parser.add_argument(
        "--challenge",
        type=at_least(1),
        metavar="AGE",
        help="estimated age from which on nobody is asked (default: the threshold)",
    )
    parser.add_argument("--json", required=True, metavar="OUT", help=JSON_HELP)
    _add_shared(parser)


def _add_detection(commands: "_Subparsers") -> None:
    parser = commands.add_parser("detection", help="faces found and invented on labelled photos")
    parser.set_defaults(body=_detection)
    pictures = parser.add_mutually_exclusive_group(required=True)
    pictures.add_argument("--photos", metavar="DIR", help="folder of the photos")
    pictures.add_argument(
        "--composites",
        metavar="FACES",
        help="compose scenes of faces instead, of one part of a set like FairFace's crops",
    )
    parser.add_argument(
        "--part",
        choices=_PARTS,
        default="test",
        help="which, split by picture digests: figures are stated on test, thresholds chosen on "
        "choice (default: %(default)s)",
    )
    parser.add_argument(
        "--count",
        type=at_least(1),
        default=2000,
        metavar="N",
        help="faces in composed scenes (default: %(default)s)",
    )
    parser.add_argument(
        "--boxes",
        nargs="+",
        default=[],
        metavar="FILE",
        help="box files in dlib's imglab XML (default: every .xml in the folder)",
    )
    parser.add_argument(
        "--detector",
        action="append",
        metavar="NAME",
        help="int8, float32 (the default detector), package (the mtcnn package), a shipped name or "
        "a folder, :float32 behind it for its float networks, @P,Q for other thresholds, or "
        "rfb320=FILE; repeatable (default: int8 and float32)",
    )
    parser.add_argument(
        "--min-face",
        type=float,
        default=20.0,
        metavar="PIXELS",
        help="side of the smallest face looked for (default: %(default)g)",
    )
    parser.add_argument("--json", required=True, metavar="OUT", help=JSON_HELP)
    _add_shared(parser)


def _add_compare(commands: "_Subparsers") -> None:
    parser = commands.add_parser("compare", help="result files of several machines in one table")
    parser.set_defaults(body=_compare)
    parser.add_argument("files", nargs="+", metavar="FILE", help="two or more result files")
    parser.add_argument("--json", metavar="OUT", help="write the paired changes as a result too")
    parser.add_argument(
        "--out", metavar="DIR", help="write the page as well: report.html, report.md, plots"
    )


def _add_report(commands: "_Subparsers") -> None:
    parser = commands.add_parser("report", help="the page of a folder of result files")
    parser.set_defaults(body=_report)
    parser.add_argument("folder", metavar="FOLDER", help="with the result files (*.json)")
    parser.add_argument(
        "--out", required=True, metavar="DIR", help="for report.html, report.md and the plots"
    )


def _add_arm(commands: "_Subparsers") -> None:
    parser = commands.add_parser(
        "arm", help="instructions on emulated ARM boards (Debian; installs what it needs)"
    )
    parser.set_defaults(body=_arm)
    parser.add_argument(
        "models", nargs="*", metavar="MODEL", help="int8 .tflite files (default: the shipped ones)"
    )
    parser.add_argument("--json", required=True, metavar="OUT", help=JSON_HELP)
    parser.add_argument(
        "--project", default=".", metavar="DIR", help="checkout to test (default: %(default)s)"
    )
    parser.add_argument(
        "--passes", action="store_true", help="count the shipped detectors' full passes too"
    )
    parser.add_argument(
        "--float", action="store_true", help="count the float files beside them too (minutes)"
    )
    parser.add_argument(
        "--peer",
        action="append",
        default=[],
        metavar="NAME=FILE",
        help="count one invoke of another .tflite; repeatable",
    )
    parser.add_argument("--write-budget", metavar="FILE", help="make these counts the budget")
    parser.add_argument("--cache", metavar="DIR", help="where the root file system is kept")
    parser.add_argument(
        "--budget", metavar="FILE", help="exit 3 when a count exceeds its budget by half a percent"
    )
    parser.add_argument(
        "--frames", action="store_true", help="count whole camera frames too (minutes)"
    )
    parser.add_argument(
        "--loop",
        action="store_true",
        help="count the camera loop over 300 frames of an idle scene, one face and four (minutes)",
    )


def _add_faces(parser: argparse.ArgumentParser, *, required: bool, purpose: str) -> None:
    parser.add_argument("--faces", required=required, metavar="PATH", help=purpose)
    parser.add_argument(
        "--crops",
        choices=("aligned", "detect"),
        default="detect",
        help="detect: by the detector, as on the camera; aligned: by the set's own alignment",
    )
    parser.add_argument(
        "--names",
        choices=("utkface", "id-age-gender"),
        help="how the file names carry labels, where they could mean two things",
    )
    parser.add_argument(
        "--detector",
        default="int8",
        metavar="NAME",
        help="int8 or float32 (the default detector), a shipped name or a folder, :float32 behind "
        "it for its float networks (default: %(default)s)",
    )
    parser.add_argument(
        "--decode",
        choices=("sum", "count"),
        default="sum",
        help="a CORAL head's age: sum of probabilities, or count of those above one half",
    )
    parser.add_argument(
        "--part", choices=_PARTS, help="of the set, split by picture digests (default: all of it)"
    )
    parser.add_argument(
        "--limit",
        type=at_least(1),
        metavar="N",
        help="measure N faces, chosen over ages by --seed",
    )
    parser.add_argument(
        "--workers",
        type=at_least(1),
        metavar="N",
        help="processes for a set of more than one shard (default: one a core)",
    )
    parser.add_argument("--dask", metavar="ADDRESS", help="measure on a Dask cluster instead")
    parser.add_argument(
        "--shard", type=at_least(1), metavar="N", help="faces measured at a time (default: 1024)"
    )


def _add_models(parser: argparse.ArgumentParser, against: str) -> None:
    parser.add_argument(
        "--model",
        required=True,
        metavar="M",
        help=".tflite, a shipped model's name, or a Keras file",
    )
    parser.add_argument("--against", metavar="N", help=f"a second model, {against}")
    parser.add_argument(
        "--contract",
        metavar="FILE",
        help="contract of a Keras file (default: its .json neighbour, else what is usual)",
    )
    parser.add_argument(
        "--delegate",
        metavar="LIB[,K=V]",
        help="accelerator for --model, e.g. libedgetpu.so.1; --against runs without",
    )
    _add_shared(parser)


def _add_shared(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--threads", type=at_least(1), default=1, metavar="T", help="CPU threads")
    parser.add_argument("--seed", type=int, default=0, help="of every random choice")


def _accuracy(options: argparse.Namespace, command: Sequence[str]) -> int:
    from faceage_benchmarks import accuracy

    check_writable(options.json, options.csv)
    return accuracy.run(options, command)


def _latency(options: argparse.Namespace, command: Sequence[str]) -> int:
    from faceage_benchmarks import latency

    check_writable(options.json)
    return latency.run(options, command)


def _threshold(options: argparse.Namespace, command: Sequence[str]) -> int:
    from faceage_benchmarks import threshold

    check_writable(options.json)
    return threshold.run(options, command)


def _detection(options: argparse.Namespace, command: Sequence[str]) -> int:
    from faceage_benchmarks import detection

    check_writable(options.json)
    return detection.run(options, command)


def _arm(options: argparse.Namespace, command: Sequence[str]) -> int:
    from faceage_benchmarks.arm.measure import run

    return run(options, command)


def _compare(options: argparse.Namespace, command: Sequence[str]) -> int:
    from faceage_benchmarks.compare_command import compare

    check_writable(options.json)
    return compare(options, command)


def _report(options: argparse.Namespace, command: Sequence[str]) -> int:
    from faceage_benchmarks.compare_command import report

    return report(options, command)
