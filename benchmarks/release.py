"""Measure everything that the README, the cards and docs/results.md quote.

    python benchmarks/release.py --data ../shared [--only NAME ...]

Writes benchmarks/results/*.json through the installed commands, then renews the age model's tables
where their results were measured, and the quoted numbers.
Needs `pip install ".[bench,demo]"`, the data of docs/results.md, Debian (for `arm`), and about ten
minutes on two cores, and an hour and a half more for `arm-loop` and `endurance-*`.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
RESULTS = Path("benchmarks/results")
PHOTO_DETECTORS = (
    "face-finder", "face-finder:float32", "mtcnn", "mtcnn:float32", "package",
)  # fmt: skip
# Probabilities from which the finder and the aligner of face-finder let a candidate pass.
CHOICES = ("0.25,0.8", "0.2,0.8", "0.25,0.7", "0.25,0.9")
# Each age model and how the names of its result files begin.
DEFAULT = "age-mobilenet-coral"
AGES = {
    DEFAULT: "accuracy",
    "age-tiny": "tiny",
    "age-permissive": "permissive",
}
# Those whose probabilities of being older than a threshold are calibrated.
CALIBRATED = (DEFAULT, "age-tiny")
QUOTING = (
    "README.md",
    "docs/results.md",
    "docs/researcher.md",
    *(f"models/{name}/README.md" for name in AGES),
    "models/mtcnn/README.md",
    "models/face-finder/README.md",
    "docs/detector.md",
)
# Of other people's weights: made beside the repository, never in it.
RFB_INT8 = Path("../rfb320.int8.tflite")


def model(name: str, scheme: str) -> str:
    """A shipped age model's file."""
    return f"models/{name}/{name}.{scheme}.tflite"


def steps(data: Path) -> dict[str, list[str]]:
    """The command of each result file, by name."""
    int8, float32 = model(DEFAULT, "int8"), model(DEFAULT, "float32")
    dev = str(data / "data" / "utkface-dev.tar")
    accuracy = ["faceage-benchmark", "accuracy"]
    fairface = str(data / "data" / "fairface-train.tar")
    rfb = str(data / "third_party" / "detectors" / "rfb_320.tflite")
    detection = ["faceage-benchmark", "detection", "--detector", "face-finder"]
    quantized = str(RFB_INT8)
    module = [sys.executable, "-m"]
    return {
        "accuracy-aligned": [*accuracy, "--model", int8, "--against", float32, "--faces", dev]
        + ["--crops", "aligned"],
        "accuracy-detect": [*accuracy, "--model", int8, "--against", float32, "--faces", dev]
        + ["--crops", "detect"],
        "accuracy-float-pipeline": [*accuracy, "--model", float32, "--faces", dev]
        + ["--crops", "detect", "--detector", "float32"],
        "accuracy-fairface": [*accuracy, "--model", int8, "--against", float32]
        + ["--faces", fairface, "--part", "test"],
        **{
            f"{prefix}-{kind}": [*accuracy, "--model", model(name, "int8")]
            + ["--against", model(name, "float32"), "--faces", *faces]
            for name, prefix in list(AGES.items())[1:]
            for kind, faces in (("detect", [dev]), ("fairface", [fairface, "--part", "test"]))
        },
        **{
            f"{prefix}-threshold-18": ["faceage-benchmark", "threshold", "--model"]
            + [model(name, "int8"), "--result", str(RESULTS / f"{prefix}-detect.json")]
            + ["--threshold", "18", "--challenge", "25"]
            for name, prefix in AGES.items()
            if name in CALIBRATED
        },
        "detection-photos": ["faceage-benchmark", "detection", "--photos", str(data / "photos")]
        + [word for name in PHOTO_DETECTORS for word in ("--detector", name)],
        "accuracy-pipelines": ["faceage-benchmark", "compare"]
        + [str(RESULTS / f"accuracy-{name}.json") for name in ("float-pipeline", "detect")],
        "latency-age": ["faceage-benchmark", "latency", "--model", int8, "--against", float32],
        "rfb320": [sys.executable, "benchmarks/peers/rfb320.py", "--model", rfb]
        + ["--faces", fairface, "--out", quantized],
        "detection-composites": [*detection, "--composites", fairface, "--count", "2000"]
        + [f"--detector={name}" for name in ("face-finder:float32", "mtcnn", "mtcnn:float32")]
        + [f"--detector=rfb320={file}" for file in (rfb, quantized)],
        "detection-choice": ["faceage-benchmark", "detection", "--composites", fairface]
        + ["--part", "choice", "--count", "600"]
        + [f"--detector=face-finder@{pair}" for pair in CHOICES],
        "detection-time": [*detection, "--composites", fairface, "--count", "150"]
        + [f"--detector={name}" for name in (f"rfb320={rfb}", "mtcnn", "package")],
        "arm": [
            "faceage-benchmark",
            "arm",
            "--frames",
            "--passes",
            "--peer",
            f"rfb320={quantized}",
            "--write-budget",
            "benchmarks/arm-budget.json",
        ],
        "arm-loop": ["faceage-benchmark", "arm", int8, "--loop"],
        "loop-cost": [*module, "faceage_benchmarks.loop_cost", "--clips", str(data / "clips")]
        + ["--yunet", str(data / "third_party/detectors/face_detection_yunet_2026may.onnx")],
        "loop-freshness": [*module, "faceage_benchmarks.freshness"],
        "endurance-frames": [*module, "faceage_benchmarks.endurance", "--frames", "100000"],
        "endurance-faults": [*module, "faceage_benchmarks.endurance", "--minutes", "60"],
        "footprint": [*module, "faceage_benchmarks.footprint", "--project", "."]
        + ["--constraints", "constraints/device.txt"],
        "convert": ["faceage-convert", "--quantize", "int8", "--out", "bundle", "--json"],
        "convert-face-finder": ["faceage-convert", "--quantize", "int8"]
        + ["--detector", "face-finder", "--out", "bundle", "--json"],
    }


