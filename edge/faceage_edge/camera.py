"""The command `faceage-camera`: faces and their ages from a camera, a film or pictures."""

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TextIO

from faceage_edge.about import about_models, about_text
from faceage_edge.camera_options import parser
from faceage_edge.command import run
from faceage_edge.errors import OutputError, UsageError
from faceage_edge.frames import CameraRequest, Frame, Source
from faceage_edge.loading import Models, choose, load_bundle
from faceage_edge.loop import Watcher, watch
from faceage_edge.recording import open_annotation
from faceage_edge.scene import SceneCuts
from faceage_edge.sinks import JsonLines, Sink
from faceage_edge.sources import open_source
from faceage_edge.stopping import StopRequest
from faceage_edge.summary import Summary
from faceage_edge.tracking import Tracker

__all__ = ["main"]

_PROGRAM = "faceage-camera"
_PROGRESS_S = 10.0


def main(argv: Sequence[str] | None = None) -> int:
    """Run `faceage-camera`.

    Args:
        argv: the arguments; those of the process if None.

    Returns:
        The exit code: 0 done or stopped by a signal, 1 our error, 2 usage.
    """
    options = parser(_PROGRAM).parse_args(argv)
    return run(_PROGRAM, partial(_about if options.about else _run, options))


def _about(options: argparse.Namespace) -> int:
    chosen = choose(options.models, age=options.age, detector=options.detector)
    document = about_models(chosen)
    print(json.dumps(document) if options.json else about_text(document), file=_stdout())
    return 0


def _run(options: argparse.Namespace) -> int:
    with StopRequest() as stop:
        request = CameraRequest(options.width, options.height, options.fps)
        source = open_source(options.source, request, rate=options.rate, leave=stop.requested)
        sinks = _sinks(options, source)
        models = load_bundle(
            options.models,
            age=options.age,
            detector=options.detector,
            threads=options.threads,
            decode=options.decode,
        )
        _say(f"{source.describe()}; ages by {models.age_path}, faces by {models.detector_path}")
        summary = Summary()
        try:
            gone = _watch(options, source, models, sinks, summary, stop.requested)
        finally:
            for line in (*source.remarks(), *summary.lines(source.drops)):
                _say(line)
    if gone is not None:
        raise gone
    return 0


def _watch(
    options: argparse.Namespace,
    source: Source,
    models: Models,
    sinks: Sequence[Sink],
    summary: Summary,
    leave: Callable[[], bool],
) -> BrokenPipeError | None:
    """Watch the source to its end; return the error if the reader of stdout went away.

    To be returned, not raised: the reader has all it wanted, and the annotated film is whole.
    """
    watcher = Watcher(
        detect=partial(models.detector.detect, min_face=options.min_face),
        ages=models.age,
        tracker=Tracker(max(models.age.template.width, models.age.template.height)),
        cuts=SceneCuts(expected=source.has_cuts),
    )
    with ExitStack() as stack:
        frames = stack.enter_context(source)
        entered = [stack.enter_context(sink) for sink in sinks]
        shown = _with_progress(islice(frames, options.max_frames), summary)
        try:
            watch(shown, watcher, entered, summary, leave=leave)
        except BrokenPipeError as error:
            return error
    return None


def _sinks(options: argparse.Namespace, source: Source) -> list[Sink]:
    sinks: list[Sink] = [JsonLines(_stdout())]
    if options.annotate is not None:
        target = Path(options.annotate)
        if target.exists() and Path(options.source).exists() and target.samefile(options.source):
            raise UsageError(f"--annotate {target} would replace the source; name another file")
        sinks.append(open_annotation(target, source.fps))
    return sinks


def _stdout() -> TextIO:
    # None when the process was started with stdout closed (`>&-`), whatever the type says.
    stream: TextIO | None = sys.stdout
    if stream is None:
        raise OutputError("stdout is closed and results go there; leave it open or to a file")
    return stream


def _with_progress(frames: Iterable[Frame], summary: Summary) -> Iterator[Frame]:
    """Pass frames on and say now and then how far they are."""
    due = time.monotonic() + _PROGRESS_S
    for frame in frames:
        if time.monotonic() >= due:
            _say(f"{summary.frames} frames, now at {frame.time_s:.1f} s")
            due += _PROGRESS_S
        yield frame


def _say(text: str) -> None:
    print(f"{_PROGRAM}: {text}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
