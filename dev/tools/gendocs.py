# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write docs/reference, role READMEs and the tables of playbooks from the specifications; `--check` reports drift."""

from __future__ import annotations

import argparse
import os
import re
import sys
from pathlib import Path
from typing import Any

import yaml

TOP = Path(__file__).resolve().parents[2]
# Before ansible is imported: its configuration is read once.
os.environ["ANSIBLE_CONFIG"] = str(TOP / "ansible.cfg")
sys.path.insert(0, str(TOP))

from ansible.plugins.loader import init_plugin_loader

from dev.tools import markdown

# In reading order, with the hosts that each role is for.
ROLE_HOSTS = {
    "cluster": "etcd:master:lb:node",
    "host": "etcd:master:lb:node",
    "ca": "localhost",
    "etcd": "etcd",
    "master": "master",
    "haproxy": "lb",
    "keepalived": "lb",
    "admin": "master",
    "containerd": "node",
    "node": "node",
    "flannel": "node",
    "addons": "master",
    "backup": "etcd",
    "restore": "etcd:master:node",
    "reset": "etcd:master:lb:node",
    "verify": "etcd:master:lb:node",
    "status": "etcd:master:lb:node",
    "drill": "etcd:master:lb:node",
    "certificates": "etcd:master:lb:node",
    "join": "localhost",
    "bundle": "localhost",
}
PLAYBOOK_ORDER = [
    *(
        "site",
        "verify",
        "status",
        "support",
        "certificates",
        "renew",
        "upgrade",
        "rollback",
        "reboot",
        "stop",
        "start",
        "backup",
        "restore",
        "add",
        "replace",
        "change_address",
        "remove",
        "remove_member",
        "remove_node",
        "reset",
        "defragment",
        "drill",
    ),
    *("kubeconfig", "join_info", "download", "bundle", "offline_csrs"),
]


def load(path: Path) -> Any:
    """Return the content of a YAML file."""
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def ranked(names: list[str], order: list[str]) -> list[str]:
    """Return names in reading order; the unknown last, by alphabet."""
    return sorted(names, key=lambda name: (order.index(name) if name in order else len(order), name))


def roles() -> dict[str, dict[str, Any]]:
    """Return the argument specification of every role that has one, in the order of a deployment."""
    found = {path.parent.parent.name: load(path) for path in TOP.glob("roles/*/meta/argument_specs.yml")}
    return {
        name: {**merged(found[name]["argument_specs"]), "changes": changes(name)}
        for name in ranked(list(found), list(ROLE_HOSTS))
    }


def changes(role: str) -> dict[str, str]:
    """Return what a change of each of a role's variables does on a running cluster."""
    return dict(load(TOP / "roles" / role / "meta" / "changes.yml"))


