# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kinds that the API of a rehearsal serves, and how requests name them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

# resource, kind, short name; * lives in no namespace, / has a status of its own, ? is asked and answered only
TABLE = """
v1 namespaces Namespace ns */
v1 nodes Node no */
v1 secrets Secret - -
v1 configmaps ConfigMap cm -
v1 services Service svc /
v1 serviceaccounts ServiceAccount sa -
v1 pods Pod po /
v1 endpoints Endpoints ep -
v1 events Event ev -
v1 resourcequotas ResourceQuota quota /
v1 limitranges LimitRange limits -
apps/v1 deployments Deployment deploy /
apps/v1 daemonsets DaemonSet ds /
apps/v1 statefulsets StatefulSet sts /
apps/v1 replicasets ReplicaSet rs /
batch/v1 jobs Job - /
batch/v1 cronjobs CronJob cj /
networking.k8s.io/v1 networkpolicies NetworkPolicy netpol -
policy/v1 poddisruptionbudgets PodDisruptionBudget pdb /
scheduling.k8s.io/v1 priorityclasses PriorityClass pc *
rbac.authorization.k8s.io/v1 roles Role - -
rbac.authorization.k8s.io/v1 rolebindings RoleBinding - -
rbac.authorization.k8s.io/v1 clusterroles ClusterRole - *
rbac.authorization.k8s.io/v1 clusterrolebindings ClusterRoleBinding - *
coordination.k8s.io/v1 leases Lease - -
certificates.k8s.io/v1 certificatesigningrequests CertificateSigningRequest csr */
discovery.k8s.io/v1 endpointslices EndpointSlice - -
node.k8s.io/v1 runtimeclasses RuntimeClass - *
storage.k8s.io/v1 storageclasses StorageClass sc *
admissionregistration.k8s.io/v1 validatingadmissionpolicies ValidatingAdmissionPolicy - */
admissionregistration.k8s.io/v1 validatingadmissionpolicybindings ValidatingAdmissionPolicyBinding - *
authentication.k8s.io/v1 tokenreviews TokenReview - *?
authentication.k8s.io/v1 selfsubjectreviews SelfSubjectReview - *?
authorization.k8s.io/v1 subjectaccessreviews SubjectAccessReview - *?
authorization.k8s.io/v1 selfsubjectaccessreviews SelfSubjectAccessReview - *?
"""
STORED = {"nodes": "minions", "services": "services/specs", "endpoints": "services/endpoints"}


@dataclass(frozen=True)
class Resource:
    """One kind, as URLs and objects name it."""

    group_version: str
    name: str
    kind: str
    short: str = ""
    namespaced: bool = False
    status: bool = False
    review: bool = False

    @property
    def group(self) -> str:
        """Return the group; nothing for the oldest one."""
        return self.group_version.rpartition("/")[0]

    @property
    def described(self) -> dict[str, str]:
        """Return group, version and kind, each by itself."""
        return {"group": self.group, "version": self.group_version.rpartition("/")[2], "kind": self.kind}

    @property
    def full_name(self) -> str:
        """Return the name with the group, as messages show it."""
        return f"{self.name}.{self.group}" if self.group else self.name

    def key(self, namespace: str = "", name: str = "") -> str:
        """Return the path in the store, below its prefix."""
        parts = [STORED.get(self.name, self.name), *([namespace] if namespace else []), *([name] if name else [])]
        return "/".join(parts) + ("" if name else "/")


def _read() -> dict[tuple[str, str], Resource]:
    """Return all resources by group with version, and name."""
    found = {}
    for line in TABLE.strip().splitlines():
        place, name, kind, short, marks = line.split()
        has = ("*" not in marks, "/" in marks, "?" in marks)
        found[place, name] = Resource(place, name, kind, short.strip("-"), *has)
    return found


ALL = _read()
BY_NAME = {resource.name: resource for resource in ALL.values()}


@dataclass(frozen=True)
class Target:
    """What the path of a request leads to."""

    resource: Resource
    namespace: str = ""
    name: str = ""
    part: str = ""
    rest: str = ""


def target(path: str) -> Optional[Target]:
    """Return what a path leads to; nothing when it is no resource."""
    parts = [part for part in path.split("/") if part]
    if parts[:1] == ["api"] and len(parts) > 2:
        place, parts = parts[1], parts[2:]
    elif parts[:1] == ["apis"] and len(parts) > 3:
        place, parts = f"{parts[1]}/{parts[2]}", parts[3:]
    else:
        return None
    namespace = ""
    if parts[0] == "namespaces" and len(parts) > 2 and (place, parts[2]) in ALL:
        namespace, parts = parts[1], parts[2:]
    resource = ALL.get((place, parts[0]))
    if resource is None:
        return None
    name, part = (parts[1:2] or [""])[0], (parts[2:3] or [""])[0]
    return Target(resource, namespace, name, part, "/".join(parts[3:]))
