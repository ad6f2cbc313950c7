# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A running cluster with many faults, some at a time: verify always fails, and names the cause of each."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from dev.standins import use as rehearsal
from dev.tools.lab import kubernetes_version
from tests.support.hosts.cluster import KUBECTL, Cluster

pytestmark = [pytest.mark.needs_root, pytest.mark.needs_kubernetes, pytest.mark.slow]

# Faults stay until they are removed: there is no use in waiting as long as a deployment may need.
SHORT = json.dumps({"verify_timeout": 5, "verify_host_timeout": 3, "verify_workload_timeout": 15})
DROP_IN = "/run/systemd/system/{unit}.service.d/zz-broken.conf"


@dataclass(frozen=True)
class Way:
    """One fault: on which host, how it is made and removed, and the words that name the cause."""

    host: int
    damage: str
    undo: str
    words: Sequence[str]

    def text(self, words: str, cluster: Cluster) -> str:
        """Fill in the names of the host and its neighbours, and the virtual address."""
        one, two, three = cluster.hosts()
        here = (one, two, three)[self.host]
        return (
            words.replace("{here}", here)
            .replace("{n1}", one)
            .replace("{n2}", two)
            .replace("{n3}", three)
            .replace("{vip}", cluster.virtual_address())
        )


def unit(host: int, name: str, verb: str = "stop", words: str = "it is inactive") -> Way:
    """Stop a unit, or send its processes a signal."""
    if verb == "stop":
        return Way(host, f"systemctl stop {name}", f"systemctl start {name}", [f"{name} on {{here}}: {words}"])
    return Way(
        host, f"systemctl kill -s STOP {name}", f"systemctl kill -s CONT {name}", [f"{name} on {{here}}:", words]
    )


def looping(host: int, name: str) -> Way:
    """Let a unit end soon after each start."""
    path = DROP_IN.format(unit=name)
    text = '[Service]\\nExecStart=\\nExecStart=/bin/sh -c "sleep 1; exit 1"\\nRestartSec=100ms\\n'
    return Way(
        host,
        f"mkdir -p $(dirname {path}) && printf '{text}' > {path} && systemctl daemon-reload && systemctl restart {name}"
        " && sleep 5",
        f"rm {path} && systemctl daemon-reload && systemctl restart {name}",
        [f"{name} on {{here}}:"],
    )


def held_by(host: int) -> Way:
    """Give a host the virtual address, whichever host should have it."""
    words = "virtual address {vip}:"
    return Way(host, "ip addr add {vip}/32 dev lo", "ip addr del {vip}/32 dev lo", [words, "have it at once"])


CHECK = "/usr/libexec/keepalived/check-frontend"
CNI = "/etc/cni/net.d"
KUBELET = "/etc/kubernetes/pki/kubelet.crt"
HAPROXY = "/etc/haproxy/haproxy.cfg"

UNITS = {
    "a scheduler is stopped": unit(0, "kube-scheduler"),
    "a controller manager does not stay up": looping(1, "kube-controller-manager"),
    "an etcd member is stopped": unit(2, "etcd"),
    "haproxy would not start again": Way(
        0,
        f"cp -p {HAPROXY} /root/h && echo nonsense >> {HAPROXY}",
        f"mv /root/h {HAPROXY}",
        ["haproxy on {here}: it runs, but"],
    ),
    "keepalived has dropped a check": Way(
        1,
        f"chmod 0644 {CHECK} && systemctl restart keepalived && sleep 1",
        f"chmod 0755 {CHECK} && systemctl restart keepalived",
        ["keepalived on {here}:", CHECK],
    ),
    "a kube-proxy is stopped": unit(0, "kube-proxy"),
    "a flanneld hangs": unit(1, "flanneld", "hang", "healthz"),
    "a containerd hangs": unit(2, "containerd", "hang", "containerd.sock"),
    "a foreign network configuration comes first": Way(
        0,
        f"echo {{}} > {CNI}/05-other.conflist",
        f"rm {CNI}/05-other.conflist",
        [f"{CNI}/05-other.conflist: comes before"],
    ),
    "packets are not forwarded": Way(
        2,
        "sysctl -qw net.ipv4.ip_forward=0",
        "sysctl -qw net.ipv4.ip_forward=1",
        ["{here}: sysctl net.ipv4.ip_forward: is 0"],
    ),
    "a kubelet serves another certificate than its file": Way(
        1,
        f"cp -p {KUBELET} /root/k && cp /etc/kubernetes/pki/kube-proxy.crt {KUBELET}",
        f"mv /root/k {KUBELET}",
        ["certificate of kubelet on {here}", "restart the service"],
    ),
    "an API server hangs": Way(
        1,
        "systemctl kill -s STOP kube-apiserver",
        "systemctl kill -s CONT kube-apiserver",
        ["certificate of kube-apiserver on {here} at", "apiserver https://"],
    ),
    "two hosts have the virtual address": held_by(1),
    "so do three": held_by(2),
}

