# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The real programs accept what the roles write when every value is given as text."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import typing as t
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template

from dev.tools.lab import kubernetes_version
from tests.support.hosts.sandbox import Lab, lab
from tests.support.repository import ROLES
from tests.support.roles.spellings import options
from tests.support.roles.values import FACTS, GROUPS, HOSTS, inventory

CACHE = Path("~/.cache/hardway/bin").expanduser()
PLACES = os.pathsep.join(
    [str(CACHE / kubernetes_version()), str(CACHE), str(CACHE / "debian"), os.environ["PATH"], "/usr/sbin", "/usr/bin"]
)
# As INI inventories and `-e key=value` give them, different from the default.
WRITTEN = {
    "addons_coredns_replicas": "3",
    "cluster_api_extra_sans": "a.example.org,b.example.org",
    # Any version of etcd: no flags of a certain version.
    "cluster_binary_dir": "/ready",
    "cluster_kubelet_intermediate": "no",
    "containerd_config": '{"debug": {"level": "info"}, "grpc": {"max_recv_message_size": 1048576}}',
    "etcd_auth": "yes",
    "etcd_election_timeout": "2000",
    "etcd_heartbeat_interval": "200",
    "etcd_quota_backend_bytes": "4294967296",
    "flannel_masquerade": "off",
    "haproxy_check_fall": "3",
    "haproxy_maxconn": "500",
    "keepalived_password": 12345678,
    "keepalived_unicast": "on",
    "keepalived_virtual_router_id": "77",
    "master_admission_plugins": "NodeRestriction,EventRateLimit",
    "master_apiserver_args": "v=2 goaway-chance=0",
    "master_node_cidr_mask_size": "25",
    "master_shutdown_delay": "7",
    "node_eviction_hard": {"memory.available": "200Mi"},
    "node_kube_reserved": {"cpu": 1, "memory": "1Gi"},
    "node_kubelet_config": {"systemReserved": {"cpu": 2}, "maxOpenFiles": 2000000},
    "node_labels": {"example.org/a": True, "example.org/b": None, "example.org/c": 1},
    "node_master_taint": "false",
    "node_max_pods": "100",
    "node_pod_pids_limit": "2048",
    "node_taints": [{"key": "example.org/a", "value": True, "effect": "NoSchedule"}],
}


@cache
def templar(role: str) -> Templar:
    """Return what renders a role's values on the first host."""
    hosts = {
        host: {**WRITTEN, "ansible_host": f"192.0.2.1{n}", "inventory_hostname": host, "ansible_facts": FACTS}
        for n, host in enumerate(HOSTS, 1)
    }
    given = {**inventory(), **hosts["k1"], "hostvars": hosts, "group_names": list(GROUPS)}
    return Templar(loader=DataLoader(), variables={**given, "ansible_search_path": [str(ROLES / role)]})


def value(role: str, expression: str) -> t.Any:
    """Return the value of an expression."""
    return templar(role).template(trust_as_template("{{ " + expression + " }}"))


def written(role: str, name: str, **variables: t.Any) -> str:
    """Return a template, rendered."""
    found = templar(role)
    if variables:
        found = found.copy_with_new_env(available_variables={**found.available_variables, **variables})
    return str(found.template(trust_as_template((ROLES / role / "templates" / name).read_text())))


def program(name: str) -> str:
    """Return a program, or skip the test."""
    return shutil.which(name, path=PLACES) or pytest.skip(f"no {name} here")


def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a program that ends by itself."""
    return subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False, timeout=60)


def flags(unit: str) -> list[str]:
    """Return the arguments of ExecStart."""
    found = re.search(r"^ExecStart=((?:.*\\\n)*.*)", unit, re.M)
    assert found
    return [word.replace("%%", "%").replace("$$", "$") for word in shlex.split(found[1].replace("\\\n", " "))]


def content(role: str, path: str) -> str:
    """Return the content of one of a role's files."""
    (found,) = [item for item in value(role, f"_{role}_files") if item["path"] == path]
    return str(found["content"])


def test_only_options_are_given() -> None:
    assert set(WRITTEN) <= set(options())


@pytest.mark.parametrize("name", ["kube-apiserver", "kube-controller-manager", "kube-scheduler"])
def test_flags_of_the_control_plane(name: str) -> None:
    component = value("master", f"_master_components['{name}']")
    arguments = flags(written("master", "component.service.j2", component=component))[1:]
    # The flags are parsed before the version is printed.
    done = run(program(component["name"]), *arguments, "--version")
    assert done.returncode == 0 and "Kubernetes v" in done.stdout, done.stderr


def test_flags_of_etcd() -> None:
    arguments = flags(written("etcd", "etcd.service.j2"))[2:]
    assert "--heartbeat-interval=200" in arguments
    done = run(program("etcd"), *arguments, "--version")
    assert done.returncode == 0 and "etcd Version" in done.stdout, done.stderr


