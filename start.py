#!/usr/bin/env python3
"""Set faceage up in a virtual environment and run it.

    python3 start.py demo    install the main job (no TensorFlow), convert the shipped models and
                             run the loop on a clip that it makes itself
    python3 start.py test    install everything (TensorFlow too) and run every check

Both use one environment, `.venv`, and install again only when pyproject.toml or
constraints/host.txt changed.
Exit codes: 0 done, 1 could not set up, 2 usage, else that of the first check that failed.

This file parses on Python 2.7 and 3.6 too, to tell their users what is missing: no f-strings and no
annotations.
"""

from __future__ import print_function

import argparse
import collections
import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile

SUPPORTED = ("3.13", "3.12", "3.11")
ROOT = os.path.dirname(os.path.abspath(__file__))
STAMP = "faceage-start.json"  # in the environment: what start.py installed there
LOG = "faceage-install.log"  # beside it: everything pip said

# `free_gb`: the environment and the downloads that pip unpacks, with some room.
Job = collections.namedtuple("Job", "extras, free_gb, size")
JOBS = {
    "demo": Job(("demo",), 1.5, "about 0.6 GB, a minute or two"),
    "test": Job(
        ("bench", "dask", "demo", "dev", "qat"), 4.5, "about 3 GB with TensorFlow, some minutes"
    ),
}
# What pip writes when something outside the project failed, and what that means. The first counts.
CAUSES = (
    (
        ("No space left on device",),
        "The disk is full, in {venv} or in {tmp}: free some space,\n"
        "or name folders on another disk with --venv DIR and TMPDIR.",
    ),
    (
        ("NewConnectionError", "NameResolutionError", "name resolution", "ConnectTimeout")
        + ("ReadTimeout", "ProxyError", "Connection refused", "Connection reset", "SSLError")
        + ("Network is unreachable", "Connection broken"),
        "The package index could not be reached: check the network, the proxy (HTTPS_PROXY) or\n"
        "the mirror (PIP_INDEX_URL), then run the same command again.",
    ),
    (
        ("No matching distribution",),
        "{errors}\n"
        "A package has no build for this machine ({machine}). start.py sets up 64-bit x86 and ARM\n"
        "Linux with glibc; for small devices see the heads of constraints/device*.txt.",
    ),
    (("",), "{errors}"),  # anything else, in pip's own words
)


class SetupError(Exception):
    """The environment cannot be made; the text says what was found and what to do."""


def main(argv):
    """Run one job and return the exit code."""
    try:
        check_python(argv)
        arguments = parse(argv)
        check_venv_module()
        prepare(arguments.venv, JOBS[arguments.job])
        if arguments.job == "demo":
            return run(arguments.venv, ["-m", "faceage_benchmarks.demo", "--out", "demo-output"])
        return run_checks(arguments)
    except SetupError as error:
        sys.stderr.write("start.py: {}\n".format(error))
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("start.py: stopped; the same command goes on from here\n")
        return 130


def parse(argv):
    """Read the command line."""
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument(
        "--venv",
        metavar="DIR",
        type=os.path.abspath,
        default=os.path.join(ROOT, ".venv"),
        help="the virtual environment to make and use (default: .venv in the checkout)",
    )
    parser = argparse.ArgumentParser(prog="start.py", description="Set faceage up and run it.")
    jobs = parser.add_subparsers(dest="job", metavar="demo|test")
    jobs.required = True
    jobs.add_parser("demo", parents=[common], help="convert the models, run the loop on a clip")
    test = jobs.add_parser("test", parents=[common], help="run format, lint, types, imports, tests")
    test.add_argument("--fast", action="store_true", help="leave out the tests marked slow")
    test.add_argument("pytest", nargs="*", metavar="-- ARG", help="arguments for pytest")
    return parser.parse_args(argv)


# What this machine has


