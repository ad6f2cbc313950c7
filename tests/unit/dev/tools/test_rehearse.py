# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An operator's inventory never leads a rehearsal to the operator's hosts, whatever variables it has."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from dev.tools.rehearsal_operations import operations
from dev.tools.rehearse import Rehearsal

REACH = {"ansible_ssh_private_key_file": "/run/id", "ansible_ssh_args": "-F none"}
HOSTS = {
    "etcd": {"hosts": {"k1": None}},
    "master": {"hosts": {"k1": None}},
    "node": {"hosts": {"k1": {"ansible_host": "10.0.0.1"}, "k2": {"ansible_host": "10.0.0.2"}}},
    "others": {"hosts": {"db": {"ansible_connection": "local"}}},
}


def write(path: Path, content: Any) -> None:
    """Write a YAML file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(content))


@pytest.fixture
def operator(tmp_path: Path) -> Path:
    """Return an inventory with variables at every place that takes precedence over those in the file of hosts."""
    inventory = tmp_path / "inventory"
    write(inventory / "hosts.yml", HOSTS)
    write(inventory / "group_vars/all.yml", {"ansible_ssh_common_args": "-o ProxyJump=bastion", "ansible_become": True})
    write(inventory / "host_vars/k1.yml", {"ansible_connection": "local", "cluster_node_ip": "10.0.0.1"})
    write(inventory / "host_vars/k2/main.yml", {"ansible_ssh_host": "10.0.0.2", "ansible_ssh_user": "ops"})
    return inventory


@pytest.fixture
def rehearsal(operator: Path, tmp_path: Path) -> Rehearsal:
    """Return a rehearsal whose files are written, without hosts."""
    made = Rehearsal("unit", operator)
    made.target, made.overlay = tmp_path / "build", tmp_path / "build/overlay"
    made.write(REACH)
    return made


def test_only_sandbox_hosts_are_reached(rehearsal: Rehearsal, operator: Path) -> None:
    found = rehearsal.listed(operator, rehearsal.overlay)["_meta"]["hostvars"]
    for host, address in (("k1", "198.18.0.11"), ("k2", "198.18.0.12"), ("db", "192.0.2.1")):
        own = found[host]
        assert (own["ansible_host"], own["ansible_connection"], own["ansible_user"]) == (address, "ssh", "root")
        assert own["ansible_ssh_common_args"] == "" and own["ansible_become"] is False
    assert (found["k2"]["ansible_ssh_host"], found["k2"]["ansible_ssh_user"]) == ("198.18.0.12", "root")
    assert found["k1"]["cluster_node_ip"] == "198.18.0.11"
    rehearsal.check("site.yml")


@pytest.mark.parametrize(
    "variables",
    [
        {"ansible_host": "10.0.0.1"},
        {"ansible_connection": "local"},
        {"ansible_ssh_host": "10.0.0.1"},
        {"ansible_port": 2},
    ],
)
def test_variables_that_take_precedence_over_every_inventory_stop_the_rehearsal(
    rehearsal: Rehearsal, tmp_path: Path, variables: dict[str, Any]
) -> None:
    write(tmp_path / "own/host_vars/k1.yml", variables)
    (name,) = variables
    with pytest.raises(SystemExit, match=f"k1: {name} is"):
        rehearsal.check(str(tmp_path / "own/site.yml"))


def test_nothing_on_the_controller_is_overwritten(rehearsal: Rehearsal) -> None:
    settings = yaml.safe_load((rehearsal.target / "settings.yml").read_text())
    for name in ("cluster_pki_dir", "admin_kubeconfig"):
        assert settings[name].startswith(str(rehearsal.target))
    assert settings["certificates_json"] == settings["certificates_textfile"] == ""


def test_an_upgrade_can_set_the_version(rehearsal: Rehearsal, operator: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Extra variables would outrank it; the last inventory outranks the operator's."""
    write(operator / "host_vars/k2/main.yml", {"cluster_kubernetes_version": "1.34.1"})
    monkeypatch.setenv("KUBERNETES_VERSION", "1.35.6")
    rehearsal.write(REACH)
    found = rehearsal.listed(operator, rehearsal.overlay)["_meta"]["hostvars"]
    assert {found[host]["cluster_kubernetes_version"] for host in ("k1", "k2")} == {"1.35.6"}
    assert "cluster_kubernetes_version" not in yaml.safe_load((rehearsal.target / "settings.yml").read_text())


