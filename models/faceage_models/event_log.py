"""A run's scalars as TensorBoard reads them: loss, error in years and learning rate by epoch."""

import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from faceage_edge.errors import OutputError, missing_extra
from faceage_models.age_run_files import Epoch

__all__ = ["EventLog", "tensorboard_parts"]

_EXTRA = "tensorboard"


class EventLog:
    """A folder's new event file, as a context manager; TensorBoard joins those of one folder.

    Scalars are `loss`, `validation_mae_years` and `learning_rate`, at the epoch counted from 1 as
    in epochs.csv.
    """

    def __init__(self, folder: Path) -> None:
        """Open it.

        Raises:
            MissingExtraError: the package tensorboard is not installed.
            OutputError: the folder cannot be written.
        """
        self._folder = folder
        writer, self._event, self._summary = tensorboard_parts()
        try:
            # The writer's own errors are TensorFlow's where that is installed.
            folder.mkdir(parents=True, exist_ok=True)
            self._writer = writer(str(folder))
        except OSError as error:
            raise self._unwritable(error) from error

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Write what is left and close the file."""
        self._writer.close()

    def write(self, epoch: Epoch, rate: float) -> None:
        """Write an epoch down at once.

        Args:
            epoch: what it came to.
            rate: the learning rate of its last step.

        Raises:
            OutputError: the file cannot be written.
        """
        scalars = {
            "loss": epoch.loss,
            "validation_mae_years": epoch.mae,
            "learning_rate": rate,
        }
        values = [self._summary.Value(tag=tag, simple_value=v) for tag, v in scalars.items()]
        summary = self._summary(value=values)
        try:
            self._writer.add_event(
                self._event(wall_time=time.time(), step=epoch.epoch + 1, summary=summary)
            )
            self._writer.flush()
        except OSError as error:
            raise self._unwritable(error) from error

    def _unwritable(self, error: OSError) -> OutputError:
        return OutputError(
            f"cannot write TensorBoard's events to {self._folder}: {error.strerror or error}; name "
            "another folder with --logdir"
        )


def tensorboard_parts() -> tuple[Any, Any, Any]:
    """TensorBoard's writer of event files, and its messages Event and Summary.

    Raises:
        MissingExtraError: the package is not installed.
    """
    try:
        from tensorboard.compat.proto.event_pb2 import Event
        from tensorboard.compat.proto.summary_pb2 import Summary
        from tensorboard.summary.writer.event_file_writer import EventFileWriter
    except ImportError as error:
        raise missing_extra("tensorboard", _EXTRA) from error
    return EventFileWriter, Event, Summary
