"""Shards on the machines of a Dask cluster."""

from collections.abc import Iterator, Sequence
from typing import Any

from faceage_benchmarks.shards import Engine, Pipeline, Samples, Shard, measure_shard
from faceage_edge.errors import FaceageError, missing_extra

__all__ = ["dask_engine"]

_PATIENCE = "10s"
# How often a shard may take its worker with it before it, and not the machine, is to blame.
_RETRIES = 3


def dask_engine(address: str) -> Engine:
    """Return what runs shards on a cluster.

    Every worker needs this version of faceage, and sees the models and the faces under the same
    paths. What a lost worker had in hand, Dask gives to another.

    Args:
        address: of the cluster's scheduler, such as tcp://10.0.0.2:8786.

    Raises:
        MissingExtraError: Dask is not installed.
    """
    try:
        import distributed
    except ImportError as error:
        raise missing_extra("distributed", "dask") from error

    def run(shards: Sequence[Shard], pipeline: Pipeline) -> Iterator[tuple[Shard, Samples]]:
        with _client(distributed, address) as client:
            futures = {
                client.submit(
                    measure_shard, shard, pipeline, key=shard.key(pipeline), retries=_RETRIES
                ): shard
                for shard in shards
            }
            for future in distributed.as_completed(futures, loop=client.loop):
                yield futures[future], _result(distributed, future)

    return run


def _client(distributed: Any, address: str) -> Any:
    try:
        return distributed.Client(address, timeout=_PATIENCE, set_as_default=False)
    except (OSError, ValueError) as error:
        raise FaceageError(
            f"no Dask scheduler answers at {address} ({error or 'timed out'}); start one with "
            "`dask scheduler`, workers with `dask worker ADDRESS`, and give its address"
        ) from error


def _result(distributed: Any, future: Any) -> Samples:
    try:
        samples: Samples = future.result()
    except distributed.scheduler.KilledWorker as error:
        raise FaceageError(
            f"one shard took several workers with it ({error}); see the workers' logs, then run "
            "the same command again to go on"
        ) from error
    return samples