def kubelet(directory: Path, config: str) -> str:
    """Return the real kubelet's output for a configuration; with a valid one it goes on, and finds no runtime."""
    path = directory / "config.yaml"
    path.write_text(config)
    command = [
        program("kubelet"),
        f"--config={path}",
        f"--root-dir={directory}",
        "--container-runtime-endpoint=unix:///no",
    ]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=20)
    except subprocess.TimeoutExpired as exc:
        return str(exc.stderr or b"")
    return done.stderr


def test_configuration_of_the_kubelet(tmp_path: Path) -> None:
    config = content("node", "/var/lib/kubelet/config.yaml")
    # What it would look for on this machine does not depend on values.
    config = re.sub(r"(?m)^(tlsCertFile|tlsPrivateKeyFile|failSwapOn|failCgroupV1|cgroupDriver):.*\n", "", config)
    config = re.sub(r"(?ms)^authentication:\n( .*?\n)*", "", config)
    found = kubelet(tmp_path, config)
    assert "failed to load" not in found and "invalid configuration" not in found, found[-2000:]
    # The same with the previous value: the kubelet does refuse such values.
    spoilt = re.sub(r"(?m)^maxPods: 100$", "maxPods: '100'", config)
    assert spoilt != config and "failed to load" in kubelet(tmp_path, spoilt)
    spoilt = config.replace("cpu: '1'", "cpu: 1")
    assert spoilt != config and "failed to load" in kubelet(tmp_path, spoilt)


def test_labels_and_taints_of_the_kubelet() -> None:
    arguments = flags(written("node", "kubelet.service.j2"))
    assert "--node-labels=example.org/a=true,example.org/b=,example.org/c=1" in arguments
    assert value("node", "_node_taints") == [{"key": "example.org/a", "value": "true", "effect": "NoSchedule"}]
    done = run(program("kubelet"), *arguments[1:], "--version")
    assert done.returncode == 0 and "Kubernetes v" in done.stdout, done.stderr


def test_configuration_of_kube_proxy(tmp_path: Path) -> None:
    (tmp_path / "in.yaml").write_text(content("node", "/var/lib/kube-proxy/config.yaml"))
    done = run(program("kube-proxy"), f"--config={tmp_path / 'in.yaml'}", f"--write-config-to={tmp_path / 'out.yaml'}")
    assert (tmp_path / "out.yaml").is_file(), done.stderr


def test_configuration_of_containerd(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(content("containerd", "/etc/containerd/config.toml"))
    done = run(program("containerd"), "--config", tmp_path / "config.toml", "config", "dump")
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def balancer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Return a host, on which there are haproxy and keepalived."""
    with lab(tmp_path_factory.mktemp("balancer"), 1) as ready:
        yield ready


def checked(balancer: Lab, text: str, command: str) -> str:
    """Return a program's output for a configuration in /root/config on the host; a line `status N` at the end."""
    balancer.inside("n1", f"printf %s {shlex.quote(text)} > /root/config")
    return balancer.inside("n1", f"{command} 2>&1; echo status $?")


def test_configuration_of_haproxy(balancer: Lab) -> None:
    text = written("haproxy", "haproxy.cfg.j2")
    assert " fall 3 " in text
    # Its CA is on no machine of tests.
    text = text.replace("verify required ca-file /etc/haproxy/api-ca.crt", "verify none")
    assert checked(balancer, text, "haproxy -c -f /root/config").endswith("status 0")
    assert not checked(balancer, text.replace("fall 3", "fall three"), "haproxy -c -f /root/config").endswith(
        "status 0"
    )


def test_configuration_of_keepalived(balancer: Lab) -> None:
    text = written("keepalived", "keepalived.conf.j2")
    assert "virtual_router_id 77" in text and "auth_pass 12345678" in text
    text = re.sub(r"interface \S+", "interface lo", text)
    # Its scripts are not on this host, which it reports.
    said = checked(balancer, text, "keepalived -t -f /root/config")
    assert "nknown keyword" not in said and "invalid" not in said, said
    text = text.replace("virtual_router_id 77", "virtual_router_id many")
    assert "invalid" in checked(balancer, text, "keepalived -t -f /root/config")


@pytest.mark.parametrize("role", ["etcd", "containerd", "flannel"])
def test_units(tmp_path: Path, role: str) -> None:
    names = [path.name for path in (ROLES / role / "templates").glob("*.service.j2")]
    assert names
    for name in names:
        text = re.sub(r"(?m)^(Exec\w+=[-+]?)\S+", r"\1/bin/true", written(role, name))
        path = tmp_path / name.removesuffix(".j2")
        path.write_text(re.sub(r"(?m)^(User|Group)=.*\n", "", text))
        done = run(program("systemd-analyze"), "verify", "--man=no", path)
        assert done.returncode == 0, done.stderr
