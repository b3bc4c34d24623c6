"""Run with litert-torch's Python: a `.pt2` file to a float .tflite, and what PyTorch answers.

    python torch_program.py MODEL.pt2 FOLDER

It writes FOLDER/model.tflite, pictures.npy (n, height, width, 3), and answers.npz: PyTorch's own
outputs on these, by name. It imports nothing of faceage, which is not installed there.
"""

import sys
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["main", "named"]

SEED = 11


def main(model: str, folder: str) -> None:
    """Convert one file."""
    import litert_torch
    import torch

    program = torch.export.load(model)
    names = list(program.graph_signature.user_inputs)
    placeholders = {node.name: node for node in program.graph.nodes if node.op == "placeholder"}
    shapes = [tuple(placeholders[name].meta["val"].shape) for name in names]
    if len(shapes) != 1 or len(shapes[0]) != 4 or shapes[0][1] != 3:
        sys.exit(f"it takes {shapes}, expected one picture (batch, 3, height, width)")
    _, _, height, width = (int(side) for side in shapes[0])
    module = program.module()
    pictures = np.random.default_rng(SEED).uniform(-1, 1, (1, height, width, 3)).astype(np.float32)
    seen = torch.from_numpy(pictures).permute(0, 3, 1, 2).contiguous()
    with torch.no_grad():
        answers = module(seen)
    out = Path(folder)
    np.save(out / "pictures.npy", pictures)
    np.savez(out / "answers.npz", **named(answers))
    last = litert_torch.to_channel_last_io(module, args=[0])
    litert_torch.convert(last, (torch.from_numpy(pictures),)).export(str(out / "model.tflite"))


def named(answers: Any) -> dict[str, Any]:
    """Outputs by the model's own names where it gives a dict, else by their number."""
    if isinstance(answers, dict):
        return {str(name): value.numpy() for name, value in answers.items()}
    values = list(answers) if isinstance(answers, tuple | list) else [answers]
    names = ["output"] if len(values) == 1 else [f"output_{i}" for i in range(len(values))]
    return {name: value.numpy() for name, value in zip(names, values, strict=True)}


if __name__ == "__main__":
    main(*sys.argv[1:3])
