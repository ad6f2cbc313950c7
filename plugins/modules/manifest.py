#!/usr/bin/python
# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Applies Kubernetes manifests and reports what really changed."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: manifest
short_description: Apply a Kubernetes manifest
version_added: 0.1.0
author: hardway.kubernetes contributors (@hardway-kubernetes)
description:
  - Applies a manifest server-side with C(kubectl), with its own field manager. A server-side dry run returns what the
    objects would become. They are compared with the live objects, and only differences are applied and reported.
  - Fields that are not in the manifest are left alone. For fields in the manifest, conflicts are forced.
  - With O(prune_label), objects that have the label, were applied by the same field manager and are no longer in the
    manifest are deleted.
  - Without differences it needs two calls of C(kubectl).
requirements:
  - kubectl, on the host where the module runs
extends_documentation_fragment:
  - hardway.kubernetes.attributes
attributes:
  check_mode:
    support: full
    details:
      - Uses C(--dry-run=server).
      - Predicts a change without C(kubectl), API or namespace.
  diff_mode:
    support: full
    details: For the values of a Secret it shows only whether they differ.
options:
  content:
    description:
      - The manifest, YAML with any number of documents, or JSON. It is passed to C(kubectl) on standard input.
      - An empty manifest with O(prune_label) removes all objects that were created from it.
    type: str
    required: true
  kubeconfig:
    description: Kubeconfig to reach the API.
    type: path
    default: /etc/kubernetes/admin.conf
  kubectl:
    description: Path of the C(kubectl) command.
    type: path
    default: /usr/local/bin/kubectl
  field_manager:
    description: Field manager of the fields in the manifest.
    type: str
    default: hardway
  prune_label:
    description:
      - C(name=value) of a label that every object of the manifest has.
      - Prunes the kinds in the manifest and those of O(prune_kinds), but never a Namespace, a CustomResourceDefinition
        or a volume, with which all that is in them would be deleted.
    type: str
  prune_kinds:
    description:
      - V(usual) are the workload, configuration and RBAC kinds.
      - V(all) are also the other kinds that manifests usually have, and all custom ones. This needs a call more.
    type: str
    choices: [usual, all]
    default: usual
  wait:
    description: Waits until Deployments, DaemonSets and StatefulSets of the manifest are rolled out.
    type: bool
    default: false
  timeout:
    description: Seconds to wait for the rollout. An unavailable API is waited for at most 30 seconds.
    type: int
    default: 120
"""

EXAMPLES = r"""
- name: Apply the cluster DNS
  hardway.kubernetes.manifest:
    content: "{{ lookup('ansible.builtin.template', 'coredns.yaml.j2') }}"
    prune_label: app.kubernetes.io/part-of=hardway-dns
    wait: true
"""

RETURN = r"""
objects:
  description: Identities of the manifest's objects. Empty if the API was not available.
  returned: always
  type: list
  elements: str
  sample: ["Deployment.apps kube-system/coredns"]
changed_objects:
  description: Identities of created or changed objects.
  returned: always
  type: list
  elements: str
  sample: []
pruned:
  description: Identities of deleted objects.
  returned: always
  type: list
  elements: str
  sample: []
calls:
  description: Number of C(kubectl) calls.
  returned: always
  type: int
  sample: 2
