# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tables of bad inputs; TOP stands for the directory of the test."""

from __future__ import annotations

from typing import Any


def config(**profile: Any) -> dict[str, Any]:
    """Return the options with a ca-config.json whose profile server has these fields."""
    return {"config": {"signing": {"profiles": {"server": {"usages": ["server auth"], **profile}}}}}


# Changes of a good entry of pki_certificate, further options, what the error says.
CERTIFICATES: list[tuple[dict[str, Any], dict[str, Any], str]] = [
    ({"common_name": "x" * 65}, {}, "host/a: the common name has 65 characters; X.509 allows 64, shorten it"),
    ({"common_name": ""}, {}, "it has no subject; set common_name"),
    ({"hosts": []}, {}, "a certificate for a server needs hosts; give"),
    ({"profile": "sever"}, {}, "profile 'sever' is unknown; use server, client, peer"),
    ({"profile": "default"}, {}, "profile 'default' is unknown"),
    ({"expiry": "200d"}, {}, "longer than its authority ca .*; ask for a shorter expiry or renew the authority"),
    ({"expiry": "soon"}, {}, "expiry 'soon': not a duration; write it as"),
    ({"expiry": "-1h"}, {}, "expiry '-1h': not a duration"),
    ({"expiry": "0h"}, {}, "must be longer than nothing"),
    ({"expiry": "5m"}, {}, "expiry must exceed the five minutes"),
    ({"hosts": ["10.0.0.256"]}, {}, "host '10.0.0.256' is neither an address"),
    ({"hosts": ["1.2.3"]}, {}, "host '1.2.3' is neither"),
    ({"hosts": ["a b"]}, {}, "host 'a b' is neither"),
    ({"hosts": ["a:6443"]}, {}, "host 'a:6443' is neither"),
    ({"hosts": ["a", ""]}, {}, "host '' is neither"),
    ({"hosts": ["münchen.de"]}, {}, "is not ASCII; write it in its xn-- form"),
    ({"hosts": ["fe80::1%eth0"]}, {}, "is neither"),
    ({"hosts": ["*.*.example.org"]}, {}, "is neither"),
    ({"key": {"algo": "rsa", "size": 1024}}, {}, "key size 1024 does not go with rsa; use one of 2048"),
    ({"key": {"algo": "ecdsa", "size": 224}}, {}, "key size 224 does not go with ecdsa"),
    ({"key": {"algo": "dsa"}}, {}, "value of algo must be one of"),
    ({"names": [{"X": "y"}]}, {}, "'X' is no part of a name; use"),
    ({"names": [{"C": "Germany"}]}, {}, "country 'Germany' must be a code of two letters"),
    ({"authority": "nobody"}, {}, "nobody.crt does not exist; make it"),
    ({"authority": "servers", "profile": "peer"}, {}, "authority servers may not sign it: it is not for client auth;"),
    ({"self_signed": True}, {}, "give either the authority that signs it, or self_signed"),
    ({"owner": "no-such-user"}, {}, "no user no-such-user on this host; create it first"),
    ({"path": "TOP/host/a.crt/b"}, {}, "host/a.crt: cannot be made: "),
    ({}, {"certificates": [{"path": "a", "authority": "ca"}] * 2}, "is unknown|two certificates"),
    ({}, {"authority_dir": "TOP/parts/empty"}, "cannot be read: Not a directory; mend"),
    ({}, {"_exchange": {}}, "unknown option _exchange; remove it"),
    ({}, {"profiles": {"server": {"usages": ["sever auth"]}}}, "usage 'sever auth' is unknown; use cfssl's words"),
    ({}, {"profiles": {"server": {"usages": "signing"}}}, "usages must be a list"),
    ({}, {"profiles": {"server": {"usages": []}}}, "usages must be a list"),
    ({}, {"profiles": {"server": {"usages": ["cert sign"]}}}, "has no ca_constraint is_ca; drop cert sign"),
    ({}, {"profiles": {"server": {"usages": ["encipher only"]}}}, "mean nothing without key agreement; add it"),
    ({}, {"profiles": {"server": {"usages": ["cert sign"], "ca_constraint": {"is_ca": True}}}}, "make those by pki_ca"),
    ({}, config(expiry="1y"), "expiry of profile 'server' '1y': not a duration"),
    ({"expiry": "30m"}, config(backdate="1h"), "expiry must exceed the 1h by which"),
    ({}, config(crl_url="here"), "'here' is not a URL; write it as"),
    ({}, config(issuer_urls="http://a.b"), "issuer_urls must be a list of texts"),
    ({}, config(remote="elsewhere"), "field 'remote' is unknown here; use expiry"),
    ({}, config(ca_constraint="yes"), "profile server: ca_constraint must be an object"),
    ({}, {"config": "{]"}, "config: is not JSON: .*; mend it"),
    ({}, {"config": "TOP/parts/bad.json"}, "bad.json: is not JSON: .*line 1 column 1[0-9]* .*; mend it"),
    ({}, {"config": "TOP/none.json"}, "none.json: cannot be read: No such file or directory; give the path"),
    ({}, {"config": {"profiles": {}}}, "config: has no section signing; give"),
    ({"csr": "TOP/parts/bad.json"}, {}, "bad.json: is not JSON"),
    ({"csr": "TOP/parts/garbage"}, {}, "garbage: cannot be read: it is not UTF-8; give"),
    ({"csr": {"CN": "a", "host": ["b"]}}, {}, "field 'host' is unknown here; use cn, hosts"),
    ({"csr": {"CN": ["a"]}}, {}, "cn must be a text"),
    ({"csr": {"CN": "a", "ca": {"expiry": "1h"}}}, {}, "asks for an authority .ca.; make that by pki_ca"),
    ({"common_name": "ü" * 40}, {}, "the common name has 80 bytes in UTF-8; .* takes 64, shorten it"),
    ({"names": [{"C": "1_"}]}, {}, "country '1_' must be a code of two letters"),
    ({"names": [{"C": False}]}, {}, "C must be a text, not false; put it in quotes"),
    ({"names": [{"O": ["a", "b"]}]}, {}, 'O must be a text, not ."a", "b".; put it in quotes'),
    ({"names": [{"O": "\ud800"}]}, {}, "cannot be written in UTF-8; correct it"),
    ({"csr": {"CN": "a", "names": [{"O": 1}]}}, {}, "O must be a text, not 1"),
    (
        {"csr": {"CN": "a", "key": {"algo": ["rsa"]}}, "key": None},
        {},
        "csr: key: algo must be a text, not ..rsa..; correct",
    ),
    (
        {"csr": {"CN": "a", "key": {"algo": "rsa", "bits": 4096}}},
        {},
        "csr: key: field 'bits' is unknown here; use algo, size",
    ),
    ({"csr": {"CN": "a", "key": {"algo": "rsa", "size": "2048"}}}, {}, 'key: size must be a number from 0, not "2048"'),
    ({"csr": {"CN": "a", "key": {"algo": "rsa", "size": -1}}}, {}, "key: size must be a number from 0, not -1"),
    ({}, config(usages=5), "config: profile server: usages must be a list of texts, not 5; correct it"),
    ({}, config(usages={"signing": 1}), 'usages must be a list of texts, not ."signing": 1.; correct it'),
    ({}, config(expiry=8760), "expiry must be a text, not 8760"),
    ({}, config(ocsp_no_check="no"), 'ocsp_no_check must be true or false, not "no"'),
    (
        {},
        config(ca_constraint={"is_ca": "false"}),
        'ca_constraint: is_ca must be true or false, not "false"; correct it',
    ),
    ({}, config(ca_constraint={"max_path_len": True}), "max_path_len must be a number from 0, not true"),
    (
        {},
        config(ca_constraint={"max_path_length": 0}),
        "ca_constraint: field 'max_path_length' is unknown here; use is_ca",
    ),
    ({}, config(max_path_len=1), "profile server: field 'max_path_len' is unknown here; use"),
    ({}, {"config": {"signing": {"profile": {"server": {}}}}}, "config: signing: field 'profile' is unknown here; use"),
    ({}, {"config": {"signing": {"default": {"usage": ["any"]}}}}, "signing.default: field 'usage' is unknown here"),
    ({}, {"config": {"signing": 5}}, "config: signing must be an object, not 5"),
    ({}, {"profiles": {"server": {"usage": ["any"]}}}, "profiles: server: field 'usage' is unknown here; use"),
    ({}, {"profiles": {"server": "any"}}, 'profiles: server: must be an object, not "any"; put it in braces'),
]

