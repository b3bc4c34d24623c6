r"""Train a published age model, write it as its authors ship it, convert it and measure it.

    python models/recipes/family.py age-prediction-cnn --data ../shared --out ../families

DATA holds data/utkface-{train,calib,dev}.tar, and third_party/age/ with the files of models that
are taken as their authors trained them. OUT keeps the cut faces, which all families share, and a
folder for each family:

    run/             of faceage-train, or of resnet50_regression.py
    NAME.h5, .pt2    the float file, with NAME.contract.json where it needs one; of a model of two
                     files NAME-whole.h5 as well, which says where the other looks closer
    bundle/          of faceage-convert: int8, the imported float file, report
    NAME.json        of faceage-benchmark accuracy: int8 against float, against labels

What is there already is not made again; a training that was cut off goes on. Ends with 3 where the
int8 model is not a quarter better than one answer for all faces: in years than the median age, a
model of age groups in accuracy than the commonest group. A model that was not trained here is
measured, not judged.

DATA has ImageNet's weights for CORAL age's MobileNet alone; every other network starts from random
ones. Sizes and widths are those that two slow cores can train. docs/families.md says what was
published.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
TERMS = "non-commercial research (made from UTKFace)"
# Of the training faces, and pixels of their crops at least: families share the cut faces.
SHARE, CUT = "0.4", 96
# Everything in int8, and the row says what that costs: where the converter's own gate would keep
# some layers in float, the limits are wider.
LIMITS = ["--max-drop", "0.5", "--max-band-drop", "2"]
# How much better than one answer for all: a quarter.
GAIN = 0.25
# AdamW with a warm start and half a cosine, by faceage-train, whatever the authors took.
TRAINED = {
    "age-prediction-cnn": "--backbone mobilenet-v2 --alpha 0.35 --size 64 --normalise signed "
    "--head age-vector --age-deviation 5 --batch 32 --epochs 8 --rate 3e-3",
    # Its other network, with the optional gender. The mover's distance is about 20 at first, a
    # cross-entropy of two 0.7.
    "age-prediction-resnet50": "--backbone resnet50 --alpha 0.25 --size 64 --normalise signed "
    "--head age-vector --age-deviation 5 --gender 3 --batch 32 --epochs 8 --rate 2e-3",
    # Its second form: an age from 0 to 1, by the square of the error, about 0.04 at first; gender's
    # cross-entropy is not to outweigh that.
    "age-prediction-regression": "--backbone mobilenet-v2 --alpha 0.35 --size 64 "
    "--normalise signed --head regression-mse --gender 0.01 --batch 32 --epochs 12 --rate 1.5e-3",
    # At 96 px its last maps are one pixel: normalised over a batch's faces alone, they teach it
    # nothing about rare faces, whose activations then reach a hundred deviations.
    "faceage": "--backbone inception-resnet-v1 --alpha 0.25 --size 128 --normalise standardise "
    "--head regression --batch 32 --epochs 4 --rate 1e-3",
    "al-resnet": "--backbone al-resnet --alpha 0.25 --size 64 --normalise caffe --head groups "
    "--batch 32 --epochs 7 --rate 1.5e-3",
    # Its other form: the eight groups of Adience. Of ages between two of them the nearer is right.
    "al-resnet-8": "--backbone al-resnet --alpha 0.25 --size 64 --normalise caffe --head groups "
    "--groups 0-2,4-6,8-12,15-20,25-32,38-43,48-53,60-100 --batch 32 --epochs 10 --rate 1.5e-3",
    # With its region cut out of the picture, as published: two files.
    "al-resnet-regions": "--backbone al-resnet-regions --alpha 0.25 --size 64 --normalise caffe "
    "--head groups --batch 32 --epochs 7 --rate 1.5e-3",
    "coral-age": "--backbone mobilenet-v1 --alpha 0.75 --size 64 --normalise signed --head coral "
    "--dropout 0.001 --start {data}/weights/mobilenet_v1_0.75_224_imagenet_no_top.npz "
    "--head-epochs 1 --batch 32 --epochs 3 --rate 1.5e-3",
    # It normalises nothing, from random weights: at a higher rate it learns one answer for all.
    "dex": "--backbone vgg16 --alpha 1 --size 64 --normalise caffe --head distribution --batch 32 "
    "--epochs 6 --rate 2e-4",
    # Some faces' activations reach a hundred deviations; of a head that says a number of years int8
    # then costs two.
    "efficientnet-b0": "--backbone efficientnet-b0 --alpha 1 --size 64 --normalise bytes "
    "--head distribution --batch 32 --epochs 8 --rate 1e-3",
    # The networks of three files that are also measured as their authors trained them.
    "ssr-net-trained": "--backbone ssr-net --alpha 1 --size 64 --normalise bytes --head regression "
    "--batch 32 --epochs 10 --rate 3e-3",
    "mobilenet-regressor-trained": "--backbone mobilenet-v1 --alpha 0.5 --size 64 "
    "--normalise bytes --head regression --batch 32 --epochs 8 --rate 2e-3",
    "c3ae-trained": "--backbone c3ae --alpha 1 --size 64 --normalise signed --head age-vector "
    "--batch 32 --epochs 6 --rate 3e-3",
}
# Their networks cut a region out of the picture: two files.
PAIRS = ("al-resnet-regions",)
# SGD with momentum and L1 as its authors, by PyTorch; from random weights the rate is theirs x 20.
TORCH = {"resnet50-regression": "--size 64 --width 16 --epochs 8 --batch 32 --rate 0.02"}
# As their authors ship them: the file in DATA/third_party/age. contracts/NAME.toml says the rest.
SHIPPED = {
    "ssr-net": "ssrnet/ssrnet_3_3_3_64_1.0_1.0.h5",
    "mobilenet-regressor": "ssrnet/mobilenet_reg_0.5_64.h5",
    "c3ae": "c3ae_imdb_v89.h5",
}
FAMILIES = (*TRAINED, *TORCH, *SHIPPED)


@dataclass(frozen=True)
class Step:
    """A command, and the file that shows it was done."""

    made: Path
    command: list[str]


def steps(name: str, data: Path, out: Path) -> list[Step]:
    """The commands of a family in order, without those of PyTorch's environment."""
    own = out / name
    if name in SHIPPED:
        model, contract = data / "third_party" / "age" / SHIPPED[name], stated(name)
        return measured(name, data, own, model, contract)
    words = (TRAINED | TORCH)[name].format(data=data).split()
    cut = str(max(CUT, int(words[words.index("--size") + 1])))
    train, dev = (out / f"{part}-{cut}.faces.npz" for part in ("train", "dev"))
    size = ["--cut", cut, "--size", cut, "--pack"]
    learnt = ["--data", f"{data}/data/utkface-train.tar", "--share", SHARE]
    given = ["--validate", f"{data}/data/utkface-dev.tar"]
    packs = [
        Step(train, ["faceage-train", *learnt, *size, str(train)]),
        Step(dev, ["faceage-train", *given, *size, str(dev)]),
    ]
    learn = ["--data", str(train), "--validate", str(dev), "--out", str(own / "run"), *words]
    model, contract, trained = (torch_model if name in TORCH else keras2)(name, own, learn)
    closer = own / f"{name}.h5" if name in PAIRS else None
    return [*packs, *trained, *measured(name, data, own, model, contract, closer)]


