"""The command `faceage-camera`: faces and their ages from a camera, a film or pictures."""

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TextIO

from faceage_edge.about import about_models, about_text
from faceage_edge.age_choice import AgeChoice, AgePolicy
from faceage_edge.camera_options import parser
from faceage_edge.capture import Freshest
from faceage_edge.command import run
from faceage_edge.delegates import parse_delegate
from faceage_edge.errors import OutputError, UsageError
from faceage_edge.finding import EveryFrame, PassPolicy, SparsePasses
from faceage_edge.frames import CameraRequest, Frame, Source
from faceage_edge.heartbeat import Heartbeat
from faceage_edge.heartbeat_page import Field, Page, Stage
from faceage_edge.loading import Models, choose, load_bundle
from faceage_edge.loop import Finding, Watcher, watch
from faceage_edge.raw_frames import RawFrames
from faceage_edge.recording import open_annotation
from faceage_edge.repeated import Repeated
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
    if options.about:
        return run(_PROGRAM, partial(_about, options))
    heart = Heartbeat(Page.inherited())
    body = partial(_try_accelerator if options.try_accelerator else _run, options, heart)
    return run(_PROGRAM, partial(heart.reporting, body))


def _about(options: argparse.Namespace) -> int:
    chosen = choose(options.models, age=options.age, detector=options.detector)
    document = about_models(chosen)
    print(json.dumps(document) if options.json else about_text(document), file=_stdout())
    return 0


def _try_accelerator(options: argparse.Namespace, heart: Heartbeat) -> int:
    """Load the models with their delegates, which tries them, and stop."""
    _load(options, heart)
    return 0


def _load(options: argparse.Namespace, heart: Heartbeat) -> Models:
    delegates = [parse_delegate(text) for text in options.delegate]
    if heart.status().degraded:
        delegates = []
    heart.page.enter(Stage.ACCELERATOR if delegates else Stage.STARTING)
    return load_bundle(
        options.models,
        age=options.age,
        detector=options.detector,
        threads=options.threads,
        decode=options.decode,
        delegates=delegates,
    )


def _open(options: argparse.Namespace, heart: Heartbeat, leave: Callable[[], bool]) -> Source:
    """Open the source as the command line has it."""
    heart.page.enter(Stage.OPENING)
    request = CameraRequest(options.width, options.height, options.fps)
    reopen = partial(open_source, options.source, request, leave=leave)
    source = reopen()
    if isinstance(source, Freshest):
        source.patience_s = options.patience
    if isinstance(source, RawFrames):
        source.resume(heart.page[Field.BYTES_READ], heart.took)
    if not options.loop:
        return source
    if isinstance(source, Freshest | RawFrames):
        raise UsageError(f"--loop is for files, and {options.source} has no end to begin again at")
    return Repeated(source, reopen)


def _run(options: argparse.Namespace, heart: Heartbeat) -> int:
    with StopRequest() as stop:
        source = _open(options, heart, stop.requested)
        sinks = heart.around(_sinks(options, source))
        models = _load(options, heart)
        _say(f"{source.describe()}; ages by {models.age_path}, faces by {models.detector_path}")
        summary = Summary()
        try:
            gone = _watch(options, source, models, sinks, summary, heart, stop.requested)
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
    heart: Heartbeat,
    leave: Callable[[], bool],
) -> BrokenPipeError | None:
    """Watch the source to its end; return the error if the reader of stdout went away.

    To be returned, not raised: the reader has all it wanted, and the annotated film is whole.
    """
    watcher = _watcher(options, source, models, heart)
    with ExitStack() as stack:
        frames = heart.frames(
            stack.enter_context(source),
            live=isinstance(source, Freshest),
            fps=source.fps,
            rewinds=not isinstance(source, RawFrames | Repeated),
        )
        entered = [stack.enter_context(sink) for sink in sinks]
        shown = _with_progress(heart.at_most(frames, options.max_frames), summary)
        try:
            watch(shown, watcher, entered, summary, leave=leave, status=heart.status)
        except BrokenPipeError as error:
            return error
    return None


def _watcher(
    options: argparse.Namespace, source: Source, models: Models, heart: Heartbeat
) -> Watcher:
    if options.every_frame:
        policy = AgePolicy(keep=None)
        finding: Finding = EveryFrame(models.detector, min_face=options.min_face)
    else:
        policy = AgePolicy(every_s=options.age_every)
        passes = PassPolicy(every=options.pass_every)
        finding = SparsePasses(models.detector, min_face=options.min_face, policy=passes)
    return Watcher(
        finding=finding,
        ages=models.age,
        tracker=Tracker(keep=policy.keep, first=heart.page[Field.LAST_TRACK] + 1),
        choice=AgeChoice(models.age.template, policy),
        cuts=SceneCuts(expected=source.has_cuts),
    )


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