# What takes the place of an authority's file, further options, what the error says.
BROKEN: list[tuple[str, str, dict[str, Any], str]] = [
    ("empty", "ca.crt", {}, "(ca.crt|certificate of ca): there is no PEM certificate in it; restore it"),
    ("garbage", "ca.crt", {}, "there is no PEM certificate in it; restore"),
    ("truncated.crt", "ca.crt", {}, "it is damaged; restore"),
    ("damaged.crt", "ca.crt", {}, "cannot read the certificate, it is damaged; restore"),
    ("future.crt", "ca.crt", {}, "ca.crt: is not valid before .*; check this machine's clock"),
    ("leaf.crt", "ca.crt", {}, "ca.crt: is not an authority .CA:TRUE is missing.; move"),
    ("nosign.crt", "ca.crt", {}, "ca.crt: may not sign certificates .keyCertSign is missing.; restore"),
    ("empty", "ca.key", {}, "ca.key: cannot read the private key: .*; restore it from a backup"),
    ("garbage", "ca.key", {}, "ca.key: cannot read the private key"),
    ("truncated.key", "ca.key", {}, "ca.key: cannot read the private key"),
    ("other.key", "ca.key", {}, "ca.key: does not belong to .*ca.crt; restore the pair"),
    ("encrypted.key", "ca.key", {}, "ca.key: the key is encrypted; give its passphrase"),
    ("encrypted.key", "ca.key", {"passphrase": "wrong"}, "the passphrase is wrong; restore"),
]

