"""Command lines of what measures the converter and what reads model files: `convert`, `fuzz`."""

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING

from faceage_benchmarks.arguments import JSON_HELP, check_writable
from faceage_edge.number_options import at_least

if TYPE_CHECKING:
    _Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]

__all__ = ["add_conversion_commands"]


def add_conversion_commands(commands: "_Subparsers") -> None:
    """Add the two to a command's sub-commands; each sets `body`, as in cli.py."""
    _add_convert(commands)
    _add_fuzz(commands)


def _add_convert(commands: "_Subparsers") -> None:
    parser = commands.add_parser("convert", help="seconds and memory of a conversion to int8")
    parser.set_defaults(body=_convert)
    parser.add_argument("--model", metavar="M", help="a model to convert (default: the shipped)")
    parser.add_argument("--faces", metavar="PATH", help="faces to record a model's ranges on")
    parser.add_argument("--detector", metavar="NAME", help="the bundle's detector")
    parser.add_argument("--runs", type=at_least(2), metavar="K", help="convert so often")
    parser.add_argument("--quick", action="store_true", help="three times; the file says so")
    parser.add_argument("--json", required=True, metavar="OUT", help=JSON_HELP)
    parser.add_argument("--seed", type=int, default=0, help="of the bootstrap")


def _add_fuzz(commands: "_Subparsers") -> None:
    parser = commands.add_parser("fuzz", help="spoiled files to what reads bytes of others")
    parser.set_defaults(body=_fuzz)
    parser.add_argument("--target", required=True, metavar="T", help="tflite, contract or labels")
    for name, metavar, what in (
        ("engine", "E", "plain, or atheris of the extra [fuzz]"),
        ("executions", "N", "stop after so many"),
        ("seconds", "S", "or after so long"),
        ("findings", "DIR", "folder of inputs that failed"),
    ):
        words = f"as of faceage_convert.fuzz: {what}"
        parser.add_argument(f"--{name}", metavar=metavar, help=words)
    parser.add_argument("--seed", type=int, default=0, help="of the inputs")
    parser.add_argument("--json", required=True, metavar="OUT", help=JSON_HELP)


def _convert(options: argparse.Namespace, command: Sequence[str]) -> int:
    from faceage_benchmarks import conversion

    check_writable(options.json)
    return conversion.run(options, command)


def _fuzz(options: argparse.Namespace, command: Sequence[str]) -> int:
    from faceage_benchmarks import fuzzing

    check_writable(options.json)
    return fuzzing.run(options, command)
