"""Scalars for TensorBoard: by a stand-in for its package, and by the package where it is there."""

import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from faceage_edge.errors import MissingExtraError, OutputError
from faceage_models import event_log
from faceage_models.age_run_files import Epoch
from faceage_models.event_log import EventLog, tensorboard_parts

EPOCHS = [(Epoch(0, 7.5, 9.25), 0.001), (Epoch(1, 6.5, 8.125), 0.0005)]
TAGS = ["loss", "validation_mae_years", "learning_rate"]


class Writer:
    """Keeps what it is given, in the place of TensorBoard's."""

    def __init__(self, folder: str) -> None:
        self.folder, self.events, self.done = folder, list[Any](), list[str]()
        WRITERS.append(self)

    def add_event(self, event: Any) -> None:
        self.events.append(event)

    def flush(self) -> None:
        self.done.append("flush")

    def close(self) -> None:
        self.done.append("close")


WRITERS: list[Writer] = []


class Summary(SimpleNamespace):
    """A message with a message inside, as TensorBoard's."""

    Value = SimpleNamespace


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """TensorBoard's three parts, played."""
    WRITERS.clear()
    monkeypatch.setattr(event_log, "tensorboard_parts", lambda: (Writer, SimpleNamespace, Summary))


@pytest.mark.usefixtures("stand_in")
def test_each_epoch_is_one_event(tmp_path: Path) -> None:
    """Three scalars at the epoch's number, written at once; the file is closed at the end."""
    with EventLog(tmp_path / "new" / "log") as log:
        for epoch, rate in EPOCHS:
            log.write(epoch, rate)
    (writer,) = WRITERS
    assert (writer.folder, writer.done) == (str(tmp_path / "new/log"), ["flush", "flush", "close"])
    assert [event.step for event in writer.events] == [1, 2]
    values = [event.summary.value for event in writer.events]
    assert [value.tag for value in values[0]] == TAGS
    assert [value.simple_value for value in values[1]] == [6.5, 8.125, 0.0005]


@pytest.mark.usefixtures("stand_in")
def test_a_folder_that_cannot_be(tmp_path: Path) -> None:
    """The message names the option."""
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match=r"cannot write TensorBoard.* --logdir"):
        EventLog(tmp_path / "file")


def test_without_the_package_its_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """One message with the pip command."""
    nothing: ModuleType | None = None
    monkeypatch.setitem(sys.modules, "tensorboard", nothing)
    for name in [name for name in sys.modules if name.startswith("tensorboard.")]:
        monkeypatch.delitem(sys.modules, name)
    with pytest.raises(MissingExtraError, match=r'pip install "faceage\[tensorboard\]"'):
        tensorboard_parts()


def test_tensorboard_reads_it(tmp_path: Path) -> None:
    """The real package writes a file that its own reader understands."""
    pytest.importorskip("tensorboard", reason="needs the extra tensorboard")
    from tensorboard.backend.event_processing.event_file_loader import LegacyEventFileLoader

    with EventLog(tmp_path) as log:
        for epoch, rate in EPOCHS:
            log.write(epoch, rate)
    (file,) = tmp_path.glob("events.out.tfevents.*")
    events = [event for event in LegacyEventFileLoader(str(file)).Load() if event.step]
    assert [event.step for event in events] == [1, 2]
    found = {value.tag: value.simple_value for value in events[1].summary.value}
    assert found == pytest.approx({"loss": 6.5, TAGS[1]: 8.125, "learning_rate": 0.0005})