# An authority for pki_ca, or all its options; what the error says.
AUTHORITIES: list[tuple[dict[str, Any], str]] = [
    ({"name": "../ca"}, "'../ca': not a name; use letters"),
    ({"name": "a/b"}, "'a/b': not a name"),
    ({"name": "n", "common_name": "x" * 65}, "authority n: the common name has 65"),
    ({"name": "n", "expiry": "10 years"}, "authority n: expiry '10 years': not a duration"),
    ({"name": "n", "expiry": "2m"}, "must exceed the five minutes"),
    ({"name": "n", "key": {"algo": "rsa", "size": 512}}, "key size 512 does not go with rsa"),
    ({"name": "n", "path_length": -1}, "path_length -1 must not be negative; leave it out"),
    ({"name": "n", "usages": ["signing"]}, "may not sign certificates by its usages; add cert sign"),
    ({"name": "n", "usages": ["sing"]}, "usage 'sing' is unknown; use"),
    ({"name": "n", "profile": "none"}, "profile 'none' is unknown; use"),
    ({"name": "n", "profile": "server"}, "profile 'server' is for leaves; set is_ca"),
    ({"name": "n", "signed_by": "nobody"}, "nobody.crt does not exist; make it"),
    ({"name": "n", "signed_by": "servers", "expiry": "1d"}, "path length of 0 allows no authority below it; choose"),
    ({"name": "n", "signed_by": "ca"}, "longer than its authority ca"),
    ({"name": "n", "csr": {"CN": "n", "ca": {"pathlen": -1}}}, "ca: pathlen must be a number from 0, not -1"),
    ({"name": "n", "csr": {"CN": "n", "ca": {"lifetime": "1h"}}}, "field 'lifetime' is unknown here; use expiry"),
    ({"name": "n", "import_certificate": "TOP/parts/leaf.crt"}, "leaf.crt: is not an authority"),
    ({"name": "n", "import_certificate": "TOP/parts/expired.crt"}, "expired.crt: expired at .*; renew it where"),
    ({"name": "n", "import_certificate": "TOP/parts/empty"}, "empty: there is no PEM certificate"),
    ({"name": "ca", "import_certificate": "TOP/pki/mute.crt"}, "ca.crt: is another authority than .*mute.crt; drop"),
    ({"directory": "TOP/parts/empty"}, "empty: is not a directory; move it away"),
    ({"renew_before": 1.5}, "renew_before 1.5: is no part of a life; give"),
    ({"key_pairs": [{"name": "n", "key": {"algo": "ed25519"}}]}, "rsa or ecdsa only; choose one"),
    ({"secrets": [{"name": "n", "bytes": 0}]}, "0 bytes make no sense; ask for 1 to 1024"),
    ({"config": "TOP/parts/bad.json"}, "bad.json: is not JSON"),
    ({"name": "n", "common_name": "ü" * 40}, "authority n: the common name has 80 bytes"),
    ({"name": "n", "names": [{"C": "1_"}]}, "country '1_' must be a code of two letters"),
    ({"name": "n", "names": [{"O": ["a", "b"]}]}, "O must be a text"),
    ({"name": "n", "csr": {"CN": "n", "ca": {"pathlen": True}}}, "csr: ca: pathlen must be a number from 0, not true"),
    ({"name": "n", "csr": {"CN": "n", "ca": {"pathlenzero": "no"}}}, 'ca: pathlenzero must be true or false, not "no"'),
    ({"name": "n", "csr": {"CN": "n", "ca": True}}, "csr: ca must be an object, not true"),
    ({"name": "n", "csr": {"CN": "n", "crl_url": "nowhere"}}, "'nowhere' is not a URL"),
]

