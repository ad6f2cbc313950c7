# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter C(person_problems)."""

from __future__ import annotations

import os
import typing as t
from pathlib import Path

DOCUMENTATION = r"""
name: person_problems
short_description: Report why a person may not get a kubeconfig
version_added: 0.1.0
author: hardway.kubernetes contributors (@hardway-kubernetes)
description:
  - Validates user, groups and validity period, and reads the files on the controller that are to be used or replaced.
options:
  _input:
    description:
      - What the certificate and the file are to have, with keys C(user), C(groups) (V(null) if not set), C(ttl),
        C(ttl_max), C(kubeconfig), C(cluster), C(server), C(ca), C(administrator) (user name of the administrator),
        C(allow_masters).
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Report problems
  ansible.builtin.debug:
    msg: "{{ wanted | hardway.kubernetes.person_problems }}"
  vars:
    wanted:
      user: alice
      groups: [dev]
      ttl: 8h
      ttl_max: 168h
      kubeconfig: /home/alice/prod.kubeconfig
      cluster: prod
      server: https://192.0.2.100:6443
      ca: /home/ops/pki/ca.crt
      administrator: kubernetes-admin
      allow_masters: false
"""

RETURN = r"""
_value:
  description: One line per problem, with reason and remedy. Empty without problems.
  type: list
  elements: str
"""


def person_problems(asked: t.Any) -> list[str]:
    """Return one line per problem."""
    # Imported on use: one used filter makes each of Ansible's workers load the files of all filters.
    from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.ca import persons

    ca, path = expanded(asked["ca"]), expanded(asked["kubeconfig"])
    found = [] if ca.exists() else [f"{ca}: does not exist; deploy the cluster with site, or set cluster_pki_dir"]
    try:
        present = names_in(path)
    except OSError as exc:
        return [*found, f"{path}: cannot be read: {exc.strerror}; set another file with -e kubeconfig=FILE"]
    return found + persons.problems(asked, present)


def expanded(path: str) -> Path:
    """Return a path as modules read it."""
    return Path(os.path.expandvars(path)).expanduser()


def names_in(path: Path) -> list[str] | None:
    """Return the names of clusters and users in a kubeconfig; empty if it is another file, None if there is none."""
    import yaml

    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8", errors="replace"))
        return [str(item["name"]) for part in ("clusters", "users") for item in content[part]]
    except FileNotFoundError:
        return None
    except (yaml.YAMLError, KeyError, TypeError, ValueError):
        return []


class FilterModule:
    """Registers the filter with Ansible."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filters of this file."""
        return {"person_problems": person_problems}
