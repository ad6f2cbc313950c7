# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a simulated host answers to modules about its operating system: files, binaries, kernel, units."""

from __future__ import annotations

import base64
import re
import time
from collections.abc import Mapping
from typing import Any

from ansible_collections.hardway.kubernetes.plugins.module_utils._cluster import running as components
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.redaction import redacted

from dev.bench.simulated.state import ABSENT, READ, Host, Stored, digest

Result = dict[str, Any]
UNIT_FILES = "/etc/systemd/system"
LINKS = "/usr/local/bin"
TYPES = re.compile(r"\.(service|timer|socket|path|mount)$")
DONE = {"start": "started", "restart": "restarted", "reload": "reloaded"}
UNCHANGED = "none"
KERNEL = "_kernel"
FEATURES: Result = {
    "os_family": "debian",
    "kernel_release": "6.1.0-13-amd64",
    "cgroup_version": 2,
    "cgroup_controllers": ["cpu", "cpuset", "io", "memory", "pids"],
    "cap_sys_resource": True,
    "conntrack_writable": True,
    "bridge_nf": True,
    "overlay": True,
    "ipvs": True,
    "nftables": True,
    "nonlocal_bind": True,
    "swap": False,
    "time_synchronized": True,
    "resolv_conf": "/etc/resolv.conf",
    "kernel_defaults_ok": True,
    "missing_commands": [],
    "missing_python": [],
    "unsupported": {},
}


def setup(host: Host, _arguments: Mapping[str, Any], _stored: Stored) -> Result:
    """Answer with the facts of the network."""
    return {"changed": False, "ansible_facts": facts(host)}


def facts(host: Host) -> Result:
    """Return facts as host_preflight gathers them."""
    network = {"netmask": "255.255.0.0", "network": host.address.rpartition(".")[0], "prefix": "16"}
    name = "host-" + host.address.replace(".", "-")
    return {
        "ansible_distribution": "Debian",
        "ansible_distribution_version": "12",
        "ansible_distribution_major_version": "12",
        "ansible_distribution_release": "bookworm",
        "ansible_os_family": "Debian",
        "ansible_service_mgr": "systemd",
        "ansible_kernel": "6.1.0-13-amd64",
        "ansible_memtotal_mb": 16000,
        "ansible_processor_vcpus": 4,
        "ansible_machine_id": digest("machine", host.address) + "0" * 12,
        "ansible_pkg_mgr": "apt",
        "ansible_interfaces": ["eth0", "lo"],
        "ansible_all_ipv4_addresses": [host.address],
        "ansible_lo": {"device": "lo", "ipv4": {"address": "127.0.0.1", "prefix": "8", "netmask": "255.0.0.0"}},
        "ansible_eth0": {
            "device": "eth0",
            "macaddress": _mac(host),
            "ipv4": {"address": host.address, **network},
        },
        "ansible_default_ipv4": {"address": host.address, "interface": "eth0", "gateway": host.address},
        "ansible_architecture": "x86_64",
        "ansible_nodename": name,
        "ansible_hostname": name,
    }


def _mac(host: Host) -> str:
    return "52:54:" + ":".join(f"{int(part):02x}" for part in host.address.split("."))


def host_preflight(host: Host, arguments: Mapping[str, Any], stored: Stored) -> Result:
    """Answer with a host without obstacles, and with what runs on it."""
    found = facts(host)
    return {
        "changed": False,
        "obstacles": [],
        "time": time.time(),
        "identity": {"machine_id": found["ansible_machine_id"], "product_uuid": "", "macaddress": _mac(host)},
        "mtu": 1500,
        "running": running(host, arguments.get("servers") or [], stored),
        "up_to_date": {
            "inputs": host.mark["inputs"] if host.mark and host.mark["results"] <= host.valid().keys() else ""
        },
        "ansible_facts": found,
    }


def up_to_date(host: Host, arguments: Mapping[str, Any], _stored: Stored) -> Result:
    """Write the mark if all results are valid."""
    used, valid = set(arguments.get("results") or []), host.valid()
    invalid = sorted(used - valid.keys())
    host.mark = {"inputs": arguments["inputs"], "results": used} if used and not invalid else {}
    return {"changed": False, "invalid": invalid}


def running_info(host: Host, arguments: Mapping[str, Any], stored: Stored) -> Result:
    """Answer with what runs on the host."""
    return {"changed": False, "running": running(host, arguments.get("servers") or [], stored)}


