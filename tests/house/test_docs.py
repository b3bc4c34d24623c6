"""The documentation is under test: links, set-up commands, every option, every example."""

import doctest
import os
import re
import runpy
import shutil
import subprocess
import sys
import tomllib
from functools import cache
from importlib import import_module
from pathlib import Path

import cv2
import pytest

from faceage_benchmarks import card_tables, int8_table, quote

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("models/*/*.md")])
SOURCES = sorted(ROOT.glob("*/faceage_*/**/*.py"))


@cache
def read(path: Path) -> str:
    """Return a file's text."""
    return path.read_text(encoding="utf-8")


README = read(ROOT / "README.md")
COMMANDS = read(ROOT / "docs" / "commands.md")
SCRIPTS = tomllib.loads(read(ROOT / "pyproject.toml"))["project"]["scripts"]


def page_name(page: Path) -> str:
    """Name a page by its place in the checkout, as a test id."""
    return page.relative_to(ROOT).as_posix()


def module_name(path: Path) -> str:
    """Return a source's module name, without the folder of its package."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts[1:])


def blocks(page: str, language: str) -> list[str]:
    """Return the fenced blocks of one language, lines that end in a backslash joined."""
    found = re.findall(rf"^```{language}\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    return [block.replace("\\\n", " ") for block in found]


@pytest.mark.parametrize("page", PAGES, ids=page_name)
def test_links_lead_somewhere(page: Path) -> None:
    """Every relative link and picture of a page exists."""
    targets = re.findall(r"\]\(([^)#\s]+)[^)]*\)", read(page))
    inside = [target for target in targets if "://" not in target and ":" not in target]
    assert [target for target in inside if not (page.parent / target).exists()] == []


# The set-up


def test_readme_has_two_set_up_commands() -> None:
    """The block after the marker holds exactly the two commands, and no other block sets up."""
    marked = README.split("<!-- set-up -->\n", 1)[1]
    assert blocks(marked, "sh")[0] == "python3 start.py demo\npython3 start.py test\n"
    assert README.count("start.py") == 2


def test_readme_stays_short() -> None:
    """Two screens of it; what is longer stands in the pages it leads to."""
    assert len(README.splitlines()) <= 95


CLOSING = "==== 3 passed, 1 skipped in 2.50s ===="


def ci_with_stub(
    tmp_path: Path, first: int, second: int, closing: str = CLOSING
) -> subprocess.CompletedProcess[str]:
    """Run .ci/run in a copy of what it reads, with a python3 that only says what it was asked."""
    for name in (".ci/run", "README.md"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    stub = tmp_path / "bin" / "python3"
    stub.parent.mkdir()
    stub.write_text(
        f'#!/bin/sh\necho "ran $*"\ncase "$2" in demo) exit {first};; esac\n'
        f'echo "{closing}"\necho after\nexit {second}\n'
    )
    stub.chmod(0o755)
    path = f"{stub.parent}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        ["bash", str(tmp_path / ".ci" / "run")],
        cwd=tmp_path.parent,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )


def test_ci_runs_the_readme(tmp_path: Path) -> None:
    """CI takes both commands from the README, in order, and ends with pytest's closing line."""
    done = ci_with_stub(tmp_path, 0, 0)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert [line for line in lines if line.startswith("ran")] == [
        "ran start.py demo",
        "ran start.py test",
    ]
    assert lines[-1] == CLOSING


def test_ci_without_tests_fails(tmp_path: Path) -> None:
    """Commands that end well without pytest's closing line are no passed run."""
    done = ci_with_stub(tmp_path, 0, 0, closing="nothing to do")
    assert done.returncode == 1
    assert "the tests did not run" in done.stderr


CI_FAILURES = [
    (4, 0, 1, "a failed first command ends the run"),
    (0, 5, 2, "a failed second one too: pytest's 5 is no test at all"),
]


@pytest.mark.parametrize(("first", "second", "ran", "note"), CI_FAILURES)
def test_ci_fails_with_its_command(
    tmp_path: Path, first: int, second: int, ran: int, note: str
) -> None:
    """CI's exit code is that of the command that failed."""
    done = ci_with_stub(tmp_path, first, second)
    assert done.returncode == first + second, note
    assert done.stdout.count("ran ") == ran, note


# The commands


def output_of_help(command: str) -> str:
    """Return what `command --help` prints; a command is `faceage-x`, `faceage-x y` or a module."""
    name, *sub = command.removeprefix("python -m ").split()
    module = SCRIPTS[name].split(":")[0] if name in SCRIPTS else name
    code = f"import sys; from {module} import main; sys.exit(main(sys.argv[1:]))"
    call = [sys.executable, "-c", code, *sub, "--help"]
    return subprocess.run(call, capture_output=True, text=True, check=True).stdout


