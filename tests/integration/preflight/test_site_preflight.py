# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""site.yml refuses bad input before it touches any host, in one line: object, value, and remedy."""

from __future__ import annotations

import io
import json
import re
import subprocess
import tarfile
import typing as t
from pathlib import Path

import pytest
import yaml
from ansible.parsing.vault import VaultLib, VaultSecret

from tests.support.hosts.faulty_mirror import mirror
from tests.support.hosts.site import GROUPS, Site, facts


@pytest.fixture
def site(repository: Path, tmp_path: Path) -> Site:
    """Return a site without faults."""
    return Site(repository, tmp_path)


def refused(
    site: Site,
    *expected: t.Sequence[str],
    limit: str = "",
    extra: dict[str, str] | None = None,
    inventory: dict[str, str] | None = None,
    arguments: t.Sequence[str] = (),
) -> str:
    """Run; for each fault one sentence has all of its words, and only facts were gathered from hosts.

    extra and inventory are cluster_groups as an extra variable and in the inventory.
    """
    site.variables.pop("cluster_groups", None)
    if inventory:
        site.variables["cluster_groups"] = inventory
    arguments = [*arguments, *(["-e", json.dumps({"cluster_groups": extra})] if extra else [])]
    result = site.run(*arguments, *(["--limit", limit] if limit else []))
    assert result.returncode != 0
    # Ansible prints several in one line, as a list.
    sentences = [part for line in result.stdout.splitlines() for part in re.split(r"""['"], ['"]""", line)]
    for words in expected:
        found = [sentence for sentence in sentences if all(word in sentence for word in words)]
        assert found, f"{words}\n{result.stdout}{result.stderr}"
    assert site.touched() == []
    return result.stdout


def test_a_valid_site_reaches_its_hosts(site: Site) -> None:
    result = site.run()
    assert len(site.touched()) == 3, result.stdout + result.stderr


def test_a_limit_does_not_skip_tasks_on_the_controller(site: Site) -> None:
    result = site.run("--limit", "k1,k2,k3")
    assert (site.pki / "ca.crt").exists(), result.stdout + result.stderr
    assert len(site.touched()) == 3, result.stdout + result.stderr


@pytest.mark.parametrize("playbook", ["playbooks/verify.yml", "playbooks/certificates.yml"])
def test_a_cluster_with_other_host_names_has_problems(site: Site, playbook: str) -> None:
    site.groups = {f"{name}s": hosts for name, hosts in site.groups.items()}
    result = site.run(playbook=playbook)
    assert result.returncode != 0
    assert "groups etcd, master, lb, node: no hosts in any of them, only in etcds" in result.stdout


OTHER_NAMES = {name: f"prod_{name}" for name in GROUPS}


def two_clusters(site: Site) -> None:
    """Give the inventory a second cluster, and groups of the usual names that belong to something else."""
    staging = {"s1": {"ansible_host": "192.0.2.21"}}
    site.groups = {
        **{OTHER_NAMES[name]: hosts for name, hosts in site.groups.items()},
        **{f"staging_{name}": dict(staging) for name in GROUPS},
        "lb": {"w1": {"ansible_host": "192.0.2.31"}},
        "nodes": {"w2": {"ansible_host": "192.0.2.32"}},
    }


def test_a_cluster_under_other_names_contacts_no_host_of_another(site: Site) -> None:
    two_clusters(site)
    result = site.run("-e", json.dumps({"cluster_groups": OTHER_NAMES}))
    contacted = {line.split()[0] for line in site.asked()}
    assert contacted == {"192.0.2.11", "192.0.2.12", "192.0.2.13"}, result.stdout + result.stderr
    assert len(site.touched()) == 3, result.stdout + result.stderr
    assert "skipped: s1" not in result.stderr


