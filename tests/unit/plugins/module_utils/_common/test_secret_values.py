# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets in texts: by the names of fields, by form, and by known values."""

from __future__ import annotations

import base64
import json

import pytest
from ansible_collections.hardway.kubernetes.plugins.module_utils._common.secret_values import (
    REDACTED,
    Redactor,
    is_secret,
)
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.spec.certificate import KeySpec
from ansible_collections.hardway.kubernetes.plugins.module_utils._pki.x509.keys import key_pem, new_key

KEYS = [KeySpec("ecdsa", 256), KeySpec("rsa", 2048), KeySpec("ed25519", 0)]
JWT = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJrdWJlcm5ldGVzIn0.c2lnbmF0dXJl"


@pytest.mark.parametrize(
    "name",
    [
        *("password", "auth_pass", "--token", "clientSecret", "client-key-data", "identitytoken", "API_KEY", "apiKey"),
        *("privateKey", "secret", "Authorization", "HTTP_PROXY_PASSWORD", "auth", "backup.passphrase", "SECRET_KEY"),
    ],
)
def test_a_field_is_secret_by_the_words_of_its_name(name: str) -> None:
    assert is_secret(name)


@pytest.mark.parametrize(
    "name",
    [
        *("--token-auth-file", "secretName", "auth_type", "tokenTTL", "--service-account-key-file", "username", "keys"),
        *("--authentication-token-webhook-cache-ttl", "authentication", "certificate", "key", "client-key", "compass"),
        *("serviceAccountName", "passthrough", "keyAlgorithm", "monkey", "--tls-private-key-file"),
    ],
)
def test_other_fields_stay(name: str) -> None:
    assert not is_secret(name)


# A file, the parts that must be gone, and the parts that must stay.
FILES = {
    "encryption configuration": (
        "resources:\n  - resources:\n      - secrets\n    providers:\n      - aescbc:\n          keys:\n"
        "            - name: key1\n              secret: c2VjcmV0\n"
        "            - {name: key2, secret: 'b3RoZXI='}\n      - identity: {}\n",
        ["c2VjcmV0", "b3RoZXI="],
        ["- secrets", "aescbc", "name: key1", "name: key2", "identity: {}"],
    ),
    "kubeconfig": (
        "users:\n- name: admin\n  user:\n    client-certificate-data: Y2VydA==\n"
        "    client-key-data: a2V5\n    token: abc\n    client-key: /k\n",
        ["a2V5", "abc"],
        ["Y2VydA==", "client-key: /k", "name: admin"],
    ),
    "keepalived": (
        "authentication {\n    auth_type PASS\n    auth_pass Tr0ub4do\n}\npriority 127\n",
        ["Tr0ub4do"],
        ["auth_type PASS", "priority 127", "}"],
    ),
    "haproxy": (
        "userlist u\n    user alice insecure-password sesame\n"
        "listen stats\n    stats auth admin:open-it\n    server n1 192.0.2.1:1\n",
        ["sesame", "open-it"],
        ["user alice", "server n1 192.0.2.1:1"],
    ),
    "containerd": (
        '[plugins.x.configs."r.example".auth]\nusername = "alice"\npassword = "p \\"q\\" r"\n'
        '[next]\nauth = "YTpi"\nroot = "/r"\n',
        ["q", "YTpi"],
        ['username = "alice"', "[next]", 'root = "/r"'],
    ),
    "TOML over several lines": ('token = """\nfirst\nsecond\n"""\nroot = "/r"\n', ["first", "second"], ['root = "/r"']),
    "block of YAML": ("password: |\n  first\n\n  second\nname: x\n", ["first", "second"], ["name: x"]),
    "YAML below a secret": ("clientSecret:\n  value: abc\n  - def\nname: x\n", ["abc", "def"], ["name: x"]),
    "quotes over two lines": ("password: 'first\n  second'\nname: x\n", ["first", "second"], ["name: x"]),
    "JSON": (
        '{"auths": {"r": {"auth": "YTpi"}}, "secret": {"a": ["b1", 2]}, "n": 1}',
        ["YTpi", "b1"],
        ['"n": 1', '"r"'],
    ),
    "unit": (
        "[Service]\nEnvironment=A_TOKEN=abc B=c HTTPS_PROXY=http://carol:pr0xy@h:1/\n"
        "ExecStart=/x \\\n  --token=def \\\n  --token-file=/t\n",
        ["abc", "def", "pr0xy", "carol"],
        ["B=c", "@h:1/", "--token-file=/t", "ExecStart=/x"],
    ),
}


@pytest.mark.parametrize("name", FILES)
def test_a_configuration_file_loses_its_secrets_only(name: str) -> None:
    text, gone, kept = FILES[name]
    shown = Redactor().config(text)
    assert [part for part in gone if part in shown] == []
    assert [part for part in kept if part not in shown] == []


@pytest.mark.parametrize("name", FILES)
def test_the_secrets_of_a_file_are_replaced_in_other_texts(name: str) -> None:
    text, gone, _kept = FILES[name]
    redactor = Redactor()
    redactor.gather(text)
    for secret in (part for part in gone if len(part) >= 4 and part != "carol"):
        for form in (secret, base64.b64encode(secret.encode()).decode()):
            if len(form) >= 8:
                assert form not in redactor.text(f"I1129 main.go] got x{form}x\n")
        assert secret not in redactor.text(f"I1129 main.go] got {secret}\n")


