# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which mounts a reset ends, in which order, and which it leaves alone."""

from __future__ import annotations

import errno

import pytest
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._host import mounts
from ansible_collections.hardway.kubernetes.plugins.module_utils._host.mounts import Mount

KUBELET = "/var/lib/kubelet"
MOUNTINFO = r"""
22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
40 22 8:16 / /var/lib/kubelet rw,relatime shared:7 - ext4 /dev/sdb rw
41 40 0:50 / /var/lib/kubelet/pods/a/volumes/token rw - tmpfs tmpfs rw
42 40 254:0 /srv/data /var/lib/kubelet/pods/a/volumes/my\040data rw shared:1 - ext4 /dev/vda rw
43 42 0:51 / /var/lib/kubelet/pods/a/volumes/my\040data/below rw master:3 - tmpfs tmpfs rw
44 22 0:52 / /var/lib/kubelet2 rw - tmpfs tmpfs rw
45 22 0:53 / /srv/kept rw - tmpfs tmpfs rw
46 41 0:54 / /var/lib/kubelet/pods/a/volumes/token rw - tmpfs tmpfs rw
"""
DATA = f"{KUBELET}/pods/a/volumes/my data"
TOKEN = f"{KUBELET}/pods/a/volumes/token"


class Kernel:
    """Plays the mount table; some mounts are busy, or busy for a while."""

    def __init__(self, text: str, busy: dict[str, int]) -> None:
        """Start with the mounts of a mountinfo."""
        self.mounts = mounts.parse(text.strip())
        self.busy = busy
        self.private: list[str] = []

    def end(self, point: str) -> int:
        """Unmount the topmost mount, unless it is busy."""
        if self.busy.get(point, 0):
            self.busy[point] -= 1
            return errno.EBUSY
        found = [mount for mount in self.mounts if mount.point == point]
        if any(mount.parent == found[-1].number for mount in self.mounts):
            return errno.EBUSY
        self.mounts.remove(found[-1])
        return 0

    def privatize(self, point: str) -> int:
        """Note it."""
        self.private.append(point)
        return 0

    def unmount_below(self, *directories: str, kept: tuple[str, ...] = ()) -> list[str]:
        """Run what is tested."""
        return mounts.unmount_below(
            directories,
            kept,
            mounts=lambda: list(self.mounts),
            end=self.end,
            privatize=self.privatize,
            users=lambda _point: ["4711 (sh)"],
        )


def test_names_with_blanks_and_peer_groups_are_read() -> None:
    found = {mount.number: mount for mount in mounts.parse(MOUNTINFO.strip())}
    assert found[42] == Mount(42, 40, DATA, 1, "ext4")
    assert found[43].peers == 0


def test_only_what_is_below_the_directories_ends_deepest_and_topmost_first() -> None:
    kernel = Kernel(MOUNTINFO, {})
    assert kernel.unmount_below(KUBELET) == [f"{DATA}/below", TOKEN, DATA, TOKEN]
    assert [mount.point for mount in kernel.mounts] == ["/", KUBELET, "/var/lib/kubelet2", "/srv/kept"]


def test_what_fstab_mounts_stays() -> None:
    kernel = Kernel(MOUNTINFO, {})
    kernel.unmount_below(KUBELET, kept=(DATA,))
    assert [mount.point for mount in kernel.mounts if mount.point.startswith(f"{KUBELET}/")] == [DATA]
    fstab = f"# comment\nUUID=1 {KUBELET}/my\\040data/ ext4 defaults 0 0\n#UUID=2 /old ext4\nproc /proc proc\n"
    assert mounts.fstab_points(fstab) == {f"{KUBELET}/my data", "/proc"}


def test_peers_elsewhere_keep_what_is_mounted_below_them() -> None:
    """A bind mount of / is in its peer group: what is unmounted below it would be unmounted below / as well."""
    kernel = Kernel(MOUNTINFO, {})
    kernel.unmount_below(KUBELET)
    assert kernel.private == [DATA]


@pytest.mark.parametrize("busy", [1, 99])
def test_a_busy_mount_is_named_with_who_uses_it(busy: int) -> None:
    kernel = Kernel(MOUNTINFO, {DATA: busy})
    with pytest.raises(HardwayError, match=r"my data: still mounted, used by process 4711 \(sh\); end it"):
        kernel.unmount_below(KUBELET)
    assert any(mount.point == DATA for mount in kernel.mounts)


def test_nothing_is_mounted() -> None:
    assert Kernel(MOUNTINFO, {}).unmount_below("/var/lib/none") == []