def test_other_names_that_cannot_be_right_are_refused(site: Site) -> None:
    two_clusters(site)
    staging = {name: f"staging_{name}" for name in GROUPS}
    refused(site, ["cluster_groups", "set in the inventory", "-e @prod.yml"], extra={}, inventory=staging)
    refused(
        site, ["cluster_groups", "no group prod_etcds, given for etcd"], extra={**OTHER_NAMES, "etcd": "prod_etcds"}
    )
    refused(site, ["cluster_groups", "masters is none of the groups"], extra={**OTHER_NAMES, "masters": "prod_master"})
    del site.variables["cluster_pki_dir"]
    refused(site, ["cluster_pki_dir", "hosts of another cluster", "s1, w1, w2"], extra=OTHER_NAMES)


Row = tuple[dict[str, t.Any], dict[str, dict[str, t.Any]], list[str]]
THREE = {f"k{n}": {"ansible_host": f"192.0.2.1{n}"} for n in (1, 2, 3)}
MISSPELT = {**{name: {} for name in GROUPS}, "masters": THREE, "etcds": THREE}
BAD_NAME = {"Bad_Name": {"ansible_host": "192.0.2.14"}}
SAME_NAME = {"k6": {"ansible_host": "192.0.2.16", "cluster_node_name": "k1"}}
CONTAINERD_1 = {"plugins": {"io.containerd.grpc.v1.cri": {"sandbox_image": "pause"}}}
# As many faults as possible are in one inventory: all of them are reported at once.
INVENTORY: dict[str, list[Row]] = {
    "names and addresses": [
        ({"cluster_pod_cidr": "10.96.0.0/12"}, {}, ["cluster_pod_cidr", "10.96.0.0/12", "disjoint"]),
        ({"cluster_api_vip": "192.0.2.12"}, {}, ["cluster_api_vip", "192.0.2.12", "free address"]),
        ({}, {"etcd": {"k1": {}, "k2": {}}}, ["group etcd", "2 members", "use 1 or 3"]),
        ({"cluster_kubernetes_version": "1.12.0"}, {}, ["cluster_kubernetes_version", "1.12.0", "use"]),
        ({}, {"node": BAD_NAME}, ["Bad_Name", "lower-case"]),
        ({}, {"node": {"k4": {"ansible_host": "192.0.2.11"}}}, ["k4", "192.0.2.11", "cluster_node_ip"]),
        ({}, {"node": {"k5": {"ansible_host": "2001:db8::4"}}}, ["k5", "2001:db8::4", "IPv4"]),
        ({}, {"node": SAME_NAME}, ["k6", "k1", "own"]),
        ({"etcd_data_dir": "/home/etcd"}, {}, ["etcd_data_dir", "/home/etcd", "ProtectHome", "choose another", "k1"]),
        ({"etcd_config": {"wal-dir": "/home/etcd/wal"}}, {}, ["wal-dir", "one inside the other", "choose"]),
        (
            {},
            {"master": {"k1": {"master_audit_log_dir": "/root/audit"}}},
            ["master_audit_log_dir", "ProtectHome", "(k1)"],
        ),
        ({"haproxy_check_interval": "3s"}, {}, ["master_shutdown_delay", "the 6 s", "haproxy_check_interval 3s"]),
    ],
    "no range": [
        ({"cluster_service_cidr": "10.96.0.0/99"}, {}, ["cluster_service_cidr", "10.96.0.0/99", "write"]),
        ({"cluster_api_vip": "2001:db8::100"}, {}, ["cluster_api_vip", "2001:db8::100", "IPv4"]),
    ],
    "another family": [
        ({"cluster_service_cidr": "fd00::/112"}, {}, ["cluster_service_cidr", "fd00::/112", "IPv4"]),
        ({"cluster_api_vip": ""}, {}, ["group lb", "cluster_api_vip", "set"]),
    ],
    "a small range": [
        ({"cluster_service_cidr": "10.96.0.0/30"}, {}, ["cluster_service_cidr", "10.96.0.0/30", "small", "/27"]),
        ({}, {"master": {}}, ["group master", "no host", "put at least one"]),
    ],
    "other groups": [({}, MISSPELT, ["etcd, master, lb, node", "no host", "etcds, masters", "inventory.example"])],
    "long names": [
        ({}, {"node": {"n" * 53: {"ansible_host": "192.0.2.15"}}}, ["n" * 53, "53 characters", "52 fit"]),
        ({}, {"etcd": {"e" * 64: {"ansible_host": "192.0.2.16"}}}, ["e" * 64, "64 characters", "63 fit"]),
    ],
    "options": [
        ({"flannel_backend": "vxlann"}, {}, ["flannel_backend", "vxlann", "host-gw", "k1, k2, k3"]),
        ({}, {"node": {"k2": {"node_labels": 3}}}, ["node_labels", "dict", "role node", "for k2"]),
        ({"cluster_certificate_expiry": "10y"}, {}, ["cluster_certificate_expiry", "10y", "365d"]),
        ({"keepalived_virtual_router_id": 300}, {}, ["keepalived_virtual_router_id", "300", "255"]),
        ({"cluster_component_versions": {"etcd": "3.5"}}, {}, ["etcd '3.5'", "in full"]),
        (
            {"containerd_config": CONTAINERD_1},
            {},
            ["io.containerd.grpc.v1.cri", "containerd 1", "io.containerd.cri.v1.images"],
        ),
        ({"addons_wait": "perhaps"}, {}, ["addons_wait", "perhaps", "true or false"]),
        ({"node_max_pods": None}, {}, ["node_max_pods", "no value", "leave the line out"]),
    ],
    "texts": [
        ({"cluster_domain": "Cluster.Local"}, {}, ["cluster_domain", "Cluster.Local", "lower-case"]),
        ({"cluster_name": "../x"}, {}, ["cluster_name", "../x", "letters"]),
        ({"cluster_api_extra_sans": ["http://x"]}, {}, ["cluster_api_extra_sans", "http://x", "only its host"]),
        ({"backup_calendar": "tomorrow-ish"}, {}, ["backup_calendar", "tomorrow-ish", "systemd-analyze calendar"]),
        ({"master_encryption_resources": ["secret"]}, {}, ["master_encryption_resources", "secret", "write secrets"]),
        ({"status_timeout": "nan"}, {}, ["status_timeout", "nan", "not a number"]),
        ({}, {"node": {"k2": {"node_kube_reserved": {"memory": "1GB"}}}}, ["node_kube_reserved", "1GB", "for k2"]),
        ({"keepalived_password": "a word"}, {}, ["keepalived_password", "without blanks", "not shown"]),
        ({"pod_cidr": "10.7.0.0/16"}, {}, ["pod_cidr", "did you mean cluster_pod_cidr?"]),
    ],
    "misspelt": [
        (
            {"cluster_kubernets_version": "1.36.2"},
            {},
            ["cluster_kubernets_version", "mean cluster_kubernetes_version?"],
        ),
        ({}, {"node": {"k1": {"node_label": {}}}}, ["node_label", "for k1", "node_labels"]),
        ({}, {"nodes": {"k9": {"ansible_host": "192.0.2.19"}}}, ["group nodes", "k9", "name the group `node`"]),
        (
            {},
            {"node": {"k2": {"cluster_domain": "other"}}},
            ["cluster_domain", "differs", "the default on k1, k3", "other on k2"],
        ),
    ],
    "contradictions": [
        ({"cluster_api_port": "10250"}, {}, ["cluster_api_port", "10250", "kubelet", "k1, k2, k3"]),
        ({"cluster_pod_cidr": "10.244.0.0/23"}, {}, ["cluster_pod_cidr", "2 ranges of /24", "3 nodes"]),
        (
            {"cluster_api_former_vip": "198.51.100.100"},
            {},
            ["keepalived_virtual_router_id", "100", "cluster_api_former_vip"],
        ),
    ],
}


