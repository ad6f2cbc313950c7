# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write data/<minor>.json: flags from the --help of real programs, fields from the sources of the same release.

python -m dev.standins.refresh ~/.cache/hardway/bin/1.36.2 ~/src/kubernetes-1.36.2
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from dev.standins.standin.core.schema import Schema

DATA = Path(__file__).resolve().parent / "data"
PROGRAMS = ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubelet", "kube-proxy")
FLAG = re.compile(r"^ {2,6}(?:-(\w), )?--([a-zA-Z][\w.-]*)(?:\[=\S*\])?(?: ([][\w=,.]+?)(?:\[=\w+\])?)?(?: {2,}|$)")
# Where the types of the configuration files are, and the kinds that a program may be given.
TYPES = (
    "kubelet/config/v1beta1/types.go",
    "kube-proxy/config/v1alpha1/types.go",
    "kube-scheduler/config/v1/types.go",
    "component-base/config/v1alpha1/types.go",
    "component-base/logs/api/v1/types.go",
    "component-base/tracing/api/v1/types.go",
    "apiserver/pkg/apis/apiserver/v1/types.go",
    "apiserver/pkg/apis/apiserver/v1/types_encryption.go",
    "apiserver/pkg/apis/audit/v1/types.go",
    "pod-security-admission/admission/api/v1/types.go",
)
KINDS = (
    "KubeletConfiguration",
    "KubeProxyConfiguration",
    "KubeSchedulerConfiguration",
    "AuthenticationConfiguration",
    "EncryptionConfiguration",
    "AdmissionConfiguration",
    "Policy",
    "PodSecurityConfiguration",
    "Configuration",
)
OPENAPI = "api/openapi-spec/v3"
OBJECTS = """
core.v1.Namespace core.v1.Node core.v1.Secret core.v1.ConfigMap core.v1.Service core.v1.ServiceAccount core.v1.Pod
core.v1.Endpoints core.v1.Event core.v1.ResourceQuota core.v1.LimitRange apps.v1.Deployment apps.v1.DaemonSet
apps.v1.StatefulSet apps.v1.ReplicaSet batch.v1.Job batch.v1.CronJob networking.v1.NetworkPolicy
policy.v1.PodDisruptionBudget scheduling.v1.PriorityClass rbac.v1.Role rbac.v1.RoleBinding rbac.v1.ClusterRole
rbac.v1.ClusterRoleBinding coordination.v1.Lease certificates.v1.CertificateSigningRequest discovery.v1.EndpointSlice
node.v1.RuntimeClass storage.v1.StorageClass
admissionregistration.v1.ValidatingAdmissionPolicy admissionregistration.v1.ValidatingAdmissionPolicyBinding
"""
ROLES = """
cluster-admin system:basic-user system:discovery system:public-info-viewer system:monitoring system:auth-delegator
system:node system:node-bootstrapper system:kubelet-api-admin system:node-proxier system:kube-controller-manager
system:kube-scheduler system:certificates.k8s.io:certificatesigningrequests:nodeclient
system:certificates.k8s.io:certificatesigningrequests:selfnodeclient
system:controller:certificate-controller system:controller:node-controller
system:controller:root-ca-cert-publisher system:controller:token-cleaner
system:controller:namespace-controller system:controller:deployment-controller
system:controller:service-account-controller
"""
RULES = """
cluster-roles controller-roles namespace-roles cluster-role-bindings controller-role-bindings namespace-role-bindings
"""
# What kubectl sends as protobuf: the kinds that it makes from its own arguments.
PROTO = ("api/core/v1", "api/rbac/v1", "api/authorization/v1", "api/authentication/v1", "apimachinery/pkg/apis/meta/v1")
MESSAGES = """
Namespace Secret ConfigMap ServiceAccount Role RoleBinding ClusterRole ClusterRoleBinding SelfSubjectAccessReview
SelfSubjectReview TokenRequest DeleteOptions
"""
EVENT_RATE_LIMIT = "plugin/pkg/admission/eventratelimit/apis/eventratelimit/v1alpha1/types.go"
# Flags and words that a distribution's builds have and those of dl.k8s.io do not.
DOWNSTREAM = ("send-retry-after-while-not-ready-once", "unsupported-kube-api-over-localhost",
              "service-ca-certificate-publisher-controller")  # fmt: skip
