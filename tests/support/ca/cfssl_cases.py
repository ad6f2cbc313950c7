# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""More than two hundred inputs for cfssl and for ours: keys, names, hosts, usages, validity periods, depths."""

from __future__ import annotations

import itertools
import random
from typing import Any

from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.spec.usages import EXTENDED_USAGES, KEY_USAGES

KEYS = [*(("ecdsa", size) for size in (256, 384, 521)), *(("rsa", size) for size in (2048, 3072, 4096)), ("ed25519", 0)]
EXPIRIES = ["8760h", "720h30m", "1h7m", "87599h59m59s", "4380h", "16m", "43800h", "17531h", "2h45m30s", "36000s"]
SUBJECTS: list[tuple[str, list[dict[str, str]]]] = [
    ("kubernetes", []),
    ("system:node:node-1", [{"O": "system:nodes"}]),
    ("admin", [{"C": "US", "L": "Portland", "O": "system:masters", "OU": "The Hard Way", "ST": "Oregon"}]),
    ("ä", [{"C": "DE", "ST": "Bayern", "L": "München", "O": "Bücher & Söhne", "OU": "日本"}]),
    ("Ω мир 🔑", [{"O": "中国", "OU": "עברית"}, {"O": "العربية"}]),
    ("x" * 64, [{"O": "b"}, {"O": "a", "OU": "x"}, {"OU": "y"}]),
    ("", [{"O": 'a, b+c="d"\\', "E": "ops@example.org"}]),
    ("*.example.org", [{"C": "DE", "L": "x" * 128}, {"C": "FR", "L": " y "}]),
    ("a", [{"E": "jürgen@example.org", "SerialNumber": "of no effect"}]),
]
DNS = [
    "example.org",
    "*.a.example.org",
    "UPPER.Example.org",
    "node-1",
    "kubernetes.default.svc.cluster.local",
    "xn--mnchen-3ya.de",
]
OTHERS = ["https://example.org/x?y=z#f", "spiffe://cluster.local/ns/a/sa/b", "ops@example.org", "a.b+c@sub.example.org"]
# Each word once: cfssl writes a purpose twice that is named twice. "Committment" is the spelling of its older releases.
KEY_WORDS = [
    word for word in KEY_USAGES if word not in ("cert sign", "encipher only", "decipher only", "content committment")
]
PURPOSES = [word for word in EXTENDED_USAGES if word != "s/mime"]
POINTERS: list[dict[str, Any]] = [
    {},
    {"crl_url": "http://pki.example.org/ca.crl"},
    {"ocsp_url": "http://ocsp.example.org", "issuer_urls": ["http://a.example.org/ca", "http://b.example.org/ca"]},
    {"backdate": "1h", "ocsp_no_check": True},
    {"backdate": "0s", "crl_url": "", "issuer_urls": None},
]
# Further fields of a csr. The number counts always, the list where gencert -initca creates a root from the csr.
BESIDE: list[dict[str, Any]] = [
    {},
    {"crl_url": "http://csr.example.org/own.crl"},
    {"serialnumber": "host_1"},
    {"serialnumber": "4711", "crl_url": "http://csr.example.org/own.crl"},
]


def capitals(value: Any) -> Any:
    """Return objects with their fields in the other case, which Go accepts, too; except two that have a twin there."""
    if isinstance(value, (list, tuple)):
        return [capitals(item) for item in value]
    if not isinstance(value, dict):
        return value
    same = ("expiry", "backdate")
    return {field if field in same else field.swapcase(): capitals(content) for field, content in value.items()}


def hosts(chance: random.Random) -> list[str]:
    """Return a mixture of names and addresses, from none to some fifty."""
    four = [f"192.0.{chance.randrange(256)}.{number}" for number in range(chance.choice([0, 1, 3, 40]))]
    six = [f"2001:db8::{chance.randrange(1, 65536):x}:{number:x}" for number in range(chance.choice([0, 1, 9]))]
    found = [*four, *six, *chance.sample(DNS, chance.randrange(7)), *chance.sample(OTHERS, chance.randrange(5))]
    chance.shuffle(found)
    return found


