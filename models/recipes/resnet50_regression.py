r"""Train ResNet50 with one output in years under PyTorch, and save it as its authors do: `.pt2`.

    python models/recipes/resnet50_regression.py --data train.faces.npz \
        --validate dev.faces.npz --out RUN

It needs torch, numpy and Pillow and nothing of ours: the environment that `faceage-convert` makes
for `.pt2` files has them. The faces are packs of `faceage-train --pack`. L1 loss, SGD with momentum
0.9 and weight decay 1e-4, ImageNet's mean and deviation; `--grid` is the search over rate and
decay. RUN holds `best.pt2`, of the smallest validation error; `epochs.csv`; and `train.json`.
"""

import argparse
import csv
import io
import itertools
import json
import time
from pathlib import Path

import numpy as np
import torch
from PIL import Image

# Of torchvision, for pixels from 0 to 1.
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
# Room around a pack's crop, as a share of it: `faceage_models.age_faces.ROOM`.
ROOM = 0.15
# (narrow channels, blocks, stride of the first block): ResNet50 (He et al., arXiv:1512.03385).
STAGES = ((64, 3, 1), (128, 4, 2), (256, 6, 2), (512, 3, 2))
EXPANSION = 4


class Bottleneck(torch.nn.Module):
    """1x1, 3x3, 1x1 with a shortcut; the stride is in the 3x3, as torchvision has it."""

    def __init__(self, before: int, narrow: int, after: int, stride: int) -> None:
        super().__init__()
        nn = torch.nn
        self.body = nn.Sequential(
            nn.Conv2d(before, narrow, 1, bias=False), nn.BatchNorm2d(narrow), nn.ReLU(),
            nn.Conv2d(narrow, narrow, 3, stride, 1, bias=False), nn.BatchNorm2d(narrow), nn.ReLU(),
            nn.Conv2d(narrow, after, 1, bias=False), nn.BatchNorm2d(after),
        )  # fmt: skip
        self.beside: torch.nn.Module = nn.Identity()
        if stride > 1 or before != after:
            self.beside = nn.Sequential(
                nn.Conv2d(before, after, 1, stride, bias=False), nn.BatchNorm2d(after)
            )
        self.last = nn.ReLU()

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        """(n, before, h, w) to (n, after, h / stride, w / stride)."""
        result: torch.Tensor = self.last(self.body(pixels) + self.beside(pixels))
        return result


def resnet50(width: int) -> torch.nn.Sequential:
    """ResNet50 with one output; `width` is that of the first stage's narrow convolutions, 64 as
    published."""
    nn = torch.nn
    scale = width / 64
    channels = round(64 * scale)
    parts: list[torch.nn.Module] = [
        nn.Conv2d(3, channels, 7, 2, 3, bias=False), nn.BatchNorm2d(channels), nn.ReLU(),
        nn.MaxPool2d(3, 2, 1),
    ]  # fmt: skip
    for narrow, blocks, stride in STAGES:
        own = round(narrow * scale)
        for block in range(blocks):
            parts.append(Bottleneck(channels, own, own * EXPANSION, 1 if block else stride))
            channels = own * EXPANSION
    parts += [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, 1)]
    return nn.Sequential(*parts)


