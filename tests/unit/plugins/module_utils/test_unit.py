# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the unit module decides, without a host."""

from __future__ import annotations

import pytest
from ansible_collections.hardway.kubernetes.plugins.module_utils import _unit, _unit_inputs, _unit_outputs
from ansible_collections.hardway.kubernetes.plugins.module_utils._errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._unit import Plan, Seen, Stamp, Want

SHOWN = """ExecStart={ path=/usr/local/bin/etcd ; argv[]=/usr/local/bin/etcd ; ignore_errors=no ; pid=7 }
EnvironmentFiles=/etc/default/etcd (ignore_errors=yes)
EnvironmentFiles=/etc/etcd/env (ignore_errors=no)
LoadState=loaded
ActiveState=active
SubState=running
FragmentPath=/etc/systemd/system/etcd.service
DropInPaths=/etc/systemd/system/etcd.service.d/a.conf /etc/systemd/system/etcd.service.d/b.conf
UnitFileState=enabled
NeedDaemonReload=no
InvocationID=0f0e
MainPID=77
Job=0

LoadState=not-found
ActiveState=inactive
SubState=dead
FragmentPath=
DropInPaths=
UnitFileState=
NeedDaemonReload=no
InvocationID=
"""
RUNNING = Seen(load="loaded", active="active", sub="running", file_state="enabled", invocation="new")
INPUTS = {"/etc/a": "sha256:1"}


def test_a_check_run_foresees_changes_of_inputs() -> None:
    predicted = ["/etc/a", "/etc/b/new", "/etc/systemd/system/x.service.d/a.conf", "/usr/local/bin/x", "/etc/abc"]
    inputs = ["/etc/a", "/usr/local/bin/x", "/etc/systemd/system/x.service"]
    assert _unit_inputs.foreseen("x.service", ["/etc/a", "/etc/b"], inputs, predicted) == predicted[:-1]
    assert _unit_inputs.foreseen("x.service", [], inputs, ["/etc/systemd/system/x.service"])
    assert not _unit_inputs.foreseen("y.service", [], [], predicted)


def test_show_is_read_in_order() -> None:
    seen = _unit.parse_show(SHOWN, ["etcd.service", "gone.service"])
    etcd = seen["etcd.service"]
    assert etcd.binaries == ("/usr/local/bin/etcd",)
    assert etcd.environment_files == ("/etc/default/etcd", "/etc/etcd/env")
    assert len(etcd.drop_ins) == 2
    assert (etcd.running, etcd.enabled, etcd.main_pid, etcd.job) == (True, True, 77, False)
    assert seen["gone.service"].load == "not-found"
    with pytest.raises(HardwayError, match="systemd running"):
        _unit.parse_show("", ["etcd.service"])


@pytest.mark.parametrize(
    ("seen", "stamp", "act", "reason"),
    [
        (Seen(), None, "start", "was not running"),
        (Seen(load="loaded", active="failed", result="exit-code"), None, "start", "was failed (exit-code)"),
        (Seen(load="loaded", active="activating", sub="auto-restart"), None, "start", "waiting for its next try"),
        (RUNNING, Stamp(INPUTS, "old"), "none", ""),
        (RUNNING, None, "restart", "no record"),
        (RUNNING, Stamp({"/etc/a": "sha256:0"}, "old"), "restart", "/etc/a changed"),
        (RUNNING, Stamp({}, "old"), "restart", "/etc/a is new"),
        (RUNNING, Stamp({**INPUTS, "/etc/b": "sha256:2"}, "old"), "restart", "/etc/b is gone"),
        (RUNNING, Stamp(INPUTS, "new"), "restart", "cut off"),
    ],
)
def test_a_wanted_unit(seen: Seen, stamp: Stamp | None, act: str, reason: str) -> None:
    plan = _unit.plan(Want("x.service"), seen, INPUTS, stamp)
    assert plan.act == act
    assert reason in "; ".join(plan.reasons)


@pytest.mark.parametrize(
    ("before", "act"),
    [
        ({"/etc/a": "sha256:0", "/etc/b": "sha256:2"}, "reload"),
        ({"/etc/a": "sha256:1", "/etc/b": "sha256:0"}, "restart"),
        ({"/etc/a": "sha256:0", "/etc/b": "sha256:0"}, "restart"),
        ({"/etc/a": "sha256:1", "/etc/b": "sha256:2"}, "none"),
    ],
)
def test_only_what_a_reload_takes_in_is_reloaded(before: dict[str, str], act: str) -> None:
    want, now = Want("x.service", reloads=("/etc/a",)), {"/etc/a": "sha256:1", "/etc/b": "sha256:2"}
    assert _unit.plan(want, RUNNING, now, Stamp(before, "old")).act == act


