# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Command lines and configuration files: what the real programs refuse, the stand-ins refuse, with the same exit."""

from __future__ import annotations

import functools
import subprocess
from pathlib import Path

import pytest

from dev.tools.lab import kubernetes_version
from tests.support.api.control_plane import ControlPlane
from tests.support.api.kinds import directory, kinds

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
        "--node-labels=kubernetes.io/foo=bar": "unknown 'kubernetes.io' or 'k8s.io' labels specified",
        "--node-labels=a=b c": "invalid node labels: 'b c' - a valid label must",
        "--node-labels=A_!": "invalid node labels: 'A_!' - ",
        f"--node-labels=a={'x' * 64}": "must be no more than 63 bytes",
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
# This holds since a minor of 1.
SINCE = {"--tls-curve-preferences=a": 36, "--pod-infra-container-image=x": 35}
MINOR = int(kubernetes_version().split(".")[1])
WORDS = [(name, word) for name, words in MALFORMED.items() for word in words if SINCE.get(word, 0) <= MINOR]


@pytest.mark.parametrize("kind", kinds())
@pytest.mark.parametrize(("program", "word"), WORDS)
def test_malformed_and_removed_flags(kind: str, program: str, word: str) -> None:
    done = run(kind, program, word)
    assert done.returncode == 1 and MALFORMED[program][word] in plain(done.stderr), done.stderr[-400:]


CIPHERS = {"--tls-cipher-suites=TLS_AES_128_GCM_SHA256,BOGUS": "Cipher suite BOGUS not supported or doesn't exist"}
# With the otherwise valid command line of role master: values of the right type that are refused all the same.
VALUES = {
    "kube-apiserver": {
        **CIPHERS,
        "--tls-min-version=TLS12": 'unknown tls version "TLS12"',
        "--secure-port=70000": "--secure-port 70000 must be between 1 and 65535, inclusive",
        "--secure-port=0": "It cannot be turned off with 0",
        "--requestheader-group-headers= ": 'empty value in "requestheader-group-headers"',
        "--requestheader-username-headers= ": 'empty value in "requestheader-username-headers"',
        "--service-account-issuer=": "service-account-issuer should not be an empty string",
        "--service-account-issuer=:": "service-account-issuer \":\" contained a ':' but was not a valid URL",
        "--service-account-issuer=http://a b": "was not a valid URL",
        "--service-account-key-file=": "open : ",
        # An RSA key in the same form would do.
        "--service-account-key-file={pki}/admin.key": "data does not contain any valid RSA or ECDSA public keys",
        "--service-cluster-ip-range=abc": "service-cluster-ip-range[0] is not a valid cidr",
        "--service-cluster-ip-range=10.96.0.0": "service-cluster-ip-range[0] is not a valid cidr",
        "--service-cluster-ip-range=10.96.0.0/16,fd00::/999": "service-cluster-ip-range[1] is not a",
        "--service-cluster-ip-range=10.96.0.0/16,10.97.0.0/16": "must be of different IP family",
        "--service-cluster-ip-range=10.96.0.0/16,fd00::/108,fd01::/108": "must not contain more than two entries",
        "--service-cluster-ip-range=10.96.0.0/31": "must be at least 8 IP addresses",
        "--authorization-mode=Nod,RBAC": 'authorization-mode "Nod" is not a valid mode',
        "--authorization-mode=RBAC,RBAC": "has mode specified more than once",
        "--authorization-mode=Webhook": "authorization-mode Webhook's authorization config file not passed",
        "--authorization-mode=ABAC": "authorization-mode ABAC's authorization policy file not passed",
        "--enable-admission-plugins=NodeRestrictio": 'enable-admission-plugins plugin "NodeRestrictio" is unknown',
        "--disable-admission-plugins=Nothing": 'disable-admission-plugins plugin "Nothing" is unknown',
        "--audit-log-path=/": "ensureLogFile: open /: is a directory",
        "--audit-log-maxage=-1": "--audit-log-maxage -1 can't be a negative number",
        "--audit-log-maxbackup=-1": "--audit-log-maxbackup -1 can't be a negative number",
        "--audit-log-maxsize=-1": "--audit-log-maxsize -1 can't be a negative number",
        "--shutdown-delay-duration=-5s": "--shutdown-delay-duration can not be negative value",
        "--goaway-chance=0.5": "--goaway-chance can not be less than 0 or greater than 0.02",
        "--storage-media-type=x": '--storage-media-type "x" invalid, allowed values: application/json, application/vnd',
        "--storage-backend=etcd2": "--storage-backend invalid, allowed values: etcd3",
    },
    "kube-controller-manager": {
        **CIPHERS,
        "--secure-port=-1": "--secure-port -1 must be between 0 and 65535, inclusive",
        "--controllers=*,tokencleanr": '"tokencleanr" is not in the list of known controllers',
        "--controllers=tokencleaner,-nonsense": '"nonsense" is not in the list of known controllers',
        "--controllers=-*": '"*" is not in the list of known controllers',
        "--authentication-kubeconfig=/none": "/none: no such file or directory",
        "--authorization-kubeconfig=/none": "/none: no such file or directory",
        "--leader-elect-lease-duration=1s": "leaseDuration must be greater than renewDeadline",
        "--leader-elect-renew-deadline=1s": "renewDeadline must be greater than retryPeriod*JitterFactor",
        "--leader-elect-retry-period=0": "retryPeriod must be greater than zero",
    },
    "kube-scheduler": {**CIPHERS, "--secure-port=-1": "--secure-port -1 must be between 0 and 65535, inclusive"},
}


