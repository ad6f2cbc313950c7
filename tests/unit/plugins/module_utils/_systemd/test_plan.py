# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The decisions of module unit, without a host."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._systemd import fingerprints, outputs
from ansible_collections.hardway.kubernetes.plugins.module_utils._systemd import plan as systemd_plan
from ansible_collections.hardway.kubernetes.plugins.module_utils._systemd.plan import (
    NEVER,
    Input,
    Plan,
    Seen,
    Stamp,
    Want,
)

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
RUNNING = Seen(
    load="loaded", active="active", sub="running", file_state="enabled", invocation="new", started=1000.0, changed_at=5
)
OLD, YOUNG = 900.0, 1100.0
A = Input("sha256:1", "inode 1", OLD)
INPUTS = {"/etc/a": A}


def record(inputs: dict[str, Input], invocation: str = "new", before: str = "", changed_at: int = 5) -> Stamp:
    """Return a record, by default that of the process which runs."""
    return Stamp(systemd_plan.recorded(inputs), before, invocation, changed_at)


def other(digest: str) -> dict[str, Input]:
    """Return inputs with other content."""
    return {"/etc/a": Input(digest, "inode 0")}


def test_a_check_run_predicts_changes_of_inputs() -> None:
    predicted = ["/etc/a", "/etc/b/new", "/etc/systemd/system/x.service.d/a.conf", "/usr/local/bin/x", "/etc/abc"]
    inputs = ["/etc/a", "/usr/local/bin/x", "/etc/systemd/system/x.service"]
    assert fingerprints.predicted_inputs("x.service", ["/etc/a", "/etc/b"], inputs, predicted) == predicted[:-1]
    assert fingerprints.predicted_inputs("x.service", [], inputs, ["/etc/systemd/system/x.service"])
    assert not fingerprints.predicted_inputs("y.service", [], [], predicted)


def test_show_is_read_in_order() -> None:
    seen = systemd_plan.parse_show(SHOWN, ["etcd.service", "gone.service"])
    etcd = seen["etcd.service"]
    assert etcd.binaries == ("/usr/local/bin/etcd",)
    assert etcd.environment_files == ("/etc/default/etcd", "/etc/etcd/env")
    assert len(etcd.drop_ins) == 2
    assert (etcd.running, etcd.enabled, etcd.main_pid, etcd.job) == (True, True, 77, False)
    assert seen["gone.service"].load == "not-found"
    with pytest.raises(HardwayError, match="systemd running"):
        systemd_plan.parse_show("", ["etcd.service"])


@pytest.mark.parametrize(
    ("seen", "stamp", "act", "reason"),
    [
        (Seen(), None, "start", "was not running"),
        (Seen(load="loaded", active="failed", result="exit-code"), None, "start", "was failed (exit-code)"),
        (Seen(load="loaded", active="activating", sub="auto-restart"), None, "start", "waiting for its next try"),
        (RUNNING, record(INPUTS), "none", ""),
        (RUNNING, record(other("sha256:0")), "restart", "/etc/a changed"),
        (RUNNING, record({**INPUTS, "/etc/b": Input("sha256:2")}), "none", ""),
        (RUNNING, record(INPUTS, "", "new"), "restart", "interrupted"),
    ],
)
def test_a_wanted_unit(seen: Seen, stamp: Stamp | None, act: str, reason: str) -> None:
    plan = systemd_plan.plan(Want("x.service"), seen, INPUTS, stamp)
    assert plan.action == act
    assert reason in "; ".join(plan.reasons)


TOUCHED = {"/etc/a": replace(A, identity="inode 2", touched=YOUNG)}
OTHERS = [None, record(INPUTS, "old"), record(INPUTS, "", "older"), record(other("sha256:0"), "old")]


@pytest.mark.parametrize("stamp", OTHERS)
def test_a_record_of_another_process_does_not_cover_inputs_touched_since(stamp: Stamp | None) -> None:
    """As when a user edits a file, restarts the unit, and the file then gets its old content back."""
    plan = systemd_plan.plan(Want("x.service"), RUNNING, TOUCHED, stamp)
    assert (plan.action, plan.at_once) == ("restart", False)
    words = "/etc/a changed" if stamp and stamp.inputs["/etc/a"].digest != A.digest else "written after the process had"
    assert words in plan.reasons[0]


@pytest.mark.parametrize("stamp", OTHERS)
def test_a_process_younger_than_all_its_inputs_needs_no_restart(stamp: Stamp | None) -> None:
    """As after a reboot, a crash, or a lost record."""
    assert systemd_plan.plan(Want("x.service"), RUNNING, INPUTS, stamp).action == "none"
    assert systemd_plan.bound(stamp, RUNNING, INPUTS) == record(INPUTS)


