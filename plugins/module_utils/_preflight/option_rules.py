# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules for single values, so that no program rejects them in the middle of a run.

Rules take a converted value and return what is wrong and the remedy, or nothing.
"""

from __future__ import annotations

import os
import re
import typing as t

from ansible_collections.hardway.kubernetes.plugins.module_utils._common.durations import parse
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._preflight import (
    authorization,
    balancer_parts,
    firewall_options,
    master_files,
    text_rules,
)
from ansible_collections.hardway.kubernetes.plugins.module_utils._preflight.text_rules import each, or_empty

Rule = text_rules.Rule
# Nothing that is counted, or waited for, needs more, and programs keep it in 32 bits.
MOST = 2**31 - 1
# Each has two open files, of which systemd's hosts allow 2^30.
MOST_CONNECTIONS = 500_000_000
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


def remedy(name: str, value: t.Any) -> str:
    """Return the remedy of problem(), which shows nothing of the value."""
    return problem(name, value).rpartition("; ")[2]


def _between(least: float, most: float) -> Rule:
    def rule(value: t.Any) -> str:
        if least <= value <= most:
            return ""
        return f"{value} is not between {least} and {most}; choose a value in this range"

    return rule


def _at_least(least: int, most: int = MOST) -> Rule:
    def rule(value: t.Any) -> str:
        if value > most:
            return f"{value} is too large; set it to {most} or less"
        return "" if value >= least else f"{value} is too small; set it to {least} or more"

    return rule


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


def _hooks(value: t.Mapping[str, t.Any]) -> str:
    for name, files in value.items():
        if not isinstance(files, (list, type(None))):
            return f"{name}: {files!r} is no list; write a list of task files"
    entries = [(name, entry) for name, files in value.items() for entry in files or ()]
    return next(filter(None, (_hook(name, entry) for name, entry in entries)), "")


def _hook(name: str, entry: t.Any) -> str:
    """Return what is wrong with an entry of a hook; its file is on this host, the controller."""
    found = entry if isinstance(entry, dict) else {"file": entry}
    path = found.get("file")
    if not isinstance(path, str) or not found.keys() <= {"file", "retries", "delay"}:
        return f"{name}: {entry!r} is no task file; write its path, or {{file: PATH, retries: 3, delay: 10}}"
    for key in ("retries", "delay"):
        if not str(found.get(key, 0)).isdigit():
            return f"{name}: {key} {found[key]!r} is not a whole number; correct it"
    if not os.path.isabs(path):
        return f"{name}: {path} is not an absolute path; write it as {{{{ inventory_dir }}}}/{path}"
    return "" if os.path.isfile(path) else f"{name}: {path}: no such file on the controller; correct the path"


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
_POSITIVE = _between(0.001, MOST)
# What is nothing, and 1 itself, would renew on every run, or never.
_PART = _between(0, 1)
RULES: dict[str, Rule] = {
    "addons_coredns_image": text_rules.word,
    "addons_coredns_replicas": _at_least(0),
    "addons_coredns_upstreams": each(text_rules.upstream),
    "addons_manifests": each(text_rules.manifest),
    "addons_wait_timeout": _at_least(0),
    "admin_person_ttl": _validity,
    "admin_person_ttl_max": _validity,
    "admin_server": text_rules.word,
    "backup_calendar": text_rules.calendar,
    "backup_dir": text_rules.plain_path,
    "backup_keep_count": _at_least(0),
    "backup_keep_days": _at_least(0),
    "backup_min_interval_hours": _at_least(0),
    "backup_push_timeout": _at_least(1),
    "backup_random_delay": text_rules.time_span,
    "backup_textfile": text_rules.plain_path,
    "ca_expiry": _validity,
    "ca_renew_before": _PART,
    "ca_service_account_key_min_age": lambda value: "" if value == "0" else _validity(value),
    "certificates_critical_days": _at_least(0),
    "certificates_textfile": or_empty(text_rules.metrics_file),
    "certificates_warning_days": _at_least(0),
    "cluster_api_extra_sans": each(text_rules.san),
    "cluster_api_port": _PORT,
    "cluster_certificate_expiry": _validity,
    "cluster_certificate_renew_before": _PART,
    "cluster_component_versions": _versions,
    "cluster_download_concurrency": _at_least(0),
    "cluster_domain": text_rules.dns_name,
    "cluster_hooks": _hooks,
    "cluster_mirror_url": text_rules.word,
    "cluster_name": text_rules.cluster_name,
    "cluster_pki_store_discard": _at_least(0),
    "cluster_reboot_timeout": _at_least(1),
    "containerd_config": _containerd,
    "containerd_http_proxy": text_rules.one_line,
    "containerd_https_proxy": text_rules.one_line,
    "containerd_no_proxy": text_rules.one_line,
    "containerd_pause_image": text_rules.word,
    "etcd_auto_compaction_retention": _retention,
    "etcd_config": text_rules.flags,
    "etcd_data_dir": text_rules.plain_path,
    "etcd_defragment_calendar": text_rules.calendar,
    "etcd_election_timeout": _between(1, 50000),
    "etcd_extra_sans": each(text_rules.san),
    "etcd_health_timeout": _at_least(1),
    "etcd_heartbeat_interval": _at_least(1),
    "etcd_initial_cluster_token": text_rules.one_line,
    "etcd_oom_score_adjust": _between(-1000, 1000),
    "etcd_quota_backend_bytes": _at_least(0, 2**63 - 1),
    "flannel_args": text_rules.flags,
    "flannel_etcd_prefix": text_rules.url_path,
    "flannel_healthz_port": _PORT,
    "flannel_interface": text_rules.interface_or_address,
    "flannel_public_ip": text_rules.ipv4_address,
    "haproxy_balance": text_rules.one_line,
    "haproxy_bind": each(text_rules.listener),
    "haproxy_check_ca": text_rules.word,
    "haproxy_check_drain_status": lambda value: "" if value == 0 else _between(100, 599)(value),
    "haproxy_check_fall": _at_least(1),
    "haproxy_check_interval": _haproxy_time,
    "haproxy_check_path": text_rules.url_path,
    "haproxy_check_rise": _at_least(1),
    "haproxy_check_server_name": text_rules.word,
    "haproxy_extra_backend_config": balancer_parts.section_lines,
    "haproxy_extra_defaults_config": balancer_parts.section_lines,
    "haproxy_extra_global_config": balancer_parts.section_lines,
    "haproxy_health_timeout": _at_least(1),
    "haproxy_idle_timeout": _haproxy_time,
    "haproxy_loopback_bind": text_rules.local_listener,
    "haproxy_maxconn": _between(1, MOST_CONNECTIONS),
    "haproxy_stats_bind": or_empty(balancer_parts.loopback_listener),
    "host_extra_sysctls": text_rules.sysctls,
    "host_firewall_api_clients": each(firewall_options.source),
    "host_firewall_extra_ports": each(firewall_options.extra_port),
    "host_firewall_node_port_clients": each(firewall_options.source),
    "host_kernel_modules": each(text_rules.module),
    "host_sysctls": text_rules.sysctls,
    "keepalived_advert_interval": _between(1, 255),
    "keepalived_check_ca": text_rules.word,
    "keepalived_check_host": text_rules.word,
    "keepalived_check_path": text_rules.url_path,
    "keepalived_check_port": _PORT,
    "keepalived_check_server_name": text_rules.word,
    "keepalived_extra_config": balancer_parts.blocks,
    "keepalived_extra_global_config": balancer_parts.blocks,
    "keepalived_extra_instance_config": balancer_parts.blocks,
    "keepalived_fault_check": or_empty(text_rules.command),
    "keepalived_former_virtual_router_id": _ROUTER_ID,
    "keepalived_health_timeout": _at_least(1),
    "keepalived_interface": or_empty(text_rules.interface),
    "keepalived_notify_scripts": balancer_parts.notify_scripts,
    "keepalived_password": text_rules.password,
    "keepalived_port": _PORT,
    "keepalived_prefix_length": _between(1, 32),
    "keepalived_priority": _between(1, 254),
    "keepalived_virtual_router_id": _ROUTER_ID,
    "master_abac_policy": authorization.policies,
    "master_admission_plugins": each(text_rules.plugin),
    "master_apiserver_args": text_rules.flags,
    "master_authorization_config": authorization.configuration,
    "master_controller_manager_args": text_rules.flags,
    "master_encryption_resources": each(text_rules.encrypted_resource),
    "master_extra_files": master_files.extra_files,
    "master_health_timeout": _at_least(1),
    "master_leader_elect_lease_duration": _go_duration,
    "master_leader_elect_renew_deadline": _go_duration,
    "master_leader_elect_retry_period": _go_duration,
    "master_node_cidr_mask_size": _between(8, 30),
    "master_pod_security_exempt_namespaces": each(text_rules.dns_label),
    "master_scheduler_args": text_rules.flags,
    "master_shutdown_delay": _at_least(0),
    "master_static_tokens": master_files.static_tokens,
    "node_eviction_hard": text_rules.eviction,
    "node_join_timeout": _at_least(1),
    "node_kube_reserved": text_rules.reserved,
    "node_kubelet_args": text_rules.flags,
    "node_kubelet_config": text_rules.flags,
    "node_labels": text_rules.labels,
    "node_max_pods": _at_least(1),
    "node_pod_pids_limit": _at_least(-1),
    "node_rejoin_at_once": _at_least(1),
    "node_shutdown_grace_period": lambda value: "" if value in ("0", "0s") else _go_duration(value),
    "node_shutdown_grace_period_critical_pods": lambda value: "" if value in ("0", "0s") else _go_duration(value),
    "node_system_reserved": text_rules.reserved,
    "node_taints": each(text_rules.taint),
    "restore_timeout": _at_least(1),
    "status_backup_hours": _at_least(0),
    "status_certificate_critical_days": _at_least(0),
    "status_certificate_warning_days": _at_least(0),
    "status_connect_timeout": _at_least(1),
    "status_host_timeout": _at_least(1),
    "status_textfile": or_empty(text_rules.metrics_file),
    "status_timeout": _POSITIVE,
    "verify_host_timeout": _at_least(0),
    "verify_namespace": text_rules.dns_label,
    "verify_timeout": _at_least(0),
    "verify_workload_timeout": _at_least(0),
}