class Played(Rehearsal):
    """A rehearsal that notes what it would do."""

    notes: list[str]

    def play(self, playbook: str, label: str, *arguments: str) -> int:
        """Note a playbook and its options."""
        self.notes.append(" ".join([playbook, *arguments]).replace(str(self.target), "BUILD"))
        self.seconds[label], self.changed = 1.0, 0 if label.endswith("again") else 7
        if playbook == "playbooks/backup.yml":
            (self.backups / "one.tar.gz").touch()
        return 0

    def on_master(self, command: str) -> str:
        """Note a command."""
        self.notes.append(command.rpartition("default ")[2])
        return "NotFound"


@pytest.fixture
def played(operator: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Played:
    """Return a rehearsal without hosts."""
    monkeypatch.setenv("KUBERNETES_VERSION", "1.35.6")
    made = Played("unit", operator)
    made.target, made.overlay, made.notes = tmp_path / "build", tmp_path / "build/overlay", []
    made.write(REACH)

    def sandbox(*words: str, **_options: Any) -> None:
        made.notes.append(" ".join(words))

    monkeypatch.setattr(made.lab, "sandbox", sandbox)
    monkeypatch.setattr("dev.tools.rehearse.shutil.rmtree", lambda path: made.notes.append(f"wipe {path.name}"))
    return made


def rehearse(played: Played, playbooks: list[str], arguments: str) -> list[str]:
    """Rehearse; return what was done."""
    for number, operation in enumerate(operations(playbooks, arguments), 1):
        assert played.rehearse(number, operation) == 0
    return played.notes


def test_an_upgrade_is_planned_confirmed_and_run_again(played: Played) -> None:
    upgrade = "playbooks/upgrade.yml"
    notes = rehearse(played, ["site.yml", upgrade], "-e to=1.36.2")
    to = f"{upgrade} -e to=1.36.2"
    assert notes == ["site.yml", "site.yml", to, f"{to} -e confirm=kubernetes", f"{to} -e confirm=kubernetes"]
    assert played.results == [["site.yml", "1", "7", "0"], [upgrade, "1", "7", "0"]]
    # Later playbooks have the new version in their inventory.
    assert yaml.safe_load((played.overlay / "group_vars/all.yml").read_text()) == {
        "cluster_kubernetes_version": "1.36.2"
    }


def test_a_restore_has_something_to_undo(played: Played) -> None:
    notes = rehearse(played, ["site.yml", "playbooks/restore.yml"], "")
    restore = "playbooks/restore.yml -e archive=BUILD/backups/one.tar.gz"
    assert notes[2:] == [
        "playbooks/backup.yml -e backup_fetch_dir=BUILD/backups",
        "create configmap hardway-rehearsal",
        restore,
        f"{restore} -e confirm=kubernetes",
        "get configmap hardway-rehearsal",
        f"{restore} -e confirm=kubernetes",
    ]


def test_a_replaced_host_is_lost_and_fresh_before(played: Played) -> None:
    notes = rehearse(played, ["site.yml", "playbooks/replace.yml"], "-e hosts=k1")
    assert notes[2:5] == ["poweroff n1", "wipe n1", "up --hosts 2"]
    assert notes[5:] == [f"playbooks/replace.yml -e hosts=k1{more}" for more in ("", *[" -e confirm=kubernetes"] * 2)]


def test_a_lost_host_is_off_and_stays_so(played: Played) -> None:
    notes = rehearse(played, ["site.yml", "playbooks/remove_node.yml"], "-e hosts=k2 -e lost=k2")
    assert notes[2] == "poweroff n2" and not [note for note in notes if note.startswith(("wipe", "up "))]


def test_second_runs_can_be_left_out(played: Played) -> None:
    played.once = True
    assert rehearse(played, ["site.yml"], "") == ["site.yml"] and played.results == [["site.yml", "1", "7", "-"]]