def stated(name: str) -> Path:
    """The contract of a file that says nothing of itself."""
    return HERE / "contracts" / f"{name}.toml"


def measured(
    name: str, data: Path, own: Path, model: Path, contract: Path, closer: Path | None = None
) -> list[Step]:
    """The commands that convert a float file, or two, and measure what became of it."""
    faces, bundle = data / "data", own / "bundle"
    convert = ["faceage-convert", "--model", str(model), "--contract", str(contract)]
    if closer is not None:
        told = closer.with_suffix(".contract.json")
        convert += ["--closer", str(closer), "--closer-contract", str(told)]
    convert += ["--faces", f"{faces}/utkface-calib.tar", "--eval-faces", f"{faces}/utkface-dev.tar"]
    convert += ["--crops", "aligned", *LIMITS, "--out", str(bundle)]
    measure = ["faceage-benchmark", "accuracy", "--model", str(bundle / f"{name}.int8.tflite")]
    measure += ["--against", str(bundle / "float" / f"{name}.float32.tflite"), "--crops", "aligned"]
    measure += ["--faces", f"{faces}/utkface-dev.tar", "--json", str(own / f"{name}.json")]
    return [Step(bundle / "report.json", convert), Step(own / f"{name}.json", measure)]


def keras2(name: str, own: Path, learn: Sequence[str]) -> tuple[Path, Path, list[Step]]:
    """A family of Keras 2: its `.h5`, that file's contract, and the commands that make them.

    Of two files they are the first's; the second has the family's name.
    """
    last = own / f"{name}.h5"
    model = own / f"{name}-whole.h5" if name in PAIRS else last
    train = ["faceage-train", *learn, "--workers", "1", "--name", name, "--terms", TERMS]
    write = [sys.executable, "-m", "faceage_models.keras2_file", "--run", str(own / "run")]
    write += ["--out", str(model), *(["--closer", str(last)] if name in PAIRS else [])]
    # The run says itself whether it is done, and the .h5 comes after it.
    made = [Step(last, train), Step(last, write)]
    return model, model.with_suffix(".contract.json"), made


