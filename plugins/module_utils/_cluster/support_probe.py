# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Gathers what support needs of one host, without secrets. Read-only; a part that fails hides no other."""

from __future__ import annotations

import base64
import gzip
import json
import os
import re
import socket
import stat
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Callable, Optional

from ansible_collections.hardway.kubernetes.plugins.module_utils._common import durations
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.secret_values import Redactor, is_secret
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.texts import text_of
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.threads import map_concurrently
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.times import stamp
from ansible_collections.hardway.kubernetes.plugins.module_utils._http.client import HttpError, Tls, request
from ansible_collections.hardway.kubernetes.plugins.module_utils._kubernetes.client import Api, query
from ansible_collections.hardway.kubernetes.plugins.module_utils._systemd.systemctl import Systemd

Run = Callable[[list[str]], "tuple[int, str, str]"]

# Longer texts keep their end, which is the newest part of a log.
MAX_TEXT = 4 * 1024 * 1024
MAX_FILE = 256 * 1024
MAX_FILES = 500
# Files of other kinds are listed only.
COLLECTED = frozenset(
    (
        *(".conf", ".cfg", ".yaml", ".yml", ".json", ".toml", ".env", ".crt", ".conflist", ".service"),
        *(".timer", ".kubeconfig", ".rules", ".list", ".sh"),
    )
)
COLLECTED_NAMES = frozenset(("kubeconfig", "haproxy", "keepalived", "hosts", "resolv.conf", "fstab"))
# A program that hangs, such as df on a dead network file system, is ended.
COMMAND = ["timeout", "--kill-after=2", "20"]
COMMANDS: dict[str, list[str]] = {
    "uname": ["uname", "-a"],
    "uptime": ["uptime"],
    "memory": ["cat", "/proc/meminfo"],
    "load": ["cat", "/proc/loadavg", "/proc/pressure/cpu", "/proc/pressure/io", "/proc/pressure/memory"],
    "os-release": ["cat", "/etc/os-release"],
    "kernel-command-line": ["cat", "/proc/cmdline"],
    "disks": ["df", "--print-type", "--human-readable"],
    "inodes": ["df", "--inodes"],
    "mounts": ["cat", "/proc/self/mountinfo"],
    "clock": ["timedatectl", "show"],
    "ip-address": ["ip", "-details", "address"],
    "ip-rule": ["ip", "rule"],
    "ip-route": ["ip", "route", "show", "table", "all"],
    "ip-neighbour": ["ip", "neighbour"],
    "sockets": ["ss", "--numeric", "--listening", "--tcp", "--udp", "--processes"],
    "nft": ["nft", "list", "ruleset"],
    "iptables": ["iptables-save", "--counters"],
    "ip6tables": ["ip6tables-save", "--counters"],
    "ipvs": ["ipvsadm", "--list", "--numeric"],
    # Not their arguments, which may have secrets. Those of our units are in their unit files.
    "processes": ["ps", "-e", "-o", "pid,ppid,user,pcpu,pmem,rss,etimes,stat,comm"],
    "failed-units": ["systemctl", "list-units", "--failed", "--no-pager", "--full"],
    "timers": ["systemctl", "list-timers", "--all", "--no-pager", "--full"],
    "images": ["ctr", "--namespace", "k8s.io", "images", "list", "--quiet"],
    "containers": ["ctr", "--namespace", "k8s.io", "tasks", "list"],
    "dmesg": ["dmesg", "--level=emerg,alert,crit,err,warn"],
}
VERSIONS: dict[str, list[str]] = {
    **{
        name: [f"/usr/local/bin/{name}", "--version"]
        for name in ("etcd", "kube-apiserver", "kubelet", "kube-proxy", "containerd", "runc", "flanneld")
    },
    "haproxy": ["haproxy", "-v"],
    "keepalived": ["keepalived", "--version"],
    "systemd": ["systemctl", "--version"],
}
SYSCTLS = (
    *("kernel/hostname", "kernel/osrelease", "kernel/pid_max", "kernel/panic", "kernel/tainted", "fs/file-nr"),
    *("fs/inotify/max_user_watches", "fs/inotify/max_user_instances", "vm/swappiness", "vm/overcommit_memory"),
    *("net/ipv4/ip_forward", "net/ipv4/conf/all/rp_filter", "net/ipv4/conf/default/rp_filter"),
    *("net/ipv4/ip_nonlocal_bind", "net/ipv4/ip_local_port_range", "net/core/somaxconn"),
    *("net/bridge/bridge-nf-call-iptables", "net/netfilter/nf_conntrack_count", "net/netfilter/nf_conntrack_max"),
)
HAPROXY_SOCKET = "/run/haproxy/admin.sock"

TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"
SYSTEM = "namespaces/kube-system"
# As kubectl get shows them. Of Secrets and ConfigMaps, nothing.
TABLES = {
    "nodes": "/api/v1/nodes",
    "namespaces": "/api/v1/namespaces",
    "pods-kube-system": f"/api/v1/{SYSTEM}/pods",
    "services-kube-system": f"/api/v1/{SYSTEM}/services",
    "services-default": "/api/v1/namespaces/default/services",
    "events-kube-system": f"/api/v1/{SYSTEM}/events",
    "events-default": "/api/v1/namespaces/default/events",
    "deployments-kube-system": f"/apis/apps/v1/{SYSTEM}/deployments",
    "daemonsets-kube-system": f"/apis/apps/v1/{SYSTEM}/daemonsets",
    "endpointslices-kube-system": f"/apis/discovery.k8s.io/v1/{SYSTEM}/endpointslices",
    "endpointslices-default": "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices",
    "leases-kube-system": f"/apis/coordination.k8s.io/v1/{SYSTEM}/leases",
    "leases-kube-node-lease": "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases",
    "csrs": "/apis/certificates.k8s.io/v1/certificatesigningrequests",
    "apiservices": "/apis/apiregistration.k8s.io/v1/apiservices",
    "validating-webhooks": "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations",
    "mutating-webhooks": "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations",
    "pod-disruption-budgets": "/apis/policy/v1/poddisruptionbudgets",
}
OBJECTS = {
    "nodes": "/api/v1/nodes",
    "pods-kube-system": f"/api/v1/{SYSTEM}/pods",
    "leases-kube-system": f"/apis/coordination.k8s.io/v1/{SYSTEM}/leases",
}
RAW = {"readyz": "/readyz?verbose", "livez": "/livez?verbose"}
ROWS = "1000"


class Collection:
    """The files of the bundle from one host, redacted, and what could not be gathered."""

    def __init__(self, redactor: Redactor) -> None:
        """Start without files."""
        self.redactor, self.files, self.errors = redactor, {}, []  # type: Redactor, dict[str, str], list[str]

    def add(self, name: str, text: str, config: bool = False) -> None:
        """Add a text without its secrets; only then is it shortened, so that no secret is cut in two."""
        text = self.redactor.config(text) if config else self.redactor.text(text)
        if len(text) > MAX_TEXT:
            text = f"(the first {len(text) - MAX_TEXT} characters are left out)\n" + text[-MAX_TEXT:]
        self.files[name] = text

    def failed(self, name: str, reason: str) -> None:
        """Remember what is not in the bundle, and why."""
        self.errors.append(f"{name}: {self.redactor.text(reason)}")


def gather(params: Mapping[str, Any], run: Run) -> dict[str, Any]:
    """Return the files as compressed JSON, and what could not be gathered."""
    since = durations.parse(params["since"], "since")
    redactor = Redactor()
    gather_secrets(redactor, params["directories"])
    found = Collection(redactor)
    seconds: dict[str, float] = {}
    parts: dict[str, Callable[[], None]] = {
        "units": lambda: units(found, params["units"], int(since.total_seconds()), params["lines"], run),
        "files": lambda: files(found, params["directories"]),
        "system": lambda: system(found, run),
        "metrics": lambda: answers(found, params["urls"], params["timeout"]),
        "cluster": lambda: cluster(found, params["api"], params["timeout"]),
    }
    for name, part in parts.items():
        started = time.monotonic()
        try:
            part()
        except Exception as exc:
            # Whatever it is, the other parts are needed all the same.
            found.failed(name, str(exc) or type(exc).__name__)
        seconds[name] = round(time.monotonic() - started, 1)
    packed = gzip.compress(json.dumps(found.files).encode(), mtime=0)
    return {
        "content": base64.b64encode(packed).decode(),
        "count": len(found.files),
        "redacted": redactor.replaced,
        "errors": found.errors,
        "seconds": seconds,
    }