@pytest.mark.parametrize("name", INVENTORY)
def test_all_faults_of_an_inventory_are_reported(site: Site, name: str) -> None:
    groups: dict[str, dict[str, t.Any]] = {}
    for variables, wrong, _words in INVENTORY[name]:
        site.variables.update(variables)
        for group, hosts in wrong.items():
            groups.setdefault(group, {}).update(hosts)
    site.groups.update(groups)
    refused(site, *(words for *_settings, words in INVENTORY[name]))
    assert site.asked() == []
    assert not site.pki.exists()


def test_a_misspelt_variable_of_the_command_line_is_refused(site: Site) -> None:
    result = site.run("-e", "verify_imge=busybox", playbook="playbooks/verify.yml")
    assert result.returncode != 0
    assert "verify_imge" in result.stdout and "did you mean verify_image?" in result.stdout
    assert site.asked() == []


def test_variables_of_others_are_ignored(site: Site) -> None:
    site.variables |= {
        "node_exporter_version": "1.8",
        "etcd_version": "3",
        "node_label": 1,
        "cluster_ignored_names": ["node_label"],
    }
    site.groups |= {"etcd_prod": {"k1": {}}, "monitoring": {"p1": {"ansible_host": "192.0.2.50"}}}
    result = site.run()
    assert len(site.touched()) == 3, result.stdout + result.stderr
    assert "and therefore skipped: p1" in result.stdout + result.stderr
    assert not [line for line in site.asked() if line.startswith("192.0.2.50")]