# Where help lists the words that a flag takes.
CHOICES = {
    "controllers": r"All controllers: ([\w, -]+)",
    "enable-admission-plugins": r"[Cc]omma-delimited list of admission plugins: ([\w, ]+)",
    "storage-media-type": r"Supported media types: \[([^]]+)\]",
    "tls-cipher-suites": r"Preferred values: ([\w, ]+)\.\s+Insecure values: ([\w, ]+)\.",
    "tls-min-version": r"Minimum TLS version supported. Possible values: (\w+(?:, \w+)*)",
}
# Where feature gates are named.
FEATURES = ("pkg/features/*.go", "staging/src/k8s.io/*/pkg/features/*.go", "staging/src/k8s.io/*/features/*.go",
            "staging/src/k8s.io/component-base/**/*.go")  # fmt: skip
STRUCT = re.compile(r"^type (\w+) struct \{\n(.*?)^\}", re.MULTILINE | re.DOTALL)
ALIAS = re.compile(r"^type (\w+) (\w+)$", re.MULTILINE)
FIELD = re.compile(r'^\s+(?:(\w+)\s+)?(\S+)\s+`json:"([^",]*)([^"]*)"', re.MULTILINE)
SIMPLE = {"string": "string", "bool": "bool", "Duration": "string", "IntOrString": "any", "float64": "number"}


def flags(program: Path) -> dict[str, str]:
    """Return the type of every flag in a program's help; short names lead to the long ones."""
    found = {}
    text = subprocess.run([str(program), "--help"], capture_output=True, text=True, check=True).stdout
    for line in text.splitlines():
        if match := FLAG.match(line):
            short, name, kind = match.groups()
            if name in DOWNSTREAM:
                continue
            found[name] = kind or "bool"
            if short and short != name:
                found[short] = f"={name}"
    return found


def choices(binaries: Path) -> dict[str, list[str]]:
    """Return the words that flags accept, as far as --help names them."""
    programs = [binaries / name for name in ("kube-apiserver", "kube-controller-manager")]
    text = "".join(subprocess.run([p, "--help"], capture_output=True, text=True, check=True).stdout for p in programs)
    found = {}
    for flag, pattern in CHOICES.items():
        match = re.search(pattern, text)
        words = re.split(r",\s*", ", ".join(match.groups())) if match else []
        found[flag] = sorted(word for word in words if word not in DOWNSTREAM)
    return found


def aliases(source: Path) -> dict[str, str]:
    """Return the names that controllers had before."""
    files = ("cmd/kube-controller-manager/names", "staging/src/k8s.io/cloud-provider/names")
    text = "".join((source / file / "controller_names.go").read_text(encoding="utf-8") for file in files)
    names = dict(re.findall(r'^\t(\w+) += "([\w-]+)"', text, re.MULTILINE))
    return {old: names[name] for old, name in re.findall(r'^\t\t"([\w-]+)": +(?:\w+\.)?(\w+),', text, re.MULTILINE)}


def gates(binaries: Path, source: Path | None) -> list[str]:
    """Return the feature gates of a release: help leaves out those that are locked, but they are still accepted."""
    found: set[str] = set()
    for program in PROGRAMS:
        text = subprocess.run([str(binaries / program), "--help"], capture_output=True, text=True, check=True).stdout
        found |= set(re.findall(r"\b([A-Z]\w+)=true\|false", text))
    for pattern in FEATURES if source else ():
        for path in sorted(source.glob(pattern)) if source else []:
            found |= set(re.findall(r'\bFeature += "(\w+)"', path.read_text(encoding="utf-8")))
    return sorted(found)


def flannel(program: Path) -> dict[str, Any]:
    """Return version and flags of flanneld, whose help has the form of Go's own flags."""
    done = subprocess.run([str(program), "--help"], capture_output=True, text=True, check=False)
    found = {
        name: kind or "bool" for name, kind in re.findall(r"^  -(\w[\w-]*)(?: (\w+))?$", done.stderr, re.MULTILINE)
    }
    version = subprocess.run([str(program), "--version"], capture_output=True, text=True, check=True)
    number = re.search(r"[\d.]+\d", version.stdout + version.stderr)
    return {
        "version": number.group(0) if number else "",
        "flags": {"flanneld": {**found, "help": "bool"}},
        "fields": {},
    }