def versions(host: Host) -> dict[str, str]:
    """Return the versions of the components whose units run."""
    found = {}
    for program, component in components.UNITS.items():
        if f"{program}.service" in host.units:
            of, version = components.placed(host.links.get(f"{LINKS}/{program}", ""))
            found.update({program: version} if of == component else {})
    if "containerd" in found:
        cni = next((path for link, path in host.links.items() if link.startswith("/opt/cni/")), "")
        placed = {"runc": host.links.get(f"{LINKS}/runc", ""), "cni": cni}
        found.update({name: components.placed(path)[1] for name, path in placed.items()})
        found["pause"] = components.pause_version(host.texts.get("/etc/containerd/config.toml", ""))
    return {name: version for name, version in found.items() if version}


def running(host: Host, servers: list[str], stored: Stored) -> Result:
    """Return what module running_info finds, from what other modules have brought here."""
    found = versions(host)
    programs = [name for name in components.UNITS if name in found]
    starts = {name: components.exec_start(host.texts.get(f"{UNIT_FILES}/{name}.service", "")) for name in programs}
    kept: dict[str, dict[str, list[str]]] = {}
    for path in host.binaries:
        _root, component, label, name = path.rsplit("/", 3)
        kept.setdefault(component, {}).setdefault(label, []).append(name)
    api: Result | None = None
    records: list[Result] = []
    if "kube-apiserver" in found:
        with stored.cluster() as cluster:
            api, recorded = cluster.get("dns", {"coredns": "", "dns_address": ""}), cluster.get("record")
        if recorded:
            records = [{"cluster": recorded["name"], "versions": recorded["versions"]}] * 2
    return {
        "versions": found,
        "active": sorted(programs),
        "flags": {name: components.known_flags(name, starts[name]) for name in programs},
        "kubelet": components.kubelet_settings(host.texts.get("/var/lib/kubelet/config.yaml", ""))
        if "kubelet" in found
        else {},
        "etcd_data": "etcd" in found,
        "records": records,
        "stored": kept,
        "api": api,
        "servers": {server: found.get("kube-apiserver", "") for server in servers},
    }


def cached_results(host: Host, arguments: Mapping[str, Any], _stored: Stored) -> Result:
    """Answer with the results whose evidence is unchanged, and with the CAs and secrets of the host."""
    use, valid = arguments.get("use", True) is not False, host.valid()
    host.cached = {key: entry for key, entry in host.cached.items() if key in valid}
    host.salt = host.salt or digest("salt", host.address)
    nonce = digest(time.time(), host.address)[:16]
    return {
        "changed": False,
        "valid": {
            key: features(host, result[KERNEL]) if KERNEL in result else result
            for key, result in (valid if use else {}).items()
        },
        "salt": host.salt if use else "",
        "nonce": nonce,
        "used": use,
        "cas": {path: host.trust[path]["pem"] for path in arguments.get("cas") or [] if path in host.trust},
        "found": sorted(name for name, path in (arguments.get("paths") or {}).items() if host.at(path) != ABSENT),
        "secrets": {
            path: redacted(host.texts[path], nonce)
            for path in arguments.get("secrets") or []
            if path in host.texts and host.at(path) != ABSENT
        },
    }


def files(host: Host, arguments: Mapping[str, Any], _stored: Stored) -> Result:
    """Compare each file with what was written before."""
    changed: dict[str, list[str]] = {}
    for entry in arguments["files"]:
        path, state = entry["path"], entry.get("state") or "file"
        text = base64.b64decode(entry.get("_payload") or b"")
        wanted = digest(state, text.hex(), *(entry.get(name) or "" for name in ("mode", "owner", "group")))
        found = host.at(path)
        if state == "absent":
            if found != ABSENT:
                changed[path] = ["removed"]
                del host.paths[path]
        elif found not in (wanted, "touched"):
            changed[path] = ["created" if found == ABSENT else "content"]
            host.paths[path] = wanted
            if path.startswith(READ):
                host.texts[path] = text.decode()
    paths = [entry["path"] for entry in arguments["files"]]
    host.remember(arguments.get("_cached_result"), {"paths": {}}, paths)
    return {"changed": bool(changed), "paths": changed}