def subcommands(command: str) -> list[str]:
    """Return a command's sub-commands, from the positional arguments of its help."""
    found = re.search(
        r"^positional arguments:\n(.*?)(?=^\w|\Z)",
        output_of_help(command),
        re.MULTILINE | re.DOTALL,
    )
    words = re.findall(r"^    (\w[\w-]*)", found.group(1), re.MULTILINE) if found else []
    return [f"{command} {word}" for word in words]


def modules() -> list[str]:
    """Return what is run with `python -m`: modules that read a command line and are no script."""
    scripts = {target.split(":")[0] for target in SCRIPTS.values()}
    marks = ("ArgumentParser(", '__name__ == "__main__"')
    runnable = [path for path in SOURCES if all(mark in read(path) for mark in marks)]
    return [f"python -m {name}" for name in map(module_name, runnable) if name not in scripts]


@cache
def all_commands() -> tuple[str, ...]:
    """Return every command that has options of its own: a sub-command in place of its command."""
    bases = [*sorted(SCRIPTS), *modules()]
    return tuple(name for base in bases for name in subcommands(base) or [base])


def options(text: str) -> set[str]:
    """Return the long options that a text names."""
    return set(re.findall(r"(?<![\w-])--[a-z][a-z-]*[a-z]", text))


def section(command: str) -> str:
    """Return a command's section of docs/commands.md: up to the next heading."""
    found = re.search(
        rf"^##+ `{re.escape(command)}`$(.*?)(?=^##|\Z)", COMMANDS, re.MULTILINE | re.DOTALL
    )
    assert found is not None, f"docs/commands.md has no section for {command}"
    return found.group(1)


@pytest.mark.slow
def test_every_option_is_documented() -> None:
    """docs/commands.md names every option of every command, and no option that is not there."""
    for command in all_commands():
        real = options(output_of_help(command)) - {"--help"}
        table = {line for line in section(command).splitlines() if line.startswith("| `-")}
        assert real - options(section(command)) == set(), command
        assert options("\n".join(row.split("|")[1] for row in table)) - real == set(), command


@pytest.mark.slow
def test_examples_use_real_options() -> None:
    """Every command line in the README and the pages names a real command and its options."""
    helps = {command: options(output_of_help(command)) for command in all_commands()}
    for page in PAGES:
        for block in blocks(read(page), "sh"):
            for line in re.findall(r"^(?:\S*/)?(faceage-.*)$", block, re.MULTILINE):
                named = line.split("#")[0]
                command = max((c for c in helps if named.startswith(c)), key=len, default=None)
                assert command is not None, f"{page_name(page)}: {line}"
                assert options(named) <= helps[command], f"{page_name(page)}: {line}"


# The examples in Python


def test_readme_python_runs(tmp_path: Path, astronaut: cv2.typing.MatLike) -> None:
    """The README's Python example prints the box and the age of the one face of a picture."""
    assert cv2.imwrite(str(tmp_path / "photo.png"), astronaut)
    (example,) = blocks(README, "python")
    done = subprocess.run(
        [sys.executable, "-c", example], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    (line,) = done.stdout.splitlines()
    assert re.fullmatch(r"FrameBox\(.*\) \[\d+\.\d+\]", line)


WITH_EXAMPLES = [path for path in SOURCES if ">>> " in read(path)]


@pytest.mark.parametrize("path", WITH_EXAMPLES, ids=page_name)
def test_docstring_examples_run(path: Path) -> None:
    """Examples in docstrings give what they say."""
    assert doctest.testmod(import_module(module_name(path))).failed == 0


def test_quoted_numbers_are_those_of_the_result_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every number that a page quotes is what its result file holds now."""
    monkeypatch.chdir(ROOT)
    quoting = [str(page) for page in PAGES if "<!--q " in read(page)]
    assert len(quoting) >= 4
    assert quote.main(["--check", *quoting]) == 0


def test_card_tables_are_those_of_the_result_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """A card's tables are what its result files hold now."""
    monkeypatch.chdir(ROOT)
    for name, prefix in runpy.run_path("benchmarks/release.py")["AGES"].items():
        results = [f"benchmarks/results/{prefix}-{kind}.json" for kind in ("detect", "fairface")]
        words = ["--result", results[0], "--fairface", results[1]]
        words += ["--targets", f"benchmarks/targets/{name}.json"]
        assert card_tables.main([*words, "--into", f"models/{name}/README.md", "--check"]) == 0


def test_ways_to_int8_are_those_of_the_result_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """The table of ways to int8 is what its result files hold now."""
    monkeypatch.chdir(ROOT)
    assert int8_table.main(["--check"]) == 0