def read_faces(path: Path, size: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Canvases, uint8 (n, 3, side, side) RGB with room around `size` pixels, and ages (n,)."""
    with np.load(path, allow_pickle=False) as kept:
        data, lengths = kept["pictures"].tobytes(), kept["lengths"]
        ages = kept["spans"].mean(axis=1).astype(np.float32)
    side = size + 2 * round(size * ROOM)
    ends = np.cumsum(lengths)
    pictures = np.stack(
        [
            np.asarray(Image.open(io.BytesIO(data[end - length : end])).resize((side, side)))
            for end, length in zip(ends, lengths, strict=True)
        ]
    )
    return torch.from_numpy(pictures).permute(0, 3, 1, 2), torch.from_numpy(ages)


def network_input(pictures: torch.Tensor) -> torch.Tensor:
    """Normalise crops, uint8 (n, 3, size, size)."""
    mean, std = (torch.tensor(part).view(1, 3, 1, 1) for part in (MEAN, STD))
    return (pictures.float() / 255 - mean) / std


def shifted(canvases: torch.Tensor, size: int) -> torch.Tensor:
    """Crops at a place drawn for each, every second one mirrored."""
    room = canvases.shape[-1] - size
    crops = []
    for canvas in canvases:
        top, left = (int(torch.randint(room // 4, room - room // 4 + 1, ())) for _ in range(2))
        crop = canvas[:, top : top + size, left : left + size]
        crops.append(crop.flip(-1) if torch.rand(()) < 0.5 else crop)
    return torch.stack(crops)


def error(model: torch.nn.Module, canvases: torch.Tensor, ages: torch.Tensor, size: int) -> float:
    """Mean absolute error in years on the middle of the canvases."""
    start = (canvases.shape[-1] - size) // 2
    middle = canvases[..., start : start + size, start : start + size]
    model.eval()
    with torch.no_grad():
        found = [model(network_input(part))[:, 0] for part in middle.split(128)]
    return float((torch.cat(found) - ages).abs().mean())


def save(model: torch.nn.Module, size: int, path: Path) -> None:
    """Write the model as an exported program."""
    model.eval()
    program = torch.export.export(model, (torch.zeros(1, 3, size, size),))
    torch.export.save(program, path)


def train(options: argparse.Namespace, rate: float, decay: float, out: Path) -> float:
    """One run; returns its smallest validation error in years."""
    torch.manual_seed(options.seed)
    out.mkdir(parents=True, exist_ok=True)
    canvases, ages = read_faces(options.data, options.size)
    unseen, true = read_faces(options.validate, options.size)
    model = resnet50(options.width)
    torch.nn.init.constant_(model[-1].bias, float(ages.median()))
    steps = options.epochs * (len(ages) // options.batch)
    learner = torch.optim.SGD(model.parameters(), lr=rate, momentum=0.9, weight_decay=decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(learner, rate, total_steps=steps)
    rows: list[tuple[int, float, float]] = []
    began = time.monotonic()
    for epoch in range(options.epochs):
        model.train()
        losses = []
        order = torch.randperm(len(ages))
        for chosen in order[: len(ages) // options.batch * options.batch].split(options.batch):
            found = model(network_input(shifted(canvases[chosen], options.size)))[:, 0]
            loss = (found - ages[chosen]).abs().mean()
            learner.zero_grad()
            loss.backward()
            learner.step()
            schedule.step()
            losses.append(float(loss.detach()))
        mae = error(model, unseen, true, options.size)
        if not rows or mae < min(row[2] for row in rows):
            save(model, options.size, out / "best.pt2")
        rows.append((epoch + 1, float(np.mean(losses)), mae))
        print(f"epoch {epoch + 1}: loss {rows[-1][1]:.3f}, error {mae:.3f} years", flush=True)
        with (out / "epochs.csv").open("w", newline="") as file:
            csv.writer(file).writerows([("epoch", "loss", "validation_mae_years"), *rows])
    best = min(row[2] for row in rows)
    record = {
        "options": {key: str(value) for key, value in vars(options).items() if key != "grid"},
        "rate": rate, "decay": decay, "best_mae": best, "faces": len(ages),
        "seconds": round(time.monotonic() - began, 1),
        "parameters": sum(part.numel() for part in model.parameters()),
        "torch": torch.__version__,
    }  # fmt: skip
    (out / "train.json").write_text(json.dumps(record, indent=1) + "\n")
    return best


def main() -> None:
    """Read the command line and train."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="pack to learn from")
    parser.add_argument("--validate", type=Path, required=True, help="pack to choose by")
    parser.add_argument("--out", type=Path, required=True, help="folder of the run")
    parser.add_argument("--size", type=int, default=224, help="of the crop in pixels")
    parser.add_argument(
        "--width", type=int, default=64, help="of its first stage; 64: as published"
    )
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--rate", type=float, default=1e-3, help="highest learning rate")
    parser.add_argument("--decay", type=float, default=1e-4, help="weight decay")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--grid", nargs=2, metavar=("RATES", "DECAYS"), help="as in 1e-2,1e-3 0,1e-4"
    )
    options = parser.parse_args()
    if not options.grid:
        print(f"{train(options, options.rate, options.decay, options.out):.3f} years")
        return
    rates, decays = ([float(part) for part in word.split(",")] for word in options.grid)
    for rate, decay in itertools.product(rates, decays):
        name = f"lr={rate:g},wd={decay:g}"
        print(f"{name}: {train(options, rate, decay, options.out / name):.3f} years", flush=True)


if __name__ == "__main__":
    main()