def host_settings(host: Host, arguments: Mapping[str, Any], _stored: Stored) -> Result:
    """Apply settings; the host has all commands and packages."""
    own = {name: value for name, value in arguments.items() if not name.startswith("_")}
    wanted = digest(own)
    settles = bool(own.get("modules") or own.get("sysctls"))
    changes = [f"write {own.get('sysctls_file', 'settings')}"] if settles and wanted not in host.kernel else []
    if changes:
        host.kernel.append(wanted)
    # Not the result: as on a real host, the features are those of the moment.
    host.remember(arguments.get("_cached_result"), {KERNEL: own}, [])
    return {"changed": bool(changes), "diff": [], **features(host, own), "changes": changes}


def features(host: Host, own: Mapping[str, Any]) -> Result:
    """Return the result of module host_settings without changes."""
    users = own.get("users") or []
    # That of the package haproxy, and those that roles have created.
    known = [name for name in users if name == "haproxy" or f"user:{name}" in host.paths]
    found = {"users": known, "service_users": known, "commands": own.get("commands") or []}
    return {"changes": [], "ansible_facts": {"host_features": {**FEATURES, **found}}}


def group(_host: Host, arguments: Mapping[str, Any], _stored: Stored) -> Result:
    """Create a group."""
    return {"changed": True, "name": arguments["name"], "gid": 990, "state": "present", "system": True}


def user(host: Host, arguments: Mapping[str, Any], _stored: Stored) -> Result:
    """Create a user."""
    host.paths[f"user:{arguments['name']}"] = "exists"
    return {"changed": True, "name": arguments["name"], "uid": 990, "state": "present", "system": True}


def stat(_host: Host, _arguments: Mapping[str, Any], _stored: Stored) -> Result:
    """Answer that there is no such path, which is so where roles use this module."""
    return {"changed": False, "stat": {"exists": False}}


def artifact(host: Host, arguments: Mapping[str, Any], _stored: Stored) -> Result:
    """Compare the binaries with what was copied before."""
    root, placed, uploads = arguments.get("root") or "/opt/hardway", arguments["_placed"], arguments["_uploads"]
    where = {
        f"{each['dest']}/{each['name']}": (f"{root}/{each['component']}/{each['label']}/{each['name']}", each)
        for each in placed
    }
    absent = [path for path, each in where.values() if host.binaries.get(path) != each["sha256"]]
    old = {link: host.links.get(link, "") for link in where}
    staged = bool(arguments.get("stage"))
    links = {link: old[link] if staged and old[link] else path for link, (path, _each) in where.items()}
    linked = [link for link, path in links.items() if old[link] != path]
    result = {
        "changed": bool(absent or linked),
        "paths": {each["name"]: path for path, each in where.values()},
        "installed": absent,
        "opened": [],
        "linked": linked,
        "links": links,
    }
    downloads = {
        f"{root}/{each['component']}/{each['version']}/{name}"
        for each in arguments.get("_downloads") or []
        for name in each["members"]
    }
    if missing := [path for path in absent if path not in uploads and path not in downloads]:
        return {**result, "changed": False, "_missing": missing}
    host.binaries.update({path: each["sha256"] for path, each in where.values()})
    host.links.update(links)
    host.paths.update({link: f"{path} {host.binaries.get(path, '')}" for link, path in links.items()})
    unchanged = {**result, "changed": False, "installed": [], "linked": [], "diff": []}
    host.remember(arguments.get("_cached_result"), unchanged, links)
    return result


def image_archive(host: Host, arguments: Mapping[str, Any], _stored: Stored) -> Result:
    """Import archives that were copied."""
    archives = arguments["archives"]
    missing = [archive for archive in archives if archive["identity"] not in host.images]
    staged = [archive for archive in missing if archive.get("staged")]
    host.images += [archive["identity"] for archive in staged]
    imported = sorted(name for archive in staged for name in archive["images"])
    if len(staged) == len(missing):
        host.remember(arguments.get("_cached_result"), {"imported": [], "missing": []}, [])
    return {"changed": bool(imported), "imported": imported, "missing": [archive["identity"] for archive in missing]}


