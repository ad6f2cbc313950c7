# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""site.yml itself refuses bad input before it touches any host, in one line: what, its value, and the remedy."""

from __future__ import annotations

import io
import json
import re
import subprocess
import tarfile
import typing as t
from pathlib import Path

import pytest

from .mirror import mirror
from .site import GROUPS, Site, facts


@pytest.fixture
def site(repository: Path, tmp_path: Path) -> Site:
    """Return a site with which nothing is wrong yet."""
    return Site(repository, tmp_path)


def refused(site: Site, words: t.Sequence[str], *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run; one line has all the words, and nothing but facts was asked of any host."""
    result = site.run(*arguments)
    assert result.returncode != 0
    lines = [line for line in result.stdout.splitlines() if all(word in line for word in words)]
    assert lines, result.stdout + result.stderr
    assert site.touched() == []
    return result


def test_a_good_site_gets_as_far_as_its_hosts(site: Site) -> None:
    result = site.run()
    assert len(site.touched()) == 3, result.stdout + result.stderr


def test_a_limit_leaves_no_work_on_the_controller_out(site: Site) -> None:
    result = site.run("--limit", "k1,k2,k3")
    assert (site.pki / "ca.crt").exists(), result.stdout + result.stderr
    assert len(site.touched()) == 3, result.stdout + result.stderr


@pytest.mark.parametrize("playbook", ["playbooks/verify.yml", "playbooks/certificates.yml"])
def test_a_cluster_under_other_names_is_not_well(site: Site, playbook: str) -> None:
    site.groups = {f"{name}s": hosts for name, hosts in site.groups.items()}
    result = site.run(playbook=playbook)
    assert result.returncode != 0
    assert "groups etcd, master, lb, node: no host in any of them, only in etcds" in result.stdout


THREE = {f"k{n}": {"ansible_host": f"192.0.2.1{n}"} for n in (1, 2, 3)}
MISSPELT = {**{name: {} for name in GROUPS}, "masters": THREE, "etcds": THREE}
Row = tuple[str, dict[str, t.Any], dict[str, dict[str, t.Any]], list[str]]
INVENTORY: list[Row] = [
    ("overlap", {"cluster_pod_cidr": "10.96.0.0/12"}, {}, ["cluster_pod_cidr", "10.96.0.0/12", "disjoint"]),
    ("malformed", {"cluster_service_cidr": "10.96.0.0/99"}, {}, ["cluster_service_cidr", "10.96.0.0/99", "write"]),
    ("vip-of-host", {"cluster_api_vip": "192.0.2.12"}, {}, ["cluster_api_vip", "192.0.2.12", "free address"]),
    ("vip-ipv6", {"cluster_api_vip": "2001:db8::100"}, {}, ["cluster_api_vip", "2001:db8::100", "IPv4"]),
    ("service-ipv6", {"cluster_service_cidr": "fd00::/112"}, {}, ["cluster_service_cidr", "fd00::/112", "IPv4"]),
    ("no-known-group", {}, MISSPELT, ["etcd, master, lb, node", "no host", "etcds, masters", "inventory.example"]),
    ("no-master", {}, {"master": {}}, ["group master", "no host", "put at least one"]),
    ("even-etcd", {}, {"etcd": {"k1": {}, "k2": {}}}, ["group etcd", "2 members", "use 1 or 3"]),
    ("lb-without-vip", {"cluster_api_vip": ""}, {}, ["group lb", "cluster_api_vip", "set"]),
    ("version", {"cluster_kubernetes_version": "1.12.0"}, {}, ["cluster_kubernetes_version", "1.12.0", "use"]),
    ("small", {"cluster_service_cidr": "10.96.0.0/30"}, {}, ["cluster_service_cidr", "10.96.0.0/30", "small", "/27"]),
    ("name", {}, {"node": {"k1": {}, "Bad_Name": {"ansible_host": "192.0.2.14"}}}, ["Bad_Name", "lower-case"]),
    ("same-address", {}, {"node": {"k4": {"ansible_host": "192.0.2.11"}}}, ["k4", "192.0.2.11", "cluster_node_ip"]),
    ("host-ipv6", {}, {"node": {"k4": {"ansible_host": "2001:db8::4"}}}, ["k4", "2001:db8::4", "IPv4"]),
    ("drain", {"haproxy_check_interval": "3s"}, {}, ["master_shutdown_delay", "the 6 s", "haproxy_check_interval 3s"]),
    ("choice", {"flannel_backend": "vxlann"}, {}, ["flannel_backend", "vxlann", "host-gw", "k1, k2, k3"]),
    ("type", {}, {"node": {"k2": {"node_labels": 3}}}, ["node_labels", "dict", "role node", "for k2"]),
    ("same-name", {}, {"node": {"k4": {"ansible_host": "192.0.2.14", "cluster_node_name": "k1"}}}, ["k4", "k1", "own"]),
]

IDS = [row[0] for row in INVENTORY]


@pytest.mark.parametrize(("variables", "groups", "words"), [row[1:] for row in INVENTORY], ids=IDS)
def test_a_bad_inventory(
    site: Site, variables: dict[str, t.Any], groups: dict[str, dict[str, t.Any]], words: list[str]
) -> None:
    site.variables.update(variables)
    site.groups.update(groups)
    refused(site, words)
    assert site.asked() == []
    assert not site.pki.exists()


HOSTS: list[tuple[str, t.Any, dict[str, t.Any], list[str]]] = [
    ("architecture", facts("192.0.2.12", ansible_architecture="riscv64"), {}, ["k2", "riscv64", "use x86_64"]),
    ("system", facts("192.0.2.12", ansible_distribution="Slackware"), {}, ["k2", "Slackware", "debian 12"]),
    ("old", facts("192.0.2.12", ansible_distribution_major_version="11"), {}, ["k2", "Debian 11", "use 12 or newer"]),
    ("unreachable", None, {}, ["host k2", "not reached", "mend the connection"]),
    ("vip", facts("192.0.2.12"), {"cluster_api_vip": "198.51.100.7"}, ["cluster_api_vip", "198.51.100.7", "k2"]),
]


@pytest.mark.parametrize(("known", "variables", "words"), [row[1:] for row in HOSTS], ids=[row[0] for row in HOSTS])
def test_a_host_that_cannot_serve(site: Site, known: t.Any, variables: dict[str, t.Any], words: list[str]) -> None:
    site.facts["192.0.2.12"] = known
    # What is wrong with another one is told as well.
    site.facts["192.0.2.13"]["ansible_architecture"] = "s390x"
    site.variables.update(variables)
    result = refused(site, words)
    assert "host k3: architecture s390x is not supported" in result.stdout


def named(site: Site, addresses: t.Sequence[str]) -> None:
    """Let the inventory know hosts by name alone; their addresses are in their facts."""
    hosts = {f"k{n}": {"ansible_host": f"k{n}.example.org"} for n in (1, 2, 3)}
    site.groups = {name: dict(hosts) for name in GROUPS}
    pairs = zip(hosts.values(), addresses)
    site.facts = {
        host["ansible_host"]: facts(address, ansible_default_ipv4={"address": address}) for host, address in pairs
    }


def test_hosts_with_names_for_addresses_are_asked_for_those(site: Site) -> None:
    named(site, ["192.0.2.11", "192.0.2.12", "192.0.2.13"])
    result = site.run()
    assert len(site.touched()) == 3, result.stdout + result.stderr


@pytest.mark.parametrize(
    ("addresses", "arguments", "words"),
    [
        (["192.0.2.11", "192.0.2.11"], [], ["host k2", "192.0.2.11 is also that of host k1", "cluster_node_ip"]),
        (["192.0.2.11", "192.0.2.100"], [], ["cluster_api_vip", "192.0.2.100", "host k2", "free address"]),
        (["10.244.0.1", "192.0.2.12"], [], ["cluster_pod_cidr", "10.244.0.1 of k1", "without node addresses"]),
        (["192.0.2.11", ""], [], ["host k2: no node address is known", "cluster_node_ip"]),
        (["192.0.2.11", "192.0.2.12"], ["--limit", "!k2"], ["host k2: no node address is known", "limit"]),
    ],
    ids=["same", "vip", "overlap", "none", "limit"],
)
def test_addresses_from_facts_are_judged_before_any_host_is_touched(
    site: Site, addresses: list[str], arguments: list[str], words: list[str]
) -> None:
    named(site, [*addresses, "192.0.2.13"])
    refused(site, words, *arguments)


def a_certificate(path: Path, *extra: str) -> None:
    """Let openssl write a key pair as somebody's own authority."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pair = ["-keyout", f"{path}.key", "-out", f"{path}.crt", "-subj", f"/CN={path.name}", "-days", "3650", *extra]
    kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    subprocess.run(["openssl", "req", "-x509", *kind, *pair], check=True, capture_output=True)


def foreign_key(pki: Path) -> None:
    """Put the key of another authority beside a certificate."""
    a_certificate(pki / "ca")
    a_certificate(pki / "other")
    (pki / "other.key").replace(pki / "ca.key")


def no_authority(pki: Path) -> None:
    """Put a server's certificate where an authority belongs."""
    a_certificate(pki / "ca", "-addext", "basicConstraints=critical,CA:FALSE")


def no_pem(pki: Path) -> None:
    """Let a disk have eaten the certificate."""
    a_certificate(pki / "etcd" / "ca")
    (pki / "etcd" / "ca.crt").write_text("")


def unreadable(pki: Path) -> None:
    """What root cannot read either."""
    (pki / "front-proxy-ca.crt").mkdir(parents=True)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (foreign_key, ["pki/ca.key", "does not belong to", "pki/ca.crt", "restore"]),
        (no_authority, ["pki/ca.crt", "is not an authority", "restore"]),
        (no_pem, ["pki/etcd/ca.crt", "restore"]),
        (unreadable, ["pki/front-proxy-ca.crt", "cannot be read", "mend"]),
    ],
)
def test_a_bad_authority(site: Site, spoil: t.Callable[[Path], None], words: list[str]) -> None:
    spoil(site.pki)
    refused(site, words)
    assert site.asked() == []