def test_a_reload_never_stands_for_a_restart_that_was_cut_off() -> None:
    want = Want("x.service", reloads=tuple(INPUTS))
    assert _unit.plan(want, RUNNING, INPUTS, Stamp(INPUTS, "new")).act == "restart"
    assert _unit.plan(want, RUNNING, INPUTS, None).act == "restart"
    other = dict.fromkeys(INPUTS, "sha256:9")
    assert _unit.plan(want, RUNNING, other, Stamp(INPUTS, "old")).act == "reload"
    assert _unit.plan(want, RUNNING, other, Stamp(INPUTS, "new")).act == "restart"


def test_a_binary_that_moved_says_from_where_to_where() -> None:
    old, new = "/opt/hardway/etcd/3.6.13/etcd 1 1", "/opt/hardway/etcd/3.6.14/etcd 1 2"
    words = _unit.differences({"/usr/local/bin/etcd": new}, RUNNING, Stamp({"/usr/local/bin/etcd": old}, ""))
    assert words == ["binary /usr/local/bin/etcd: /opt/hardway/etcd/3.6.13/etcd -> /opt/hardway/etcd/3.6.14/etcd"]


def test_a_unit_that_still_starts_needs_no_turn() -> None:
    starting = Seen(load="loaded", active="activating", sub="start", file_state="enabled")
    assert _unit.plan(Want("x.service"), starting, INPUTS, Stamp({}, "")).adopt
    assert _unit.plan(Want("x.service"), starting, INPUTS, Stamp(INPUTS, "other")).act == "none"


@pytest.mark.parametrize(("state", "enable"), [("static", None), ("disabled", True), ("enabled", None), ("", True)])
def test_enabling(state: str, enable: bool | None) -> None:
    seen = Seen(load="loaded", active="active", sub="running", file_state=state)
    assert _unit.plan(Want("x.service"), seen, INPUTS, Stamp(INPUTS, "old")).enable is enable


@pytest.mark.parametrize(
    ("name", "full"), [("etcd", "etcd.service"), ("a.timer", "a.timer"), ("x@1.2", "x@1.2.service")]
)
def test_names(name: str, full: str) -> None:
    assert _unit.full_name(name) == full


def test_inputs_are_files_directories_and_globs(tmp_path) -> None:
    (tmp_path / "d" / "e").mkdir(parents=True)
    for name in ("a", "d/b", "d/e/c", "x.conf", "y.conf"):
        (tmp_path / name).write_text(name)
    program = tmp_path / "program"
    program.symlink_to("a")
    seen = Seen(fragment=str(tmp_path / "a"), binaries=(str(program),))
    extra = [str(tmp_path / "d"), str(tmp_path / "*.conf"), str(tmp_path / "missing")]
    found = _unit_inputs.collect("x.service", seen, extra)
    names = {path.removeprefix(f"{tmp_path}/") for path in found}
    assert names == {"a", "d/b", "d/e/c", "x.conf", "y.conf", "missing", "program"}
    assert found[str(tmp_path / "missing")] == "absent"
    assert found[str(program)].startswith(f"{tmp_path}/a 1 ")


def test_stamps_survive_and_nonsense_counts_as_none(tmp_path) -> None:
    stamp = Stamp(INPUTS, "before")
    _unit_inputs.write_stamp("x.service", stamp, str(tmp_path))
    assert _unit_inputs.read_stamp("x.service", str(tmp_path)) == stamp
    (tmp_path / "x.service.json").write_text("{")
    assert _unit_inputs.read_stamp("x.service", str(tmp_path)) is None
    _unit_inputs.forget_stamp("x.service", str(tmp_path))
    assert _unit_inputs.read_stamp("x.service", str(tmp_path)) is None


@pytest.mark.parametrize(
    ("touched", "act", "reasons"),
    [
        ({"/run/a": 99.0}, "none", ()),
        ({"/run/a": 100.01}, "none", ()),
        ({"/run/a": 101.0}, "restart", ("/run/a was changed by others",)),
        ({"/run/a": 99.0, "/run/b": None}, "restart", ("/run/b is gone",)),
        ({}, "none", ()),
    ],
)
def test_what_a_unit_has_written_comes_back_by_a_restart(
    touched: dict[str, float | None], act: str, reasons: tuple[str, ...]
) -> None:
    found = _unit_outputs.with_outputs(Plan("web.service", "none"), RUNNING, touched, 100.0)
    assert (found.act, found.reasons) == (act, reasons)


def test_a_unit_that_starts_anyway_writes_its_files_then() -> None:
    for plan, seen in ((Plan("a", "start", ("was not running",)), Seen()), (Plan("a", "restart", ("x",)), RUNNING)):
        assert _unit_outputs.with_outputs(plan, seen, {"/run/a": None}, 100.0) == plan
