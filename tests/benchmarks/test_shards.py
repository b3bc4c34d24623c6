"""A set in shards: the figures of one process, on local processes, on a cluster, and resumed."""

import json
import os
import signal
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from faceage_benchmarks.cli import main
from faceage_benchmarks.result import read_result
from faceage_benchmarks.shards import Pipeline, Shard, measure_shard, sharded
from faceage_calibration.faces import FaceSet, read_faces
from faceage_edge.bundles import find
from faceage_edge.errors import FaceageError, FacesError
from faceage_edge.model import load_model

MODEL = "age-tiny/age-tiny.int8.tflite"


@pytest.fixture
def faces_folder(tmp_path: Path) -> Path:
    """Return a folder of forty pictures of noise, named as UTKFace's are."""
    folder = tmp_path / "faces"
    folder.mkdir()
    random = np.random.default_rng(0)
    for index in range(40):
        small = random.integers(0, 256, (20, 20, 3), dtype=np.uint8)
        picture = cv2.resize(small, (200, 200), interpolation=cv2.INTER_CUBIC)
        name = f"{index * 2 + 1}_{index % 2}_{index % 5}_2017011{index:07d}.png"
        assert cv2.imwrite(str(folder / name), picture)
    return folder


def _pipeline(**changes: Any) -> Pipeline:
    digest = load_model(find(MODEL)).contract.model_digest
    content: dict[str, Any] = {
        "model": MODEL,
        "against": None,
        "contract": None,
        "crops": "aligned",
        "detector": "int8",
        "decode": "sum",
        "threads": 1,
        "digests": (digest, None, None),
    }
    return Pipeline(**(content | changes))


def _whole(faces: FaceSet) -> dict[str, Any]:
    return measure_shard(Shard(0, faces.faces, faces.alignment), _pipeline())


def _here(shards: Sequence[Shard], pipeline: Pipeline) -> Iterator[tuple[Shard, dict[str, Any]]]:
    """Measure shards in this process, the last first."""
    for shard in reversed(shards):
        yield shard, measure_shard(shard, pipeline)


def test_shards_give_what_one_process_gives(faces_folder: Path, tmp_path: Path) -> None:
    """Shards of any size, done in any order, give the same samples; nothing is left over."""
    faces = read_faces(faces_folder)
    expected = _whole(faces)
    for size in (7, 40, 100):
        folder = tmp_path / f"{size}.shards"
        assert sharded(faces, _pipeline(), _here, folder=folder, size=size) == expected
        assert not folder.exists()


def test_a_run_that_was_cut_off_goes_on(faces_folder: Path, tmp_path: Path) -> None:
    """Finished shards are kept and not measured again; those of another model are."""
    faces = read_faces(faces_folder)
    folder, asked = tmp_path / "shards", []

    def dies(shards: Sequence[Shard], pipeline: Pipeline) -> Iterator[tuple[Shard, Any]]:
        for shard in shards[:2]:
            yield shard, measure_shard(shard, pipeline)
        raise FaceageError("the power went out")

    def counts(shards: Sequence[Shard], pipeline: Pipeline) -> Iterator[tuple[Shard, Any]]:
        asked.append([shard.number for shard in shards])
        yield from _here(shards, pipeline)

    with pytest.raises(FaceageError, match="power"):
        sharded(faces, _pipeline(), dies, folder=folder, size=10)
    assert len(list(folder.iterdir())) == 2
    # Another decoding is another result, and has none of it.
    sharded(faces, _pipeline(decode="count"), counts, folder=tmp_path / "other", size=10)
    told: list[int] = []
    resumed = sharded(faces, _pipeline(), counts, folder=folder, size=10, progress=told.append)
    assert asked == [[0, 1, 2, 3], [2, 3]]
    assert told == [30, 40]
    assert resumed == _whole(faces)


def test_a_damaged_shard_is_measured_again(faces_folder: Path, tmp_path: Path) -> None:
    """A file cut short by a full disk is no result."""
    faces = read_faces(faces_folder)
    folder = tmp_path / "shards"
    folder.mkdir()
    first = Shard(0, faces.faces[:20], faces.alignment)
    (folder / f"{first.key(_pipeline())}.json").write_text('{"unit": "ye')
    assert sharded(faces, _pipeline(), _here, folder=folder, size=20) == _whole(faces)


