# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command lines of the control plane: our defaults, the user's arguments over them, systemd's parsing."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.roles.master import Host, ha, single

COMPONENTS = {
    "kube-apiserver": "master_apiserver_args",
    "kube-controller-manager": "master_controller_manager_args",
    "kube-scheduler": "master_scheduler_args",
}

PLAIN = {component: ha().arguments(component) for component in COMPONENTS}


def flags(arguments: list[str]) -> dict[str, str]:
    """Return the last value of each flag."""
    return dict(argument.removeprefix("--").split("=", 1) for argument in arguments)


@pytest.mark.parametrize(("component", "variable"), COMPONENTS.items())
@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"v": 4}, ["--v=4"]),
        ({"profiling": True}, ["--profiling=true"]),
        ({"profiling": None}, []),
        (
            {"tls-sni-cert-key": ["a.crt,a.key", "b.crt,b.key"]},
            ["--tls-sni-cert-key=a.crt,a.key", "--tls-sni-cert-key=b.crt,b.key"],
        ),
        ({"tls-sni-cert-key": []}, []),
        ({"feature-gates": {"A": True, "B": False}}, ["--feature-gates=A=true,B=false"]),
        ({"v": "with space"}, ["--v=with space"]),
        ({"v": 'quote" and %i and $HOME and ;'}, ['--v=quote" and %i and $HOME and ;']),
        ({"v": "back\\slash"}, ["--v=back\\slash"]),
    ],
)
def test_given_arguments_are_merged_over_ours(
    component: str, variable: str, given: dict[str, Any], expected: list[str]
) -> None:
    """A scalar, a null, a list, a dictionary and special characters arrive unchanged; all else stays."""
    (name,) = given
    plain = [a for a in PLAIN[component] if not a.startswith(f"--{name}=")]
    found = ha(**{variable: given}).arguments(component)
    assert [a for a in found if a.startswith(f"--{name}=")] == expected
    assert [a for a in found if not a.startswith(f"--{name}=")] == plain


def test_only_a_control_plane_that_soaks_emulates_the_minor_before() -> None:
    """The former minor itself, after a rollback, does not."""
    soaks = {"versions": {}, "upgrade": {"former": "1.35.6", "emulated": "1.35", "nodes": "1.35.6"}}
    for component, plain in PLAIN.items():
        assert flags(ha(_cluster_running=soaks).arguments(component))["emulated-version"] == "1.35"
        back = ha(_cluster_running=soaks, cluster_kubernetes_version="1.35.6").arguments(component)
        assert back == plain and "emulated-version" not in flags(plain)


def test_no_flag_is_empty_or_left_from_templating() -> None:
    """Every flag has a plausible value."""
    for host in (ha(), single()):
        for component in COMPONENTS:
            for name, value in flags(host.arguments(component)).items():
                assert value not in ("", "None", "null", "True", "False"), name
                assert "{{" not in value, name


def test_goaway_is_set_only_with_several_masters() -> None:
    """A single master has no other that could take the connections."""
    assert flags(ha().arguments("kube-apiserver"))["goaway-chance"] == "0.001"
    assert "goaway-chance" not in flags(single().arguments("kube-apiserver"))


def test_aggregated_requests_go_to_endpoints_where_no_kube_proxy_runs() -> None:
    """m3 is a master but no node."""
    routing = [flags(ha(name).arguments("kube-apiserver"))["enable-aggregator-routing"] for name in ("m1", "m3")]
    assert routing == ["false", "true"]


def test_addresses_come_from_the_inventory() -> None:
    """Each apiserver listens on its own address and knows every etcd member."""
    found = flags(ha("m2").arguments("kube-apiserver"))
    assert found["bind-address"] == found["advertise-address"] == "192.0.2.2"
    assert found["etcd-servers"] == "https://192.0.2.1:2379,https://192.0.2.2:2379,https://192.0.2.3:2379"


def test_an_external_load_balancer_has_time_to_notice() -> None:
    addresses = {"m1": "192.0.2.1", "m2": "192.0.2.2"}
    ours = Host("m1", addresses, {"etcd": ["m1"], "master": ["m1", "m2"], "lb": ["m1"]})
    assert ha().value("master_shutdown_delay") == 30
    assert ours.value("master_shutdown_delay") == 5
    assert single().value("master_shutdown_delay") == 5, "no other master can take over"
    assert ha().value("_master_components['kube-apiserver'].stop_timeout") == 105


def test_shutdown_delay_fits_into_the_stop_timeout() -> None:
    """systemd does not kill an apiserver that still drains."""
    host = ha(master_shutdown_delay=40)
    assert flags(host.arguments("kube-apiserver"))["shutdown-delay-duration"] == "40s"
    assert "TimeoutStopSec=115\n" in host.file("kube-apiserver.service")


def test_lease_times_apply_to_both_leader_elections() -> None:
    """The controller manager takes them as flags, the scheduler from its file."""
    host = ha(
        master_leader_elect_lease_duration="60s",
        master_leader_elect_renew_deadline="40s",
        master_leader_elect_retry_period="5s",
    )
    found = flags(host.arguments("kube-controller-manager"))
    times = [found[f"leader-elect-{name}"] for name in ("lease-duration", "renew-deadline", "retry-period")]
    election = host.value("_master_scheduler_config.leaderElection")
    assert times == ["60s", "40s", "5s"]
    assert [election[name] for name in ("leaseDuration", "renewDeadline", "retryPeriod")] == times


def test_without_encryption_there_are_no_flags_and_no_file() -> None:
    """An empty list means no encryption at rest, and no key file is left."""
    host = ha(master_encryption_resources=[])
    assert not [a for a in host.arguments("kube-apiserver") if "encryption" in a]
    (file,) = [f for f in host.value("_master_files") if f["path"].endswith("encryption.yaml")]
    assert file["state"] == "absent"


def test_no_secret_on_a_command_line() -> None:
    """Process arguments are public."""
    key = "QSBrZXkgb2YgMzIgYnl0ZXMgaW4gYmFzZTY0ICEhIQ=="
    host = ha(_master_encryption_keys=[{"name": "key1", "secret": key}])
    files = host.files()
    assert key in files.pop("/etc/kubernetes/encryption.yaml")
    assert not [name for name, text in files.items() if key in text]


def test_cluster_info_is_signed_only_where_its_path_needs_no_credentials() -> None:
    path = "/api/v1/namespaces/kube-public/configmaps/cluster-info"
    component = "kube-controller-manager"
    assert "signer" not in flags(PLAIN[component])["controllers"]
    found = flags(single(master_anonymous_paths=["/readyz", path]).arguments(component))["controllers"]
    assert found == "*,token-cleaner-controller,bootstrap-signer-controller"
