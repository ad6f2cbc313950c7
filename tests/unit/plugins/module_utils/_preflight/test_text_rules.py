# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Texts that a program would reject in the middle of a run are refused, and those that it accepts are not."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.hardway.kubernetes.plugins.module_utils._preflight.option_rules import RULES, problem, remedy

from tests.support.roles.spellings import options

OPTIONS = options()
LONG = "a" * 64
# Of options: wrong values, and right ones.
VALUES: dict[str, tuple[list[t.Any], list[t.Any]]] = {
    "addons_coredns_upstreams": (
        [["1.2.3.4:53:53"], ["1.1.1.1", "dns.example.org"], ["1.1.1.1:0"], ["1.1.1.1:99999"], [""], ["/a b"]],
        [
            [],
            ["/etc/resolv.conf"],
            ["1.1.1.1", "1.1.1.1:5353", "2001:db8::1", "[2001:db8::1]:53", "fe80::1%eth0"],
            ["dns://1.1.1.1", "tls://9.9.9.9", "tls://9.9.9.9:853", "https://dns.example.org/dns-query"],
        ],
    ),
    "addons_manifests": (
        [["/nosuch.yml"], ["files/a.yml"], ["apiVersion: v1\nmetadata: {}"], [{"path": "/a", "url": "b"}], [{}]],
        [
            *([], ["kind: A"], ["# nothing\n---\n"], ["apiVersion: v1\nkind: A\n"], [{"kind": "A"}], [""]),
            [{"path": "/a"}, {"url": "https://example.org/a.yml", "sha256": "0" * 64}, {"content": "kind: A"}],
        ],
    ),
    "admin_server": (["https://a b"], ["https://api.example.org:6443"]),
    "backup_calendar": (
        [
            "",
            "tomorrow-ish",
            "xx",
            "daily\nExecStart=/bin/true",
            "daily\\nExecStart=/bin/true",
            "Mon daily 3",
            "25 o'clock",
        ],
        [
            *("daily", "DAILY", "anually", "bi-annually", "hourly UTC", "weekly Asia/Tokyo", "daily Etc/GMT+5"),
            *(
                "Mon",
                "Sun 03:00",
                "Mon..Fri *-*-1..7 18:00:00/15",
                "Mon,Tue..Thu 10:00",
                "Mon-Fri 10:00",
                "mon 3:00 utc",
            ),
            *("*-*-* 02:00:00 America/Port-au-Prince", "*:0/15", "*-*~1", "Mon *-05~07/1", "@1395716396", "10-1"),
            *("12,14,13,12:20,10,30", "5:40:23.4200004/3.1700005", "00:00..06:00", "2003-03-05T05:40"),
        ],
    ),
    "backup_dir": (["/a b", "/a%h", '/a"'], ["/srv/backups"]),
    "backup_random_delay": (
        ["", "1x", "-1h", "5hrs", "1h\nx", "soon"],
        ["0", "90", "1h", "2h 30min", "1.5h", ".5h", "5 days 3M", "1µs", "5μs", "1h30m5s", "3months 2y", "1 week"],
    ),
    "certificates_textfile": (["/a/b.txt"], ["", "/a/b.prom"]),
    "cluster_api_extra_sans": (
        [["a b"], ["http://x"], ["ünicode.example"], ["-a"], ["1.2.3"], [{"a": 1}]],
        [
            [],
            [""],
            ["a", "*.example.org", "API.example.org", "192.0.2.1", "2001:db8::1", "my_host", "api.example.org."],
        ],
    ),
    "cluster_domain": (
        [
            "",
            "cluster local",
            "Cluster.Local",
            "clüster.local",
            "cluster.local.",
            ".local",
            "a..b",
            LONG,
            "a." * 127 + "a",
        ],
        ["cluster.local", "other", "k8s-1.example.org", "1.2"],
    ),
    "cluster_name": (
        ["", "../../x", "a b", "a\nb", "-a", "a/b", LONG, "ä"],
        ["kubernetes", "prod.example.org", "Prod_1", "e2e-ha", "7"],
    ),
    "cluster_mirror_url": (["http://a b"], ["", "http://127.0.0.1:9/x", "file:///srv/mirror"]),
    "containerd_no_proxy": (["a\nb"], ["", "localhost, 127.0.0.0/8,.svc"]),
    "etcd_config": (
        [{"name": "a\nb"}, {"listen": ["a", "b\n"]}],
        [{}, {"wal-dir": "/wal", "log-level": "debug", "x": None, "y": 1, "z": ["a", "b c"]}],
    ),
    "etcd_data_dir": (["/a b", "/data/%h"], ["/var/lib/etcd", "/data/etcd-1"]),
    "etcd_defragment_calendar": (["xx"], ["Sun 03:00"]),
    "etcd_extra_sans": ([["a b"]], [["a"]]),
    "flannel_etcd_prefix": (["coreos.com", "/a b"], ["/coreos.com/network"]),
    "flannel_interface": (["eth0 eth1", "a" * 16, ""], ["eth0", "bond0.100", "192.0.2.1"]),
    "flannel_public_ip": (["1.2.3", "", "2001:db8::1", "a"], ["192.0.2.1"]),
    "haproxy_balance": (["leastconn\nx"], ["leastconn", "hdr(host)", "uri depth 3"]),
    "haproxy_bind": (
        [["*:99999"], ["192.0.2.1"], [""], ["*:0"], ["*:1\n  x"], ["*:80-99999"]],
        [
            [
                "*:6443",
                ":6443",
                "[::]:6443",
                "192.0.2.1:443 interface eth0",
                "ipv4@*:80",
                "/run/x.sock",
                "*:80-90",
                "$A:1",
            ]
        ],
    ),
    "haproxy_check_ca": (["/a b"], ["", "/etc/haproxy/api-ca.crt"]),
    "haproxy_check_path": (
        ["x y", "/x y", "", "readyz", "/a#b", "/a\nb"],
        ["/", "/readyz", "/readyz?verbose&exclude=etcd"],
    ),
    "haproxy_check_server_name": (["a b"], ["", "kubernetes", "web.example"]),
    "haproxy_extra_backend_config": (
        ["backend x", "stick on src\n  listen x"],
        ["", "hash-type consistent", "# global"],
    ),
    "haproxy_extra_defaults_config": (["defaults"], ["timeout queue 5s\nno option redispatch"]),
    "haproxy_extra_global_config": (["frontend\tx"], ["nbthread 2\ntune.bufsize 32768"]),
    "haproxy_loopback_bind": (
        ["127.0.0.1", "*:8443", ":8443", "127.0.0.1:0", "127.0.0.1:8443 x", "a b:8443", "/run/a:1"],
        ["127.0.0.1:8443", "0.0.0.0:6443", "[::1]:8443"],
    ),
    "haproxy_stats_bind": (
        ["*:8404", "192.0.2.1:8404", "127.0.0.1", "127.0.0.1:0", "127.0.0.1:8404 ssl", "[::]:8404"],
        ["", "127.0.0.1:8404", "[::1]:8404", "localhost:8404", "127.0.0.2:80"],
    ),
    "host_extra_sysctls": (
        [{"vm.max_map_count": None}, {"a.b": "1\nb=2"}, {"a b": 1}, {"a.b": [1]}, {"": 1}, {"a.b=1": 1}],
        [
            {},
            {"vm.max_map_count": 262144, "net.ipv4.tcp_rmem": "4096 87380 6291456\n", "kernel.core_pattern": ""},
            {"net.ipv4.conf.eth0/100.rp_filter": "1", "net/ipv4/ip_forward": True},
        ],
    ),
    "host_kernel_modules": ([["a b"], ["a/b.ko"], [""]], [["br_netfilter", "nf-conntrack"]]),
    "keepalived_advert_interval": ([0, 256], [1, 255]),
    "keepalived_check_host": (["a b"], ["127.0.0.1"]),
    "keepalived_extra_config": (["vrrp_script a {", "}"], ["", 'vrrp_script a {\n  script "/bin/a {"\n} # }']),
    "keepalived_extra_global_config": (["a {"], ["notification_email {\n  a@example.org\n}"]),
    "keepalived_extra_instance_config": (["}\nvrrp_instance x {"], ["track_interface {\n  eth1\n}\n! {"]),
    "keepalived_fault_check": (
        ["test -S /x", '/bin/test "a"', "/a\nb"],
        ["", "/usr/bin/test -S /run/haproxy/admin.sock"],
    ),
    "keepalived_interface": (["eth0 x", "a" * 16], ["", "eth0", "br-lan"]),
    "keepalived_notify_scripts": (
        [
            ["/usr/bin/a"],
            [{"event": "taken", "path": "/a"}],
            [{"path": "/a"}],
            [{"event": "any"}],
            [{"event": "any", "path": "/a", "name": "a", "content": ""}],
            [{"event": "any", "path": "a"}],
            [{"event": "any", "path": "/a b"}],
            [{"event": "any", "path": "/a", "mode": "0755"}],
            [{"event": "any", "path": "/a"}, {"event": "any", "path": "/b"}],
            [{"event": "any", "name": "../a", "content": ""}],
            [{"event": "any", "name": "a"}],
            [{"event": "any", "name": "a", "src": "a"}],
            [{"event": "any", "name": "a", "src": "/nonexistent"}],
            [{"event": "any", "name": "a", "content": "", "mode": "0777"}],
            [{"event": "any", "name": "a", "content": "", "mode": "0644"}],
            [{"event": "any", "path": "/a", "arguments": 'b "c"'}],
            [{"event": "any", "path": "/a", "user": "a b"}],
        ],
        [
            [],
            [{"event": "any", "path": "/usr/bin/logger", "arguments": "-t vip", "user": "root"}],
            [
                {"event": "master", "name": "a.sh", "content": "#!/bin/sh\n", "mode": "0750", "group": "a"},
                {"event": "backup", "path": "/usr/libexec/keepalived/notify/a.sh"},
            ],
        ],
    ),
    "keepalived_password": (
        ["a b", 'a"b', "a'", "ä", "a#b", "a!", "a\n"],
        ["", "s3cr3t", "twelve-chars", "eight$89 #"],
    ),
    "keepalived_prefix_length": ([0, 33], [1, 24, 32]),
    "master_admission_plugins": ([["Node Restriction"], ["a,b"]], [[], ["NodeRestriction", "EventRateLimit"]]),
    "master_apiserver_args": (
        [{"a": "x\ny"}],
        [{"nosuchflag": 1, "feature-gates": {"A": True}, "b": None, "v": ["1"]}],
    ),
    "master_encryption_resources": (
        [
            ["secret"],
            ["Secrets"],
            ["*"],
            ["deployments"],
            [""],
            ["a/b"],
            ["secrets."],
            ["secrets.*"],
            ["secrets", "configmap"],
        ],
        [[], ["secrets", "configmaps"], ["*.example.org"], ["*.*"], ["*."], ["deployments.apps", "a.b.example.org"]],
    ),
    "master_pod_security_exempt_namespaces": ([["a.b"], ["A"]], [[], ["kube-system", "a"]]),
    "node_eviction_hard": (
        [
            *(
                {"memory.available": "10 %"},
                {"memory.available": "1GB"},
                {"memory": "1Gi"},
                {"nodefs.available": "101%"},
            ),
            *({"memory.available": "0"}, {"memory.available": "-1"}, {"memory.available": None}),
        ],
        [
            {},
            {"memory.available": "100Mi", "nodefs.available": "10%", "imagefs.inodesFree": "0%", "pid.available": 1000},
        ],
    ),
    "node_kube_reserved": (
        [{"cpus": 1}, {"memory": "1GB"}, {"cpu": -1}, {"cpu": None}, {"cpu": "abc"}, {"cpu": True}, {"memory": "1 Gi"}],
        [{}, {"cpu": "100m", "memory": "256Mi", "ephemeral-storage": "1e9", "pid": 1000}, {"cpu": 0.5}, {"cpu": 0}],
    ),
    "node_kubelet_config": ([{"a": {"b": ["c\nd"]}}], [{"maxPods": "abc"}, {"a": {"b": ["c"]}}]),
    "node_labels": (
        [
            {"a b": "c"},
            {"a": "b c"},
            {"a": LONG},
            {LONG: ""},
            {"A.B/c": ""},
            {"a/b/c": ""},
            {"a": "-"},
            {"": ""},
            {"/a": ""},
        ],
        [{}, {"node-role.kubernetes.io/worker": "", "a": True, "b": 1, "c": None, "zone_1": "x.Y-z", "d": 0.5}],
    ),
    "node_taints": (
        [[{"key": "a b", "effect": "NoSchedule"}], [{"key": "a", "value": "b c", "effect": "NoSchedule"}]],
        [[], [{"key": "example.org/a", "value": "true", "effect": "NoSchedule"}, {"key": "a", "effect": "NoExecute"}]],
    ),
    "verify_namespace": (["A", "a.b", ""], ["hardway-verify"]),
    # Numbers.
    "etcd_quota_backend_bytes": ([2**63], [8 * 2**30, 0]),
    "haproxy_maxconn": ([0, 99999999999], [10000]),
    "master_shutdown_delay": ([-1, 2**31], [0, 5]),
    "status_backup_hours": ([-1.0], [0.0, 26.0]),
    "status_timeout": ([-5.0, 0.0], [0.5, 3.0]),
}


@pytest.mark.parametrize("name", VALUES)
def test_wrong_values_are_refused_with_a_remedy_and_right_ones_are_not(name: str) -> None:
    wrong, right = VALUES[name]
    assert [value for value in wrong if not problem(name, value)] == []
    assert [f"{value!r}: {problem(name, value)}" for value in right if problem(name, value)] == []
    assert [problem(name, value) for value in wrong if "; " not in problem(name, value)] == []


def test_the_remedy_of_a_singular_resource_is_its_plural() -> None:
    assert problem("master_encryption_resources", ["secret"]).endswith("write secrets")


def test_a_remedy_does_not_show_the_value() -> None:
    assert remedy("cluster_domain", "s3cr3t; s3cr3t").startswith("use lower-case letters")
    assert "s3cr3t" not in problem("keepalived_password", 's3cr3t"')


@pytest.mark.parametrize("name", [name for name in RULES if OPTIONS[name]["type"] in ("list", "dict")])
def test_items_of_any_type_are_no_traceback(name: str) -> None:
    for item in ({"a": {"b": 1}}, ["a"], None, True, 1.5):
        problem(name, [item] if OPTIONS[name]["type"] == "list" else {"a": item})