def unit(host: Host, arguments: Mapping[str, Any], _stored: Stored) -> Result:
    """Start units, restart those whose inputs have changed, and hold restarts back where they need a turn."""
    deeds: dict[str, Result] = {}
    held = []
    for wanted in arguments["units"]:
        name = wanted["name"] if TYPES.search(wanted["name"]) else f"{wanted['name']}.service"
        action, reasons = _plan(host, name, wanted)
        if action in ("restart", "reload") and arguments.get("_hold"):
            held.append(name)
            continue
        _carry_out(host, name, wanted, action)
        done = DONE.get(action, {"stop": "stopped"}.get(action, UNCHANGED))
        deeds[name] = {"action": done, "reasons": reasons, "enabled": wanted.get("enabled", True)}
    if not held:
        settled = {name: {**deed, "action": UNCHANGED, "reasons": []} for name, deed in deeds.items()}
        inputs = {path for each in arguments["units"] for path in each.get("inputs") or []}
        evidence = [f"unit:{name}" for name in deeds] + sorted(inputs)
        host.remember(arguments.get("_cached_result"), {"units": settled}, evidence)
    return {"changed": any(deed["action"] != UNCHANGED for deed in deeds.values()), "units": deeds, "_held": held}


def inputs_of(host: Host, name: str, wanted: Mapping[str, Any]) -> dict[str, str]:
    """Return the digests of what a unit starts from: its files, its program, and the given paths."""
    program = name.rpartition(".")[0]
    own = [f"{UNIT_FILES}/{name}", f"{UNIT_FILES}/{name}.d/hardway.conf", f"{LINKS}/{program}"]
    return {path: host.at(path) for path in [*own, *(wanted.get("inputs") or [])]}


def _plan(host: Host, name: str, wanted: Mapping[str, Any]) -> tuple[str, list[str]]:
    """Return what to do with a unit, and why."""
    started = host.units.get(name)
    if (wanted.get("state") or "started") != "started":
        return ("stop", ["no longer wanted"]) if started is not None else ("none", [])
    now = inputs_of(host, name, wanted)
    if started is None:
        return "start", ["was inactive"]
    changed = [path for path, seen in now.items() if started.get(path) != seen]
    if not changed:
        return "none", []
    reloads = set(changed) <= set(wanted.get("reloads") or [])
    return "reload" if reloads else "restart", [f"{path} changed" for path in changed]


def _carry_out(host: Host, name: str, wanted: Mapping[str, Any], action: str) -> None:
    """Note that a unit was started or stopped, with the files that it writes then."""
    if action == "stop":
        del host.units[name]
    if action not in DONE:
        return
    host.units[name] = inputs_of(host, name, wanted)
    host.paths.update(dict.fromkeys(wanted.get("outputs") or [], "written by its unit"))
    text = host.texts.get(f"{UNIT_FILES}/{name}", "")
    host.paths.update(dict.fromkeys(re.findall(r"^ExecStartPost=\S*/touch (\S+)$", text, re.MULTILINE), "touched"))
    for path in re.findall(r"^ExecStartPost=\S*/rm -f (\S+)$", text, re.MULTILINE):
        host.paths.pop(path, None)
    if name == "etcd.service":
        host.paths["/var/lib/etcd/member"] = "data"


def host_health(host: Host, arguments: Mapping[str, Any], stored: Stored) -> Result:
    """Answer that the units are healthy, if they run."""
    services = []
    for each in arguments.get("services") or []:
        name = each["unit"] if TYPES.search(each["unit"]) else f"{each['unit']}.service"
        active = name in host.units
        state, error = ("active (running)", "") if active else ("inactive (dead)", "it is inactive (dead)")
        services.append({"name": each.get("name") or name, "unit": name, "state": state, "error": error})
    served = []
    for each in arguments.get("served") or []:
        now = host.certificates.get(each["path"].rpartition(".")[0], {}).get("fingerprint", "")
        own = {name: each.get(name) for name in ("name", "host", "port", "path")}
        served.append({**own, "served": now, "on_disk": now, "error": "" if now else "cannot be read"})
    bad = [each for each in (*services, *served) if each["error"]]
    return {
        "changed": False,
        "services": services,
        "served": served,
        "dns": [
            {"server": each["server"], "name": each["name"], "queries": 8, "errors": []}
            for each in arguments.get("dns") or []
        ],
        "held": [each for each in arguments.get("addresses") or [] if holds(host, each, stored)],
        "problems": [f"{each['name']}: {each['error']}" for each in bad],
    }


def holds(host: Host, address: str, stored: Stored) -> bool:
    """Return whether the host has a virtual address: the first that is queried holds it."""
    with stored.cluster() as cluster:
        return bool(cluster.setdefault("holders", {}).setdefault(address, host.address) == host.address)