def test_inputs_not_touched_since_the_record_need_no_clock() -> None:
    """The clock was behind at boot: the process seems to be older than all its files."""
    early = replace(RUNNING, started=10.0)
    assert systemd_plan.plan(Want("x.service"), early, INPUTS, record(INPUTS, "old")).action == "none"
    assert systemd_plan.plan(Want("x.service"), early, INPUTS, None).action == "restart"


def test_times_that_are_too_close_do_not_count() -> None:
    close = {"/etc/a": replace(A, touched=RUNNING.started - systemd_plan.MARGIN / 2)}
    assert systemd_plan.plan(Want("x.service"), RUNNING, close, None).action == "restart"


def test_content_decides_where_the_record_is_of_this_process() -> None:
    """A file was written again with the same content; one that the record does not have yet is older, or is not."""
    assert systemd_plan.plan(Want("x.service"), RUNNING, TOUCHED, record(INPUTS)).action == "none"
    for touched, act in ((OLD, "none"), (YOUNG, "restart")):
        more = {**INPUTS, "/etc/b": Input("sha256:2", "", touched)}
        assert systemd_plan.plan(Want("x.service"), RUNNING, more, record(INPUTS)).action == act


@pytest.mark.parametrize(("stamp", "act"), [(record(INPUTS), "restart"), (record(INPUTS, "old"), "restart")])
def test_a_removed_input_leads_to_a_restart(stamp: Stamp, act: str) -> None:
    gone = {"/etc/a": Input("absent", "", YOUNG)}
    plan = systemd_plan.plan(Want("x.service"), RUNNING, gone, stamp)
    assert (plan.action, plan.reasons) == (act, ("/etc/a is gone",))
    before = {"/etc/a": Input("absent", "", OLD)}
    assert systemd_plan.plan(Want("x.service"), RUNNING, before, record(INPUTS, "old")).action == "none"


def test_a_directory_matters_where_there_is_no_record() -> None:
    places = {**INPUTS, "/etc/x.d/": Input("directory", "", YOUNG)}
    assert systemd_plan.plan(Want("x.service"), RUNNING, places, None).action == "restart"
    assert systemd_plan.plan(Want("x.service"), RUNNING, places, record(INPUTS)).action == "none"
    assert "/etc/x.d/" not in systemd_plan.recorded(places)


def test_files_that_systemd_has_not_read_are_younger_than_any_process() -> None:
    late = fingerprints.unread_at_start(INPUTS, ["/etc/a", "/etc/none"])
    assert late["/etc/a"].touched == NEVER
    assert systemd_plan.plan(Want("x.service"), RUNNING, late, None).action == "restart"


@pytest.mark.parametrize(
    ("a", "b", "act"),
    [
        ("sha256:0", "sha256:2", "reload"),
        ("sha256:1", "sha256:0", "restart"),
        ("sha256:0", "sha256:0", "restart"),
        ("sha256:1", "sha256:2", "none"),
    ],
)
def test_only_inputs_that_a_reload_loads_lead_to_a_reload(a: str, b: str, act: str) -> None:
    want, now = Want("x.service", reloads=("/etc/a",)), {**INPUTS, "/etc/b": Input("sha256:2", "inode 2", OLD)}
    before = {"/etc/a": Input(a, "inode 1"), "/etc/b": Input(b, "inode 2")}
    assert systemd_plan.plan(want, RUNNING, now, record(before)).action == act


def test_a_reload_by_another_user_may_have_loaded_other_content() -> None:
    want = Want("x.service", reloads=("/etc/a",))
    assert systemd_plan.plan(want, RUNNING, TOUCHED, record(INPUTS)).action == "none"
    assert systemd_plan.plan(want, RUNNING, TOUCHED, record(INPUTS, changed_at=4)).action == "reload"
    assert systemd_plan.plan(want, RUNNING, INPUTS, record(INPUTS, changed_at=4)).action == "none"
    assert systemd_plan.plan(Want("x.service"), RUNNING, TOUCHED, record(INPUTS, changed_at=4)).action == "none"


def test_a_reload_does_not_replace_an_interrupted_restart() -> None:
    want = Want("x.service", reloads=tuple(INPUTS))
    assert systemd_plan.plan(want, RUNNING, INPUTS, record(INPUTS, "", "new")).action == "restart"
    assert systemd_plan.plan(want, RUNNING, INPUTS, record(other("sha256:9"))).action == "reload"
    assert systemd_plan.plan(want, RUNNING, INPUTS, record(other("sha256:9"), "", "new")).action == "restart"


