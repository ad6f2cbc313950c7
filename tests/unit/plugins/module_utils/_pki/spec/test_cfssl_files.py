# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""cfssl's own files are read as by cfssl, and a fault in them is one error that names the place."""

from __future__ import annotations

import json
import typing as t
from datetime import timedelta
from pathlib import Path

import pytest
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.errors import HardwayError
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.spec.ca import ca_spec
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.spec.certificate import specs_of
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.spec.cfssl import document, profiles_of

CONFIG = {
    "signing": {
        "default": {"expiry": "8760h", "crl_url": "http://pki.example.org/ca.crl"},
        "profiles": {
            "kubernetes": {"usages": ["signing", "key encipherment", "server auth", "client auth"]},
            "server": {
                "usages": ["signing", "server auth"],
                "expiry": "720h30m",
                "crl_url": "http://example.org/s.crl",
            },
            "intermediate": {
                "usages": ["cert sign", "crl sign"],
                "expiry": "43800h",
                "ca_constraint": {"is_ca": True, "max_path_len": 0, "max_path_len_zero": True},
            },
        },
    }
}
HOUR = timedelta(hours=1)
CSR = {
    "CN": "kubernetes",
    "hosts": ["127.0.0.1", "kubernetes.default"],
    "key": {"algo": "rsa", "size": 2048},
    "names": [{"C": "US", "L": "Portland", "O": "Kubernetes", "OU": "The Hard Way", "ST": "Oregon"}],
}


def spec(csr: t.Any, config: t.Any = None, **changes: t.Any) -> t.Any:
    """Return the specification of one entry of pki_certificate."""
    entry = {"path": "/p/a", "ca": "ca", "profile": "kubernetes", "csr": csr, **changes}
    return specs_of({"certificates": [entry], "config": CONFIG if config is None else config})[0]


def test_the_files_of_guides_are_accepted(tmp_path: Path) -> None:
    """Path, JSON text and data are equivalent."""
    path = tmp_path / "kubernetes-csr.json"
    path.write_text(json.dumps(CSR))
    found = spec(CSR)
    assert found == spec(str(path)) == spec(json.dumps(CSR), json.dumps(CONFIG))
    assert found.subject.parts[-1] == ("CN", ("kubernetes",))
    assert [str(host) for host in found.sans] == ["ip:127.0.0.1", "dns:kubernetes.default"]
    assert str(found.key) == "rsa 2048"
    assert found.usages.words() == ["digital signature", "key encipherment", "server auth", "client auth"]
    assert found.expiry == timedelta(hours=8760)
    assert found.profile.pointers == ("crl:http://pki.example.org/ca.crl",)


def test_options_take_precedence_over_the_file() -> None:
    """The file gives what the task leaves open. One profile for all also issues clients, without hosts."""
    found = spec(CSR, common_name="a", sans=["b"], key={"algo": "ecdsa", "size": 384}, names=[{"O": "x"}], expiry="9h")
    assert found.subject.parts == (("O", ("x",)), ("CN", ("a",)))
    assert (str(found.sans[0]), str(found.key), found.expiry) == ("dns:b", "ecdsa 384", timedelta(hours=9))
    assert spec({"CN": "admin", "hosts": [""]}).sans == ()
    assert spec({"cn": "a", "Hosts": ["a"]}, profile="server").profile.pointers == ("crl:http://example.org/s.crl",)


@pytest.mark.parametrize(
    ("ca", "expiry", "length"),
    [
        (None, 87600, None),
        ({"expiry": "43800h"}, 43800, None),
        ({"expiry": "1h", "pathlen": 0}, 1, None),
        ({"pathlen": 0, "pathlenzero": True}, 87600, 0),
        ({"pathlen": 3, "pathlenzero": True}, 87600, 3),
    ],
)
def test_the_section_ca_gives_expiry_and_depth(ca: dict[str, t.Any] | None, expiry: int, length: int | None) -> None:
    """Zero must be given twice, as in cfssl."""
    found = ca_spec({"name": "ca", "csr": {**CSR, **({"ca": ca} if ca is not None else {})}}, {})
    assert found.expiry == timedelta(hours=expiry)
    assert found.profile.path_length == length


def test_fields_are_read_in_any_case_as_go_does() -> None:
    """Also in capitals; null is the same as no field."""
    csr = {"cn": "a", "HOSTS": None, "Key": {"Algo": "ecdsa", "SIZE": 384}, "ca": None, "Names": [{"o": "x"}]}
    constraint = {"Is_CA": True, "Max_Path_Len": 1}
    profiles = {"Sub": {"Usages": ["cert sign"], "CA_Constraint": constraint}, "leaf": {"USAGES": ["any"]}}
    config = {"Signing": {"Profiles": profiles, "DEFAULT": {"Expiry": "9h"}}, "OCSP": None}
    found = spec(csr, config, profile="leaf")
    assert (str(found.key), found.expiry, found.subject.parts[0]) == ("ecdsa 384", timedelta(hours=9), ("O", ("x",)))
    ca = ca_spec({"name": "sub", "profile": "Sub", "signed_by": "ca"}, profiles_of(config))
    assert (ca.profile.path_length, ca.expiry) == (1, timedelta(hours=9))


def test_ca_by_profile() -> None:
    """A profile with is_ca gives usages, validity period and depth of a CA."""
    profiles = profiles_of(CONFIG)
    found = ca_spec({"name": "sub", "profile": "intermediate", "signed_by": "ca"}, profiles)
    assert found.usages.words() == ["cert sign", "crl sign"]
    assert (found.profile.path_length, found.expiry, found.ca) == (0, timedelta(hours=43800), "ca")


