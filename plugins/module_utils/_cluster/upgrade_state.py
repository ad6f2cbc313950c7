# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the cluster record says about the last upgrade: its way back, its soak time, nodes that stay behind. No I/O.

``former`` is the version before the last minor, ``emulated`` the minor that the control plane emulates while it soaks,
``nodes`` the version at which nodes stay while the API servers are newer.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.hardway.kubernetes.plugins.module_utils._cluster.versions import VERSION, minor, order

FIELDS = ("former", "emulated", "nodes")
State = Mapping[str, str]


def valid(found: Any) -> dict[str, str]:
    """Return the state in a record; empty if there is none."""
    return {name: str(found[name]) for name in FIELDS if found.get(name)} if isinstance(found, Mapping) else {}


def chosen(live: Sequence[State], copies: Sequence[State]) -> dict[str, str]:
    """Return the state that counts: what an API server has returned, else that of the copies on the masters.

    One copy may be older than another. To emulate a minor for too long is safe, to end it too early is not.
    """
    found = sorted(live or copies, key=lambda one: [name in one for name in ("emulated", "nodes", "former")])
    return dict(found[-1]) if found else {}


def settled(state: State, version: str) -> dict[str, str]:
    """Return the state of a cluster whose API servers all run a version: without one to go back from, it has none."""
    former = state.get("former", "")
    return {} if former and minor(former) == minor(version) else dict(state)


def short(version: str) -> str:
    """Return the minor of a version, for display and flags."""
    return "{}.{}".format(*minor(version))


def emulated(answer: Mapping[str, Any]) -> str:
    """Return the minor that an API server emulates, from its answer to /version; empty if that is its own."""
    runs = minor(str(answer.get("gitVersion", "")).partition("+")[0])
    found = f"{answer.get('emulationMajor') or runs[0]}.{answer.get('emulationMinor') or runs[1]}"
    return "" if minor(f"{found}.0") == runs else found


def is_next(earlier: str, later: str) -> bool:
    """Return whether a version is of the minor after that of another one."""
    return bool(earlier) and (minor(earlier)[0], minor(earlier)[1] + 1) == minor(later)


def soaks(state: State, version: str) -> bool:
    """Return whether API servers of a version emulate the minor before."""
    return bool(state.get("emulated")) and is_next(f"{state['emulated']}.0", version)


def of_nodes(state: State, version: str) -> str:
    """Return the version of the nodes, of which none is newer than the API servers."""
    return min(state.get("nodes") or version, version, key=order)


def newest_of(found: Iterable[str], wanted: tuple[int, int]) -> str:
    """Return the newest version of a minor, or none."""
    return max((one for one in found if VERSION.fullmatch(one) and minor(one) == wanted), key=order, default="")


def of_hop(
    state: State, hop: str, servers: Iterable[str], kubelets: Iterable[str], *, soak: bool = False, stay: bool = False
) -> dict[str, str]:
    """Return the state with which an upgrade to a version begins.

    soak lets the control plane emulate the former minor; with it, and with stay, nodes stay as they are.
    """
    servers, kubelets = list(servers), list(kubelets)
    wanted = (minor(hop)[0], minor(hop)[1] - 1)
    former = state.get("former", "")
    if not is_next(former, hop):
        former = newest_of([*servers, *kubelets], wanted)
    nodes = ""
    if soak or stay:
        # Those that run; one that an interrupted run has recorded is among them.
        nodes = state.get("nodes") or max((one for one in kubelets if VERSION.fullmatch(one)), key=order, default="")
    return valid({"former": former, "emulated": short(former) if soak and former else "", "nodes": nodes})


def ways_back(state: State, version: str) -> Iterable[str]:
    """Yield which ways back are open once the API servers run a version with a state."""
    former = state.get("former", "")
    if not is_next(former, version):
        return
    if soaks(state, version):
        yield (
            f"Way back: rollback.yml brings the control plane to {former} again, until upgrade.yml -e finish=true ends "
            "the soak time"
        )
        return
    if not state.get("nodes"):
        yield f"Way back: rollback.yml brings the nodes to {former} again"
    yield f"No way back for API servers without a soak time: {no_way(former, version)}"


def no_way(former: str, version: str) -> str:
    """Return why API servers cannot go back, and the remedy."""
    return (
        f"{version} may have stored objects in a form that {short(former)} does not know; only a restore of the backup "
        "taken before the upgrade leads back"
    )
