# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which nodes join together, and that the evaluation on each host does not read all the others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import yaml
from ansible.template import trust_as_template
from ansible_collections.hardway.kubernetes.plugins.module_utils._cluster.joining import join_batches, node_csrs

from tests.support.repository import ROLES
from tests.support.roles.node import host

NONE = ["certificate: does not exist yet"]
EXPIRED = ["expiry: expired 3h ago", "force: reissue requested"]
FOREIGN = ["issuer: not signed by the current CA ca"]
ASKED = ["force: reissue requested"]


def seen(reasons: list[str]) -> dict[str, Any]:
    """Return a host's variables after its certificates were inspected."""
    return {"_node_pki": {"observed": [{"path": "x", "reasons": reasons}]}}


@pytest.mark.parametrize(
    ("at_once", "turns"),
    [
        (1, [["n1", "n2"], ["n3"], ["n4"], ["n5"]]),
        (2, [["n1", "n2"], ["n3", "n4"], ["n5"]]),
        (0, [["n1", "n2"], ["n3", "n4", "n5"]]),
    ],
)
def test_running_kubelets_rejoin_in_turn_and_the_others_at_once(at_once: int, turns: list[list[str]]) -> None:
    reasons = [NONE, EXPIRED, FOREIGN, ASKED, FOREIGN + ASKED, []]
    hostvars = {f"n{number}": seen(found) for number, found in enumerate(reasons, 1)}
    found = join_batches(list(hostvars), hostvars, at_once)
    assert found["batches"] == turns
    assert found["batch_of"] == {name: number for number, names in enumerate(turns) for name in names}
    # A failure of one without a certificate keeps no other from joining.
    running = turns[1:]
    assert found["before"] == [
        [],
        *([name for names in running[:count] for name in names] for count in range(len(running))),
    ]


def test_the_first_run_has_one_batch_and_a_later_run_none() -> None:
    assert join_batches(["m1", "n1"], {"m1": seen(NONE), "n1": {}}, 1)["batches"] == [["m1", "n1"]]
    assert join_batches(["m1", "n1"], {"m1": seen([]), "n1": seen([])}, 1) == {
        "batches": [],
        "batch_of": {},
        "before": [],
    }


def test_csrs_have_the_names_of_the_inventory() -> None:
    """A host returns only its CSR, never its name."""
    hostvars = {"h1": {"cluster_node_name": "n1", "_node_kubelet_csr": {"request": "PEM", "name": "n9"}}, "h2": {}}
    assert node_csrs(["h1", "h2"], hostvars) == [
        {"name": "n1", "request": "PEM", "stopped": True},
        {"name": "h2", "request": "", "stopped": True},
    ]


@pytest.mark.parametrize(("reasons", "working"), [(NONE, False), (EXPIRED, False), (FOREIGN, True), (ASKED, True)])
def test_a_running_kubelet_is_awaited_in_its_batch(reasons: list[str], working: bool) -> None:
    node = host(**seen(reasons))
    assert node.value("_node_has_joined") is False and node.value("_node_certificate_valid") is working
    assert host(**seen([])).value("_node_has_joined") is True
    assert host(node_rolling=False).value("_node_rejoin_batch_size") == 0
    assert host(node_rejoin_at_once="3").value("_node_rejoin_batch_size") == 3


class Counted(Mapping[str, Any]):
    """Variables of many hosts, which count how many of them are read."""

    def __init__(self, names: list[str]) -> None:
        """Take the names of the hosts."""
        self.names, self.looked = names, 0

    def __getitem__(self, name: str) -> dict[str, Any]:
        """Return a host's variables."""
        self.looked += 1
        return {"inventory_hostname": name, "ansible_host": "192.0.2.1", **seen([])}

    def __iter__(self) -> Iterator[str]:
        """Return the names."""
        return iter(self.names)

    def __len__(self) -> int:
        """Return the number of hosts."""
        return len(self.names)


def texts(value: Any) -> Iterator[str]:
    """Yield every text in the arguments of tasks that run on each host."""
    if isinstance(value, dict):
        for name, inner in value.items():
            if name != "name":
                yield from texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from texts(inner)
    elif isinstance(value, str):
        yield value


def test_no_host_reads_the_variables_of_all_others() -> None:
    """Once on each of a thousand hosts, that would be a million reads; a task that runs once may."""
    names = [f"n{number}" for number in range(500)]
    hostvars = Counted(names)
    node = host("n1", members={"etcd": ["m1"], "master": ["m1"], "node": names}, hostvars=hostvars, **seen([]))
    tasks = yaml.safe_load((ROLES / "node/tasks/deploy.yml").read_text())
    # A role's own variables that tasks name, and conditions: all that Ansible evaluates on a host that has joined.
    for task in tasks:
        if task.get("run_once"):
            continue
        for text in texts({key: value for key, value in task.items() if key != "register"}):
            if "{{" in text:
                node.templar.template(trust_as_template(text))
        for condition in [task["when"]] if isinstance(task.get("when"), str) else []:
            node.value(condition)
    assert hostvars.looked < 20