@pytest.mark.parametrize(
    ("kind", "words"),
    [("missing", ["answers 404"]), ("truncated", ["broke off after 10 of"]), ("wrong", ["sha256", "deleted"])],
)
def test_a_bad_download(site: Site, kind: str, words: list[str]) -> None:
    (site.binaries / "flanneld").unlink()
    with mirror() as address:
        site.variables["cluster_mirror_url"] = f"{address}/{kind}"
        refused(site, ["flannel", "flanneld", "Remedy", *words])
    # Neither kept for the next run, nor half of it.
    assert [path for path in site.cache.rglob("*") if "flannel" in path.name and path.is_file()] == []


def test_bad_image_archives_are_told_before_any_host_is_touched(site: Site, tmp_path: Path) -> None:
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
    refused(site, ["half.tar", "no readable archive", "docker save"])
    refused(site, ["missing.tar", "no such image archive", "put it there"])


def test_a_spoilt_file_in_the_cache(site: Site) -> None:
    (site.binaries / "flanneld").unlink()
    site.variables["cluster_mirror_url"] = "http://127.0.0.1:9"
    first = refused(site, ["flannel", "no answer from 127.0.0.1:9", "Remedy: put"])
    place = Path(re.findall(r" at (/\S+),", first.stdout)[0])
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(b"half of it")
    refused(site, ["flannel", "no answer from 127.0.0.1:9"])
    assert not place.exists()
