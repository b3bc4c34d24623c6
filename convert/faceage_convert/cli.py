"""faceage-convert: float models in, a bundle of verified int8 TFLite files out."""

import argparse
import shlex
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from faceage_calibration.crops import CROP_MODES
from faceage_calibration.ranges import Ranges, read_ranges
from faceage_convert.bundle import check_replaceable, new_folder
from faceage_convert.own_model import OwnResult, choose_faces, convert_own, embed_float
from faceage_convert.report import report_document, report_json, report_text
from faceage_convert.specification import NORMALISATIONS, FloatSource, Hints, shipped_float
from faceage_convert.static import Converted, finish, to_int8, with_known_figures
from faceage_convert.verify import different_pictures
from faceage_convert.write import write_models
from faceage_edge import __version__
from faceage_edge.command import run
from faceage_edge.contract import AGE_HEADS
from faceage_edge.errors import UsageError
from faceage_edge.mtcnn import load_detector

__all__ = ["main"]

_AGE = "age-mobilenet/age-mobilenet.float32.tflite"
_DETECTOR = tuple(f"mtcnn/mtcnn-{net}.float32.tflite" for net in ("pnet", "rnet", "onet"))


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        argv: arguments after the program's name; None takes the process's own.

    Returns:
        The exit code: 0 done, 1 our error, 2 usage.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    options = _parser().parse_args(words)
    return run("faceage-convert", lambda: _convert(options, ["faceage-convert", *words]))


def _convert(options: argparse.Namespace, command: list[str]) -> int:
    started = time.monotonic()
    _check_usage(options)
    check_replaceable(options.out)
    detector = [_shipped(name) for name in _DETECTOR]
    own = None if options.model is None else _own(options)
    age = _shipped(_AGE) if own is None else own.converted
    files = [age, *detector]
    comparison = None if own is None else own.comparison
    document = report_document(
        files, comparison, command=command, seconds=time.monotonic() - started
    )
    with new_folder(options.out) as folder:
        write_models(folder, files, own)
        (folder / "report.json").write_text(report_json(document), encoding="utf-8")
        (folder / "report.md").write_text(report_text(document), encoding="utf-8")
    print(report_json(document) if options.json else report_text(document))
    print(f"wrote {options.out}: run it with: {_next_step(options.out)}", file=sys.stderr)
    return 0


def _check_usage(options: argparse.Namespace) -> None:
    if options.model is not None and options.faces is None:
        raise UsageError(
            "--model needs --faces PATH: a folder or .tar of faces to record the ranges on "
            "(300 or more, like those it will see; with ages in their names the error is measured)"
        )
    if options.model is None and options.faces is not None:
        raise UsageError(
            "--faces goes with --model FILE; the shipped models have recorded ranges and need none"
        )
    if options.eval_faces is not None and options.faces is None:
        raise UsageError("--eval-faces goes with --model FILE and --faces PATH")


def _shipped(name: str) -> Converted:
    """Convert a shipped float model with the ranges that lie beside it."""
    source = shipped_float(name)
    converted = with_known_figures(to_int8(source, _shipped_ranges(source)))
    size = source.contract.input
    return finish(converted, different_pictures(size.height, size.width))


def _shipped_ranges(source: FloatSource) -> Ranges:
    return read_ranges(source.path.with_name(f"{source.contract.name}.ranges.json"))


def _own(options: argparse.Namespace) -> OwnResult:
    """Convert a user's model on their faces."""
    hints = Hints(
        head=options.head,
        normalisation=options.normalise,
        colour=options.colour,
        contract=options.contract,
    )
    source = embed_float(options.model, hints)
    if options.name is not None:
        source = replace(source, contract=replace(source.contract, name=options.name))
    faces = choose_faces(
        options.faces,
        options.eval_faces,
        names=options.names,
        count=options.count,
        most=options.eval_count,
    )
    return convert_own(source, faces, load_detector(options.detector), options.crops)


def _next_step(out: Path) -> str:
    return f"faceage-camera --models {shlex.quote(str(out))} --source 0"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="faceage-convert",
        description="Convert a float age model and the face detector to int8 TFLite files. "
        "Without --model the shipped models are converted with their recorded ranges.",
    )
    add = parser.add_argument
    add("--quantize", choices=("int8",), default="int8", help="the scheme (default: int8)")
    add("--out", type=Path, default=Path("faceage-int8"), help="folder to write (default: faceage-int8)")
    add("--model", type=Path, help="your float model: .keras, .h5, SavedModel folder or .tflite")
    add("--faces", type=Path, help="folder or .tar of faces to record ranges on")
    add("--eval-faces", type=Path, help="other faces to measure on (default: the rest of --faces)")
    add("--count", type=int, default=500, help="calibration faces (default: 500)")
    add("--eval-count", type=int, default=3000, help="evaluation faces at most (default: 3000)")
    add("--names", choices=("utkface", "id-age-gender"), help="how pictures are named")
    add("--crops", choices=CROP_MODES, default="detect", help="how faces are cut (default: detect)")
    add("--detector", default="mtcnn", help="folder of the detector that cuts them (default: mtcnn)")
    own = parser.add_argument_group("what your model is, where it carries no contract")
    own.add_argument("--contract", type=Path, help="JSON file that states all of it")
    own.add_argument("--head", choices=AGE_HEADS[:3], help="what its output means")
    own.add_argument(
        "--normalise",
        choices=tuple(NORMALISATIONS),
        help="its input: signed (u8/127.5 - 1), signed-128 ((u8-128)/128), unit (u8/255), bytes",
    )
    own.add_argument("--colour", choices=("RGB", "BGR"), help="its input's colour order")
    own.add_argument("--name", help="name in the contract and the file name")
    add("--json", action="store_true", help="print the report as JSON")
    add("--version", action="version", version=f"faceage {__version__}")
    return parser


if __name__ == "__main__":
    sys.exit(main())
