# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line: one function per command, no decisions here."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import Optional

from . import host as hosts
from . import image_archives, lifecycle, namespaces, state
from .debian_programs import collect
from .errors import SandboxError
from .inventory import TOPOLOGIES, render
from .layout import MAX_HOSTS, make_layout
from .machine import require_root, require_tools

CACHE = Path(os.environ.get("HARDWAY_CACHE_DIR") or "~/.cache/hardway").expanduser()


def say(text: str) -> None:
    """Show progress to the user, apart from the output that scripts read."""
    print(f"sandbox: {text}", file=sys.stderr, flush=True)


def command_up(options: argparse.Namespace) -> None:
    """Bring a sandbox up and, if asked, write its inventory."""
    require_tools()
    if not 1 <= options.hosts <= MAX_HOSTS:
        raise SandboxError(f"--hosts {options.hosts}: 1 to {MAX_HOSTS}")
    layout = lifecycle.up(options.name, options.hosts, options.subnet, options.suite, options.uplink, say)
    if options.inventory_template != "none":
        found = state.require(options.name)
        path = layout.directory / "inventory.yml"
        path.write_text(render(layout, layout.hosts(found.hosts), options.inventory_template), encoding="utf-8")
        print(path)


def command_down(options: argparse.Namespace) -> None:
    """Remove a sandbox."""
    lifecycle.down(options.name)


def command_inventory(options: argparse.Namespace) -> None:
    """Print a sandbox's inventory."""
    layout, found = lifecycle.layout_of(options.name)
    print(render(layout, layout.hosts(found.hosts), options.topology, options.group), end="")


def command_exec(options: argparse.Namespace) -> None:
    """Run a command inside a host."""
    layout, found = lifecycle.layout_of(options.name)
    hosts.enter(lifecycle.find_host(layout, found, options.host), options.argv or ["bash", "-l"])


def command_run(options: argparse.Namespace) -> None:
    """Run a command of the machine in the controller's namespace."""
    layout, _ = lifecycle.layout_of(options.name)
    if not namespaces.exists(layout.tag):
        raise SandboxError(f"sandbox '{options.name}' is not running; run: sandbox up --name {options.name}")
    layout.sockets.mkdir(mode=0o700, exist_ok=True)
    argv = options.argv or [os.environ.get("SHELL", "/bin/sh")]
    try:
        os.execvp("nsenter", ["nsenter", f"--net={namespaces.path(layout.tag)}", "--", *argv])  # noqa: S606
    except FileNotFoundError as exc:
        raise SandboxError("nsenter is not installed; install it: apt-get install util-linux") from exc


def command_poweroff(options: argparse.Namespace) -> None:
    """Switch a host off."""
    lifecycle.poweroff(options.name, options.host, options.graceful)


def command_poweron(options: argparse.Namespace) -> None:
    """Switch a host on."""
    lifecycle.poweron(options.name, options.host)


def command_list(options: argparse.Namespace) -> None:
    """Print every sandbox and its hosts."""
    del options
    for name in state.names():
        found = lifecycle.load_anyway(name)
        layout = make_layout(name, found.subnet if found else 0)
        for host in layout.hosts(found.hosts if found else 0):
            pid = hosts.leader(host)
            print(name, host.name, host.address, f"on {pid}" if pid else "off")


def command_binaries(options: argparse.Namespace) -> None:
    """Fill the cache of programs."""
    for name, path in collect(options.cache_dir / "bin", say).items():
        print(f"{name}\t{path}")


def command_images(options: argparse.Namespace) -> None:
    """Write the image archives."""
    for path in image_archives.write_all(options.cache_dir, options.coredns_tag, say):
        print(path)


def parser() -> argparse.ArgumentParser:
    """Return the description of the command line."""
    top = argparse.ArgumentParser(prog="sandbox", description="Real systemd hosts on this one machine.")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def add(name: str, summary: str, named: bool = True) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=summary, description=summary)
        if named:
            sub.add_argument("--name", default="default", help="which sandbox (default: %(default)s)")
        return sub

    up = add("up", "bring a sandbox up, or complete and repair it")
    up.add_argument("--hosts", type=int, default=3, help="how many hosts at least (default: %(default)s)")
    up.add_argument("--subnet", type=int, help="N in 198.18.N.0/24 (default: 0)")
    up.add_argument("--suite", help="the hosts' release (default: this machine's)")
    up.add_argument("--uplink", action="store_true", help="give the hosts a way out")
    up.add_argument("--inventory-template", choices=["ha", "single-master", "none"], default="none")
    inventory = add("inventory", "print an inventory")
    inventory.add_argument("--topology", choices=TOPOLOGIES, default="flat")
    inventory.add_argument("--group", action="append", metavar="GROUP=HOST,HOST", help="add or replace a group")
    execute = add("exec", "run a command inside a host: exec HOST -- COMMAND")
    execute.add_argument("host")
    execute.add_argument("argv", nargs="*")
    controller = add("run", "run a command in the controller's network: run -- COMMAND")
    controller.add_argument("argv", nargs="*")
    off = add("poweroff", "cut a host's power")
    off.add_argument("host")
    off.add_argument("--graceful", action="store_true", help="shut down in an orderly way")
    add("poweron", "start a host that is off").add_argument("host")
    add("down", "remove a sandbox and all it left")
    add("list", "print all sandboxes", named=False)
    for name, summary in (("binaries", "collect programs from Debian"), ("images", "write image archives")):
        sub = add(name, summary, named=False)
        sub.add_argument("--cache-dir", type=Path, default=CACHE, help="(default: %(default)s)")
        if name == "images":
            sub.add_argument("--coredns-tag", default=image_archives.COREDNS_TAG, help="(default: %(default)s)")
    return top


def main(argv: Optional[list[str]] = None) -> int:
    """Run one command; returns the exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    own, after = (words[: words.index("--")], words[words.index("--") + 1 :]) if "--" in words else (words, [])
    options = parser().parse_args(own)
    if after or hasattr(options, "argv"):
        options.argv = [*getattr(options, "argv", []), *after]
    try:
        if options.command not in ("binaries", "images"):
            require_root()
        globals()[f"command_{options.command}"](options)
    except SandboxError as exc:
        say(str(exc))
        return 1
    except BrokenPipeError:
        return 1
    except KeyboardInterrupt:
        say("interrupted; run the same command again, or down")
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