def torch_model(name: str, own: Path, learn: Sequence[str]) -> tuple[Path, Path, list[Step]]:
    """The family of PyTorch: its `.pt2`, its contract, and the command that makes it."""
    command = ["torch-python", str(HERE / "resnet50_regression.py"), *learn]
    run = own / "run"
    return run / "best.pt2", stated(name), [Step(run / "train.json", command)]


def run(step: Step) -> None:
    """Run a command that has not been run; end with its code where it fails."""
    if step.made.exists():
        return
    step.made.parent.mkdir(parents=True, exist_ok=True)
    command = list(step.command)
    if command[0] == "torch-python":
        # Where `.pt2` files are read, they can be made.
        from faceage_convert.isolated import environment

        command[0] = str(environment("torch"))
    print("$", " ".join(step.command), flush=True)
    code = subprocess.run(command, check=False).returncode
    if code:
        raise SystemExit(code)


def gained(result: Path) -> tuple[bool, str]:
    """Tell whether an accuracy result is a quarter better than one answer for all, in words."""
    document = json.loads(result.read_bytes())
    if "group_scores" in document:
        scores = document["group_scores"]
        wanted = (1 + GAIN) * scores["majority"]
        told = f"accuracy {scores['accuracy']:.3f}, expected {wanted:.3f} at least"
        return scores["accuracy"] >= wanted, told
    ages = np.asarray(document["samples"]["true"], np.float64)
    wanted = (1 - GAIN) * float(np.abs(ages - np.median(ages)).mean())
    return document["mae"] <= wanted, f"error {document['mae']:.2f} years, expected {wanted:.2f}"


def main() -> int:
    """Read the command line, run what is left to do, and judge."""
    parser = argparse.ArgumentParser(prog="family.py", description=__doc__)
    parser.add_argument("name", choices=FAMILIES)
    parser.add_argument("--data", type=Path, required=True, help="folder that holds data/")
    parser.add_argument("--out", type=Path, required=True, help="folder of all families")
    options = parser.parse_args()
    for step in steps(options.name, options.data, options.out):
        run(step)
    good, told = gained(options.out / options.name / f"{options.name}.json")
    print(f"{options.name}: {told}")
    return 0 if good or options.name in SHIPPED else 3


if __name__ == "__main__":
    raise SystemExit(main())