def test_values_that_are_text_are_accepted(site: Site) -> None:
    spelt = [
        "cluster_api_extra_sans=a,b",
        "master_shutdown_delay=7",
        "node_max_pods=200",
        "addons_coredns=false",
        "cluster_api_port=6443",
    ]
    result = site.run(*(word for value in spelt for word in ("-e", value)))
    assert len(site.touched()) == 3, result.stdout + result.stderr


def test_a_value_from_a_vault_is_not_shown(site: Site, tmp_path: Path) -> None:
    (tmp_path / "password").write_text("word")
    secret = VaultLib([("default", VaultSecret(b"word"))]).encrypt("no way")
    text = "".join(f"  {line}\n" for line in secret.decode().splitlines())
    (tmp_path / "vars.yml").write_text(f"node_max_pods: !vault |\n{text}")
    # A file that is encrypted as a whole.
    whole = yaml.safe_dump({"node_pod_pids_limit": "no hint", "cluster_api_extra_sans": ["no trace"]}).encode()
    (tmp_path / "whole.yml").write_bytes(VaultLib([("default", VaultSecret(b"word"))]).encrypt(whole))
    files = [word for name in ("vars.yml", "whole.yml") for word in ("-e", f"@{tmp_path / name}")]
    result = site.run("--vault-password-file", str(tmp_path / "password"), *files)
    for name in (
        "node_max_pods: not a valid int",
        "node_pod_pids_limit: not a valid int",
        "cluster_api_extra_sans: not",
    ):
        assert name in result.stdout, result.stdout
    for text in ("no way", "no hint", "no trace"):
        assert text not in result.stdout + result.stderr
    assert site.asked() == []


UNRESOLVED: dict[str, t.Any] = {
    "cluster_api_vip": "{{ nosuch }}",
    "cluster_domain": "{{ 1/0 }}",
    "cluster_name": "{{ no end",
    "cluster_pki_dir": "{{ lookup('file', '/nonexistent') }}",
    "keepalived_password": "{{ ('a word' | from_json) }}",
    "node_kubelet_config": "{{ api_token | from_json }}",
    "api_token": "a word",
    "node_labels": {"example.org/a": ["{{ nosuch.a }}"]},
    "node_max_pods": "{{ of_mine }}",
    "of_mine": "{{ groups['nosuch'] | length }}",
}
# What a fact, a default of a role, or another host provides later.
RESOLVED_LATER: dict[str, t.Any] = {
    "cluster_api_extra_sans": ["api.{{ cluster_domain }}", "{{ hostvars['k1'].ansible_host }}"],
    "node_labels": {"example.org/a": "{{ ansible_facts.distribution }}", "example.org/b": "{{ ansible_architecture }}"},
    "node_max_pods": "{{ of_mine }}",
    "of_mine": "{{ ansible_facts.nosuch | default(100) }}",
}