"""

import time
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.hardway.kubernetes.plugins.module_utils._cluster import object_problems
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.wait import wait_until
from ansible_collections.hardway.kubernetes.plugins.module_utils._kubernetes import manifest
from ansible_collections.hardway.kubernetes.plugins.module_utils._kubernetes.kubectl import Kubectl, KubectlError
from ansible_collections.hardway.kubernetes.plugins.module_utils._kubernetes.manifest import identity

# Seconds until the API serves a new kind.
NEW_KIND = 30
SPEC = {
    # Hidden, because Ansible writes a module's parameters to the host's journal.
    "content": {"type": "str", "required": True, "no_log": True},
    "kubeconfig": {"type": "path", "default": "/etc/kubernetes/admin.conf"},
    "kubectl": {"type": "path", "default": "/usr/local/bin/kubectl"},
    "field_manager": {"type": "str", "default": "hardway"},
    "prune_label": {"type": "str"},
    "prune_kinds": {"type": "str", "choices": ["usual", "all"], "default": "usual"},
    "wait": {"type": "bool", "default": False},
    "timeout": {"type": "int", "default": 120},
}


class Manifest:
    """One run over one manifest."""

    def __init__(self, kubectl: Kubectl, params: dict[str, Any], check_mode: bool) -> None:
        """Store the parameters."""
        self.kubectl, self.params, self.check_mode = kubectl, params, check_mode
        self.content: str = params["content"]
        self.target: list[dict[str, Any]] = []
        self.live: list[dict[str, Any]] = []

    def ensure(self) -> dict[str, Any]:
        """Compare, apply, prune, wait; return what the module exits with."""
        try:
            self.target = self.apply("--dry-run=server")
            self.check_labels()
            self.live = self.read_live()
            if self.is_extended():
                self.target = self.replace("--dry-run=server")
        except KubectlError as exc:
            if self.check_mode and (exc.absent or exc.not_yet):
                return self.result(bool(self.content.strip()), [], [], manifest.raw_diff(self.content))
            if not exc.not_yet:
                raise
            # The manifest creates its own namespace, so a dry run cannot predict the other objects.
            before = self.read_live_without_namespace()
            self.target = self.apply_new()
            return self.finish(manifest.changes(before, self.target), applied=True)
        return self.finish(manifest.changes(self.live, self.target), applied=False)

    def finish(self, changed: list[tuple[Any, Any]], *, applied: bool) -> dict[str, Any]:
        """Apply, prune and wait, as far as that is left to do."""
        if applied:
            self.check_labels()
            self.live = self.read_live()
        surplus = self.surplus()
        if not self.check_mode:
            if changed and self.is_extended():
                self.replace()
            if changed and not applied:
                self.live = self.apply()
            # As long as some did not exist, the others could not be replaced.
            if any(before is None for before, _after in changed):
                self.live = self.read_live()
                if self.is_extended():
                    self.replace()
            for item in surplus:
                self.delete(item)
            if self.params["wait"]:
                self.wait()
        return self.result(bool(changed or surplus), changed, surplus, manifest.diff_of(changed, surplus))

    def apply(self, *arguments: str) -> list[dict[str, Any]]:
        """Apply the manifest and return its objects; with a dry run, as they would be."""
        if not self.content.strip():
            return []
        manager = f"--field-manager={self.params['field_manager']}"
        command = ["apply", "--server-side", "--force-conflicts", manager, *arguments, "-f", "-"]
        try:
            return self.kubectl.objects(command, self.content)
        except KubectlError as exc:
            if not exc.invalid:
                raise
            # Others added entries to our lists, which an apply keeps, and which cannot be together with ours.
            try:
                replaced = self.replace(*arguments)
            except KubectlError:
                raise exc from None
        return replaced if arguments else self.kubectl.objects(command, self.content)

    def apply_new(self) -> list[dict[str, Any]]:
        """Apply a manifest that creates its own namespaces or kinds; a new kind is served a moment later."""
        deadline = time.monotonic() + min(NEW_KIND, self.params["timeout"])
        while True:
            try:
                return self.apply()
            except KubectlError as exc:
                if not exc.not_yet or "CustomResourceDefinition" not in self.content or time.monotonic() >= deadline:
                    raise
            time.sleep(1)

    def replace(self, *arguments: str) -> list[dict[str, Any]]:
        """Replace the objects of the manifest, which removes what others added to them."""
        manager = f"--field-manager={self.params['field_manager']}"
        return self.kubectl.objects(["replace", manager, *arguments, "-f", "-"], self.content)

    def is_extended(self) -> bool:
        """Return whether all objects exist, and one that decides who may do what has parts that others wrote."""
        wanted = {identity(item) for item in self.target}
        live = [item for item in self.live if identity(item) in wanted]
        return len(live) == len(wanted) and manifest.extended(live, self.params["field_manager"])

    def read_live(self) -> list[dict[str, Any]]:
        """Return the live objects of the manifest and, with a prune label, all that have it, in one call."""
        if not self.params["prune_label"]:
            return self.get_manifest()
        kinds = {manifest.kind_of(item) for item in self.target} | self.pruned_kinds()
        command = ["get", ",".join(sorted(kinds)), "--all-namespaces", "--selector", self.params["prune_label"]]
        found = self.kubectl.objects([*command, "--show-managed-fields"])
        known = {identity(item) for item in found}
        if all(identity(item) in known for item in self.target):
            return found
        # Some are new, or exist without the label.
        return found + [item for item in self.get_manifest() if identity(item) not in known]

    def pruned_kinds(self) -> set[str]:
        """Return the kinds that are pruned, in this manifest or not."""
        usual = set(manifest.PRUNED_KINDS)
        if self.params["prune_kinds"] == "usual":
            return usual
        try:
            custom = self.kubectl.run(["get", "customresourcedefinitions", "-o", "name"])
        except KubectlError as exc:
            if not exc.not_yet:
                raise
            custom = ""
        return usual.union(manifest.FURTHER_PRUNED_KINDS, (line.rpartition("/")[2] for line in custom.split()))

    def get_manifest(self) -> list[dict[str, Any]]:
        """Return those objects of the manifest that exist."""
        if not self.content.strip():
            return []
        return self.kubectl.objects(["get", "--ignore-not-found", "--show-managed-fields", "-f", "-"], self.content)

    def read_live_without_namespace(self) -> list[dict[str, Any]]:
        """Return the existing objects although a namespace or kind does not exist."""
        try:
            return self.get_manifest()
        except KubectlError as exc:
            if exc.not_yet:
                return []
            raise

    def check_labels(self) -> None:
        """Raise when an object lacks the label that identifies it for later pruning."""
        label = self.params["prune_label"]
        lacking = manifest.unlabelled(self.target, label) if label else []
        if lacking:
            raise HardwayError(f"prune_label: {', '.join(lacking)} lacks the label {label}; add it in the manifest")

    def surplus(self) -> list[dict[str, Any]]:
        """Return the objects to prune."""
        if not self.params["prune_label"]:
            return []
        found = manifest.surplus(self.live, self.target, self.params["field_manager"])
        return [item for item in found if item["kind"] not in manifest.KEPT_KINDS]

    def delete(self, item: dict[str, Any]) -> None:
        """Delete one object."""
        scope = [f"--namespace={item['metadata']['namespace']}"] if item["metadata"].get("namespace") else []
        name = f"{manifest.kind_of(item)}/{item['metadata']['name']}"
        self.kubectl.run(["delete", name, *scope, "--ignore-not-found", "--wait=false"])

    def wait(self) -> None:
        """Wait for the rollouts; without a call if they are known to be complete."""
        wanted = {identity(item) for item in self.target}
        seen = [item for item in self.live if identity(item) in wanted]
        if not manifest.unready(seen):
            return
        done, lacking = wait_until(
            lambda: manifest.unready(self.get_manifest()),
            lambda names: not names,
            timeout=self.params["timeout"],
            interval=0.5,
        )
        if not done:
            raise HardwayError(
                f"rollout: not complete within {self.params['timeout']} s: "
                f"{'; '.join([*lacking, *self.pod_reasons()])}; "
                "see the pods' events with kubectl describe"
            )

    def pod_reasons(self) -> list[str]:
        """Return why pods of incomplete workloads are not ready."""
        found: list[str] = []
        for item in filter(lambda each: manifest.unready([each]), self.get_manifest()):
            labels = (item["spec"].get("selector") or {}).get("matchLabels") or {}
            selector = ",".join(f"{key}={value}" for key, value in labels.items())
            scope = f"--namespace={item['metadata'].get('namespace', 'default')}"
            pods = self.kubectl.objects(["get", "pods", scope, "--selector", selector]) if selector else []
            found += map(object_problems.pod_reason, pods)
        return [reason for reason in found if reason]

    def result(self, changed: bool, pairs: list[Any], pruned: list[Any], diff: Any) -> dict[str, Any]:
        """Return what the module exits with."""
        return {
            "changed": changed,
            "objects": [identity(item) for item in self.target],
            "changed_objects": [identity(new) for _old, new in pairs],
            "pruned": [identity(item) for item in pruned],
            "calls": self.kubectl.calls,
            "diff": diff,
        }


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    params = module.params
    if not manifest.has_secret(params["content"]):
        # Without a Secret the diff may show the content.
        module.no_log_values.discard(params["content"])
    patience = 0 if module.check_mode else min(30, params["timeout"])
    try:
        kubectl = Kubectl(params["kubectl"], params["kubeconfig"], patience=patience)
        outcome = Manifest(kubectl, params, module.check_mode).ensure()
    except HardwayError as exc:
        module.fail_json(msg=str(exc))
    module.exit_json(**outcome)


if __name__ == "__main__":
    main()
