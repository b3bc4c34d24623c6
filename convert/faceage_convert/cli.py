"""faceage-convert: float models in, a bundle of verified int8 TFLite files out."""

import argparse
import json
import shlex
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from faceage_calibration.shape_file import read_shape
from faceage_convert.age_result import AgeResult
from faceage_convert.bundle import MARK, check_replaceable, list_files, new_folder
from faceage_convert.conversion import Converted, finish, to_quantized
from faceage_convert.edge_tpu import compile_all
from faceage_convert.face_table import FACES, write_faces
from faceage_convert.faces import choose_faces
from faceage_convert.gate import Limits
from faceage_convert.import_float import import_float
from faceage_convert.inspect_command import inspect_main
from faceage_convert.learnt_ranges import learnt_ranges
from faceage_convert.opened import RuntimeCrash, open_apart
from faceage_convert.options import (
    SCHEMES,
    hints_of,
    own_detector,
    parser,
    uses_recorded_ranges,
    with_defaults,
)
from faceage_convert.own_detector import convert_detector, import_detector
from faceage_convert.own_model import Wish, convert_own
from faceage_convert.preflight_command import preflight_main
from faceage_convert.recipes import REFINEMENTS, Recipe
from faceage_convert.report import report_text
from faceage_convert.report_document import report_document, report_json
from faceage_convert.report_page import report_page
from faceage_convert.shipped import convert_shipped
from faceage_convert.two_files import check_alone, convert_two, second_file, unquantized
from faceage_convert.unchanged import digests, fingerprint, unchanged
from faceage_convert.usage import check_usage
from faceage_convert.write import write_models
from faceage_edge.bundles import find_age
from faceage_edge.command import run
from faceage_edge.detector import DEFAULT_DETECTOR, named_detector
from faceage_edge.embedded import METADATA_NAME
from faceage_edge.errors import ModelFileError
from faceage_edge.flatbuffer import read_model_file
from faceage_edge.model import read_model_bytes
from faceage_edge.operators import EDGE_TPU, operator_names
from faceage_models.float_source import SHIPPED_AGE, SHIPPED_DETECTORS

__all__ = ["main"]

_TEXT = "report.md"
_PAGE = "report.html"
_REPORTS = (MARK, _TEXT, _PAGE)
_OTHERS = {"inspect": inspect_main, "preflight": preflight_main}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        argv: arguments after the program's name; None takes the process's own.

    Returns:
        The exit code: 0 done, 1 our error, 2 usage, 3 the conversion costs too much, 130
        interrupted.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    if words and words[0] in _OTHERS:
        return _OTHERS[words[0]](words[1:])
    options = parser().parse_args(words)
    return run("faceage-convert", lambda: _convert(options, ["faceage-convert", *words]))


def _convert(options: argparse.Namespace, command: list[str]) -> int:
    started = time.monotonic()
    check_usage(options)
    out = options.out or SCHEMES[options.quantize]
    check_replaceable(out)
    # Reading all inputs takes a while: not before it is known that there is something to compare.
    print_of = fingerprint(options) if (out / MARK).is_file() else None
    earlier = None if options.again or print_of is None else unchanged(out, print_of)
    if earlier is not None:
        _tell(earlier, options, f"{out} holds this already: nothing has changed (or --again)")
        return 0
    detector = _detector(options)
    age = _age(options)
    with new_folder(out) as folder:
        document = _fill(folder, options, age, detector, command, started)
        document["fingerprint"] = print_of or fingerprint(options)
        document["digests"] = digests(folder)
        (folder / MARK).write_text(report_json(document), encoding="utf-8")
    next_step = f"faceage-camera --models {shlex.quote(str(out))} --source 0"
    notes = (_undecided(age), _left_to_cpu(document))
    _tell(document, options, *notes, f"wrote {out}: run it with: {next_step}")
    return 0


def _fill(
    folder: Path,
    options: argparse.Namespace,
    age: AgeResult,
    detector: list[Converted],
    command: list[str],
    started: float,
) -> dict[str, Any]:
    """Write models and reports into a new bundle; the report's document, which is still to be
    written, since it states the digests of all the others."""
    write_models(folder, age, detector)
    models = [*age.files, *detector]
    coral = compile_all(folder, models) if options.target == "coral" else None
    if age.faces:
        write_faces(folder / FACES, age)
    document = report_document(
        age,
        detector,
        command=command,
        contents=[*list_files(folder), *_REPORTS],
        seconds=time.monotonic() - started,
        coral=coral,
    )
    (folder / _TEXT).write_text(report_text(document), encoding="utf-8")
    page = report_page(document, age.faces, pictures=bool(options.with_pictures))
    (folder / _PAGE).write_text(page, encoding="utf-8")
    return document


