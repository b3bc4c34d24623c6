"""A large set in shards: each is measured by itself, anywhere, and kept until all are there.

The samples of the shards, put together in the set's order, are those of one process: a face's age
does not depend on which faces are measured with it.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, dataclass
from functools import lru_cache
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from faceage_benchmarks.opened import open_model
from faceage_benchmarks.predict import AgePredictor, age_predictor, measure_faces
from faceage_calibration.crops import CropMode, FaceCropper
from faceage_calibration.faces import FaceSet, LabelledFace
from faceage_edge.atomic import write_text
from faceage_edge.detector import named_detector
from faceage_edge.errors import FaceageError, FacesError, OutputError

__all__ = ["SHARD", "Engine", "Pipeline", "Shard", "local_engine", "measure_shard", "sharded"]

# Some seconds to a minute of work: little is lost with a worker, and little is spent on sending.
SHARD = 1024

Samples = dict[str, Any]


@dataclass(frozen=True)
class Pipeline:
    """What measures a face, by the names that the command line gives it, so that it can be sent.

    `digests` are those of model, second model and detector where the command runs; a worker whose
    own differ refuses.
    """

    model: str
    against: str | None
    contract: str | None
    crops: CropMode
    detector: str
    decode: str
    threads: int
    digests: tuple[str | None, ...]


@dataclass(frozen=True)
class Shard:
    """Some faces of a set in their order, and how they lie in their pictures."""

    number: int
    faces: tuple[LabelledFace, ...]
    alignment: str

    def key(self, pipeline: Pipeline) -> str:
        """Return the name of its result: another for other faces, labels or models."""
        faces = [(face.digest, repr(face.label)) for face in self.faces]
        content = json.dumps([faces, self.alignment, asdict(pipeline)], sort_keys=True)
        return f"{self.number:05d}-{hashlib.sha256(content.encode()).hexdigest()[:16]}"


# Measures shards in any order and yields each with its samples.
Engine = Callable[[Sequence[Shard], Pipeline], Iterator[tuple[Shard, Samples]]]


def sharded(
    faces: FaceSet,
    pipeline: Pipeline,
    engine: Engine,
    *,
    folder: Path | None,
    size: int = SHARD,
    progress: Callable[[int], None] | None = None,
) -> Samples:
    """Measure a set shard by shard, and go on where an earlier run was cut off.

    Args:
        faces: the set.
        pipeline: what measures a face.
        engine: what runs the shards.
        folder: keeps finished shards while the run lasts, and is gone after it; None keeps none.
        size: faces in a shard.
        progress: told how many faces are done.

    Returns:
        The samples of an accuracy result, as predict.measure_faces gives of the whole set.

    Raises:
        FacesError: exact ages and bins in one set, or a file that is not a picture.
        OutputError: the folder cannot be written.
        FaceageError: an engine failed; run again to go on.
    """
    shards = [
        Shard(number, faces.faces[start : start + size], faces.alignment)
        for number, start in enumerate(range(0, len(faces.faces), size))
    ]
    parts = {shard.number: part for shard in shards if (part := _kept(folder, shard, pipeline))}
    left = [shard for shard in shards if shard.number not in parts]
    done = sum(len(shard.faces) for shard in shards) - sum(len(shard.faces) for shard in left)
    for shard, part in engine(left, pipeline) if left else ():
        parts[shard.number] = part
        _keep(folder, shard, pipeline, part)
        done += len(shard.faces)
        if progress is not None:
            progress(done)
    samples = _joined([parts[shard.number] for shard in shards])
    _forget(folder)
    return samples


def measure_shard(shard: Shard, pipeline: Pipeline) -> Samples:
    """Measure one shard here.

    Raises:
        FaceageError: the models here are not those of the command.
    """
    predictor, against, detector = _opened(pipeline)
    cropper = FaceCropper(predictor.template, mode=pipeline.crops, detector=detector)
    return measure_faces(
        shard.faces, lambda face: cropper.crop(face, shard.alignment), predictor, against
    )


def local_engine(workers: int) -> Engine:
    """Return what runs shards in processes of this machine."""

    def run(shards: Sequence[Shard], pipeline: Pipeline) -> Iterator[tuple[Shard, Samples]]:
        # Spawned: a fork would copy threads of native libraries that wait for ever.
        with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
            futures = {pool.submit(measure_shard, shard, pipeline): shard for shard in shards}
            try:
                for future in as_completed(futures):
                    yield futures[future], future.result()
            except BrokenProcessPool as error:
                raise FaceageError(
                    "a worker process was killed, perhaps for want of memory; run the same command "
                    "again to go on, with --workers 1 if it happens again"
                ) from error
            finally:
                pool.shutdown(cancel_futures=True)

    return run


@lru_cache(maxsize=1)
def _opened(pipeline: Pipeline) -> tuple[AgePredictor, AgePredictor | None, Any]:
    """Open the models, once a process."""
    names = [pipeline.model] + ([pipeline.against] if pipeline.against else [])
    models = [
        age_predictor(
            open_model(name, contract_file=pipeline.contract, threads=pipeline.threads),
            decode=pipeline.decode,
        )
        for name in names
    ]
    detector = None
    if pipeline.crops == "detect":
        detector = named_detector(pipeline.detector, threads=pipeline.threads)
    against = models[1] if len(models) > 1 else None
    found = (
        models[0].identity["digest"],
        against.identity["digest"] if against else None,
        detector.digest if detector else None,
    )
    if found != pipeline.digests:
        raise FaceageError(
            f"a worker has other models ({found}) than the command ({pipeline.digests}); install "
            "the same faceage on every machine, and name files that all of them see"
        )
    return models[0], against, detector


def _joined(parts: Sequence[Samples]) -> Samples:
    first = parts[0]
    for part in parts[1:]:
        if part.keys() != first.keys() or part["unit"] != first["unit"]:
            raise FacesError(
                "some faces have exact ages and others bins; errors in years and distances from "
                "bins do not average, measure them apart"
            )
    return {
        key: [item for part in parts for item in part[key]] if isinstance(value, list) else value
        for key, value in first.items()
    }


def _kept(folder: Path | None, shard: Shard, pipeline: Pipeline) -> Samples | None:
    if folder is None:
        return None
    try:
        samples: Samples = json.loads((folder / f"{shard.key(pipeline)}.json").read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return samples


def _keep(folder: Path | None, shard: Shard, pipeline: Pipeline, part: Samples) -> None:
    if folder is None:
        return
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot make the folder {folder}: {error.strerror}") from error
    write_text(folder / f"{shard.key(pipeline)}.json", json.dumps(part))


def _forget(folder: Path | None) -> None:
    """Remove the shards that all went into one result; a folder with other files stays."""
    if folder is None or not folder.is_dir():
        return
    for path in folder.glob("[0-9]*-*.json"):
        path.unlink()
    if not any(folder.iterdir()):
        folder.rmdir()