def test_expressions_that_cannot_be_resolved_are_refused(site: Site) -> None:
    names = [name for name in UNRESOLVED if name not in ("api_token", "of_mine")]
    said = refused(
        site,
        *([f"{name}: cannot be resolved: ", "correct the expression", "k1, k2, k3"] for name in names),
        ["cluster_api_vip", "'nosuch' is undefined"],
        ["cluster_domain", "division by zero"],
        ["keepalived_password", "is not shown"],
        ["node_kubelet_config", "is not shown"],
        arguments=["-e", json.dumps(UNRESOLVED)],
    )
    assert "a word" not in said
    assert site.asked() == []
    assert not site.pki.exists()


@pytest.mark.long
def test_expressions_that_are_resolved_later_are_accepted(site: Site) -> None:
    site.variables |= RESOLVED_LATER
    result = site.run()
    assert "cannot be resolved" not in result.stdout + result.stderr
    assert len(site.touched()) == 3, result.stdout + result.stderr


def test_a_secret_of_the_wrong_type_is_not_shown(site: Site) -> None:
    values = {"cluster_pki_passphrase": {"word": "correct-horse"}, "keepalived_password": {"word": "correct-horse"}}
    result = site.run("-e", json.dumps(values))
    for name in values:
        assert f"{name}: not a valid str" in result.stdout, result.stdout
    assert "correct-horse" not in result.stdout + result.stderr
    assert site.asked() == []


def test_unsupported_hosts_are_refused(site: Site) -> None:
    changes = (
        {"ansible_architecture": "riscv64"},
        {"ansible_distribution": "Slackware"},
        {"ansible_distribution_major_version": "11"},
    )
    site.facts = {f"192.0.2.1{n}": facts(f"192.0.2.1{n}", **wrong) for n, wrong in enumerate(changes, 1)}
    site.groups["node"]["k4"] = {"ansible_host": "192.0.2.14"}
    site.variables["cluster_api_vip"] = "198.51.100.7"
    refused(
        site,
        ["host k1", "riscv64", "use x86_64"],
        ["host k2", "Slackware", "debian 12"],
        ["host k3", "Debian 11", "use 12 or newer"],
        ["host k4", "not reached", "fix the connection"],
        ["cluster_api_vip", "198.51.100.7", "k2"],
    )


def named(site: Site, *addresses: str) -> None:
    """Give the hosts names in the inventory and no addresses; their addresses are in their facts."""
    hosts = {f"k{n}": {"ansible_host": f"k{n}.example.org"} for n, _address in enumerate(addresses, 1)}
    site.groups = {name: dict(hosts) for name in GROUPS}
    pairs = zip(hosts.values(), addresses)
    site.facts = {
        host["ansible_host"]: facts(address, ansible_default_ipv4={"address": address}) for host, address in pairs
    }


def test_addresses_of_hosts_with_names_come_from_facts(site: Site) -> None:
    named(site, "192.0.2.11", "192.0.2.12", "192.0.2.13")
    result = site.run()
    assert len(site.touched()) == 3, result.stdout + result.stderr


def test_addresses_from_facts_are_validated_before_any_host_is_touched(site: Site) -> None:
    named(site, "192.0.2.11", "192.0.2.11", "192.0.2.100", "10.244.0.1", "")
    refused(
        site,
        ["host k2", "192.0.2.11 is also that of host k1", "cluster_node_ip"],
        ["cluster_api_vip", "192.0.2.100", "host k3", "free address"],
        ["cluster_pod_cidr", "10.244.0.1 of k4", "without node addresses"],
        ["host k5: no node address is known", "cluster_node_ip"],
    )


def test_a_host_outside_of_the_limit_has_no_address_from_its_facts(site: Site) -> None:
    named(site, "192.0.2.11", "192.0.2.12", "192.0.2.13")
    refused(site, ["host k2: no node address is known", "limit"], limit="!k2")