# Changes of a good entry of pki_sign, what the error says.
REQUESTS: list[tuple[dict[str, Any], str]] = [
    ({"request": "TOP/none.csr"}, "none.csr does not exist; give the path"),
    ({"request": "TOP/parts/garbage"}, "garbage: is not a PEM signing request or is damaged; have it made again"),
    ({"request": "TOP/parts/tampered.csr"}, "tampered.csr: is not signed by its own key; have|is damaged; have"),
    ({"request": "TOP/parts/weak.csr"}, "key size 1024 does not go with rsa; use"),
    ({"request": "TOP/parts/ca.csr"}, "the request asks for an authority; choose a profile"),
    ({"profile": "server"}, "neither task nor request gives any"),
    ({"path": "TOP/parts/garbage"}, "garbage: there is no PEM certificate in it; restore it or move it away"),
    ({"expiry": "200d"}, "longer than its authority ca"),
    ({"authority": "servers", "expiry": "1d"}, "it is not for client auth; choose"),
]

# Options of pki_crl, what the error says.
LISTS: list[tuple[dict[str, Any], str]] = [
    ({"revoked": [{"serial": "xyz"}]}, "serial 'xyz' is not hexadecimal; take it from issued.jsonl"),
    ({"revoked": [{"serial": "0"}]}, "serial number 0 has not from 1 to 159 bits; remove it"),
    ({"revoked": [{}]}, "give either serial or certificate"),
    ({"revoked": [{"certificate": "TOP/none.crt"}]}, "none.crt does not exist; give its serial number"),
    ({"revoked": [{"certificate": "TOP/pki/mute.crt"}]}, "is of another authority; revoke it there"),
    ({"serials_file": "TOP/none"}, "does not exist; give the path"),
    ({"serials_file": "TOP/parts/serials"}, "line 2 'zz' is no decimal serial number; mend it"),
    ({"authority": "mute"}, "may not sign revocation lists .cRLSign is missing.; renew it"),
    ({"expiry": "1w"}, "expiry '1w': not a duration"),
    ({"revoked": [{"serial": "8" + "0" * 39}]}, "serial number 80+ has not from 1 to 159 bits; remove it"),
    ({"serials_file": "TOP/parts/long"}, "line 1 has more digits than any serial number, 48; remove it"),
]
