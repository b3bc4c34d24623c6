"""Options in a file."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from faceage_edge import camera
from faceage_edge.camera_options import parser
from faceage_edge.config_file import parse_with_config, with_config
from faceage_edge.errors import UsageError


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str], str]:
    """Return a function that writes a configuration and returns its path."""

    def write_it(text: str) -> str:
        path = tmp_path / "camera.toml"
        path.write_text(text, encoding="utf-8")
        return str(path)

    return write_it


def parsed(*arguments: str) -> Any:
    return parse_with_config(parser("faceage-camera"), arguments)


def test_a_file_says_what_flags_say(write: Callable[[str], str]) -> None:
    """Numbers, texts and switches; a minus sign is no option; underscores stand for dashes."""
    path = write(
        'source = "-"\nwidth = 320\nmin-face = 55.5\npreview = "0.0.0.0:8000"\n'
        'preview_token = "abcdef012345"\nwindow = true\nabout = false\nmodel = "age-tiny"\n'
    )
    options = parsed("--config", path)
    assert (options.source, options.width, options.min_face) == ("-", 320, 55.5)
    assert (options.preview, options.preview_token) == ("0.0.0.0:8000", "abcdef012345")
    assert (options.window, options.about, options.age) == (True, False, "age-tiny")


def test_an_option_that_may_be_given_twice_takes_a_list(write: Callable[[str], str]) -> None:
    """And one text as well."""
    made = argparse.ArgumentParser()
    made.add_argument("--config")
    made.add_argument("--delegate", action="append", default=[])
    for text, expected in (("['a', 'b']", ["a", "b"]), ("'a'", ["a"])):
        options = parse_with_config(made, ["--config", write(f"delegate = {text}")])
        assert options.delegate == expected


def test_flags_win(write: Callable[[str], str]) -> None:
    """Wherever on the command line the file is named."""
    path = write("width = 320\nheight = 240\n")
    for arguments in (("--width", "64", "--config", path), (f"--config={path}", "--width=64")):
        options = parsed(*arguments)
        assert (options.width, options.height) == (64, 240)


# What is asked of the program once.
ONCE = ("help", "version", "config")


def test_every_option_can_stand_in_a_file(write: Callable[[str], str]) -> None:
    """All that run a camera: none is left out."""
    made = parser("faceage-camera")
    for action in made._actions:
        for text in action.option_strings:
            name = text.removeprefix("--")
            if not text.startswith("--") or action.help is argparse.SUPPRESS or name in ONCE:
                continue
            value = "true" if action.nargs == 0 else "'1'"
            assert with_config(made, ["--config", write(f"{name} = {value}")])[0].startswith(text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("sorce = 0", r"no option 'sorce'; did you mean 'source'\?"),
        ("preview_tokn = 'a'", r"did you mean 'preview-token'\?"),
        ("zzz = 1", "no option 'zzz'; known are about, age, "),
        ("config = 'b.toml'", "no option 'config'"),
        ("window = 1", "window is 1, expected true or false"),
        ("width = true", "width is True, expected a text or a number"),
        ("width = [1]", r"width is \[1\], expected a text or a number"),
        ("[preview]\nport = 1", "expected a text or a number"),
        ("source = ", "is not TOML"),
    ],
)
def test_what_no_option_has_is_refused(write: Callable[[str], str], text: str, words: str) -> None:
    """With the nearest name."""
    with pytest.raises(UsageError, match=words):
        parsed("--config", write(text))


def test_a_value_is_checked_as_a_flag_is(
    write: Callable[[str], str], capsys: pytest.CaptureFixture[str]
) -> None:
    """By the same parser, code 2."""
    with pytest.raises(SystemExit) as caught:
        camera.main(["--config", write("width = 'wide'")])
    assert caught.value.code == 2
    assert "argument --width: 'wide' is no whole number" in capsys.readouterr().err


def test_a_file_that_is_not_there_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    """One line, code 2."""
    assert camera.main(["--config", "none.toml"]) == 2
    assert "cannot read --config none.toml" in capsys.readouterr().err


def test_a_shortened_name_is_no_option(
    write: Callable[[str], str], capsys: pytest.CaptureFixture[str]
) -> None:
    """`--conf` is refused: taken for --config, its file would be passed over in silence."""
    with pytest.raises(SystemExit) as caught:
        camera.main(["--conf", write("width = 320")])
    assert caught.value.code == 2
    assert "unrecognized arguments: --conf" in capsys.readouterr().err


def test_a_camera_runs_from_a_file(
    write: Callable[[str], str],
    write_frames: Callable[[list[Any]], Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Source and sinks come from the file alone."""
    frames = write_frames([np.zeros((48, 64, 3), np.uint8)] * 2)
    path = write(f"source = '{frames}'\ncsv = '{tmp_path / 'ages.csv'}'\n")
    assert camera.main(["--config", path]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 2
    assert (tmp_path / "ages.csv").is_file()
