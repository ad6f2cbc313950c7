# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every option of every role through Ansible's own parsers: INI inventories, the command line and vaults.

What these make of a spelling is accepted before any host is touched, and means the same as the value in YAML. What the
roles make of it then is in test_values.py.
"""

from __future__ import annotations

import functools
import json
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible import context
from ansible.inventory.manager import InventoryManager
from ansible.module_utils.common.collections import ImmutableDict
from ansible.parsing.dataloader import DataLoader
from ansible.parsing.vault import VaultLib, VaultSecret, VaultSecretsContext
from ansible.template import Templar, trust_as_template
from ansible.utils.vars import load_extra_vars
from ansible.vars.hostvars import HostVars
from ansible.vars.manager import VariableManager
from ansible_collections.hardway.kubernetes.plugins.action import role_arguments

from tests.support.roles.spellings import cases, options

SECRETS = [("default", VaultSecret(b"word"))]
VAULT = VaultLib(SECRETS)
Variant = dict[str, tuple[Any, Any]]


@functools.cache
def variants() -> tuple[Variant, ...]:
    """Return inventories: each has one spelling of each option that has so many, with the value that it means."""
    found: list[Variant] = []
    for name, option in options().items():
        pairs = [(native, spelt) for native, others in cases(name, option) for spelt in (native, *others)]
        if not pairs:
            # It has no other spelling.
            plain = (option.get("choices") or ["192.0.2.7"])[0]
            pairs = [(plain, plain)]
        for number, (native, spelt) in enumerate(pairs):
            found += [{}] if number == len(found) else []
            found[number][name] = (spelt, native)
    return tuple(found)


def written(value: Any) -> str:
    """Return a value as a line of an INI inventory or of the command line has it."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value) if isinstance(value, bool) else str(value)


@functools.cache
def encrypted(text: str) -> str:
    """Return what ansible-vault encrypt_string writes."""
    return VAULT.encrypt(text).decode()


class _Dumper(yaml.SafeDumper):
    """Writes vaults."""


class _Vault(str):
    """An encrypted text."""


_Dumper.add_representer(_Vault, lambda dumper, text: dumper.represent_scalar("!vault", str(text), style="|"))


def host_variables(directory: Path) -> None:
    """Write host variables of an INI inventory."""
    lines = []
    for number, variant in enumerate(variants()):
        words = (shlex.quote(f"{name}={written(spelt)}") for name, (spelt, _native) in variant.items())
        lines.append(f"h{number} {' '.join(words)}")
    (directory / "hosts.ini").write_text("\n".join(lines) + "\n")


def group_variables(directory: Path) -> None:
    """Write variables of groups, and of all hosts, of an INI inventory."""
    lines = [f"h{number}" for number in range(len(variants()))]
    for number, variant in enumerate(variants()):
        lines += [f"[g{number}]", f"h{number}"] if number else []
        lines.append(f"[g{number}:vars]" if number else "[all:vars]")
        lines += [f"{name}={written(spelt)}" for name, (spelt, _native) in variant.items()]
    (directory / "hosts.ini").write_text("\n".join(lines) + "\n")


def yaml_variables(directory: Path) -> None:
    """Write a file of variables for each host."""
    vault_variables(directory, lambda value: value)


def vault_variables(directory: Path, changed: Any = lambda value: _Vault(encrypted(written(value)))) -> None:
    """Write a file of variables for each host, in which each is encrypted."""
    (directory / "host_vars").mkdir()
    (directory / "hosts.ini").write_text("".join(f"h{number}\n" for number in range(len(variants()))))
    for number, variant in enumerate(variants()):
        content = {name: changed(spelt) for name, (spelt, _native) in variant.items()}
        (directory / f"host_vars/h{number}.yml").write_text(yaml.dump(content, Dumper=_Dumper))


def command_line(_directory: Path, number: int) -> list[str]:
    """Return C(-e name=value) for each option."""
    return [f"{name}={json.dumps(written(spelt))}" for name, (spelt, _native) in variants()[number].items()]


def command_json(_directory: Path, number: int) -> list[str]:
    """Return C(-e) with everything as JSON."""
    return [json.dumps({name: spelt for name, (spelt, _native) in variants()[number].items()})]


def vault_file(directory: Path, number: int) -> list[str]:
    """Return C(-e @file) with a file that is encrypted as a whole."""
    content = {name: spelt for name, (spelt, _native) in variants()[number].items()}
    (directory / "vault.yml").write_text(encrypted(yaml.safe_dump(content)))
    return [f"@{directory / 'vault.yml'}"]


@pytest.fixture(autouse=True)
def _other_command_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let Ansible read the command line of each test."""
    monkeypatch.setattr(load_extra_vars, "extra_vars", None, raising=False)
    monkeypatch.setattr(context, "CLIARGS", ImmutableDict())
    monkeypatch.setattr(VaultSecretsContext, "_current", VaultSecretsContext(SECRETS))


def hostvars(directory: Path, *extra: str) -> HostVars:
    """Return the variables of all hosts as Ansible sees them in a play."""
    loader = DataLoader()
    loader.set_vault_secrets(SECRETS)
    context.CLIARGS = ImmutableDict(extra_vars=extra)
    inventory = InventoryManager(loader, [str(directory / "hosts.ini")])
    return HostVars(inventory, VariableManager(loader, inventory), loader)


def differences(found: HostVars, number: int) -> list[str]:
    """Return what is refused other than the value that was spelt, and what means something else."""
    host, wrong = f"h{number}", []
    given = role_arguments.Given(found, [host])
    templar = Templar(loader=found._loader, variables=dict(found.raw_get(host)))
    for name, (spelt, native) in variants()[number].items():
        kind = options()[name]["type"]
        refused = role_arguments.option_problems(name, given.value(host, name))
        if bool(refused) != bool(role_arguments.option_problems(name, native)):
            wrong.append(f"{name} on {host}: {spelt!r}: {refused}")
        # As roles use it.
        value = templar.template(trust_as_template(f"{{{{ {name} | hardway.kubernetes.typed('{kind}') }}}}"))
        if not is_same(value, native):
            wrong.append(f"{name} on {host}: {spelt!r} became {value!r}")
    return [*wrong, *given.unresolved([host])]


def is_same(value: Any, native: Any) -> bool:
    """Return whether two values are equal, and true is not 1."""
    return json.dumps(value, sort_keys=True) == json.dumps(native, sort_keys=True)


@pytest.mark.parametrize("way", [host_variables, group_variables, yaml_variables, vault_variables])
def test_the_inventory(tmp_path: Path, way: Callable[[Path], None]) -> None:
    way(tmp_path)
    found = hostvars(tmp_path)
    assert [line for number in range(len(variants())) for line in differences(found, number)] == []


@pytest.mark.parametrize("number", range(len(variants())))
@pytest.mark.parametrize("way", [command_line, command_json, vault_file])
def test_the_command_line(tmp_path: Path, way: Callable[[Path, int], list[str]], number: int) -> None:
    (tmp_path / "hosts.ini").write_text(f"h{number}\n")
    assert differences(hostvars(tmp_path, *way(tmp_path, number)), number) == []


def test_every_option_is_written() -> None:
    assert {name for variant in variants() for name in variant} == set(options())