def structures(text: str) -> dict[str, Any]:
    """Return the fields of the structures and the bases of the named types in a Go file."""
    found: dict[str, Any] = dict(ALIAS.findall(text))
    for name, body in STRUCT.findall(text):
        found[name] = {}
        for _field, kind, label, options in FIELD.findall(body):
            found[name][label or f"+{plain(kind)}"] = kind if label and "inline" not in options else "inline"
    return found


def plain(kind: str) -> str:
    """Return a Go type without pointer and package."""
    return kind.lstrip("*").rpartition(".")[2]


def described(kind: str, known: dict[str, Any], used: dict[str, Any]) -> str:
    """Return the type as the tables name it; structures on the way are added to those used."""
    if kind.startswith("[]"):
        return "string" if kind == "[]byte" else "list " + described(kind[2:], known, used)
    name = plain(kind)
    if kind.startswith("map["):
        return "map"
    if name in SIMPLE:
        return SIMPLE[name]
    if re.fullmatch(r"u?int\d*", name):
        return "int"
    target = known.get(name)
    if isinstance(target, str):
        return described(target, known, used) if target != name else "any"
    if target is None:
        return "any"
    use(name, known, used)
    return name


def use(name: str, known: dict[str, Any], used: dict[str, Any]) -> None:
    """Add a structure, its embedded ones and all below it."""
    if name in used:
        return
    used[name] = {}
    for label, kind in known[name].items():
        if label == "+TypeMeta":
            used[name] |= {"apiVersion": "string", "kind": "string"}
        elif label.startswith("+"):
            use(label[1:], known, used)
            used[name] |= used.get(label[1:], {})
        else:
            used[name][label] = described(kind, known, used)


def fields(source: Path) -> dict[str, Any]:
    """Return the fields of all configuration files a release reads."""
    known: dict[str, Any] = {}
    for path in [*(source / "staging/src/k8s.io" / part for part in TYPES), source / EVENT_RATE_LIMIT]:
        known |= structures(path.read_text(encoding="utf-8"))
    # Objects of other groups inside the files are left out.
    known.pop("ObjectMeta", None)
    used: dict[str, Any] = {}
    for kind in KINDS:
        use(kind, known, used)
    return used


def object_types(source: Path) -> dict[str, Any]:
    """Return the fields of the kinds that the API serves, and how server-side apply merges them."""
    definitions: dict[str, Any] = {}
    for path in sorted((source / OPENAPI).glob("*__v1_openapi.json")):
        definitions |= json.loads(path.read_text(encoding="utf-8"))["components"]["schemas"]
    found: dict[str, Any] = {}

    def typed(schema: dict[str, Any]) -> str:
        """Return a property's type; what is replaced as a whole is marked atomic."""
        # A reference beside a default stands in a list of its own.
        schema = {**schema, **(schema.get("allOf") or [{}])[0]}
        if "$ref" in schema:
            name = schema["$ref"].rpartition("/")[2]
            add(name)
            mark = "atomic " if definitions[name].get("x-kubernetes-map-type") == "atomic" else ""
            return mark + (short(name) if definitions[name].get("properties") else "any")
        if schema.get("type") == "array":
            how, keys = schema.get("x-kubernetes-list-type", ""), schema.get("x-kubernetes-list-map-keys", [])
            word = {"map": "by:" + ",".join(keys), "set": "set"}.get(how, "list")
            return f"{word} {typed(schema['items'])}"
        if schema.get("type") == "object":
            return "map"
        return str(schema.get("type", "any"))

    def add(name: str) -> None:
        """Add a definition and all that it refers to."""
        if short(name) not in found and definitions[name].get("properties"):
            found[short(name)] = {}
            for label, schema in definitions[name]["properties"].items():
                found[short(name)][label] = typed(schema)

    for kind in OBJECTS.split():
        add(f"io.k8s.api.{kind}")
    return found


