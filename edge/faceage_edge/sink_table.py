"""Which options of `faceage-camera` are sinks, and how each is opened."""

import argparse
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from faceage_edge.address import parse_address
from faceage_edge.csv_sink import CsvTable
from faceage_edge.errors import UsageError
from faceage_edge.events import EventFile, Events
from faceage_edge.frames import Source
from faceage_edge.metrics import Metrics
from faceage_edge.mqtt import Mqtt
from faceage_edge.mqtt_url import parse_mqtt_url
from faceage_edge.preview import Preview
from faceage_edge.recording import open_annotation
from faceage_edge.result import FrameResult
from faceage_edge.sinks import JsonLines, Sink
from faceage_edge.window import Window

__all__ = ["open_sinks", "sink_remarks"]

_TOKEN = "FACEAGE_PREVIEW_TOKEN"

_Document = Callable[[FrameResult], dict[str, Any]]


@dataclass(frozen=True)
class _Asked:
    options: argparse.Namespace
    source: Source
    document: _Document
    say: Callable[[str], None]
    keep: Callable[[bytes], None]

    def file(self, name: str) -> Path:
        """The file that an option names; not the source."""
        given = str(getattr(self.options, name))
        target, source = Path(given), Path(self.options.source)
        if target.exists() and source.exists() and target.samefile(source):
            raise UsageError(f"--{name} {target} would replace the source; name another file")
        return target


def _preview(asked: _Asked) -> Preview:
    address = parse_address(asked.options.preview, "--preview")
    token = asked.options.preview_token or os.environ.get(_TOKEN) or None
    preview = Preview(address, asked.document, token=token, title=asked.source.describe())
    ending = "" if token is None else "?token=... (the token you gave)"
    asked.say(f"preview on http://{preview.address}/{ending}")
    return preview


def _metrics(asked: _Asked) -> Metrics:
    address = parse_address(asked.options.metrics, "--metrics")
    metrics = Metrics(address, asked.document, lambda: asked.source.drops)
    asked.say(f"metrics on http://{metrics.address}/metrics")
    return metrics


def _events(asked: _Asked) -> EventFile:
    return EventFile(asked.file("events"), asked.document, events=Events(), keep=asked.keep)


# By the option's name; an option that was not given is None or False.
_BUILDERS: dict[str, Callable[[_Asked], Sink]] = {
    "annotate": lambda asked: open_annotation(asked.file("annotate"), asked.source.fps),
    "csv": lambda asked: CsvTable(asked.file("csv"), asked.document, genders=asked.options.gender),
    "events": _events,
    "mqtt": lambda asked: Mqtt(
        parse_mqtt_url(asked.options.mqtt), asked.document, genders=asked.options.gender
    ),
    "metrics": _metrics,
    "preview": _preview,
    "window": lambda _: Window(),
}


def open_sinks(
    options: argparse.Namespace,
    source: Source,
    stdout: TextIO,
    document: _Document,
    say: Callable[[str], None],
    *,
    keep: Callable[[bytes], None] = lambda _: None,
) -> list[Sink]:
    """Open every sink that the command line names, JSON lines first.

    Args:
        options: of the camera's parser.
        source: what the frames come from.
        stdout: where JSON lines go.
        document: a result as JSON values.
        say: tells the user where a server listens.
        keep: takes a note of who is in view, for whoever outlives this process.

    Raises:
        UsageError: options that cannot be.
        OutputError: a place that cannot be written or listened on.
        MissingExtraError: a package that a sink needs.
    """
    asked = _Asked(options, source, document, say, keep)
    chosen = [build for name, build in _BUILDERS.items() if getattr(options, name)]
    return [JsonLines(stdout, document), *(build(asked) for build in chosen)]


def sink_remarks(sinks: Sequence[Sink]) -> list[str]:
    """What the user should know of how the sinks went, at the end of a run."""
    telling = [getattr(sink, "remarks", None) for sink in sinks]
    return [line for tell in telling if tell is not None for line in tell()]
