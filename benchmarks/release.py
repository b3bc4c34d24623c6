"""Measure everything that the README, the cards and docs/results.md quote.

    python benchmarks/release.py --data ../shared [--only NAME ...]

Writes benchmarks/results/*.json through the installed commands, then renews the quoted numbers.
Needs `pip install ".[bench,demo]"`, the data of docs/results.md, Debian (for `arm`), and about ten
minutes on two cores.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
RESULTS = Path("benchmarks/results")
QUOTING = (
    "README.md",
    "docs/results.md",
    "models/age-mobilenet/README.md",
    "models/mtcnn/README.md",
)
INT8 = "models/age-mobilenet/age-mobilenet.int8.tflite"
FLOAT = "models/age-mobilenet/age-mobilenet.float32.tflite"


def steps(data: Path) -> dict[str, list[str]]:
    """The command of each result file, by name."""
    dev = str(data / "data" / "utkface-dev.tar")
    accuracy = ["faceage-benchmark", "accuracy"]
    module = [sys.executable, "-m"]
    return {
        "accuracy-aligned": [*accuracy, "--model", INT8, "--against", FLOAT, "--faces", dev]
        + ["--crops", "aligned"],
        "accuracy-detect": [*accuracy, "--model", INT8, "--against", FLOAT, "--faces", dev]
        + ["--crops", "detect"],
        "accuracy-float-pipeline": [*accuracy, "--model", FLOAT, "--faces", dev]
        + ["--crops", "detect", "--detector", "float32"],
        "accuracy-fairface": [*accuracy, "--model", INT8, "--against", FLOAT]
        + ["--faces", str(data / "data" / "fairface-train.tar"), "--limit", "1500"],
        "detection-photos": ["faceage-benchmark", "detection", "--photos", str(data / "photos")]
        + [word for name in ("int8", "float32", "package") for word in ("--detector", name)],
        "accuracy-pipelines": ["faceage-benchmark", "compare"]
        + [str(RESULTS / f"accuracy-{name}.json") for name in ("float-pipeline", "detect")],
        "latency-age": ["faceage-benchmark", "latency", "--model", INT8, "--against", FLOAT],
        "arm": ["faceage-benchmark", "arm", "--frames"],
        "footprint": [*module, "faceage_benchmarks.footprint", "--project", "."]
        + ["--constraints", "constraints/device.txt"],
        "convert": ["faceage-convert", "--quantize", "int8", "--out", "bundle", "--json"],
    }


def main() -> int:
    """Run the steps in order; the first that fails ends the run."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared"), help="the data's folder")
    parser.add_argument("--only", nargs="*", metavar="NAME", help="some of the results")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        chosen = steps(options.data)
        unknown = set(options.only or ()) - set(chosen)
        if unknown:
            parser.error(f"no result {', '.join(sorted(unknown))}; there are {', '.join(chosen)}")
        for name in options.only if options.only is not None else chosen:
            print(f"== {name}", flush=True)
            measure(name, chosen[name], Path(folder))
    quote = [sys.executable, "-m", "faceage_benchmarks.quote", *QUOTING]
    return subprocess.run(quote, cwd=PROJECT, check=False).returncode


def measure(name: str, command: list[str], scratch: Path) -> None:
    """Run one command from the checkout's top and keep what it measured."""
    out = RESULTS / f"{name}.json"
    if name == "convert":
        # Elsewhere, for its bundle; the report it prints is the result.
        done = subprocess.run(command, cwd=scratch, check=True, stdout=subprocess.PIPE)
        (PROJECT / out).write_bytes(done.stdout)
        return
    subprocess.run([*command, "--json", str(out)], cwd=PROJECT, check=True)


if __name__ == "__main__":
    sys.exit(main())
