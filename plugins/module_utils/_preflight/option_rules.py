# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules for single values, so that no program rejects them in the middle of a run.

Rules take a converted value and return what is wrong and the remedy, or nothing.
"""

from __future__ import annotations

import re
import typing as t

from ansible_collections.hardway.kubernetes.plugins.module_utils._common.durations import parse
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError

Rule = t.Callable[[t.Any], str]
GO_DURATION = re.compile(r"(([0-9]+(\.[0-9]*)?|\.[0-9]+)(ns|us|µs|ms|s|m|h))+")
HAPROXY_TIME = re.compile(r"[0-9]+(us|ms|s|m|h|d)?")
VERSION = re.compile(r"[0-9]+\.[0-9]+\.[0-9]+([-+][0-9A-Za-z.-]+)?")
# The images of pause are older and newer than the habit of three numbers.
IMAGE_VERSION = re.compile(r"[0-9]+(\.[0-9]+){1,2}([-+][0-9A-Za-z.-]+)?")
COMPONENTS = ("kubernetes", "etcd", "containerd", "runc", "cni", "flannel", "coredns", "pause")
# Of containerd 1: containerd 2 reads the file, and leaves out what is below these names.
FORMER_PLUGINS = {
    "io.containerd.grpc.v1.cri": "io.containerd.cri.v1.images (registry, snapshotter, pinned_images) and "
    "io.containerd.cri.v1.runtime (cni, containerd)",
}


def problem(name: str, value: t.Any) -> str:
    """Return what is wrong with the value of an option, an empty string where nothing is."""
    return RULES[name](value) if name in RULES else ""


def _between(least: float, most: float) -> Rule:
    def rule(value: t.Any) -> str:
        if least <= value <= most:
            return ""
        return f"{value} is not between {least} and {most}; choose a value in this range"

    return rule


def _at_least(least: int) -> Rule:
    return lambda value: "" if value >= least else f"{value} is too small; set it to {least} or more"


def _validity(value: t.Any) -> str:
    try:
        parse(value, "")
    except HardwayError as exc:
        return str(exc).strip()
    return ""


def _go_duration(value: t.Any) -> str:
    if GO_DURATION.fullmatch(value) and any(digit in value for digit in "123456789"):
        return ""
    return f"{value!r} is not a duration; write a number with a unit, as 90s, 10m or 1h30m"


def _retention(value: t.Any) -> str:
    # Without a unit etcd takes hours.
    return "" if value.isdigit() else _go_duration(value)


def _haproxy_time(value: t.Any) -> str:
    if HAPROXY_TIME.fullmatch(value):
        return ""
    return f"{value!r} is not a time of haproxy's; write a whole number with a unit, as 500ms, 1s or 1h"


def _versions(value: t.Mapping[str, t.Any]) -> str:
    for component, version in value.items():
        if component not in COMPONENTS:
            return f"{component} is no component; known are {', '.join(COMPONENTS)}"
        if component == "kubernetes":
            return "kubernetes has a variable of its own; set cluster_kubernetes_version"
        pattern = IMAGE_VERSION if component == "pause" else VERSION
        if not isinstance(version, str) or not pattern.fullmatch(version):
            example = "3.10.2" if component == "pause" else "3.6.14"
            return f"{component} {version!r} is not a version; write it in full and as text, like '{example}'"
    return ""


def _containerd(value: t.Mapping[str, t.Any]) -> str:
    if str(value.get("version", 3)) != "3":
        return f"version {value['version']!r} is of an older containerd; write the configuration in version 3"
    plugins = value.get("plugins")
    for name in plugins if isinstance(plugins, dict) else ():
        if name in FORMER_PLUGINS:
            return f"plugin {name} is of containerd 1, and containerd 2 ignores it; use {FORMER_PLUGINS[name]}"
    return ""


_PORT = _between(1, 65535)
_ROUTER_ID = _between(1, 255)
# What is nothing, and 1 itself, would renew on every run, or never.
_PART = _between(0, 1)
RULES: dict[str, Rule] = {
    "addons_coredns_replicas": _at_least(0),
    "addons_wait_timeout": _at_least(0),
    "admin_person_ttl": _validity,
    "admin_person_ttl_max": _validity,
    "backup_keep_count": _at_least(0),
    "backup_keep_days": _at_least(0),
    "backup_min_interval_hours": _at_least(0),
    "backup_push_timeout": _at_least(1),
    "ca_expiry": _validity,
    "ca_renew_before": _PART,
    "ca_service_account_key_min_age": lambda value: "" if value == "0" else _validity(value),
    "certificates_critical_days": _at_least(0),
    "certificates_warning_days": _at_least(0),
    "cluster_api_port": _PORT,
    "cluster_certificate_expiry": _validity,
    "cluster_certificate_renew_before": _PART,
    "cluster_component_versions": _versions,
    "containerd_config": _containerd,
    "etcd_auto_compaction_retention": _retention,
    "etcd_election_timeout": _between(1, 50000),
    "etcd_health_timeout": _at_least(1),
    "etcd_heartbeat_interval": _at_least(1),
    "etcd_oom_score_adjust": _between(-1000, 1000),
    "etcd_quota_backend_bytes": _at_least(0),
    "flannel_healthz_port": _PORT,
    "haproxy_check_drain_status": lambda value: "" if value == 0 else _between(100, 599)(value),
    "haproxy_check_fall": _at_least(1),
    "haproxy_check_interval": _haproxy_time,
    "haproxy_check_rise": _at_least(1),
    "haproxy_health_timeout": _at_least(1),
    "haproxy_idle_timeout": _haproxy_time,
    "haproxy_maxconn": _at_least(1),
    "keepalived_check_port": _PORT,
    "keepalived_former_virtual_router_id": _ROUTER_ID,
    "keepalived_health_timeout": _at_least(1),
    "keepalived_port": _PORT,
    "keepalived_priority": _between(1, 254),
    "keepalived_virtual_router_id": _ROUTER_ID,
    "master_health_timeout": _at_least(1),
    "master_leader_elect_lease_duration": _go_duration,
    "master_leader_elect_renew_deadline": _go_duration,
    "master_leader_elect_retry_period": _go_duration,
    "master_node_cidr_mask_size": _between(8, 30),
    "master_shutdown_delay": _at_least(0),
    "node_join_timeout": _at_least(1),
    "node_max_pods": _at_least(1),
    "node_pod_pids_limit": _at_least(-1),
    "node_rejoin_at_once": _at_least(1),
    "node_shutdown_grace_period": lambda value: "" if value in ("0", "0s") else _go_duration(value),
    "node_shutdown_grace_period_critical_pods": lambda value: "" if value in ("0", "0s") else _go_duration(value),
    "verify_timeout": _at_least(0),
    "verify_workload_timeout": _at_least(0),
}