def test_the_reason_for_a_moved_binary_names_both_paths() -> None:
    path = "/usr/local/bin/etcd"
    old, new = "/opt/hardway/etcd/3.6.13/etcd sha256:1", "/opt/hardway/etcd/3.6.14/etcd sha256:2"
    plan = systemd_plan.plan(Want("x.service"), RUNNING, {path: Input(new)}, record({path: Input(old)}))
    assert plan.reasons == (f"binary {path}: /opt/hardway/etcd/3.6.13/etcd -> /opt/hardway/etcd/3.6.14/etcd",)
    plan = systemd_plan.plan(Want("x.service"), RUNNING, {path: Input(old + "0")}, record({path: Input(old)}))
    assert plan.reasons == (f"binary {path} was replaced",)


def test_a_unit_that_is_still_starting_need_not_wait_for_others() -> None:
    starting = replace(RUNNING, active="activating", sub="start")
    assert systemd_plan.plan(Want("x.service"), starting, TOUCHED, record({})).at_once
    assert systemd_plan.plan(Want("x.service"), starting, INPUTS, record(INPUTS, "", "other")).action == "none"


@pytest.mark.parametrize(
    ("now", "started"),
    [
        (None, 1795902441.946994),
        # Ten minutes of the clock are ten minutes since boot.
        ((1795903041.946994, 1465.932175), 1795902441.946994),
        # The clock went forward by an hour since then; or back by one.
        ((1795906641.946994, 1465.932175), 1795902441.946994),
        ((1795899441.946994, 1465.932175), 1795898841.946994),
    ],
)
def test_the_start_of_a_process_is_the_earliest_that_the_clocks_allow(
    now: tuple[float, float] | None, started: float
) -> None:
    shown = SHOWN.replace(
        "MainPID=77",
        "ExecMainStartTimestamp=Sat 2026-11-28 21:47:21.946994 UTC\nExecMainStartTimestampMonotonic=865932175\n"
        "StateChangeTimestampMonotonic=866987214\nMainPID=77",
    )
    etcd = systemd_plan.parse_show(shown, ["etcd.service", "gone.service"], now)["etcd.service"]
    assert etcd.started == pytest.approx(started, abs=1e-4)
    assert (etcd.started_monotonic, etcd.changed_at) == (865932175, 866987214)


@pytest.mark.parametrize(("state", "enable"), [("static", None), ("disabled", True), ("enabled", None), ("", True)])
def test_enabling(state: str, enable: bool | None) -> None:
    seen = replace(RUNNING, file_state=state)
    assert systemd_plan.plan(Want("x.service"), seen, INPUTS, record(INPUTS)).enable is enable


@pytest.mark.parametrize(
    ("name", "full"), [("etcd", "etcd.service"), ("a.timer", "a.timer"), ("x@1.2", "x@1.2.service")]
)
def test_names(name: str, full: str) -> None:
    assert systemd_plan.full_name(name) == full


def test_inputs_are_files_directories_and_globs(tmp_path) -> None:
    (tmp_path / "d" / "e").mkdir(parents=True)
    for name in ("a", "d/b", "d/e/c", "x.conf", "y.conf"):
        (tmp_path / name).write_text(name)
    program = tmp_path / "program"
    program.symlink_to("a")
    seen = Seen(fragment=str(tmp_path / "a"), binaries=(str(program),))
    extra = [str(tmp_path / "d"), str(tmp_path / "*.conf"), str(tmp_path / "missing")]
    found = fingerprints.collect("x.service", seen, extra)
    names = {path.removeprefix(f"{tmp_path}/") for path in found}
    assert names == {"a", "d/b", "d/e/c", "x.conf", "y.conf", "missing", "program", "d/", "d/e/"}
    assert found[str(tmp_path / "missing")].digest == "absent"
    assert found[str(program)].digest.startswith(f"{tmp_path}/a sha256:")


def test_every_change_of_an_input_counts_as_touching_it(tmp_path: Path) -> None:
    file, link = tmp_path / "a" / "file", tmp_path / "link"
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_text(name)
        os.utime(tmp_path / name / "file", (1, 1))
    before = fingerprints.of_file(str(file))
    assert before.touched > 1, "the time that counts cannot be set"
    link.symlink_to("a")
    through = fingerprints.of_file(str(link / "file"))
    assert (through.digest, through.touched) == (before.digest, link.lstat().st_ctime_ns / 1e9)
    link.unlink()
    link.symlink_to("b")
    turned = fingerprints.of_file(str(link / "file"))
    assert (turned.digest, turned.identity) != (through.digest, through.identity)
    file.unlink()
    assert fingerprints.of_file(str(file)) == Input(
        "absent", f"{file.parent.stat().st_ino}:{file.parent.stat().st_mtime_ns}", file.parent.stat().st_mtime_ns / 1e9
    )
    assert fingerprints.of_file(str(tmp_path / "none" / "file")) == Input("absent")


