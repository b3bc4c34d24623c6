"""`--config camera.toml`: options in a file, where flags win.

Keys are the long options without their dashes, values what would follow them; `true` stands for an
option that takes nothing. So everything that a flag can say can stand in the file, and is checked
by the same parser.
"""

import argparse
import difflib
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from faceage_edge.errors import UsageError

__all__ = ["parse_with_config", "with_config"]

# What is asked of the program once, not how a camera runs.
_NOT_IN_FILES = ("config", "help", "version")


def parse_with_config(
    parser: argparse.ArgumentParser, arguments: Sequence[str]
) -> argparse.Namespace:
    """Parse a command line together with the file that its `--config` names; see `with_config`."""
    return parser.parse_args(with_config(parser, arguments))


def with_config(parser: argparse.ArgumentParser, arguments: Sequence[str]) -> list[str]:
    """Put the options of the file that `--config` names before those of the command line.

    Args:
        parser: of the command, with `--config`.
        arguments: of the command line; of an option given twice argparse takes the last.

    Raises:
        UsageError: the file cannot be read, is no TOML, or has a key or value that no option has.
    """
    finder = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    finder.add_argument("--config")
    path = finder.parse_known_args(arguments)[0].config
    if path is None:
        return list(arguments)
    options = _options(parser)
    words = [
        word
        for key, value in _read(Path(path)).items()
        for word in _words(options, key, value, path)
    ]
    return [*words, *arguments]


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"cannot read --config {path}: {error.strerror or error}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(
            f"--config {path} is not TOML: {error}; expected lines such as source = 0 or "
            'preview = "8000"'
        ) from error


def _options(parser: argparse.ArgumentParser) -> dict[str, argparse.Action]:
    """Every long option by its name without dashes."""
    return {
        text.removeprefix("--"): action
        for action in parser._actions
        if action.help is not argparse.SUPPRESS
        for text in action.option_strings
        if text.startswith("--") and text.removeprefix("--") not in _NOT_IN_FILES
    }


def _words(options: dict[str, argparse.Action], key: str, value: Any, where: str) -> list[str]:
    name = key.replace("_", "-")
    if name not in options:
        near = difflib.get_close_matches(name, options, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(sorted(options))}"
        raise UsageError(f"--config {where}: there is no option {key!r}; {hint}")
    if isinstance(options[name], argparse._StoreTrueAction):
        if not isinstance(value, bool):
            raise UsageError(f"--config {where}: {key} is {value!r}, expected true or false")
        return [f"--{name}"] if value else []
    if isinstance(options[name], argparse._AppendAction) and isinstance(value, list):
        return [word for each in value for word in _words(options, key, each, where)]
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise UsageError(f"--config {where}: {key} is {value!r}, expected a text or a number")
    # In one word, so that a value that begins with a dash is no option.
    return [f"--{name}={value}"]