def differences(newest: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """Return the fields that are not as in the newest release; those that a release lacks are null."""
    found: dict[str, Any] = {}
    for kind in {*newest, *other}:
        before, after = newest.get(kind, {}), other.get(kind, {})
        changed = {name: after.get(name) for name in {*before, *after} if before.get(name) != after.get(name)}
        if changed:
            found[kind] = changed
    return found


def write_objects(minor: str, types: dict[str, Any]) -> None:
    """Write the fields of the newest release, and into the table of every other what differs there."""
    newest = stored("objects")
    tables = {path.stem: stored(path.stem) for path in DATA.glob("1.*.json")}
    known = {name: Schema(newest, table.get("objects", {})).types for name, table in tables.items()}
    known[minor] = types
    newest = known[max(known, key=lambda name: [int(part) for part in name.split(".")])]
    write("objects", newest)
    for name, table in tables.items():
        write(name, {**table, "objects": differences(newest, known[name])})


def protobuf_fields(source: Path) -> dict[str, Any]:
    """Return name and type of the numbered fields of the messages that kubectl sends."""
    known: dict[str, list[tuple[str, str, str]]] = {}
    for part in PROTO:
        text = (source / "staging/src/k8s.io" / part / "generated.proto").read_text(encoding="utf-8")
        for name, body in re.findall(r"^message (\w+) \{\n(.*?)^\}", text, re.MULTILINE | re.DOTALL):
            found = re.findall(r"^  (?:optional |repeated )?(map<.*?>|[\w.]+) (\w+) = (\d+);", body, re.MULTILINE)
            lists = re.findall(r"^  repeated \S+ (\w+) =", body, re.MULTILINE)
            known[name] = [(number, label, ("list " if label in lists else "") + kind) for kind, label, number in found]
    used: dict[str, Any] = {}
    waiting = MESSAGES.split()
    while waiting:
        if (name := waiting.pop()) in known and name not in used:
            used[name] = {number: [label, re.sub(r"[\w.]*\.", "", kind)] for number, label, kind in known[name]}
            waiting += [kind.removeprefix("list ") for _label, kind in used[name].values()]
    return used


def short(name: str) -> str:
    """Return a definition's name without the names of its packages."""
    return name.rpartition(".")[2]


def rules(source: Path) -> list[dict[str, Any]]:
    """Return the roles and bindings, among those that every cluster begins with, which a rehearsal needs."""
    import yaml

    wanted, found = set(ROLES.split()), []
    directory = source / "plugin/pkg/auth/authorizer/rbac/bootstrappolicy/testdata"
    for name in RULES.split():
        for item in yaml.safe_load((directory / f"{name}.yaml").read_text(encoding="utf-8"))["items"]:
            item["metadata"].pop("creationTimestamp", None)
            if item["metadata"]["name"] in wanted:
                found.append(item)
    return found


def stored(name: str) -> dict[str, Any]:
    """Return one table as it is; an empty one where there is none yet."""
    path = DATA / f"{name}.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


def write(name: str, content: Any) -> None:
    """Write one table."""
    text = json.dumps(content, indent=1, sort_keys=True)
    (DATA / f"{name}.json").write_text(text + "\n", encoding="utf-8")


def main() -> None:
    """Write the table of the release whose programs, and sources if given, are available."""
    binaries, source = Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else None
    minor = binaries.name.rpartition(".")[0]
    old = stored(minor)
    table: dict[str, Any] = {"flags": {program: flags(binaries / program) for program in PROGRAMS}}
    table["choices"] = choices(binaries)
    table["aliases"] = aliases(source) if source else old.get("aliases", {})
    table["gates"] = sorted({*gates(binaries, source), *([] if source else old.get("gates", []))})
    table["fields"] = fields(source) if source else old.get("fields", {})
    write(minor, {**old, **table})
    if (binaries.parent / "flanneld").is_file():
        write("flanneld", flannel(binaries.parent / "flanneld"))
    if source:
        write_objects(minor, object_types(source))
        # Of these one release serves for all: give the newest last.
        write("roles", rules(source))
        write("protobuf_fields", protobuf_fields(source))


if __name__ == "__main__":
    main()