def regular_files(directories: Iterable[str]) -> list[tuple[str, os.stat_result]]:
    """Return the regular files in directories, and files that are named themselves; links are not followed."""
    found: dict[str, os.stat_result] = {}
    for top in directories:
        paths = [top] if not os.path.isdir(top) else []
        for directory, _inner, names in os.walk(top):
            paths += [os.path.join(directory, name) for name in sorted(names)]
        for path in paths:
            try:
                # A kubelet's current certificate is a link to the newest one.
                found[path] = os.lstat(path)
            except OSError:
                continue
    return [(path, info) for path, info in sorted(found.items()) if stat.S_ISREG(info.st_mode)]


def gather_secrets(redactor: Redactor, directories: Iterable[str]) -> None:
    """Read the secrets of the host's own files, to replace them wherever they are."""
    for path, info in regular_files(directories):
        if info.st_size <= MAX_FILE:
            redactor.gather(text_of(path), whole=any(map(is_secret, os.path.basename(path).rsplit(".", 1))))


def files(found: Collection, directories: Sequence[str]) -> None:
    """Add the configuration, and a list of all files with mode and owner."""
    listed = regular_files(directories)
    lines = []
    for path, info in listed[: MAX_FILES * 4]:
        changed = stamp(info.st_mtime)
        lines.append(f"{stat.filemode(info.st_mode)} {info.st_uid}:{info.st_gid} {info.st_size:>9} {changed} {path}")
    found.add("files.txt", "\n".join(lines) + "\n")
    for path, info in listed[:MAX_FILES]:
        reason = withheld(path, info)
        text = "" if reason else text_of(path)
        if "PRIVATE KEY" in text:
            reason = "has a private key"
        if reason:
            found.failed(path, f"only listed: {reason}")
        else:
            found.add(f"config{path}", text, config=True)


def withheld(path: str, info: os.stat_result) -> str:
    """Return why a file is not collected, by its name and size."""
    name = os.path.basename(path)
    suffix = os.path.splitext(name)[1]
    if suffix == ".key" or is_secret(suffix):
        return "a secret"
    if suffix not in COLLECTED and name not in COLLECTED_NAMES:
        return "no configuration file"
    return f"{info.st_size} bytes" if info.st_size > MAX_FILE else ""


def units(found: Collection, names: list[str], seconds: int, lines: int, run: Run) -> None:
    """Add journal, files and state of units."""
    seen = Systemd(run).show(names) if names else {}
    for name in (name for name in names if seen[name].load != "not-found"):
        short = name.removesuffix(".service")
        journal = ["journalctl", "--no-pager", "--output=short-iso-precise", "--unit", name]
        output(found, f"journal/{short}.log", [*journal, f"--since=-{seconds}s", f"--lines={lines}"], run)
        output(found, f"units/{short}.unit", ["systemctl", "cat", "--no-pager", "--", name], run, config=True)
        output(found, f"units/{short}.state", ["systemctl", "show", "--no-pager", "--", name], run, config=True)
    kernel = ["journalctl", "--no-pager", "--output=short-iso", "--dmesg", "--priority=warning", f"--lines={lines}"]
    output(found, "journal/kernel.log", kernel, run)


def output(found: Collection, name: str, command: list[str], run: Run, config: bool = False) -> None:
    """Add what a command prints; a program that is not installed is no error."""
    status, printed, errors = run([*COMMAND, *command])
    if status == 127 or ("No such file or directory" in errors and not printed):
        return
    if status:
        found.failed(name, f"{' '.join(command)}: status {status}: {' '.join(errors.split())[:300]}")
    if printed:
        found.add(name, printed, config)


def system(found: Collection, run: Run) -> None:
    """Add the state of the operating system."""
    for name, command in COMMANDS.items():
        output(found, f"system/{name}.txt", command, run)
    texts = {name: text_of(f"/proc/sys/{name}").strip() for name in SYSCTLS}
    found.add("system/sysctls.txt", "".join(f"{name.replace('/', '.')} = {text}\n" for name, text in texts.items()))
    versions = {name: run([*COMMAND, *command])[1].strip() for name, command in VERSIONS.items()}
    found.add("system/versions.txt", "".join(f"{name}: {text}\n" for name, text in versions.items() if text))
    if os.path.exists(HAPROXY_SOCKET):
        found.add("system/haproxy.csv", haproxy_state(HAPROXY_SOCKET))