@functools.cache
def plane(kind: str, path: Path) -> ControlPlane:
    """Return a control plane that is not started."""
    return ControlPlane(path / kind, kubernetes_version(), directory(kind))


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return where control planes are."""
    return tmp_path_factory.mktemp("refusals")


@pytest.mark.parametrize("kind", kinds())
@pytest.mark.parametrize(("program", "word"), [(name, word) for name, words in VALUES.items() for word in words])
def test_values_that_are_refused(kind: str, program: str, word: str, place: Path) -> None:
    complaint, made = VALUES[program][word], plane(kind, place)
    name = word.partition("=")[0]
    good = [item for item in made.host.arguments(program) if item.partition("=")[0] != name]
    done = run(kind, program, *good, word.format(pki=made.config / "pki"))
    # A panic is an end, too.
    assert done.returncode == (2 if "leader-elect" in word else 1) and complaint in plain(done.stderr), done.stderr[
        -600:
    ]


@pytest.mark.parametrize("kind", kinds())
@pytest.mark.parametrize(
    "words",
    [["-v2"], ["-v=2"], ["-v", "2"], ["--v", "2"], ["--audit_log_maxage=5"], ["--vmodule=a=1,b=2"],
     ["--feature-gates=kube:AllAlpha=false"], ["--service-node-port-range=30000+100"]],
)  # fmt: skip
def test_the_same_setting_in_another_file(kind: str, words: list[str]) -> None:
    """The server ends because of what was not set, and not because of what was."""
    done = run(kind, "kube-apiserver", *words)
    assert done.returncode == 1 and "required flag" in done.stderr and "argument" not in done.stderr, done.stderr


def plain(text: str) -> str:
    """Return the message of a structured log line."""
    return text.replace('\\"', '"')


@pytest.mark.parametrize("kind", kinds())
@pytest.mark.parametrize(
    ("program", "text", "complaint"),
    [
        ("kubelet", KUBELET + "port: abc\n", "cannot unmarshal string into Go struct field"),
        ("kubelet", KUBELET + "authentication: {anonymous: {enabled: maybe}}\n", "cannot unmarshal string"),
        ("kubelet", PROXY, "KubeProxyConfiguration"),
        ("kubelet", KUBELET + "maxPods: -1\n", "maxPods (--max-pods) -1 must not be a negative number"),
        ("kubelet", KUBELET + "readOnlyPort: 70000\n", "70000 must be between 0 and 65535, inclusive"),
        ("kubelet", KUBELET + "imageGCHighThresholdPercent: 101\n", "101 must be between 0 and 100, inclusive"),
        ("kubelet", KUBELET + "containerLogMaxFiles: 1\n", "containerLogMaxFiles must be greater than 1"),
        ("kubelet", KUBELET + "enforceNodeAllocatable: [pod]\n", "option pod specified for enforceNodeAllocatable"),
        ("kubelet", KUBELET + "shutdownGracePeriod: 5\n", "cannot unmarshal number"),
        ("kubelet", KUBELET + "shutdownGracePeriod: soon\n", "time: invalid duration soon"),
        ("kubelet", KUBELET + "registerWithTaints: [{key: a, effect: Never}]\n", "invalid taint: {a  Never <nil>}"),
        ("kube-proxy", PROXY + "bindAddress: abc\n", "BindAddress: Invalid value: abc"),
        ("kube-proxy", PROXY + "clusterCIDR: 10.0.0.0/99\n", "Invalid value: 10.0.0.0/99: must be a valid CIDR block"),
        ("kube-proxy", PROXY + "clusterCIDR: '10.0.0.0/9,10.0.0.0/8'\n", "single CIDR or dual-stack pair of CIDRs"),
        ("kube-proxy", PROXY + "conntrack: {min: -1}\n", "Min: Invalid value: -1: must be greater than or equal to 0"),
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