def check_python(argv):
    """Refuse a Python that the project does not support, and name one here that it does."""
    if "{}.{}".format(*sys.version_info[:2]) in SUPPORTED:
        return
    command = " ".join(sys.argv[:1] + argv)
    fix = (
        "None of those is on the PATH. Install one (Debian 12, Ubuntu 24.04 and newer:\n"
        "`apt install python3 python3-venv`) and run `{}` with it".format(command)
    )
    found = [name for name in ("python" + version for version in SUPPORTED) if starts(name)]
    if found:
        fix = "{} is installed here: run `{} {}`".format(found[0], found[0], command)
    raise SetupError(
        "this is Python {}, and faceage needs Python 3.11, 3.12 or 3.13.\n{}".format(
            platform.python_version(), fix
        )
    )


def starts(python):
    """Tell whether an interpreter runs: a file of that name may launch one that is absent."""
    with open(os.devnull, "w") as devnull:
        try:
            return subprocess.call([python, "-c", ""], stdout=devnull, stderr=devnull) == 0
        except OSError:
            return False


def check_venv_module():
    """Refuse a Python without the means to make an environment (Debian packages them apart)."""
    try:
        import ensurepip  # noqa: F401
        import venv  # noqa: F401
    except ImportError as error:
        raise SetupError(
            "this Python {} cannot make virtual environments ({}).\n"
            "Debian and Ubuntu package that apart: run `apt install python3-venv` as root, then\n"
            "the same command again".format(platform.python_version(), error)
        )


# The environment


def prepare(venv, job):
    """Make or update the environment, so that it holds what the job needs."""
    stamp = read_stamp(venv)
    extras = sorted(set(job.extras) | set(stamp.get("extras", ())))
    wanted = {"made": made(), "digest": digest(), "extras": extras}
    working = stamp.get("made") == made() and starts(program(venv, "python"))
    if working and stamp == wanted:
        return
    check_disk(venv, job)
    if not working:
        create(venv)
    install(venv, extras, job)
    write_stamp(venv, wanted)


def program(venv, name):
    """Return the path of one of the environment's programs."""
    return os.path.join(venv, "Scripts" if os.name == "nt" else "bin", name)


def made():
    """Return what an environment is made for: one Python and one place of the checkout."""
    return "Python {}.{} {}".format(sys.version_info[0], sys.version_info[1], ROOT)


def digest():
    """Return one digest of the files that say what is installed."""
    content = hashlib.sha256()
    for name in ("pyproject.toml", os.path.join("constraints", "host.txt")):
        with open(os.path.join(ROOT, name), "rb") as file:
            content.update(file.read())
    return content.hexdigest()


def read_stamp(venv):
    """Return what start.py noted in the environment; refuse a folder that it did not make."""
    path = os.path.join(venv, STAMP)
    if os.path.exists(venv) and not os.path.exists(path):
        raise SetupError(
            "{} exists and was not made by start.py: move it away,\n"
            "or name another folder with --venv DIR".format(venv)
        )
    try:
        with open(path) as file:
            return dict(json.load(file))
    except (IOError, ValueError, TypeError):
        return {}


def write_stamp(venv, stamp):
    """Note what the environment holds."""
    with open(os.path.join(venv, STAMP), "w") as file:
        json.dump(stamp, file)


def check_disk(venv, job):
    """Refuse before minutes of downloading what cannot fit."""
    existing = venv
    while not os.path.isdir(existing):
        existing = os.path.dirname(existing)
    free_gb = shutil.disk_usage(existing).free / 1e9
    if free_gb < job.free_gb:
        raise SetupError(
            "{} has {:.1f} GB free and {:.1f} GB are needed:\nfree some, or name a folder on "
            "another disk with --venv DIR".format(existing, free_gb, job.free_gb)
        )


