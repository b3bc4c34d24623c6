"""Command lines of what measures the camera loop: `loop`, `loop-cost`, `freshness`, `endurance`."""

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING

from faceage_benchmarks.arguments import JSON_HELP, check_writable
from faceage_edge.number_options import above_zero, at_least

if TYPE_CHECKING:
    _Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]

__all__ = ["add_loop_commands"]


def add_loop_commands(commands: "_Subparsers") -> None:
    """Add the four to a command's sub-commands; each sets `body`, as in cli.py."""
    _add_loop(commands)
    _add_cost(commands)
    _add_freshness(commands)
    _add_endurance(commands)


def _add_loop(commands: "_Subparsers") -> None:
    parser = commands.add_parser("loop", help="the camera loop: rate, delay, drops, CPU, memory")
    parser.set_defaults(body=_loop)
    parser.add_argument(
        "--source", required=True, metavar="S", help="a camera's number, or a clip with --rate"
    )
    parser.add_argument(
        "--rate", type=above_zero, metavar="N", help="play the clip at N frames a second"
    )
    parser.add_argument(
        "--seconds", type=above_zero, metavar="S", help="so long, behind the warm-up"
    )
    parser.add_argument("--quick", action="store_true", help="ten seconds; the file says so")
    for name, what in (
        ("model", "age model"),
        ("detector", "face detector"),
        ("models", "folder that faceage-convert wrote"),
        ("min-face", "side of the smallest face looked for, pixels"),
        ("threads", "CPU threads for one model"),
        ("width", "asked of a camera, pixels"),
        ("height", "asked of a camera, pixels"),
        ("fps", "asked of a camera"),
    ):
        parser.add_argument(f"--{name}", metavar="X", help=f"as of faceage-camera: {what}")
    _add_output(parser)


def _add_cost(commands: "_Subparsers") -> None:
    parser = commands.add_parser(
        "loop-cost", help="CPU time of a frame of the loop, against a search of every frame"
    )
    parser.set_defaults(body=_cost)
    parser.add_argument("--yunet", required=True, metavar="ONNX", help="YuNet's file")
    parser.add_argument("--clips", metavar="DIR", help="films (.gif) to compare the ages on")
    parser.add_argument(
        "--turns",
        type=at_least(2),
        default=35,
        metavar="N",
        help="of 30 frames each (default: %(default)s)",
    )
    _add_output(parser)


def _add_freshness(commands: "_Subparsers") -> None:
    parser = commands.add_parser(
        "freshness", help="how old results are when the model is slower than the camera"
    )
    parser.set_defaults(body=_freshness)
    for name, default, metavar, what in (
        ("model-ms", 100.0, "MS", "what the model takes"),
        ("fps", 30.0, "N", "the camera's rate"),
        ("seconds", 120.0, "S", "how long"),
    ):
        words = f"{what} (default: %(default)g)"
        parser.add_argument(
            f"--{name}", type=above_zero, default=default, metavar=metavar, help=words
        )
    _add_output(parser)


def _add_endurance(commands: "_Subparsers") -> None:
    parser = commands.add_parser(
        "endurance", help="whether faceage-camera stays up: memory, and results under faults"
    )
    parser.set_defaults(body=_endurance)
    length = parser.add_mutually_exclusive_group(required=True)
    length.add_argument(
        "--frames", type=at_least(2), metavar="N", help="feed so many frames, without faults"
    )
    length.add_argument(
        "--minutes", type=above_zero, metavar="M", help="feed for so long and inject faults"
    )
    parser.add_argument("--detector", metavar="NAME", help="as of faceage-camera")
    _add_output(parser, seed="of the faults")


def _add_output(parser: argparse.ArgumentParser, *, seed: str = "of the bootstrap") -> None:
    parser.add_argument("--json", required=True, metavar="OUT", help=JSON_HELP)
    parser.add_argument("--seed", type=int, default=0, help=seed)


def _loop(options: argparse.Namespace, command: Sequence[str]) -> int:
    from faceage_benchmarks import loop

    check_writable(options.json)
    return loop.run(options, command)


def _cost(options: argparse.Namespace, command: Sequence[str]) -> int:
    from faceage_benchmarks import loop_cost

    check_writable(options.json)
    return loop_cost.run(options, command)


def _freshness(options: argparse.Namespace, command: Sequence[str]) -> int:
    from faceage_benchmarks import freshness

    check_writable(options.json)
    return freshness.run(options, command)


def _endurance(options: argparse.Namespace, command: Sequence[str]) -> int:
    from faceage_benchmarks import endurance

    check_writable(options.json)
    return endurance.run(options, command)