@pytest.mark.parametrize("kind", KEYS, ids=str)
def test_private_keys_are_replaced_whole_in_part_and_in_base64(kind: KeySpec) -> None:
    pem = key_pem(new_key(kind)).decode()
    body = [line for line in pem.splitlines() if "-----" not in line]
    log = "".join(f"n1 x[1]: {line}\n" for line in pem.splitlines())
    unknown = {
        "whole": pem,
        "log": log,
        "JSON": json.dumps({"a": pem}),
        "without its end": "\n".join(pem.splitlines()[:-1]),
        "without its beginning": "n1 before\n" + "".join(log.splitlines(keepends=True)[1:]),
        "base64": "x: " + base64.b64encode(pem.encode()).decode(),
    }
    for name, text in unknown.items():
        assert not any(line in Redactor().text(text) for line in body), name
    coded = base64.b64encode(pem.encode()).decode()
    assert coded[40:80] not in Redactor().text(unknown["base64"])
    assert "n1 before" in Redactor().text(unknown["without its beginning"])
    # A known key also by single lines.
    redactor = Redactor()
    redactor.gather(f"client-key-data: {coded}\n")
    for line in body:
        assert line not in redactor.text(f"and {line} too")


@pytest.mark.parametrize(
    ("text", "gone"),
    [
        (f"Authorization: Bearer {JWT}", "c2lnbmF0dXJl"),
        (f"got {JWT} from", "eyJ"),
        ("authorization='Basic YWxpY2U6c2VzYW1l'", "YWxpY2U6"),
        ("token abcdef.0123456789abcdef is", "0123456789abcdef"),
        ('err="x" password="a \\"b\\" c" y=1', "b"),
        ('{\\"token\\":\\"zzz\\"}', "zzz"),
        ("key Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc= of 32 bytes", "Nzc3"),
        ("https://x0x0x0@git.example/", "x0x0x0"),
    ],
)
def test_unknown_secrets_are_replaced_by_their_form(text: str, gone: str) -> None:
    assert gone not in Redactor().text(text).replace("Bearer", "").replace("Basic", "")


def test_ordinary_lines_stay() -> None:
    text = (
        'I1129 reconciler.go:357] "attached" volume="kube-api-access" pod="kube-system/coredns-5d7b" podUID="x"\n'
        'apiserver_request_total{verb="GET",code="200"} 12\n2: eth0: <UP> link/ether 02:00:00:00:00:01\n'
        "https://192.0.2.11:6443/readyz sha256:0c617cb74f6a8ddc142afd453b3ece4b39268d78febdbe9df91faf3a01031d36\n"
        "-----BEGIN CERTIFICATE-----\nMIIBszCCAVmgAwIBAgIUMEQ\n-----END CERTIFICATE-----\n"
    )
    redactor = Redactor()
    redactor.gather("auth_pass 200\nsecret: true\nkey: /etc/x\n")
    assert redactor.text(text) == text and redactor.replaced == 0


def test_a_short_secret_is_replaced_as_a_word_only() -> None:
    redactor = Redactor()
    redactor.gather("auth_pass eth0\n")
    assert redactor.text("eth0 veth01") == f"{REDACTED} veth01"


def test_a_file_with_nothing_but_a_secret() -> None:
    redactor = Redactor()
    redactor.gather("correct horse\n", whole=True)
    assert "horse" not in redactor.text("it was 'correct horse'")


@pytest.mark.parametrize(
    "text",
    [
        "user: {token: NEEDLE-4711}",
        "kubelet --token NEEDLE-4711 --v=2",
        'FLAG: --password "NEEDLE-4711"',
        "env:\n- name: DB_PASSWORD\n  value: NEEDLE-4711\n",
        'Environment="API_TOKEN=abc NEEDLE-4711"',
        "bindpw NEEDLE-4711",
        "secretkey=NEEDLE-4711",
        "authpass: NEEDLE-4711",
        "curl -u alice:NEEDLE-4711 https://example.org",
        "alice:NEEDLE-4711@tcp(db:3306)/shop",
        "auth_type PASS auth_pass NEEDLE-4711",
        "password={NEEDLE-4711",
        "GET /?password=ab&NEEDLE-4711",
        "authorization: NEEDLE-4711",
        '{"env": [{"name": "DB_PASSWORD", "value": "NEEDLE-4711"}]}',
    ],
)
def test_more_forms_of_secrets_are_replaced(text: str) -> None:
    shown = Redactor().config(text)
    assert "NEEDLE" not in shown, shown


def test_settings_about_authorization_are_no_secrets() -> None:
    redactor = Redactor()
    kubelet = "authorization:\n  mode: Webhook\n  webhook:\n    cacheAuthorizedTTL: 5m0s\n"
    for text in (kubelet, '{"authorization": {"mode": "Webhook"}}', "--authorization-mode=Node,RBAC"):
        redactor.gather(text)
        assert redactor.config(text).split() == text.split() or "Webhook" in redactor.config(text)
    assert (
        redactor.values == set()
        and redactor.text("every 5m0s by Webhook, Node,RBAC") == "every 5m0s by Webhook, Node,RBAC"
    )


def test_a_word_before_the_name_of_a_secret_is_no_secret() -> None:
    redactor = Redactor()
    redactor.gather("    auth_type PASS auth_pass hunter22\n")
    assert "hunter22" in redactor.values and "auth_pass" not in redactor.values


def test_very_many_fields_of_a_line_are_no_error() -> None:
    line = "&".join(f"a{number}=b" for number in range(2000)) + "&token=NEEDLE-4711"
    assert "NEEDLE" not in Redactor().text(line)
    assert "NEEDLE" not in Redactor().text("=".join(["a"] * 2000) + "=token=NEEDLE-4711")