def test_a_signers_profile_takes_precedence_over_a_csr_and_a_task_over_both() -> None:
    """What a csr gives for a root's expiry, depth and list does not apply to the CA that it signs."""
    urls = {
        "ocsp_url": "http://o.example.org",
        "issuer_urls": ["http://i.example.org"],
        "crl_url": "http://p.example.org",
    }
    profiles = {"sub": {**CONFIG["signing"]["profiles"]["intermediate"], **urls}}
    own = {"ca": {"expiry": "9h", "pathlen": 3, "backdate": "1h"}, "crl_url": "http://c.example.org"}
    asked = {"name": "sub", "csr": {**CSR, **own}, "profile": "sub"}
    signed = ca_spec({**asked, "signed_by": "ca"}, profiles)
    assert signed == ca_spec({**asked, "csr": CSR, "signed_by": "ca"}, profiles)
    spec_of_ca = ca_spec({**asked, "signed_by": "ca", "expiry": "8h", "path_length": 2}, profiles)
    assert (spec_of_ca.expiry, spec_of_ca.profile.path_length) == (timedelta(hours=8), 2)
    root = ca_spec(asked, profiles)
    assert (root.expiry, root.profile.path_length, root.profile.backdate) == (9 * HOUR, 3, HOUR)
    assert root.profile.pointers == ("crl:http://c.example.org", *signed.profile.pointers[1:])
    assert len(root.profile.pointers) == 3


def test_zero_backdates_by_five_minutes_as_cfssl_does() -> None:
    """Zero is the same as no value, in both files."""
    for zero in ("0s", "0", "0h0m"):
        config = {"signing": {"profiles": {"kubernetes": {"usages": ["any"], "backdate": zero}}}}
        assert spec(CSR, config).profile.backdate == timedelta(minutes=5)
        found = ca_spec({"name": "ca", "csr": {**CSR, "ca": {"backdate": zero}}}, {})
        assert found.profile.backdate == timedelta(minutes=5)


@pytest.mark.parametrize(
    ("csr", "config", "message"),
    [
        ("{", None, r"/p/a: csr: is not JSON: .*line 1"),
        ("/no/such.json", None, r"/no/such\.json: cannot be read: No such file"),
        ("[]", None, "cannot be read"),
        ({"CNN": "a"}, None, "csr: field 'cnn' is unknown here; use cn"),
        ({"CN": 1}, None, "cn must be a text, not 1"),
        ({"CN": "a", "hosts": "b"}, None, 'hosts must be a list of texts, not "b"'),
        ({"CN": "a", "hosts": [1]}, None, "hosts must be a list of texts, not .1."),
        ({"CN": "a", "names": {"O": "x"}}, None, "names must be a list of objects"),
        ({"CN": "a", "key": "rsa"}, None, "key must be an object"),
        ({"CN": "a", "key": {"algo": "rsa", "size": "big"}}, None, "key: size must be a number"),
        ({"CN": "a", "key": {"algo": "dsa"}}, None, "'dsa' is unknown"),
        ({"CN": "a", "ca": {"expiry": "1h"}}, None, "create CAs with pki_ca"),
        ({"CN": "a", "ca": {"pathlen": -1}}, None, "must be a number from 0, not -1"),
        ({"CN": "a" * 65}, None, "65 characters"),
        ({"hosts": ["a"]}, None, "no subject"),
        (CSR, {"profiles": {}}, "no section signing"),
        (CSR, {"signing": {"profiles": []}}, "signing: profiles must be an object"),
        (CSR, {"signing": {"profiles": ["a"]}}, "signing: profiles must be an object"),
        (CSR, {"signing": {"profiles": {"kubernetes": "x"}}}, "must be an object"),
        (CSR, {"signing": {"profiles": {"kubernetes": {"usages": "signing"}}}}, "must be a list"),
        (CSR, {"signing": {"profiles": {"kubernetes": {"usages": []}}}}, "must be a list"),
        (CSR, {"signing": {"profiles": {"kubernetes": {"usages": ["sing"]}}}}, "'sing' is unknown"),
        (CSR, {"signing": {"profiles": {"kubernetes": {"usages": ["any"], "expiry": "1y"}}}}, "not a duration"),
        (
            CSR,
            {"signing": {"profiles": {"kubernetes": {"usages": ["any"], "remote": "x"}}}},
            "'remote' is unknown here",
        ),
        (CSR, {"signing": {"profiles": {"kubernetes": {"usages": ["cert sign"]}}}}, "no ca_constraint"),
        (CSR, {"signing": {"profiles": {"kubernetes": {"usages": ["any"], "issuer_urls": "x"}}}}, "must be a list"),
        (CSR, {"signing": {"profiles": {"kubernetes": CONFIG["signing"]["profiles"]["intermediate"]}}}, "with pki_ca"),
        (CSR, "{]", "config: is not JSON"),
        (
            {"CN": "a", "key": {"algo": "rsa", "bits": 4096}},
            None,
            "csr: key: field 'bits' is unknown here; use algo, size",
        ),
        (CSR, {"signing": {"default": {"expiry": "1h"}}}, "'kubernetes' is unknown"),
    ],
)
def test_bad_files_are_one_error(csr: t.Any, config: t.Any, message: str) -> None:
    """Each error has the place, and is one line."""
    with pytest.raises(HardwayError, match=message) as one:
        spec(csr, config)
    assert "\n" not in str(one.value)


@pytest.mark.parametrize("content", [b"[1]", b'"text"', b"\xff{}", b""])
def test_files_that_hold_no_object(tmp_path: Path, content: bytes) -> None:
    """The error names the file."""
    (tmp_path / "csr.json").write_bytes(content)
    with pytest.raises(HardwayError, match=f"{tmp_path}/csr.json: (is not JSON|must be an object|cannot be read)"):
        document(str(tmp_path / "csr.json"), "csr")
