"""The command `faceage-camera`: faces and their ages from a camera, a film or pictures."""

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any, TextIO

from faceage_edge.about import about_models, about_text
from faceage_edge.age import gender_labels
from faceage_edge.age_choice import AgeChoice, AgePolicy
from faceage_edge.camera_options import parser
from faceage_edge.capture import Freshest
from faceage_edge.command import run
from faceage_edge.config_file import parse_with_config
from faceage_edge.delegates import parse_delegate
from faceage_edge.doctor import doctor_text, examine
from faceage_edge.errors import OutputError, UsageError
from faceage_edge.finding import EveryFrame, PassPolicy, SparsePasses
from faceage_edge.frames import CameraRequest, Frame, Source
from faceage_edge.heartbeat import Heartbeat
from faceage_edge.heartbeat_page import Field, Page, Stage
from faceage_edge.install_model import install_model
from faceage_edge.loading import Models, choose, load_bundle
from faceage_edge.loop import Finding, Watcher, watch
from faceage_edge.model import model_contract
from faceage_edge.raw_frames import RawFrames
from faceage_edge.repeated import Repeated
from faceage_edge.result import FrameResult
from faceage_edge.scene import SceneCuts
from faceage_edge.sink_table import open_sinks, sink_remarks
from faceage_edge.sinks import Sink
from faceage_edge.sources import open_source
from faceage_edge.stopping import StopRequest
from faceage_edge.stream import FreshestStream
from faceage_edge.summary import Summary
from faceage_edge.threshold import open_age_check
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
    arguments = sys.argv[1:] if argv is None else argv
    return run(_PROGRAM, partial(_main, arguments))


def _main(arguments: Sequence[str]) -> int:
    options = parse_with_config(parser(_PROGRAM), arguments)
    if options.about:
        return _about(options)
    if options.doctor:
        return _doctor(options)
    if options.install_model is not None:
        return _install(options)
    heart = Heartbeat(Page.inherited())
    body = _try_accelerator if options.try_accelerator else _run
    return heart.reporting(partial(body, options, heart))


def _doctor(options: argparse.Namespace) -> int:
    document = examine(options)
    print(json.dumps(document) if options.json else doctor_text(document), file=_stdout())
    return 0 if document["healthy"] else 1


def _install(options: argparse.Namespace) -> int:
    if options.models is None:
        raise UsageError("--install-model needs --models FOLDER, the one that the camera reads")
    for line in install_model(Path(options.install_model), Path(options.models)):
        _say(line)
    return 0


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
    reopen = partial(open_source, options.source, request, rate=options.rate, leave=leave)
    source = reopen()
    if isinstance(source, Freshest):
        source.patience_s = options.patience
    if isinstance(source, FreshestStream):
        source.stream.waiting = partial(heart.took, 0)
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
        opened = open_sinks(
            options, source, _stdout(), _document(options), _say, keep=heart.page.keep
        )
        sinks = heart.around(opened)
        models = _load(options, heart)
        _say(f"{source.describe()}; ages by {models.age_path}, faces by {models.detector_path}")
        summary = Summary()
        try:
            gone = _watch(options, source, models, sinks, summary, heart, stop.requested)
        finally:
            for line in (*source.remarks(), *sink_remarks(opened), *summary.lines(source.drops)):
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
    if options.gender:
        # Before the first frame: a model that says none is an error.
        gender_labels(models.age.contract)
    if options.every_frame:
        policy = AgePolicy(every_s=0.0)
        finding: Finding = EveryFrame(models.detector, min_face=options.min_face)
    else:
        policy = AgePolicy(every_s=options.age_every)
        passes = PassPolicy(every=options.pass_every)
        finding = SparsePasses(models.detector, min_face=options.min_face, policy=passes)
    return Watcher(
        finding=finding,
        ages=models.age,
        tracker=Tracker(first=heart.page[Field.LAST_TRACK] + 1),
        choice=AgeChoice(models.age.template, policy),
        cuts=SceneCuts(expected=source.has_cuts),
        genders=options.gender,
    )


def _document(options: argparse.Namespace) -> Callable[[FrameResult], dict[str, Any]]:
    """What makes a result's JSON values: with --threshold, each face gets its answer."""
    if options.threshold is None:
        if options.challenge is not None:
            raise UsageError("--challenge is for --threshold AGE; state the age in question too")
        return FrameResult.to_json
    path = choose(options.models, age=options.age, detector=options.detector).age
    check = open_age_check(
        path,
        model_contract(path),
        threshold=options.threshold,
        challenge=options.challenge,
    )
    return check.document


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