def merged(specs: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Return the main entry point of a role, or its only one, with the options of all."""
    main = specs.get("main") or next(iter(specs.values()))
    return {**main, "options": {n: option for spec in specs.values() for n, option in spec.get("options", {}).items()}}


def role_needs(name: str) -> list[str]:
    """Return the roles that a role depends on, by short name."""
    meta = load(TOP / "roles" / name / "meta" / "main.yml")
    return [str(item["role"]).rsplit(".", 1)[-1] for item in meta.get("dependencies") or []]


def modules() -> dict[str, dict[str, Any]]:
    """Return the documentation of every module."""
    paths = sorted(path for path in (TOP / "plugins" / "modules").glob("*.py") if not path.name.startswith("_"))
    return {path.stem: markdown.plugin_docs(str(path)) for path in paths}


def playbook_purpose(path: Path) -> str:
    """Return a playbook's purpose: the first sentence of its first comment, else its first play's name."""
    lines = path.read_text(encoding="utf-8").splitlines()
    first = next((number for number, line in enumerate(lines) if line.startswith("#")), None)
    if first is None:
        return str(load(path)[0].get("name", ""))
    comment = []
    for line in lines[first:]:
        if not line.startswith("#"):
            break
        comment.append(line.lstrip("# "))
    sentence = re.match(r".*?\.(?=\s|$)", " ".join(comment) + " ")
    return sentence.group(0) if sentence else " ".join(comment)


def link_rows(kind: str, purposes: dict[str, str]) -> list[str]:
    """Return rows that link to the reference pages of one kind."""
    return [f"| [{name}]({kind}/{name}.md) | {text} |" for name, text in purposes.items()]


def playbook_rows(base: str) -> list[str]:
    """Return rows that link to the page of every playbook; base is where docs/ is, for the reader of the table."""
    purposes = {path.stem: playbook_purpose(path) for path in (TOP / "playbooks").glob("*.yml")}
    names = ranked(list(purposes), PLAYBOOK_ORDER)
    return [f"| [{name}]({base}operations/{name}.md) | {purposes[name]} |" for name in names]


def table(kind: str, rows: list[str]) -> str:
    """Return a table of names and purposes."""
    return "\n".join([f"| {kind} | purpose |", "|---|---|", *rows])


def docs_url() -> str:
    """Return where docs/ is on the web: Ansible Galaxy shows the README without the other files."""
    return f"{load(TOP / 'galaxy.yml')['repository']}/blob/main/docs/"


def reference_page(specs: dict[str, dict[str, Any]], docs: dict[str, dict[str, Any]]) -> str:
    """Return the page that lists all roles and modules."""
    roles_table = link_rows("roles", {n: markdown.prose(spec["short_description"]) for n, spec in specs.items()})
    modules_table = link_rows("modules", {n: markdown.prose(d["doc"]["short_description"]) for n, d in docs.items()})
    return REFERENCE.format(roles=table("role", roles_table), modules=table("module", modules_table))


def pages() -> dict[Path, str]:
    """Return every generated page by path, and the pages with a table of playbooks."""
    reference = TOP / "docs" / "reference"
    specs, docs = roles(), modules()
    found = {reference / "roles" / f"{n}.md": markdown.role_page(n, spec, role_needs(n)) for n, spec in specs.items()}
    url = f"{docs_url()}reference/roles"
    found |= {TOP / "roles" / n / "README.md": markdown.role_readme(n, s, ROLE_HOSTS[n], url) for n, s in specs.items()}
    found |= {reference / "modules" / f"{n}.md": markdown.module_page(n, doc) for n, doc in docs.items()}
    found[reference / "index.md"] = reference_page(specs, docs)
    for name, base in (("README.md", docs_url()), ("docs/index.md", "")):
        text = (TOP / name).read_text(encoding="utf-8")
        found[TOP / name] = between(text, "playbooks", table("playbook", playbook_rows(base)), name)
    found[TOP / "docs" / "repairs.md"] = repairs_page()
    return found


REFERENCE = """# Roles and modules

Generated from `meta/argument_specs.yml` of the roles and the documentation of the modules. `ansible-doc` shows the
same: `ansible-doc -t role hardway.kubernetes.etcd`, `ansible-doc hardway.kubernetes.unit`.

## Roles

In the order of a deployment. Each can be used alone.

{roles}

## Modules

Modules depend on no other collection. Each page says how the module supports check mode and diff mode, and what it
needs on the host besides Python: `cryptography`, kubectl, etcdctl or containerd. The roles install these.

{modules}
"""

REPAIRS = """# Repairs

`site` compares every file, directory, package, user, unit, kernel setting and API object that it manages with the
specification of the inventory. Manual changes are corrected by any run, with `host_use_cached_results` on or off. A
unit restarts only where its process was started from other inputs than those on disk now; nothing else is restarted.
What a run cannot repair is reported with the remedy: a masked unit, a lost CA or encryption key
([PKI](pki.md#lost-files)), the data of an etcd member.

A drop-in of your own beside a unit of the collection (`systemctl edit`) is kept, and so are the environment files that
it names: see [restarts](restarts.md#drop-ins-and-environment-files).

A package that is missing is installed again, in the version that the host's package sources have. A package manager
does not miss a single file of an installed package: a command or Python package that is still missing ends the run,
with the package to install again. A user of a service keeps its home directory, and the groups to which you add it.

Not tried below, because sandbox hosts share the kernel of their machine: a kernel module that was unloaded, swap that
was switched on, and `vm.*`, `kernel.*` and `fs.*` settings. Any run corrects them, as it does the other kernel
settings.

Each line is a case of `tests/e2e/cluster/test_repairs.py`, which applies all of these at once to a cluster of three
hosts.

"""


def repairs_page() -> str:
    """Return the page about manual changes and repairs, from the cases of the end-to-end test."""
    rows = []
    for part, damages in load(TOP / "tests" / "e2e" / "cluster" / "damages.yml").items():
        for damage in damages:
            units = ", ".join(f"`{unit}`" for unit in damage.get("restarts", []))
            name = f"`{damage['object']}`" if "/" in damage["object"] or "." in damage["object"] else damage["object"]
            rows.append(f"| {part} | {name} | {damage['how']} | {units or '–'} |")
    heading = ["| part | object | manual change | restarts on that host |", "|---|---|---|---|"]
    return REPAIRS + "\n".join([*heading, *rows]) + "\n"


def between(text: str, name: str, content: str, page: str = "README.md") -> str:
    """Return the text of a page with the part between the markers of this name replaced."""
    begin, end = f"<!-- generated: {name} -->", f"<!-- end: {name} -->"
    pattern = re.compile(re.escape(begin) + r".*?" + re.escape(end), re.DOTALL)
    if not pattern.search(text):
        raise SystemExit(f"{page}: the markers {begin} and {end} are missing")
    return pattern.sub(lambda _: f"{begin}\n{content}\n{end}", text)


def main() -> int:
    """Write the pages, or with --check name those that differ; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing; fail when a page has drifted")
    check = parser.parse_args().check
    init_plugin_loader([str(TOP / ".collections")])
    wanted = pages()
    surplus = [path for path in TOP.glob("docs/reference/*/*.md") if path not in wanted]
    drifted = [path for path, text in wanted.items() if not path.is_file() or path.read_text(encoding="utf-8") != text]
    for path in surplus + drifted:
        print(f"{path.relative_to(TOP)}: {'differs from its source; run make docs' if check else 'written'}")
    if not check:
        for path in surplus:
            path.unlink()
        for path in drifted:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(wanted[path], encoding="utf-8")
    return 1 if check and surplus + drifted else 0


if __name__ == "__main__":
    sys.exit(main())