def main() -> int:
    """Run the steps in order; the first that fails ends the run."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared"), help="the data's folder")
    parser.add_argument("--only", nargs="*", metavar="NAME", help="some of the results")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        chosen = steps(options.data)
        unknown = set(options.only or ()) - set(chosen)
        if unknown:
            parser.error(f"no result {', '.join(sorted(unknown))}; there are {', '.join(chosen)}")
        names = options.only if options.only is not None else list(chosen)
        for name in names:
            print(f"== {name}", flush=True)
            measure(name, chosen[name], Path(scratch))
    renewals = [[sys.executable, "-m", "faceage_benchmarks.quote", *QUOTING]]
    for age, prefix in AGES.items():
        results = [f"{prefix}-{kind}" for kind in ("detect", "fairface")]
        if set(results) & set(names):
            tables = [sys.executable, "-m", "faceage_benchmarks.card_tables"]
            tables += ["--into", f"models/{age}/README.md"]
            tables += ["--result", str(RESULTS / f"{results[0]}.json")]
            tables += ["--fairface", str(RESULTS / f"{results[1]}.json")]
            tables += ["--targets", f"benchmarks/targets/{age}.json"]
            renewals.append(tables)
            result = RESULTS / f"{results[0]}.json"
            # A model without an interval has no coverage to plot.
            if "reliability" in json.loads((PROJECT / result).read_bytes()):
                plot = [sys.executable, "-m", "faceage_benchmarks.age_plot"]
                renewals.append([*plot, "--result", str(result), "--out", f"docs/{age}.png"])
    return max(subprocess.run(words, cwd=PROJECT, check=False).returncode for words in renewals)


def measure(name: str, command: list[str], scratch: Path) -> None:
    """Run one command from the checkout's top and keep what it measured."""
    out = RESULTS / f"{name}.json"
    if name.startswith("convert"):
        # Elsewhere, for its bundle; the report it prints is the result.
        place = scratch / name
        place.mkdir()
        done = subprocess.run(command, cwd=place, check=True, stdout=subprocess.PIPE)
        (PROJECT / out).write_bytes(done.stdout)
        return
    words = command if name == "rfb320" else [*command, "--json", str(out)]
    subprocess.run(words, cwd=PROJECT, check=True)


if __name__ == "__main__":
    sys.exit(main())
