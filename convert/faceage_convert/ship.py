"""Give the raw exports of `faceage_models.export` their contracts: the float files we ship.

    python -m faceage_convert.ship --raw DIR --models models

A maintainer's step, run when a model or its crop changes; the int8 files, ranges and intervals
then come from `faceage-convert` like any user's.
"""

import argparse
import json
import math
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from faceage_calibration.alignment import alignment_of
from faceage_calibration.shape_file import read_shape
from faceage_convert.golden_outputs import with_golden
from faceage_convert.provenance import tool_versions
from faceage_edge.atomic import write_bytes
from faceage_edge.command import run
from faceage_edge.contract import AGE_HEADS, Contract, Crop, Input, Normalisation, Output
from faceage_edge.detector_stage import Stage
from faceage_edge.embedded import contract_bytes
from faceage_edge.errors import ModelFileError
from faceage_edge.flatbuffer import ModelFile, TensorInfo, read_model_file
from faceage_edge.geometry import CropTemplate
from faceage_edge.model import read_model_bytes
from faceage_models.finder_network import finder_anchors

__all__ = ["age_template", "float_contract", "main"]

# How near the face is: the part that 128 pixels hold of a UTKFace chip resized from 200 to 144.
_CHIP, _RESIZED, _CROP = 200, 144, 128

# Folder, stage, thresholds on probability and on overlap. Of MTCNN they are the defaults of the
# mtcnn package, version 1.0.0; of the face-finder they were chosen on composed scenes of the choice
# part and on clips (models/face-finder/README.md).
_STAGES = {
    "face-finder-finder": ("face-finder", "single-shot", 0.15, 0.4),
    "face-finder-aligner": ("face-finder", "output", 0.8, 0.7),
    "mtcnn-pnet": ("mtcnn", "proposal", 0.6, 0.7),
    "mtcnn-rnet": ("mtcnn", "refine", 0.7, 0.7),
    "mtcnn-onet": ("mtcnn", "output", 0.8, 0.7),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Write `<models>/<folder>/<name>.float32.tflite` and its sidecar for every raw export."""
    parser = argparse.ArgumentParser(prog="faceage_convert.ship", description=__doc__)
    parser.add_argument("--raw", type=Path, required=True, help="folder of raw exports")
    parser.add_argument("--models", type=Path, required=True, help="the checkout's models folder")
    arguments = parser.parse_args(argv)
    return run("faceage_convert.ship", lambda: _ship(arguments.raw, arguments.models))


def _ship(raw: Path, models: Path) -> int:
    exports = sorted(raw.glob("*.tflite"))
    if not exports:
        raise ModelFileError(f"{raw} holds no .tflite; write some with: faceage_models.export")
    for path in exports:
        data = read_model_bytes(path)
        spec = _read_spec(path.with_suffix(".json"))
        contract = float_contract(spec, read_model_file(data, str(path)))
        contract = _with_curve(contract, models / path.stem / f"{path.stem}.shape.json")
        data, contract = with_golden(data, contract, str(path))
        folder = models / (_STAGES[path.stem][0] if path.stem in _STAGES else path.stem)
        folder.mkdir(parents=True, exist_ok=True)
        write_bytes(folder / f"{path.stem}.float32.tflite", data)
        write_bytes(folder / f"{path.stem}.float32.json", contract_bytes(contract))
        print(f"{path.stem}: {len(data):,} bytes, digest {contract.model_digest[:16]}")
    return 0


def _with_curve(contract: Contract, shape: Path) -> Contract:
    """The contract with the years curve of the model's shape file, where it has one."""
    if not shape.is_file():
        return contract
    curve = read_shape(shape).years_curve
    outputs = tuple(
        replace(one, years_curve=curve) if one.head in AGE_HEADS else one
        for one in contract.outputs
    )
    return replace(contract, outputs=outputs)


def _read_spec(path: Path) -> dict[str, Any]:
    try:
        spec: dict[str, Any] = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise ModelFileError(f"cannot read {path}, which the export writes: {error}") from error
    return spec


def float_contract(spec: dict[str, Any], model: ModelFile) -> Contract:
    """Build a shipped float model's contract.

    Args:
        spec: the JSON that the export wrote beside the raw file.
        model: the raw file as read.
    """
    name = spec["name"]
    stage = _STAGES.get(name)
    return Contract(
        task=spec["task"],
        name=name,
        licence=spec["licence"],
        input=_input(model.inputs[0], spec["input"]["colour"]),
        crop=Crop("frame")
        if stage
        else Crop("template", template=age_template(model.inputs[0].shape[1])),
        outputs=tuple(_output(tensor, spec) for tensor in model.outputs),
        detector=None if stage is None else _stage(*stage[1:]),
        provenance={
            "scheme": "float32",
            "source": spec["source"],
            "weights_terms": spec["weights_terms"],
            "multiply_adds": spec["multiply_adds"],
            "parameters": spec["parameters"],
            "tools": tool_versions(),
        },
    )


def age_template(size: int) -> CropTemplate:
    """Where an age model's crop has the five landmarks: those of the median UTKFace chip.

    Args:
        size: height and width of the crop in pixels.
    """
    landmarks = alignment_of("utkface").points
    scale, margin = _RESIZED / _CHIP, (_RESIZED - _CROP) / 2
    # Pixel centres lie at integers, so pictures scale around -0.5.
    points = (landmarks + 0.5) * scale - margin
    return CropTemplate(size, size, np.round(points * (size / _CROP) - 0.5, 3))


def _input(tensor: TensorInfo, colour: str) -> Input:
    batch, height, width, _ = tensor.shape
    return Input(
        name=tensor.name, batch=batch, height=height, width=width, colour=colour, dtype="float32",
        scale=1.0, zero_point=0,
        normalisation=Normalisation("affine", mean=(128.0,) * 3, std=(128.0,) * 3),
    )  # fmt: skip


def _output(tensor: TensorInfo, spec: dict[str, Any]) -> Output:
    size = int(np.prod(tensor.shape[1:]))
    stated = next(one for one in spec["outputs"] if one["name"] == tensor.name)
    return Output(
        name=tensor.name,
        head=stated["head"],
        dtype="float32",
        scale=1.0,
        zero_point=0,
        size=size,
        rank_bias=tuple(stated.get("rank_bias", ())),
    )


def _stage(stage: str, probability: float, nms: float) -> Stage:
    grid = stage == "proposal"
    return Stage(
        stage=stage,
        logit_threshold=round(math.log(probability / (1 - probability)), 6),
        nms=nms,
        # P-Net sees 12 pixels and moves by the 2 of its one pooling (Zhang et al. 2016).
        stride=2 if grid else 0,
        cell=12 if grid else 0,
        anchors=finder_anchors() if stage == "single-shot" else None,
    )


if __name__ == "__main__":
    sys.exit(main())