def test_removed_inputs_are_found_by_the_record_with_their_directories(tmp_path: Path) -> None:
    known = {str(tmp_path / "d" / "e" / "f"): Input("sha256:1"), str(tmp_path / "there"): Input("sha256:2")}
    known[str(tmp_path / "never")] = Input("absent")
    (tmp_path / "there").write_text("no input any more")
    found = fingerprints.collect("x.service", Seen(), [], known)
    gone = found[str(tmp_path / "d" / "e" / "f")]
    assert (gone.digest, gone.touched) == ("absent", tmp_path.stat().st_mtime_ns / 1e9)
    assert not {str(tmp_path / name) for name in ("there", "never")} & found.keys()


def test_a_program_is_read_only_where_no_record_has_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "program"
    program.write_text("one")
    known = fingerprints.of_binary(str(program))
    monkeypatch.setattr(fingerprints.install, "digest_of", lambda path: "read")
    assert fingerprints.of_binary(str(program), known) == known
    os.utime(program)
    assert fingerprints.of_binary(str(program), known).digest == f"{program} sha256:read"


def test_drop_ins_are_found_in_every_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    control, ours, vendor = (str(tmp_path / name) for name in ("control", "etc", "usr"))
    monkeypatch.setattr(fingerprints, "SEARCHED", (control, ours, vendor))
    monkeypatch.setattr(fingerprints, "CONTROL", (control,))
    for path in (
        "control/kube-proxy.service.d/50-CPUWeight.conf",
        "etc/kube-proxy.service.d/a.conf",
        "usr/kube-proxy.service.d/a.conf",
        "usr/kube-.service.d/b.conf",
        "usr/service.d/c.conf",
        "etc/other.service.d/d.conf",
    ):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text("[Service]\n")
    found = {path.removeprefix(f"{tmp_path}/") for path in fingerprints.drop_ins("kube-proxy.service")}
    assert found == {"etc/kube-proxy.service.d/a.conf", "usr/kube-.service.d/b.conf", "usr/service.d/c.conf"}
    assert f"{control}/kube-proxy.service.d" in fingerprints.drop_in_places("kube-proxy.service", control=True)
    at = fingerprints.drop_in_places("web@a-b.service")
    assert [path for path in at if path.startswith(ours)] == [
        f"{ours}/{name}.service.d" for name in ("web@a-b", "web@")
    ] + [f"{ours}/service.d"]


def test_a_drop_in_that_replaces_the_command_is_named(tmp_path: Path) -> None:
    (tmp_path / "10-kubeadm.conf").write_text("[Service]\nExecStart=\nExecStart=/usr/bin/kubelet $ARGS\n")
    (tmp_path / "limits.conf").write_text("[Service]\nLimitNOFILE=1\n# ExecStart=/bin/true\n")
    names = [str(tmp_path / name) for name in ("10-kubeadm.conf", "limits.conf", "gone.conf")]
    assert fingerprints.replacing_start(Seen(drop_ins=tuple(names))) == names[:1]


def test_records_of_another_format_are_ignored(tmp_path) -> None:
    stamp = record(INPUTS, before="before")
    fingerprints.write_stamp("x.service", stamp, str(tmp_path))
    assert fingerprints.read_stamp("x.service", str(tmp_path)) == stamp
    for text in ("{", '{"inputs": {"/etc/a": "sha256:1"}, "before": ""}', '{"format": 3}', "[]"):
        (tmp_path / "x.service.json").write_text(text)
        assert fingerprints.read_stamp("x.service", str(tmp_path)) is None
    fingerprints.forget_stamp("x.service", str(tmp_path))
    assert fingerprints.read_stamp("x.service", str(tmp_path)) is None


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
def test_a_lost_output_of_a_unit_leads_to_a_restart(
    touched: dict[str, float | None], act: str, reasons: tuple[str, ...]
) -> None:
    found = outputs.with_outputs(Plan("web.service", "none"), RUNNING, touched, 100.0)
    assert (found.action, found.reasons) == (act, reasons)


def test_a_unit_that_starts_anyway_writes_its_files_then() -> None:
    for plan, seen in ((Plan("a", "start", ("was not running",)), Seen()), (Plan("a", "restart", ("x",)), RUNNING)):
        assert outputs.with_outputs(plan, seen, {"/run/a": None}, 100.0) == plan