ABSENT = {"namespace": "default", "name": "absent"}
API_SERVICE = {
    "apiVersion": "apiregistration.k8s.io/v1",
    "kind": "APIService",
    "metadata": {"name": "v1.absent.example.org"},
    "spec": {
        "group": "absent.example.org",
        "version": "v1",
        "groupPriorityMinimum": 100,
        "versionPriority": 1,
        "service": ABSENT,
    },
}
WEBHOOK = {
    "apiVersion": "admissionregistration.k8s.io/v1",
    "kind": "ValidatingWebhookConfiguration",
    "metadata": {"name": "gate"},
    "webhooks": [
        {
            "name": "gate.example.org",
            "sideEffects": "None",
            "admissionReviewVersions": ["v1"],
            "clientConfig": {"service": ABSENT},
            "rules": [
                {
                    "apiGroups": ["absent.example.org"],
                    "apiVersions": ["v1"],
                    "operations": ["CREATE"],
                    "resources": ["*"],
                }
            ],
        }
    ],
}


def applied(content: dict[str, Any]) -> str:
    """Return the command that applies an object."""
    return f"printf '%s' '{json.dumps(content)}' | {KUBECTL} apply -f -"


OBJECTS = {
    "the way to kubelets is not allowed": Way(
        0,
        # A running kubelet remembers its last state for minutes.
        f"{KUBECTL} delete clusterrolebinding hardway:kubelet-api && systemctl restart kubelet && sleep 3",
        "true",
        ["does not reach its kubelet", "hardway:kubelet-api"],
    ),
    "flannel may change every node": Way(
        0,
        f"{KUBECTL} delete validatingadmissionpolicybinding hardway-flannel",
        "true",
        ["validatingadmissionpolicybindings hardway-flannel: there is none; run site.yml"],
    ),
    "an aggregated API has no server": Way(
        0,
        applied(API_SERVICE),
        f"{KUBECTL} delete apiservice v1.absent.example.org",
        ["APIService v1.absent.example.org: not available"],
    ),
    "a webhook has no server": Way(
        0,
        applied(WEBHOOK),
        f"{KUBECTL} delete validatingwebhookconfiguration gate",
        ["webhook gate.example.org: nothing is ready behind service default/absent"],
    ),
    "DNS has no Service": Way(
        0,
        f"{KUBECTL} -n kube-system delete service kube-dns",
        "true",
        ["service kube-system/kube-dns: there is none", "DNS asked from {n1}: kubernetes.default.svc"],
    ),
    "CoreDNS has a configuration that it refuses": Way(
        0,
        f"{KUBECTL} -n kube-system patch configmap coredns -p '{json.dumps({'data': {'Corefile': 'nonsense {'}})}'"
        f" && {KUBECTL} -n kube-system delete pods -l k8s-app=kube-dns --now && sleep 6",
        f"{KUBECTL} -n kube-system delete pods -l k8s-app=kube-dns --now",
        ["deployment kube-system/coredns: 0 of 2 replicas are available", "CrashLoopBackOff"],
    ),
    "a Node is deleted": Way(0, f"{KUBECTL} delete node {{n3}}", "true", ["node {n3}: not registered"]),
}

PACKETS = {
    "a firewall drops the pods' packets between hosts": Way(
        1,
        "iptables -I INPUT -p udp --dport 8472 -j DROP",
        "iptables -D INPUT -p udp --dport 8472 -j DROP",
        ["from pod on {here}: pod on {n1} does not answer"],
    ),
    "a firewall drops what comes to a kubelet": Way(
        0,
        "iptables -I INPUT -p tcp --dport 10250 ! -i lo -j DROP",
        "iptables -D INPUT -p tcp --dport 10250 ! -i lo -j DROP",
        ["node {here}: its kubelet does not answer by way of", "check port 10250"],
    ),
    "a host does not translate the address of DNS": Way(
        2,
        "iptables -t raw -I OUTPUT -d 10.96.0.10 -j DROP",
        "iptables -t raw -D OUTPUT -d 10.96.0.10 -j DROP",
        ["DNS asked from {here}: kubernetes.default.svc.cluster.local at 10.96.0.10: 8 of 8 queries"],
    ),
}


def broken(cluster: Cluster, ways: dict[str, Way]) -> None:
    """Break the cluster in all of these ways, require that verify names each cause, and undo them."""
    hosts = cluster.hosts()
    try:
        for name, way in ways.items():
            done = cluster.exec(hosts[way.host], way.text(way.damage, cluster))
            print(f"{name}: {done.returncode} {done.stderr}")
        run = cluster.run("-e", SHORT, playbook="playbooks/verify.yml")
    finally:
        for way in reversed(ways.values()):
            cluster.exec(hosts[way.host], way.text(way.undo, cluster))
    assert run.status != 0
    missing = [
        f"{name}: {words}"
        for name, way in ways.items()
        for words in way.words
        if way.text(words, cluster) not in run.output
    ]
    assert not missing, "\n".join([*missing, run.output[-6000:]])


def test_faults_of_units_listeners_and_host_settings_are_named(cluster: Cluster) -> None:
    broken(cluster, UNITS)
    cluster.deploy()


@pytest.mark.skipif(
    bool(rehearsal.replaced(kubernetes_version())), reason="stand-ins start no pods and have no webhooks"
)
@pytest.mark.long
def test_missing_objects_and_services_without_endpoints_are_named(cluster: Cluster) -> None:
    broken(cluster, OBJECTS)
    cluster.deploy()


@pytest.mark.long
@pytest.mark.skipif(bool(rehearsal.replaced(kubernetes_version())), reason="stand-ins move no packets")
def test_network_faults_are_named(cluster: Cluster) -> None:
    broken(cluster, PACKETS)
    cluster.deploy()
