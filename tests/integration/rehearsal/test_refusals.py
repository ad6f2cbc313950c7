# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Command lines and configuration files: what the real programs refuse, the stand-ins refuse, with the same exit."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from integration.rehearsal.kinds import directory, kinds

from tools.lab import kubernetes_version

pytestmark = [pytest.mark.needs_kubernetes]
PROGRAMS = ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubelet", "kube-proxy")
KUBELET = "apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\n"
PROXY = "apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\n"
SCHEDULER = "apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\n"


def run(kind: str, program: str, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a program that is to end by itself."""
    command = [str(directory(kind) / kubernetes_version() / program), *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("kind", kinds())
@pytest.mark.parametrize("program", PROGRAMS)
def test_versions_and_flags(kind: str, program: str) -> None:
    assert run(kind, program, "--version").stdout == f"Kubernetes v{kubernetes_version()}\n"
    for words, complaint in (
        (["--no-such-flag=1"], "unknown flag: --no-such-flag"),
        (["--v"], "flag needs an argument: --v"),
        (["--kubeconfig"], "flag needs an argument" if program != "kube-apiserver" else "unknown flag: --kubeconfig"),
        (["--v=0", "extra"], "extra"),
    ):
        done = run(kind, program, *words)
        assert done.returncode == 1 and complaint in done.stderr, (words, done.stderr[-300:])


@pytest.mark.parametrize("kind", kinds())
@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--secure-port=abc"], 'strconv.ParseInt: parsing "abc": invalid syntax'),
        (["--profiling=perhaps"], 'strconv.ParseBool: parsing "perhaps": invalid syntax'),
        (["--shutdown-delay-duration=5"], "time: "),
        (["--advertise-address=10.0.0"], "failed to parse IP"),
        (["--insecure-port=8080"], "unknown flag: --insecure-port"),
    ],
)
def test_malformed_and_removed_flags(kind: str, words: list[str], complaint: str) -> None:
    done = run(kind, "kube-apiserver", *words)
    assert done.returncode == 1 and complaint in done.stderr


@pytest.mark.parametrize("kind", kinds())
@pytest.mark.parametrize(
    ("program", "text", "complaint"),
    [
        ("kubelet", KUBELET + "port: abc\n", "cannot unmarshal string into Go struct field"),
        ("kubelet", KUBELET + "authentication: {anonymous: {enabled: maybe}}\n", "cannot unmarshal string"),
        ("kubelet", PROXY, "KubeProxyConfiguration"),
        ("kube-proxy", PROXY + "clusterCIDR: 5\n", "cannot unmarshal number into Go struct field"),
        ("kube-scheduler", SCHEDULER + "noSuchField: 1\n", 'unknown field "noSuchField"'),
        ("kube-scheduler", SCHEDULER + "leaderElection: {leaderElect: 5}\n", "cannot unmarshal number"),
    ],
)
def test_configuration_files(kind: str, program: str, text: str, complaint: str, tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(text)
    done = run(kind, program, f"--config={path}")
    assert done.returncode == 1 and complaint.replace('"', "") in done.stderr.replace("\\", "").replace('"', ""), (
        done.stderr
    )


@pytest.mark.parametrize("kind", kinds())
def test_flanneld(kind: str) -> None:
    place = directory(kind)
    if kind == "real" and not (place / "flanneld").is_file():
        pytest.skip(f"no real flanneld in {place}")
    done = subprocess.run([str(place / "flanneld"), "--bogus"], capture_output=True, text=True, check=False)
    assert done.returncode == 0 and "flag provided but not defined: -bogus" in done.stderr
