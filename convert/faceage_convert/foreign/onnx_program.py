"""Run with onnx2tf's Python: an `.onnx` file to a float .tflite, and what ONNX Runtime answers.

    python onnx_program.py MODEL.onnx FOLDER [WIDTH HEIGHT]

Width and height are for a model of pictures of an open size. It writes FOLDER/model.tflite,
pictures.npy (n, height, width, 3), and answers.npz: ONNX Runtime's own outputs on these, by name.
It imports nothing of faceage, which is not installed there.
"""

import os
import shutil
import sys
from pathlib import Path

import numpy as np

__all__ = ["main"]

SEED = 11
# onnx2tf fetches this file from the network unless it lies in the working folder; it is only used
# for quantizing, which is not done here.
SAMPLES = "calibration_image_sample_data_20x128x128x3_float32.npy"


def main(model: str, folder: str, *size: str) -> None:
    """Convert one file."""
    import onnxruntime

    out = Path(folder)
    source = Path(model).resolve()
    if size:
        source = of_one_size(source, out / "fixed.onnx", *map(int, size))
    session = onnxruntime.InferenceSession(str(source), providers=["CPUExecutionProvider"])
    inputs = session.get_inputs()
    shape = inputs[0].shape
    if len(inputs) != 1 or len(shape) != 4 or 3 not in (shape[1], shape[3]):
        taken = [(one.name, one.shape) for one in inputs]
        sys.exit(f"it takes {taken}, expected one picture (batch, 3, height, width)")
    first = shape[1] == 3
    sides = shape[2:] if first else shape[1:3]
    if not all(isinstance(side, int) for side in sides):
        sys.exit(
            f"it takes pictures of an open size, {shape}: export it for one size, or for a "
            "detector say which with --detector-size WIDTHxHEIGHT"
        )
    pictures = np.random.default_rng(SEED).uniform(-1, 1, (1, *sides, 3)).astype(np.float32)
    seen = pictures.transpose(0, 3, 1, 2) if first else pictures
    names = [output.name for output in session.get_outputs()]
    answers = session.run(names, {inputs[0].name: np.ascontiguousarray(seen)})
    np.save(out / "pictures.npy", pictures)
    np.savez(out / "answers.npz", **dict(zip(names, answers, strict=True)))
    os.chdir(out)
    np.save(SAMPLES, np.zeros((20, 128, 128, 3), np.float32))
    import onnx2tf

    # A picture whose channels are last already stays as it is.
    kept = {} if first else {"keep_shape_absolutely_input_names": [inputs[0].name]}
    onnx2tf.convert(
        input_onnx_file_path=str(source), output_folder_path="made", non_verbose=True,
        copy_onnx_input_output_names_to_tflite=True, batch_size=1, **kept,
    )  # fmt: skip
    made = sorted(Path("made").glob("*_float32.tflite"))
    if not made:
        sys.exit("onnx2tf wrote no float32 .tflite")
    shutil.move(made[0], "model.tflite")


def of_one_size(source: Path, fixed: Path, width: int, height: int) -> Path:
    """Write a model of pictures of an open size as one that takes this size alone."""
    import onnx

    model = onnx.load(source)
    if len(model.graph.input) == 1:
        dims = model.graph.input[0].type.tensor_type.shape.dim
        first = len(dims) == 4 and dims[1].dim_value == 3
        sides = zip(dims[2:4] if first else dims[1:3], (height, width), strict=False)
        for dim, wanted in sides:
            if dim.dim_value not in (0, wanted):
                sys.exit(f"a side of its pictures is {dim.dim_value}, not {wanted}: leave it out")
            dim.dim_value = wanted
    # What follows from the sides is worked out anew.
    for output in model.graph.output:
        for dim in output.type.tensor_type.shape.dim:
            if dim.dim_param:
                dim.Clear()
    onnx.save(onnx.shape_inference.infer_shapes(model), fixed)
    return fixed


if __name__ == "__main__":
    main(*sys.argv[1:])
