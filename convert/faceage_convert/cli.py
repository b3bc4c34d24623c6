"""faceage-convert: float models in, a bundle of verified int8 TFLite files out."""

import argparse
import json
import shlex
import sys
import time
from collections.abc import Sequence

from faceage_convert.bundle import MARK, check_replaceable, list_files, new_folder
from faceage_convert.conversion import AgeResult, Converted, verified
from faceage_convert.faces import choose_faces
from faceage_convert.import_float import import_float
from faceage_convert.options import (
    SCHEMES,
    check_usage,
    hints_of,
    own_detector,
    parser,
    uses_recorded_ranges,
    with_defaults,
)
from faceage_convert.own_detector import convert_detector, import_detector
from faceage_convert.own_model import convert_own
from faceage_convert.report import report_document, report_json, report_text
from faceage_convert.shipped import convert_shipped
from faceage_convert.write import write_models
from faceage_edge.bundles import find_age
from faceage_edge.command import run
from faceage_edge.detector import DEFAULT_DETECTOR, named_detector
from faceage_models.float_source import SHIPPED_AGE, SHIPPED_DETECTORS

__all__ = ["main"]

_TEXT = "report.md"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        argv: arguments after the program's name; None takes the process's own.

    Returns:
        The exit code: 0 done, 1 our error, 2 usage, 130 interrupted.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    options = parser().parse_args(words)
    return run("faceage-convert", lambda: _convert(options, ["faceage-convert", *words]))


def _convert(options: argparse.Namespace, command: list[str]) -> int:
    started = time.monotonic()
    check_usage(options)
    out = options.out or SCHEMES[options.quantize]
    check_replaceable(out)
    detector = _detector(options)
    age = _age(options)
    with new_folder(out) as folder:
        write_models(folder, age, detector)
        document = report_document(
            [age.converted, *detector],
            age.comparison,
            command=command,
            contents=[*list_files(folder), MARK, _TEXT],
            seconds=time.monotonic() - started,
        )
        (folder / MARK).write_text(report_json(document), encoding="utf-8")
        (folder / _TEXT).write_text(report_text(document), encoding="utf-8")
    print(json.dumps(document) if options.json else report_text(document))
    next_step = f"faceage-camera --models {shlex.quote(str(out))} --source 0"
    print(f"wrote {out}: run it with: {next_step}", file=sys.stderr)
    return 0


def _detector(options: argparse.Namespace) -> list[Converted]:
    """Convert the networks of the detector named: the user's file, or those of a shipped one."""
    file = own_detector(options)
    if file is None:
        return [convert_shipped(name, options.quantize) for name in _detector_files(options)]
    source = import_detector(file, options.detector_contract)
    return convert_detector(source, options.quantize, options.faces)


def _detector_files(options: argparse.Namespace) -> tuple[str, ...]:
    """The float networks that go into the bundle: of the shipped detector named, or the default."""
    named = options.detector if options.detector in SHIPPED_DETECTORS else DEFAULT_DETECTOR
    return SHIPPED_DETECTORS[named]


def _age(options: argparse.Namespace) -> AgeResult:
    """Convert the age model: a shipped one, or the user's, on their faces."""
    if uses_recorded_ranges(options):
        return AgeResult(convert_shipped(options.model or SHIPPED_AGE, options.quantize))
    source = import_float(find_age(options.model, "float32"), hints_of(options), name=options.name)
    if options.quantize == "none":
        return AgeResult(verified(Converted(source.data, source.contract, source)))
    wanted = with_defaults(options)
    faces = choose_faces(
        wanted.faces,
        wanted.eval_faces,
        names=wanted.names,
        count=wanted.count,
        most=wanted.eval_count,
    )
    # A detector of the user's is not known to lay landmarks as the age model's crops want them.
    cutter = wanted.detector if own_detector(options) is None else DEFAULT_DETECTOR
    detector = named_detector(cutter) if wanted.crops == "detect" else None
    return convert_own(source, faces, wanted.crops, detector)


if __name__ == "__main__":
    sys.exit(main())
