"""The command line of `faceage-train`."""

import argparse
import math
from collections.abc import Sequence

from faceage_edge.errors import UsageError
from faceage_models.age_backbones import BACKBONES
from faceage_models.age_groups import GROUPS, parse_groups
from faceage_models.age_heads import HEADS, head_named
from faceage_models.age_inputs import INPUTS
from faceage_models.age_vector import DEVIATION
from faceage_models.age_wear import WEAR

__all__ = ["GRID", "parse_grid", "training_options"]

# What --grid may vary, by the words of papers and by our options.
GRID = {"lr": "rate", "wd": "decay", "dropout": "dropout"}
_EPOCHS, _RATE = 13, 1.5e-3
# Weights are to move by less than a step of their rounding; ranges begin where they belong.
_QAT_EPOCHS, _QAT_RATE = 2, 2e-5


def training_options(argv: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line; wrong usage ends the program with 2."""
    parser = argparse.ArgumentParser(
        prog="faceage-train",
        description="Train an age model on labelled faces; the same command goes on where an "
        "earlier one stopped.",
    )
    _add_faces(parser.add_argument_group("faces"))
    _add_network(parser.add_argument_group("network"))
    _add_learning(parser.add_argument_group("learning"))
    _add_teachers(parser.add_argument_group("teachers"))
    _add_result(parser.add_argument_group("result"))
    options = parser.parse_args(argv)
    if options.epochs is None:
        options.epochs = _QAT_EPOCHS if options.qat else _EPOCHS
    if options.rate is None:
        options.rate = _QAT_RATE if options.qat else _RATE
    _check(parser, options)
    if options.qat:
        _check_qat(parser, options)
    return options


def _add_faces(faces: argparse._ArgumentGroup) -> None:
    faces.add_argument("--data", nargs="+", default=[], metavar="PATH", help="to learn from")
    faces.add_argument(
        "--validate", nargs="+", default=[], metavar="PATH",
        help="to choose the best epoch by; none of them may be in --data",
    )  # fmt: skip
    faces.add_argument("--exclude", metavar="FILE", help="names or digests of faces to leave out")
    faces.add_argument(
        "--rebalance", choices=("none", "sqrt", "uniform"), default="none",
        help="draw rare ages oftener (default: %(default)s)",
    )  # fmt: skip
    faces.add_argument(
        "--share", type=float, default=1.0, help="of the faces, to try things on (default: all)"
    )
    faces.add_argument(
        "--detector", default="int8", metavar="NAME",
        help="cuts them, as on the device (default: %(default)s of the shipped one)",
    )  # fmt: skip
    faces.add_argument(
        "--cut", type=int, default=0, metavar="PIXELS",
        help="cut crops of this size and reduce them (default: as large as needed)",
    )  # fmt: skip
    faces.add_argument(
        "--pack", metavar="FILE",
        help="cut the faces of --data, or of --validate alone, into FILE.faces.npz and stop: it "
        "takes their place on a host that has no detector",
    )  # fmt: skip
    faces.add_argument(
        "--pack-quality", type=int, metavar="Q",
        help="of its pictures, 1 to 100: as WebP, a tenth as large (default: without loss)",
    )  # fmt: skip


def _add_network(network: argparse._ArgumentGroup) -> None:
    network.add_argument("--backbone", choices=tuple(BACKBONES), default="mobilenet-v1")
    network.add_argument("--head", choices=tuple(HEADS), default="coral")
    network.add_argument(
        "--groups", metavar="AGES",
        help="of --head groups: where each begins, or spans such as 0-2,4-6,60+ (default: "
        f"{GROUPS})",
    )  # fmt: skip
    network.add_argument(
        "--age-deviation", type=float, metavar="YEARS",
        help=f"of --head age-vector: of the bell around an age (default: {DEVIATION:g})",
    )  # fmt: skip
    network.add_argument(
        "--also-distribution", type=float, default=0.0, metavar="WEIGHT",
        help="let a coral head learn a distribution of ages beside it, with this weight of its "
        "loss; the result is without it",
    )  # fmt: skip
    network.add_argument(
        "--gender", type=float, default=0.0, metavar="WEIGHT",
        help="an output of gender beside that of age, with this weight of its loss",
    )  # fmt: skip
    network.add_argument("--size", type=int, default=128, help="of the crop in pixels")
    network.add_argument("--alpha", type=float, default=0.75, help="width multiplier")
    network.add_argument("--dropout", type=float, default=0.0)
    network.add_argument(
        "--normalise", choices=tuple(INPUTS), default="signed-128",
        help="how the network takes a picture (default: %(default)s)",
    )  # fmt: skip
    network.add_argument(
        "--zoom", type=float, default=1.0, help="size of the face in its crop (default: as shipped)"
    )
    network.add_argument(
        "--start", metavar="FILE", help="weights to begin with, by layer names: .npz or .keras"
    )


def _add_learning(learning: argparse._ArgumentGroup) -> None:
    learning.add_argument("--head-epochs", type=int, default=0, help="the head alone, first")
    learning.add_argument("--train-from", metavar="LAYER", help="then this layer and those behind")
    learning.add_argument("--from-epochs", type=int, default=1, help="so long")
    learning.add_argument(
        "--epochs", type=int, help=f"then all layers (default: {_EPOCHS}, with --qat {_QAT_EPOCHS})"
    )
    learning.add_argument(
        "--epoch-steps", type=int, metavar="N",
        help="batches until the next validation (default: as many as there are faces for)",
    )  # fmt: skip
    learning.add_argument("--batch", type=int, default=64)
    learning.add_argument(
        "--rate", type=float,
        help=f"highest learning rate (default: {_RATE:g}, with --qat {_QAT_RATE:g})",
    )  # fmt: skip
    learning.add_argument("--decay", type=float, default=1e-4, help="weight decay")
    learning.add_argument(
        "--qat", action="store_true",
        help="go on training the whole model --start FILE.keras, every number rounded as int8 "
        "will round it (quantization-aware training); the result is for faceage-convert --qat",
    )  # fmt: skip
    learning.add_argument(
        "--workers", type=int, default=0,
        help="processes that cut and spoil crops; 0: none beside (default)",
    )  # fmt: skip
    learning.add_argument(
        "--augment", choices=tuple(WEAR), default="all",
        help="how crops vary from look to look (default: %(default)s)",
    )  # fmt: skip
    learning.add_argument(
        "--precision", choices=("float32", "bfloat16"), default="float32",
        help="of the products while learning; bfloat16 needs PyTorch (KERAS_BACKEND=torch) and a "
        "plain network such as mobilenet-v1 (default: %(default)s)",
    )  # fmt: skip
    learning.add_argument("--seed", type=int, default=0)
    learning.add_argument(
        "--grid", nargs="+", default=[], metavar="KEY=V,V",
        help=f"train once for every combination, of {', '.join(GRID)}",
    )  # fmt: skip


def _add_teachers(teachers: argparse._ArgumentGroup) -> None:
    teachers.add_argument(
        "--teacher", nargs="+", default=[], metavar="KERAS",
        help="trained models with CORAL heads, whose mean answer is learnt beside the labels",
    )  # fmt: skip
    teachers.add_argument(
        "--teacher-share", type=float, default=0.7, help="of the teachers (default: %(default)s)"
    )
    teachers.add_argument(
        "--teacher-once", action="store_true",
        help="ask them once a face and its mirror image, not about every look: for hosts too slow "
        "for that",
    )  # fmt: skip
    teachers.add_argument(
        "--teacher-answers", metavar="NPZ",
        help="instead of them, their answers of a run with --teacher-once: its teachers.npz",
    )  # fmt: skip


def _add_result(result: argparse._ArgumentGroup) -> None:
    result.add_argument("--out", metavar="DIR", help="folder of the run")
    result.add_argument(
        "--tensorboard", action="store_true",
        help="write each epoch's scalars for TensorBoard, to OUT/tensorboard",
    )  # fmt: skip
    result.add_argument("--logdir", metavar="DIR", help="write them to this folder instead")
    result.add_argument("--name", default="age", help="of the model, for its contract")
    result.add_argument("--terms", default="not stated", help="of the weights, for its contract")


def _check(parser: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    if not options.pack and not (options.data and options.validate and options.out):
        parser.error("--data, --validate and --out are needed to train")
    if options.pack and bool(options.data) == bool(options.validate):
        parser.error("--pack cuts the faces of --data or those of --validate: give one of them")
    if options.pack_quality is not None and not (options.pack and 1 <= options.pack_quality <= 100):
        parser.error("--pack-quality is from 1 to 100, of the pictures of --pack")
    if options.teacher_once and not options.teacher:
        parser.error("--teacher-once: name them with --teacher")
    if options.teacher_answers and options.teacher:
        parser.error("--teacher-answers stands for teachers: leave out --teacher")
    taught = options.teacher or options.teacher_answers
    if taught and options.head != "coral":
        parser.error(f"--teacher teaches a coral head, found --head {options.head}")
    if not 0 <= options.teacher_share <= 1 or options.workers < 0:
        parser.error("--teacher-share is from 0 to 1, --workers from 0 up")
    if not 0 < options.share <= 1:
        parser.error(f"--share {options.share:g}: expected more than 0 and at most 1")
    if options.epochs < 1 or options.batch < 1 or options.head_epochs < 0:
        parser.error("expected one epoch and one face a batch at least")
    if options.epoch_steps is not None and options.epoch_steps < 1:
        parser.error("--epoch-steps: expected 1 at least")
    if options.zoom <= 0 or options.rate <= 0 or options.decay < 0:
        parser.error("--zoom and --rate are above 0, --decay is not below")
    if options.also_distribution and (
        options.head != "coral" or not 0 < options.also_distribution < math.inf
    ):
        parser.error("--also-distribution is above 0, and beside --head coral")
    if options.gender and (
        options.also_distribution or taught or not 0 < options.gender < math.inf
    ):
        parser.error("--gender is above 0, and not beside --also-distribution or --teacher")
    if options.age_deviation is not None and options.head != "age-vector":
        parser.error(f"--age-deviation is of --head age-vector, found --head {options.head}")
    if options.groups is not None and options.head != "groups":
        parser.error(f"--groups are those of --head groups, found --head {options.head}")
    try:
        parse_grid(options.grid)
        if options.groups is not None:
            parse_groups(options.groups)
        head_named(options.head, deviation=options.age_deviation)
    except UsageError as error:
        parser.error(str(error))


def _check_qat(parser: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    if options.pack:
        parser.error("--qat trains, --pack cuts faces and stops: give one of them")
    if options.start is None or not options.start.endswith(".keras"):
        parser.error("--qat goes on with a trained model: name it with --start FILE.keras")
    barred = {
        "--also-distribution": options.also_distribution,
        "--head-epochs": options.head_epochs,
        "--train-from": options.train_from is not None,
        "--precision": options.precision != "float32",
        "--dropout": options.dropout or "dropout" in parse_grid(options.grid),
    }
    if given := [name for name, value in barred.items() if value]:
        parser.error(f"--qat trains all layers at once, as they are: leave out {', '.join(given)}")


def parse_grid(words: Sequence[str]) -> dict[str, list[float]]:
    """Read `lr=1e-3,3e-4 wd=0,1e-4` as {option: values}.

    Raises:
        UsageError: another form, an unknown key, or no number.
    """
    grid: dict[str, list[float]] = {}
    for word in words:
        key, _, values = word.partition("=")
        try:
            grid[GRID[key]] = [float(value) for value in values.split(",")]
        except (KeyError, ValueError) as error:
            raise UsageError(
                f"--grid {word}: expected KEY=NUMBER,NUMBER with a key of {', '.join(GRID)}"
            ) from error
    return grid