def haproxy_state(path: str) -> str:
    """Return the state of haproxy's servers and their counters."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as link:
        link.settimeout(5)
        link.connect(path)
        link.sendall(b"show stat\n")
        with link.makefile("r", encoding="utf-8", errors="replace") as stream:
            return stream.read()


def answers(found: Collection, items: Sequence[Mapping[str, Any]], timeout: float) -> None:
    """Add what URLs answer, such as metrics."""

    def ask(item: Mapping[str, Any]) -> tuple[str, str]:
        tls = Tls(ca=item["ca"], cert=item["cert"], key=item["key"], verify=bool(item["ca"]))
        try:
            answer = request(item["url"], tls=tls, timeout=timeout)
        except HttpError as exc:
            return "", str(exc)
        text = answer.body.decode("utf-8", "replace")
        return (text, "") if answer.status == 200 else ("", f"{item['url']}: status {answer.status}: {text[:200]}")

    for item, (text, error) in zip(items, map_concurrently(ask, items)):
        if error:
            found.failed(item["name"], error)
        else:
            found.add(f"metrics/{item['name']}.txt", text)


def cluster(found: Collection, params: Optional[Mapping[str, Any]], timeout: float) -> None:
    """Add the objects of the cluster as tables, the state of its system, and the metrics of its kubelets."""
    if not params:
        return
    api = Api(params["servers"], Tls(ca=params["ca"], cert=params["cert"], key=params["key"]), timeout=timeout)
    # One error instead of one for each object.
    api.server()
    parts: dict[str, Callable[[], str]] = {}
    for name, path in TABLES.items():
        parts[f"cluster/{name}.txt"] = lambda path=path: table(  # type: ignore[misc]
            api.get(query(path, limit=ROWS, includeObject="None"), accept=TABLE)
        )
    for name, path in OBJECTS.items():
        parts[f"cluster/{name}.json"] = lambda path=path: described(api.get(query(path, limit=ROWS)))  # type: ignore[misc]
    for name, path in RAW.items():
        parts[f"cluster/{name}.txt"] = lambda path=path: api.text(path)  # type: ignore[misc]
    for node in params["nodes"]:
        path = f"/api/v1/nodes/{node}/proxy/metrics"
        parts[f"cluster/kubelet-metrics/{node}.txt"] = lambda path=path: api.text(path)  # type: ignore[misc]

    def taken(part: Callable[[], str]) -> tuple[str, str]:
        try:
            return part(), ""
        except (HardwayError, ValueError) as exc:
            return "", str(exc)

    for name, (text, error) in zip(parts, map_concurrently(taken, parts.values(), limit=8)):
        if error:
            found.failed(name, error)
        else:
            found.add(name, text)


def table(answer: Mapping[str, Any]) -> str:
    """Return a table of the API in columns, as kubectl get --output=wide does."""
    heading = [column["name"].upper() for column in answer.get("columnDefinitions") or []]
    rows = [["" if cell is None else str(cell) for cell in row["cells"]] for row in answer.get("rows") or []]
    widths = [max(len(row[at]) for row in [heading, *rows]) for at in range(len(heading))]
    lines = ["   ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in [heading, *rows]]
    return "\n".join(lines) + "\n"


def described(answer: Mapping[str, Any]) -> str:
    """Return objects with metadata and status; of the specification, only what cannot have values of environments."""
    found = []
    for item in answer.get("items") or []:
        metadata = {
            name: each for name, each in item["metadata"].items() if name not in ("managedFields", "annotations")
        }
        kept = {
            name: each
            for name, each in (item["metadata"].get("annotations") or {}).items()
            if not name.startswith("kubectl.kubernetes.io/")
        }
        spec = {
            name: each
            for name, each in (item.get("spec") or {}).items()
            if not re.search("[cC]ontainers|volumes", name)
        }
        found.append({"metadata": {**metadata, "annotations": kept}, "spec": spec, "status": item.get("status")})
    return json.dumps(found, indent=1, ensure_ascii=False)
