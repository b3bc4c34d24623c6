"""Which options of `faceage-convert` go together."""

import argparse

from faceage_convert.options import FACES, HINTS, given, own_detector, uses_recorded_ranges
from faceage_convert.recipes import NEEDS_RANGES, REFINABLE
from faceage_edge.errors import UsageError

__all__ = ["check_usage"]


def check_usage(options: argparse.Namespace) -> None:
    """Refuse options that contradict each other or would be ignored.

    Raises:
        UsageError: naming them.
    """
    _check_closer(options)
    if options.target == "coral" and options.quantize != "int8":
        raise UsageError(
            f"--target coral with --quantize {options.quantize}; the Edge TPU runs int8 only, and "
            "would leave the rest to the CPU: leave --quantize out"
        )
    if options.qat:
        _check_qat(options)
    if options.refine and options.quantize not in REFINABLE:
        raise UsageError(
            f"--refine with --quantize {options.quantize}; what is refined is the rounding to "
            f"int8: take {' or '.join(REFINABLE)}, or leave --refine out"
        )
    if options.choice is not None and options.count is not None:
        raise UsageError("--choice names every calibration face and --count would choose: give one")
    faces = given(options, FACES)
    own = own_detector(options)
    if options.detector_contract is not None and own is None:
        raise UsageError("--detector-contract without --detector FILE.tflite that it is about")
    if options.detector_size is not None and (own is None or own.suffix.lower() != ".onnx"):
        raise UsageError("--detector-size without --detector FILE.onnx whose pictures it is of")
    if own is not None and options.model is None:
        # They are the detector's then.
        faces = [name for name in faces if name != "--faces"]
    if options.model is None:
        spare = [*faces, *given(options, ("name", *HINTS))]
        if spare:
            raise UsageError(
                f"{', '.join(spare)} without --model FILE; the shipped models need none of it, "
                "their contracts and recorded ranges come with them"
            )
    elif options.quantize == "none" and faces:
        raise UsageError(
            f"{', '.join(faces)} with --quantize none; nothing is quantized, so no faces are needed"
        )
    elif _lacks_faces(options):
        raise UsageError(
            "--model needs --faces PATH: a folder or .tar of faces to record ranges on, 300 or "
            "more like those it will see; where their names carry ages the error is measured"
        )
    elif options.faces is None and faces:
        raise UsageError(f"{', '.join(faces)} without --faces PATH, whose faces it is about")


def _check_closer(options: argparse.Namespace) -> None:
    if options.closer is None:
        if options.closer_contract is not None:
            raise UsageError("--closer-contract without --closer FILE that it is about")
        return
    if options.closer_contract is None and options.closer.suffix != ".tflite":
        raise UsageError(
            "--closer and --closer-contract go together: a second model, what it is; only a "
            ".tflite may carry its contract itself"
        )
    if options.model is None:
        raise UsageError("--closer without --model, which says where to look closer")
    if options.faces is None and options.quantize != "none":
        raise UsageError("--closer needs --faces: pieces of faces are what it is converted on")
    if options.qat or options.shape is not None:
        raise UsageError("--closer with --qat or --shape, which know models of one file only")


def _check_qat(options: argparse.Namespace) -> None:
    if options.quantize not in REFINABLE:
        raise UsageError(
            f"--qat with --quantize {options.quantize}; the model was trained for the rounding of "
            f"int8: take {' or '.join(REFINABLE)}, or leave --qat out"
        )
    if options.refine:
        raise UsageError(
            "--qat with --refine; weights that were trained for their rounding are left as they "
            "are: give one of them"
        )
    if options.model is None:
        raise UsageError("--qat without --model RUN/best.keras of faceage-train --qat")


def _lacks_faces(options: argparse.Namespace) -> bool:
    if options.qat:
        return False
    needed = options.quantize in NEEDS_RANGES and not uses_recorded_ranges(options)
    return needed and not options.faces