def test_other_models_on_a_worker_are_refused(faces_folder: Path) -> None:
    """A worker whose model is another file says so, and measures nothing."""
    faces = read_faces(faces_folder)
    shard = Shard(0, faces.faces, faces.alignment)
    with pytest.raises(FaceageError, match="install the same faceage"):
        measure_shard(shard, _pipeline(digests=("00" * 32, None, None)))


def test_shards_of_bins_and_ages_do_not_mix(faces_folder: Path) -> None:
    """A set of which one shard has bins is refused as a whole set would be."""
    faces = read_faces(faces_folder)

    def mixed(shards: Sequence[Shard], pipeline: Pipeline) -> Iterator[tuple[Shard, Any]]:
        for shard in shards:
            samples = measure_shard(shard, pipeline)
            yield shard, samples | {"unit": "bins" if shard.number else "years"}

    with pytest.raises(FacesError, match="measure them apart"):
        sharded(faces, _pipeline(), mixed, folder=None, size=20)


def _accuracy(faces: Path, out: Path, *more: str) -> dict[str, Any]:
    words = ["accuracy", "--model", MODEL, "--faces", str(faces), "--crops", "aligned"]
    assert main([*words, "--json", str(out), *more]) == 0
    return read_result(out)


@pytest.mark.slow
def test_local_cores_give_the_same_file(faces_folder: Path, tmp_path: Path) -> None:
    """Two processes of this machine write the figures that one writes."""
    one = _accuracy(faces_folder, tmp_path / "one.json")
    two = _accuracy(faces_folder, tmp_path / "two.json", "--workers", "2", "--shard", "16")
    same = set(one) - {"created", "command", "machine"}
    assert {key: one[key] for key in same} == {key: two[key] for key in same}


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of Dask's own parts, about each other
def test_a_cluster_that_loses_a_worker(faces_folder: Path, tmp_path: Path) -> None:
    """Three workers, one killed while shards are left, give the figures of one process."""
    distributed = pytest.importorskip("distributed")
    from faceage_benchmarks.dask_engine import dask_engine

    faces = read_faces(faces_folder)
    cluster = distributed.LocalCluster(
        n_workers=3, threads_per_worker=1, processes=True, dashboard_address=None
    )
    killed: list[tuple[int, int]] = []
    with cluster, distributed.Client(cluster, set_as_default=False) as client:
        pids = sorted(client.run(os.getpid).values())
        address = cluster.scheduler_address

        def kill_one(done: int) -> None:
            if not killed:
                killed.append((pids[0], done))
                os.kill(pids[0], signal.SIGKILL)

        samples = sharded(
            faces, _pipeline(), dask_engine(address), folder=None, size=1, progress=kill_one
        )
        assert samples == _whole(faces)
        assert killed[0][1] < len(faces.faces), "shards were left when the worker died"
        assert pids[0] not in client.run(os.getpid).values()
        out = tmp_path / "cluster.json"
        there = _accuracy(faces_folder, out, "--dask", address, "--shard", "10")
    here = _accuracy(faces_folder, tmp_path / "here.json")
    same = set(here) - {"created", "command", "machine"}
    assert {key: here[key] for key in same} == {key: there[key] for key in same}


@pytest.mark.filterwarnings("ignore")
def test_no_cluster(faces_folder: Path, tmp_path: Path, capsys: Any, monkeypatch: Any) -> None:
    """An address where nobody answers is one message, and no file."""
    pytest.importorskip("distributed")
    monkeypatch.setattr("faceage_benchmarks.dask_engine._PATIENCE", "1s")
    out = tmp_path / "out.json"
    words = ["accuracy", "--model", MODEL, "--faces", str(faces_folder), "--crops", "aligned"]
    assert main([*words, "--json", str(out), "--dask", "tcp://127.0.0.1:9"]) == 1
    assert "no Dask scheduler answers" in capsys.readouterr().err
    assert not out.exists()


def test_the_shards_can_be_sent(faces_folder: Path) -> None:
    """What a worker gets is small: names and places, no pictures."""
    import pickle

    faces = read_faces(faces_folder)
    sent = pickle.dumps((Shard(0, faces.faces, faces.alignment), _pipeline()))
    assert len(sent) < 1000 * len(faces.faces)
    assert json.loads(json.dumps(measure_shard(*pickle.loads(sent)))) == _whole(faces)