def a_certificate(path: Path, *extra: str) -> None:
    """Let openssl create a key pair as a foreign CA."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pair = ["-keyout", f"{path}.key", "-out", f"{path}.crt", "-subj", f"/CN={path.name}", "-days", "3650", *extra]
    kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    subprocess.run(["openssl", "req", "-x509", *kind, *pair], check=True, capture_output=True)


def foreign_key(pki: Path) -> None:
    """Put the key of another CA beside a certificate."""
    a_certificate(pki / "ca")
    a_certificate(pki / "other")
    (pki / "other.key").replace(pki / "ca.key")


def no_ca(pki: Path) -> None:
    """Put a server's certificate where a CA belongs."""
    a_certificate(pki / "ca", "-addext", "basicConstraints=critical,CA:FALSE")


def no_pem(pki: Path) -> None:
    """Damage the certificate."""
    a_certificate(pki / "etcd" / "ca")
    (pki / "etcd" / "ca.crt").write_text("")


def unreadable(pki: Path) -> None:
    """Make a file that not even root can read."""
    (pki / "front-proxy-ca.crt").mkdir(parents=True)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (foreign_key, ["pki/ca.key", "does not belong to", "pki/ca.crt", "restore"]),
        (no_ca, ["pki/ca.crt", "is not a CA", "restore"]),
        (no_pem, ["pki/etcd/ca.crt", "restore"]),
        (unreadable, ["pki/front-proxy-ca.crt", "cannot be read", "fix"]),
    ],
)
def test_a_broken_ca_is_refused(site: Site, spoil: t.Callable[[Path], None], words: list[str]) -> None:
    spoil(site.pki)
    refused(site, words)
    assert site.asked() == []


@pytest.mark.parametrize(
    ("kind", "words"),
    [("missing", ["answers 404"]), ("truncated", ["ended after 10 of"]), ("wrong", ["sha256", "deleted"])],
)
def test_a_bad_download_is_refused(site: Site, kind: str, words: list[str]) -> None:
    (site.binaries / "flanneld").unlink()
    with mirror() as address:
        site.variables["cluster_mirror_url"] = f"{address}/{kind}"
        refused(site, ["flannel", "flanneld", "Remedy", *words])
    # Only a part of the right file is kept, and the next run continues it.
    kept = [path.name for path in site.cache.rglob("*") if "flannel" in path.name and path.is_file()]
    assert kept == (["flanneld-amd64.part"] if kind == "truncated" else [])


@pytest.mark.long
def test_bad_image_archives_are_reported_before_any_host_is_touched(site: Site, tmp_path: Path) -> None:
    whole, half = tmp_path / "whole.tar", tmp_path / "half.tar"
    for path in (whole, half):
        index = json.dumps([{"RepoTags": ["registry.example.org/app:1.0"]}]).encode()
        with tarfile.open(path, "w") as archive:
            for name, content in (("manifest.json", index), ("layer.tar", bytes(100_000))):
                member = tarfile.TarInfo(name)
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
    site.variables["cluster_image_archives"] = [str(whole)]
    assert len([line for line in site.run().stdout.splitlines() if "whole.tar" in line]) == 0
    half.write_bytes(half.read_bytes()[:50_000])
    site.variables["cluster_image_archives"] += [str(half), str(tmp_path / "missing.tar")]
    (site.directory / "asked").unlink()
    refused(
        site,
        ["half.tar", "no readable archive", "docker save"],
        ["missing.tar", "no such image archive", "put it there"],
    )


@pytest.mark.long
def test_a_damaged_file_in_the_cache_is_replaced(site: Site) -> None:
    (site.binaries / "flanneld").unlink()
    site.variables["cluster_mirror_url"] = "http://127.0.0.1:9"
    first = refused(site, ["flannel", "no answer from 127.0.0.1:9", "Remedy: put"])
    place = Path(re.findall(r" at (/\S+),", first)[0])
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(b"half of it")
    refused(site, ["flannel", "no answer from 127.0.0.1:9"])
    assert not place.exists()
