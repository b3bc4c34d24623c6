"""Open a face detector, whichever kind lies in a folder."""

from collections.abc import Collection
from pathlib import Path
from typing import Protocol

from faceage_edge.aligner import Aligner
from faceage_edge.brought import STAGES as BROUGHT_STAGES
from faceage_edge.brought import Brought
from faceage_edge.bundles import find
from faceage_edge.candidates import Frame
from faceage_edge.delegates import DelegateSpec
from faceage_edge.errors import ModelFileError
from faceage_edge.face_finder import STAGES as FINDER_STAGES
from faceage_edge.face_finder import FaceFinder
from faceage_edge.geometry import Face
from faceage_edge.model import Model, load_model, model_contract
from faceage_edge.mtcnn import STAGES as CASCADE_STAGES
from faceage_edge.mtcnn import Mtcnn

__all__ = [
    "DEFAULT_DETECTOR",
    "SCHEMES",
    "Detector",
    "detector_of",
    "load_detector",
    "load_stages",
    "named_detector",
    "place_and_scheme",
    "wanted_stages",
]

# The shipped detector that is used where none is named.
DEFAULT_DETECTOR = "face-finder"
SCHEMES = ("int8", "float32")
# Lends landmarks to a user's detector that has none, unless one lies beside it.
_LENT_ALIGNER = "mtcnn/mtcnn-onet.int8.tflite"


class Detector(Protocol):
    """What finds faces: `mtcnn.Mtcnn`, `face_finder.FaceFinder` or a user's `brought.Brought`.

    `digest` identifies its networks, `scheme` their quantization; `aligner` is its last network,
    which also follows a face from frame to frame.
    """

    digest: str
    scheme: str
    aligner: Aligner

    def detect(self, frame: Frame, *, min_face: float | None = None) -> list[Face]:
        """Find the faces of a frame, uint8 (height, width, 3), BGR, the surest first."""


def load_detector(
    folder: Path | str = DEFAULT_DETECTOR,
    *,
    scheme: str = "int8",
    threads: int = 1,
    xnnpack: bool = True,
    delegate: DelegateSpec | None = None,
) -> Detector:
    """Load the networks of one quantization scheme from a folder.

    Args:
        folder: a folder of .tflite files, or a shipped name: `face-finder` or `mtcnn`; or the one
            .tflite file of a detector that a user brought.
        scheme: as the contracts state it: `int8` or `float32`; a file is taken as it is.
        threads: CPU threads for one invoke.
        xnnpack: use XNNPACK; False runs the built-in kernels.
        delegate: an accelerator for all of them, see `load_model`.

    Raises:
        ModelFileError: a stage is missing, twice there, or damaged.
        ContractError: a file has no contract, or one that does not fit it.
    """
    place = find(str(folder))
    stages = load_stages(place, scheme=scheme, threads=threads, xnnpack=xnnpack, delegate=delegate)
    lacking = f"{place} lacks the {scheme} face detector's"
    return detector_of(stages, lacking, threads=threads, xnnpack=xnnpack)


def load_stages(
    folder: Path | str,
    *,
    scheme: str = "int8",
    threads: int = 1,
    xnnpack: bool = True,
    delegate: DelegateSpec | None = None,
) -> dict[str, Model]:
    """Load the networks of one quantization scheme from a folder, by their stages.

    Arguments and errors are those of `load_detector`, but for missing stages.
    """
    place = find(str(folder))
    alone = place.is_file()
    stages: dict[str, Model] = {}
    for path in [place] if alone else sorted(place.glob("*.tflite")):
        contract = model_contract(path)
        detector = contract.detector
        if alone and (detector is None or detector.stage not in BROUGHT_STAGES):
            found = "an age model" if detector is None else f"a detector's {detector.stage} network"
            raise ModelFileError(
                f"{path} is {found}, expected a whole face detector in one file; name the "
                "folder of all its networks"
            )
        # Decided before loading: an accelerator should see none but the networks that will run.
        if detector is None or (contract.scheme != scheme and not alone):
            continue
        if detector.stage in stages:
            raise ModelFileError(
                f"{place} holds two {scheme} {detector.stage} networks, "
                f"{stages[detector.stage].path.name} and {path.name}; remove one"
            )
        stages[detector.stage] = load_model(
            path, threads=threads, xnnpack=xnnpack, delegate=delegate
        )
    return stages


def named_detector(name: str, *, threads: int = 1) -> Detector:
    """Load a detector by what a command line calls it.

    Args:
        name: a scheme, `int8` or `float32`, of the default detector; or a shipped name or a folder,
            of which the int8 networks are taken unless `:float32` follows; or a detector's one
            file.
        threads: CPU threads for one invoke.

    Raises:
        ModelFileError: no such models, or damaged ones.
    """
    place, scheme = place_and_scheme(name)
    return load_detector(place, scheme=scheme, threads=threads)


def place_and_scheme(name: str) -> tuple[str, str]:
    """Split what a command line calls a detector into a shipped name or folder, and a scheme."""
    if name in SCHEMES:
        return DEFAULT_DETECTOR, name
    place, _, scheme = name.rpartition(":")
    return (place, scheme) if place and scheme in SCHEMES else (name, "int8")


def detector_of(
    stages: dict[str, Model], lacking: str, *, threads: int = 1, xnnpack: bool = True
) -> Detector:
    """Wire the networks of a detector.

    Args:
        stages: the loaded networks by stage.
        lacking: how a message about missing stages begins.
        threads: of the aligner that is lent to a user's detector.
        xnnpack: likewise.

    Raises:
        ModelFileError: a stage is missing.
    """
    wanted = wanted_stages(stages)
    if missing := [stage for stage in wanted if stage not in stages]:
        raise ModelFileError(
            f"{lacking} {', '.join(missing)} network; faceage-convert writes all of them, and "
            "`--detector face-finder` and `--detector mtcnn` name the shipped ones"
        )
    if wanted[0] in BROUGHT_STAGES:
        aligner = stages.get("output") or load_model(
            find(_LENT_ALIGNER), threads=threads, xnnpack=xnnpack
        )
        return Brought(stages[wanted[0]], aligner)
    kind = FaceFinder if wanted is FINDER_STAGES else Mtcnn
    return kind(*(stages[stage] for stage in wanted))


def wanted_stages(found: Collection[str]) -> tuple[str, ...]:
    """The stages, in the order they run, of the kind of detector that some belong to."""
    brought = [stage for stage in BROUGHT_STAGES if stage in found]
    if brought:
        return (brought[0],)
    return FINDER_STAGES if FINDER_STAGES[0] in found else CASCADE_STAGES