def usages(number: int, chance: random.Random) -> list[str]:
    """Return a set of usages; each word comes up in turn, alone or among others."""
    words = [*KEY_WORDS, *PURPOSES]
    one = [*words, "s/mime"][number % (len(words) + 1)]
    others = chance.sample(words, chance.choice([0, 2, 6]))
    found = [one, *(word for word in others if word not in (one, "email protection"))]
    # These two have a meaning only beside key agreement.
    only = {9: ["encipher only"], 19: ["decipher only"], 29: ["decipher only", "encipher only"]}.get(number % 30)
    return [*found, "key agreement", *only] if only else found


def leaf_cases() -> list[tuple[Any, ...]]:
    """Return key, CA's key, csr and profile of certificates for leaves."""
    chance, cases = random.Random(3), []
    for number, (key, subject) in enumerate(itertools.islice(itertools.cycle(itertools.product(KEYS, SUBJECTS)), 160)):
        csr = {"CN": subject[0], "names": subject[1], "hosts": hosts(chance), "key": {"algo": key[0], "size": key[1]}}
        profile = {"usages": usages(number, chance), "expiry": EXPIRIES[number % 10], **POINTERS[number % 5]}
        profile = {**profile, **({"expiry": "2h"} if "backdate" in profile else {})}
        files = {**csr, **BESIDE[number % 4]}, profile
        cases.append((key, KEYS[(number * 5 + 1) % len(KEYS)], *(capitals(files) if number % 6 == 5 else files)))
    return cases


def ca_cases() -> list[tuple[Any, ...]]:
    """Return key and csr of roots: every kind of key, depth and validity period."""
    depths: list[dict[str, Any]] = [
        {},
        {"pathlen": 0},
        {"pathlen": 0, "pathlenzero": True},
        {"pathlen": 1},
        {"pathlen": 7, "pathlenzero": True},
    ]
    cases = []
    for number, (key, depth) in enumerate(itertools.product(KEYS, depths)):
        name, names = SUBJECTS[number % len(SUBJECTS)]
        ca = {**depth, "expiry": EXPIRIES[number % 10], **({"backdate": "2m"} if key[0] == "ecdsa" else {})}
        csr = {"CN": name, "names": names, "key": {"algo": key[0], "size": key[1]}, "ca": ca}
        # From a csr whose key exists, as those of rsa do here, cfssl takes neither backdate nor crl_url.
        csr.update(BESIDE[number % 3 if key[0] == "ecdsa" else 2])
        cases.append((key, capitals(csr) if number % 4 == 3 else csr))
    return cases


def intermediate_cases() -> list[tuple[Any, ...]]:
    """Return key, CA's key, csr and profile of intermediate CAs; the field ca of the csr has no effect."""
    depths: list[dict[str, Any]] = [
        {},
        {"max_path_len": 0, "max_path_len_zero": True},
        {"max_path_len": 0},
        {"max_path_len": 1},
        {"max_path_len": 4},
    ]
    asked = [{}, {"ca": {"expiry": "42720h"}}, {"ca": {"pathlen": 3, "backdate": "3h"}}, {"ca": {}}]
    cases = []
    for number, key in enumerate((KEYS * 6)[:37]):
        csr = {"CN": "sub", "names": [{"O": "x"}], "key": {"algo": key[0], "size": key[1]}}
        profile = {"usages": ["signing", "cert sign", "crl sign", "server auth"], "expiry": "8760h"}
        profile = {**profile, **POINTERS[number % 5], "ca_constraint": {"is_ca": True, **depths[number % 5]}}
        files = {**csr, **asked[number % 4], **BESIDE[number % 3]}, profile
        cases.append((key, KEYS[(number + 2) % 7], *(capitals(files) if number % 8 > 4 else files)))
    return cases