def create(venv):
    """Make an empty environment, in place of one that start.py made for another Python or place."""
    say("Making a virtual environment in {} (Python {})".format(venv, platform.python_version()))
    try:
        shutil.rmtree(venv, ignore_errors=True)
        os.makedirs(venv)
        # Noted first, so that a run which is cut short here is known again as ours.
        write_stamp(venv, {})
    except OSError as error:
        raise SetupError("{}\nName a folder that can be written with --venv DIR".format(error))
    code = subprocess.call([sys.executable, "-m", "venv", venv], env=environment(venv))
    if code != 0:
        raise SetupError("Python's venv module failed (exit code {}): see above".format(code))


def environment(venv):
    """Return the variables for a child: this environment's programs, no settings of Python's own.

    A PYTHONPATH or PYTHONUNBUFFERED that is set here makes the checks see what no user sees.
    """
    kept = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    kept.update(VIRTUAL_ENV=venv, PYTHONNOUSERSITE="1", PIP_USER="0")
    kept["PATH"] = program(venv, "") + os.pathsep + os.environ.get("PATH", os.defpath)
    return kept


def install(venv, extras, job):
    """Install the checkout and the extras from the pins, with a line for each large download."""
    target = ".[{}]".format(",".join(extras))
    say("Installing faceage{} ({})".format(target[1:], job.size))
    command = [program(venv, "python"), "-m", "pip", "install", "--no-input", "--progress-bar=off"]
    command += ["-c", os.path.join("constraints", "host.txt"), "-e", target]
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment(venv),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        universal_newlines=True,
        errors="replace",
    )
    lines = []
    for line in process.stdout:
        lines.append(line)
        if "Downloading" in line and "MB" in line:
            say("  " + line.strip())
    if process.wait() != 0:
        raise SetupError(explain(venv, lines))


def explain(venv, lines):
    """Put a failed installation into words: pip's errors, then the cause where it is known."""
    text = "".join(lines)
    try:
        with open(os.path.join(venv, LOG), "w") as file:
            file.write(text)
    except (IOError, ValueError):
        pass  # A full disk: the reason is told below, without a copy of pip's words.
    errors = [line for line in lines if line.lstrip().startswith("ERROR")] or lines
    words = next(words for marks, words in CAUSES if any(mark in text for mark in marks))
    told = words.format(
        errors="".join(errors[-5:]).rstrip(),
        machine=platform.machine(),
        tmp=tempfile.gettempdir(),
        venv=venv,
    )
    return "pip could not install the packages.\n{}\nEverything pip said: {}".format(
        told, os.path.join(venv, LOG)
    )


# The jobs


def run_checks(arguments):
    """Run every check, go on after a failed one, and return the first failure's exit code."""
    # Each of pytest's processes loads TensorFlow, so they are few; a file's tests share fixtures.
    options = ["-n", str(min(4, os.cpu_count() or 1)), "--dist", "loadfile"]
    options += ["-m", "not slow"] if arguments.fast else []
    checks = (
        ("format", ["-m", "ruff", "format", "--check", "."]),
        ("lint", ["-m", "ruff", "check", "."]),
        ("types", ["-m", "mypy"]),
        ("imports", [program(arguments.venv, "lint-imports"), "--no-logo"]),
        ("tests", ["-m", "pytest"] + options + arguments.pytest),
    )
    failed = []
    for name, command in checks:
        code = run(arguments.venv, command)
        if code != 0:
            failed.append((name, code))
    for name, code in failed:
        sys.stderr.write("start.py: {} failed (exit code {})\n".format(name, code))
    return failed[0][1] if failed else 0


def run(venv, command):
    """Run the environment's Python in the checkout and return its exit code."""
    say("$ python " + " ".join(command))
    python = program(venv, "python")
    code = subprocess.call([python] + command, cwd=ROOT, env=environment(venv))
    # A child that a signal ended has a negative code; a shell says 128 + signal, and so does this.
    return code if code >= 0 else 128 - code


def say(text):
    """Print one line at once, so that it stands before what a child prints."""
    print(text)
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
