"""What makes a run's times doubtful, judged from made-up machines."""

from typing import Any

import pytest

from faceage_benchmarks.machine import describe_machine
from faceage_benchmarks.result import check_result, new_result
from faceage_benchmarks.taint import taint_reasons


def _machine(
    *, before: str | None = None, after: str | None = None, busy: float = 10, steal: float = 0
) -> dict[str, Any]:
    """Return a machine on which ten seconds passed, of which this program computed for ten."""
    start = {"busy_s": 100.0, "own_s": 1.0, "steal_s": 5.0, "at_s": 1000.0}
    end = {"busy_s": 100.0 + busy, "own_s": 11.0, "steal_s": 5.0 + steal, "at_s": 1010.0}
    return {
        "throttled": {"before": before, "after": after},
        "cpu": {"before": start, "after": end},
    }


CASES = [
    # machine, word of the reason or None, note
    (_machine(), None, "left alone"),
    (_machine(busy=10.9), None, "an idle system's services"),
    (_machine(busy=12), "0.20 cores", "another program"),
    (_machine(steal=0.2), "0.02 cores to other guests", "a busy host of virtual machines"),
    (_machine(before="0x0", after="0x0"), None, "a Pi in order"),
    (_machine(before="0x50000", after="0x50000"), None, "an old trouble, over before the run"),
    (_machine(before="0x0", after="0x50000"), "throttled", "came and went during the run"),
    (_machine(before="0x0", after="0x10000"), "under-voltage", "a weak power supply"),
    (_machine(before="0x2", after="0x20002"), "frequency capped", "now, before the run"),
    ({"throttled": {"before": None, "after": None}}, None, "a machine that says nothing"),
    ({"throttled": {"before": None, "after": None}, "cpu": {"before": None}}, None, "no /proc"),
]


@pytest.mark.parametrize(("machine", "word", "note"), CASES, ids=[case[2] for case in CASES])
def test_reasons(machine: dict[str, Any], word: str | None, note: str) -> None:
    """Throttling and other programs taint a timed run, and the reason says how much."""
    reasons = taint_reasons("latency", machine)
    assert bool(reasons) == (word is not None), note
    assert word is None or word in " ".join(reasons), note


def test_what_times_nothing_is_never_tainted() -> None:
    """Ages and instruction counts do not depend on what else ran."""
    busy = _machine(busy=20, after="0xf000f")
    assert taint_reasons("latency", busy) != []
    assert taint_reasons("accuracy", busy) == taint_reasons("arm", busy) == []


def test_a_new_result_says_it(results: dict[str, dict[str, Any]]) -> None:
    """A result is marked when it is made, and one of this version without a mark is refused."""
    machine = describe_machine() | _machine(busy=20)
    old = results["latency"]
    head = ("schema", "kind", "created", "command", "machine", "tainted", "taint")
    content = {key: value for key, value in old.items() if key not in head}
    result = new_result("latency", command=["x"], machine=machine, **content)
    assert result["tainted"] is True
    assert "other programs used 1.00 cores" in result["taint"][0]
    del result["tainted"]
    with pytest.raises(Exception, match="'tainted' is missing"):
        check_result(result, "it")
    check_result(result | {"schema": "faceage-result/1"}, "an older file")
