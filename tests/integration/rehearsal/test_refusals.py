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


MALFORMED = {
    "kube-apiserver": {
        "--secure-port=abc": 'invalid argument "abc" for "--secure-port" flag: '
        'strconv.ParseInt: parsing "abc": invalid syntax',
        "--secure_port=abc": 'invalid argument "abc" for "--secure-port" flag',
        "--profiling=perhaps": 'strconv.ParseBool: parsing "perhaps": invalid syntax',
        "--shutdown-delay-duration=5": 'time: missing unit in duration "5"',
        "--event-ttl=abc": 'time: invalid duration "abc"',
        "--event-ttl=5x": 'time: unknown unit "x" in duration "5x"',
        "--advertise-address=10.0.0": "failed to parse IP",
        "--insecure-port=8080": "unknown flag: --insecure-port",
        "--no_such=1": "unknown flag: --no_such",
        "---v=2": "bad flag syntax: ---v=2",
        "--=2": "bad flag syntax: --=2",
        "-profiling": "unknown shorthand flag: 'p' in -profiling",
        "-v": "flag needs an argument: 'v' in -v",
        "-vabc": 'invalid argument "abc" for "-v, --v" flag: strconv.ParseUint: parsing "abc": invalid syntax',
        "--v=abc": 'invalid argument "abc" for "-v, --v" flag: strconv.ParseUint: parsing "abc": invalid syntax',
        "--service-node-port-range=abc": 'strconv.Atoi: parsing "abc": invalid syntax',
        "--service-node-port-range=1-2-3": 'strconv.Atoi: parsing "2-3": invalid syntax',
        "--service-node-port-range=5-3": "end port cannot be less than start port: 5-3",
        "--service-node-port-range=70000-80000": "the port range cannot be greater than 65535: 70000-80000",
        "--log-text-info-buffer-size=abc": "quantities must match the regular expression",
        "--log-text-info-buffer-size=1Qi": "quantities must match the regular expression",
        "--vmodule=abc": '"abc" does not have the pattern=N format',
        "--tls-sni-cert-key=a": "expected comma separated certificate and key file paths",
        "--allow-metric-labels=abc": "abc must be formatted as key=value",
        "--oidc-required-claim=abc": "malformed pair, expect string=string",
        "--tls-curve-preferences=a": 'strconv.ParseInt: parsing "a": invalid syntax',
        "--feature-gates=AllAlpha=maybe": "invalid value of AllAlpha=maybe, err: strconv.ParseBool: "
        'parsing "maybe": invalid syntax',
        "--feature-gates=AllAlpha": "missing bool value for AllAlpha",
        "--feature-gates=other:X=true": "component not registered: other",
        "--feature-gates=kube:NoSuch=true": "unrecognized feature gate: NoSuch",
    },
    "kube-controller-manager": {
        "--feature-gates=NoSuch=true": "unrecognized feature gate: NoSuch",
        "--node-eviction-rate=abc": 'strconv.ParseFloat: parsing "abc": invalid syntax',
    },
    "kube-scheduler": {"--feature-gates=NoSuch=true": "unrecognized feature gate: NoSuch"},
    "kubelet": {
        "--v=abc": 'failed to parse kubelet flag: invalid argument "abc" for "-v, --v" flag: strconv.ParseUint',
        "---v=2": "failed to parse kubelet flag: bad flag syntax: ---v=2",
        "--max_open_files=x": 'invalid argument "x" for "--max-open-files" flag',
        "--feature-gates=NoSuch=true": "unrecognized feature gate: NoSuch",
        "--feature-gates=AllAlpha": "malformed pair, expect string=bool",
        "--feature-gates=AllAlpha=maybe": "invalid value of AllAlpha: maybe, err: strconv.ParseBool",
        "--eviction-hard=abc": "malformed pair, expect string<string",
        "--system-reserved=abc": "malformed pair, expect string=string",
        "--manifest-url-header=abc": "malformed pair, expect string:string",
        "--seccomp-default=maybe": 'strconv.ParseBool: parsing "maybe": invalid syntax',
        "--register-with-taints=abc": "invalid taint spec: abc",
        "--pod-infra-container-image=x": "unknown flag: --pod-infra-container-image",
    },
    "kube-proxy": {
        "--feature-gates=NoSuch=true": "unrecognized feature gate: NoSuch",
        "--feature-gates=AllAlpha": "malformed pair, expect string=bool",
        "--proxy-mode=iptable": 'KubeProxyConfiguration.Mode.ProxyMode: Invalid value: "iptable": must be iptables',
        "--detect-local-mode=Foo": 'KubeProxyConfiguration.DetectLocalMode: Unsupported value: "Foo"',
        "--healthz-bind-address=abc": "is not in a valid format (ip or ip:port): address abc: missing port in address",
        "--healthz-bind-address=1.2.3.4:abc": '"abc" is not a valid number',
        "--metrics-bind-address=300.1.1.1:80": '"300.1.1.1" is not a valid IP address',
        "--metrics-bind-address=1.2.3.4:70000": '"70000" is not a valid number',
    },
}
# So it is since a minor of 1.
SINCE = {"--tls-curve-preferences=a": 36, "--pod-infra-container-image=x": 35}
MINOR = int(kubernetes_version().split(".")[1])
WORDS = [(name, word) for name, words in MALFORMED.items() for word in words if SINCE.get(word, 0) <= MINOR]


@pytest.mark.parametrize("kind", kinds())
@pytest.mark.parametrize(("program", "word"), WORDS)
def test_malformed_and_removed_flags(kind: str, program: str, word: str) -> None:
    done = run(kind, program, word)
    assert done.returncode == 1 and MALFORMED[program][word] in plain(done.stderr), done.stderr[-400:]


@pytest.mark.parametrize("kind", kinds())
@pytest.mark.parametrize(
    "words",
    [["-v2"], ["-v=2"], ["-v", "2"], ["--v", "2"], ["--audit_log_maxage=5"], ["--vmodule=a=1,b=2"],
     ["--feature-gates=kube:AllAlpha=false"], ["--service-node-port-range=30000+100"]],
)  # fmt: skip
def test_what_is_said_in_another_way(kind: str, words: list[str]) -> None:
    """The server ends for what it was not told, and not for what it was."""
    done = run(kind, "kube-apiserver", *words)
    assert done.returncode == 1 and "required flag" in done.stderr and "argument" not in done.stderr, done.stderr


def plain(text: str) -> str:
    """Return what a structured line of a log says."""
    return text.replace('\\"', '"')


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