def _tell(document: dict[str, Any], options: argparse.Namespace, *notes: str | None) -> None:
    """Print the report, and notes beside it."""
    print(json.dumps(document) if options.json else report_text(document))
    for note in notes:
        if note is not None:
            print(note, file=sys.stderr)


def _undecided(age: AgeResult) -> str | None:
    if age.verdict is None or age.verdict.verdict != "undecided":
        return None
    return (
        f"note: whether this conversion is good enough is undecided: {age.verdict.reason}; about "
        f"{age.verdict.faces_needed:,} faces like these would decide it (--eval-faces)"
    )


def _left_to_cpu(document: dict[str, Any]) -> str | None:
    models = (document["coral"] or {"models": {}})["models"]
    left = [name for name, one in models.items() if one["first_on_cpu"] is not None]
    if not left:
        return None
    return (
        f"note: the CPU would run {', '.join(left)}, or part of it; the report says which "
        "operators and why (another --detector may map whole)"
    )


def _detector_scheme(options: argparse.Namespace) -> str:
    # A detector looks at every frame, and no XNNPACK kernel runs int16.
    return "int8" if options.quantize == "int16x8" else str(options.quantize)


def _detector(options: argparse.Namespace) -> list[Converted]:
    """Convert the networks of the detector named: the user's file, or those of a shipped one."""
    file = own_detector(options)
    if file is None:
        scheme = _detector_scheme(options)
        return [convert_shipped(name, scheme) for name in _detector_files(options)]
    source = import_detector(file, options.detector_contract, options.detector_size)
    return convert_detector(source, _own_detector_scheme(options), options.faces)


def _own_detector_scheme(options: argparse.Namespace) -> str:
    # A brought detector is converted to int8 or not at all.
    return "none" if options.quantize == "none" else "int8"


def _detector_files(options: argparse.Namespace) -> tuple[str, ...]:
    """The float networks that go into the bundle: of the shipped detector named, or the default."""
    named = options.detector if options.detector in SHIPPED_DETECTORS else DEFAULT_DETECTOR
    return SHIPPED_DETECTORS[named]


def _age(options: argparse.Namespace) -> AgeResult:
    """Convert the age model: a shipped one, or the user's, on their faces."""
    if uses_recorded_ranges(options):
        return AgeResult(convert_shipped(options.model or SHIPPED_AGE, options.quantize))
    path = find_age(options.model, "float32")
    _try_out(path)
    source = import_float(path, hints_of(options), name=options.name)
    if options.closer is None:
        check_alone(source)
    if options.quantize == "none":
        return unquantized(source, options)
    ranges = learnt_ranges(source) if options.qat else None
    if options.faces is None:
        made = to_quantized(source, ranges, Recipe(options.quantize))
        return AgeResult(finish(made), ranges)
    wanted = with_defaults(options)
    faces = choose_faces(
        wanted.faces,
        wanted.eval_faces,
        names=wanted.names,
        count=wanted.count,
        most=wanted.eval_count,
        choice=wanted.choice,
        interval_choice=wanted.interval_choice,
    )
    # A detector of the user's is not known to lay landmarks as the age model's crops want them.
    cutter = wanted.detector if own_detector(options) is None else DEFAULT_DETECTOR
    detector = named_detector(cutter) if wanted.crops == "detect" else None
    limits = Limits(wanted.max_drop, wanted.max_band_drop)
    shape = None if wanted.shape is None else read_shape(wanted.shape)
    recipe = Recipe(
        options.quantize, refine=tuple(one for one in REFINEMENTS if one in wanted.refine)
    )
    wish = Wish(recipe, options.target, limits, shape, ranges)
    if wanted.closer is None:
        return convert_own(source, faces, wanted.crops, detector, wish)
    return convert_two(source, second_file(source, wanted), faces, wanted.crops, detector, wish)


def _try_out(path: Path) -> None:
    """Open a foreign .tflite file apart first: the runtime does not check what it is given."""
    if path.suffix == ".tflite" and path.is_file():
        data = read_model_bytes(path)
        # What carries a contract was checked by its digest; an Edge TPU's file runs nowhere here.
        model = read_model_file(data, str(path))
        if METADATA_NAME not in model.metadata and EDGE_TPU not in operator_names(model):
            try:
                open_apart(data, str(path))
            except RuntimeCrash:
                raise
            except ModelFileError:
                pass  # the import says it better
