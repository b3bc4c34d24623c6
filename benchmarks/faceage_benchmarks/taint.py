"""Whether a run's times can be believed: what throttled or disturbed the machine meanwhile.

Judged from what the result file says of its machine, so that a reader can judge again.
"""

from collections.abc import Mapping
from typing import Any

from faceage_edge.throttling import flag_names, since_start

__all__ = ["TIMED_KINDS", "taint_reasons"]

# Kinds whose figures hold times; ages, boxes and counted instructions do not depend on the clock.
TIMED_KINDS = frozenset(
    {"convert", "demo", "detection", "latency", "loop", "peers"}
    | {"loop-cost", "freshness", "endurance", "fuzz"}
)
# Cores that other programs may use on average: an idle system's own services stay below it.
_MOST_OTHERS = 0.1
# The same of what a hypervisor gave to other guests: a per cent moves a p99.
_MOST_STOLEN = 0.01


def taint_reasons(kind: str, machine: Mapping[str, Any]) -> list[str]:
    """Return why a result's times are not those of the machine left alone; empty if they are.

    Args:
        kind: of the result; kinds that time nothing have no reasons.
        machine: from machine.describe_machine, after machine.note_after; what a machine does not
            say gives no reason.
    """
    if kind not in TIMED_KINDS:
        return []
    return [*_throttled(machine.get("throttled") or {}), *_disturbed(machine.get("cpu") or {})]


def _throttled(flags: Mapping[str, str | None]) -> list[str]:
    before, after = (int(flags.get(when) or "0", 16) for when in ("before", "after"))
    came = since_start(after & ~before)
    return [
        f"{name} (throttle flags {before:#x} before, {after:#x} after)"
        for name in flag_names(before | after | came)
    ]


def _disturbed(cpu: Mapping[str, Mapping[str, float] | None]) -> list[str]:
    before, after = cpu.get("before"), cpu.get("after")
    if before is None or after is None:
        return []
    spent = {key: after[key] - before[key] for key in before}
    if spent["at_s"] <= 0:
        return []
    others = (spent["busy_s"] - spent["own_s"]) / spent["at_s"]
    stolen = spent["steal_s"] / spent["at_s"]
    reasons = []
    if others > _MOST_OTHERS:
        reasons.append(f"other programs used {others:.2f} cores meanwhile")
    if stolen > _MOST_STOLEN:
        reasons.append(f"the hypervisor gave {stolen:.2f} cores to other guests meanwhile")
    return reasons
