# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Authentication: client certificates, service account and bootstrap tokens, and anonymous requests."""

from __future__ import annotations

import base64
import contextlib
import hmac
import re
import time
from dataclasses import dataclass, field
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from ..core import x509
from ..core.flags import Refusal, read_file
from ..core.moments import over
from ..core.server import Request
from .store import Store

ANONYMOUS = "system:anonymous"


@dataclass(frozen=True)
class User:
    """Name and groups of the requesting user."""

    name: str
    groups: list[str] = field(default_factory=list)

    def info(self) -> dict[str, Any]:
        """Return the user as the API shows it."""
        return {"username": self.name, "groups": self.groups}


class Unauthorized(Exception):
    """No known user."""


def _algorithm(key: Any) -> str:
    """Return how a key, or the public half of one, signs."""
    if isinstance(key, (rsa.RSAPrivateKey, rsa.RSAPublicKey)):
        return "RS256"
    return {256: "ES256", 384: "ES384", 521: "ES512"}[key.curve.key_size]


class Tokens:
    """Service account tokens, signed and checked with the given keys."""

    def __init__(self, signing_key: str, public_keys: list[str], issuer: str) -> None:
        """Load the keys."""
        self.issuer = issuer
        self.key = x509.private_key(signing_key)
        self.public = [key for path in public_keys for key in self._public(path)]

    @staticmethod
    def _public(path: str) -> list[Any]:
        """Return the public keys of a file, which may have several, or a private one."""
        content = read_file(path)
        found = re.findall(rb"-----BEGIN [A-Z ]*PUBLIC KEY-----.*?-----END [A-Z ]*PUBLIC KEY-----", content, re.DOTALL)
        keys = [serialization.load_pem_public_key(block) for block in found]
        # Of the key of an elliptic curve the real server knows one form alone.
        if not keys and re.search(rb"-----BEGIN (RSA |EC )?PRIVATE KEY-----", content):
            key = x509.private_key(path).public_key()
            keys = [key] if isinstance(key, rsa.RSAPublicKey) or b"BEGIN EC " in content else []
        if not keys:
            reason = "data does not contain any valid RSA or ECDSA public keys"
            raise Refusal(f"error reading public key file {path}: {reason}")
        return keys

    def issue(self, name: str, validity: int) -> tuple[str, int]:
        """Return a token for a user, and when it ends."""
        begin = int(time.time())
        end = begin + validity
        content = {"iss": self.issuer, "sub": name, "aud": [self.issuer], "iat": begin, "nbf": begin, "exp": end}
        return jwt.encode(content, self.key, _algorithm(self.key)), end

    def subject(self, token: str) -> str:
        """Return the subject of a token; raise Unauthorized when it is not valid."""
        whole: jwt.types.Options = {"require": ["exp", "sub"]}
        for key in self.public:
            with contextlib.suppress(jwt.InvalidTokenError):
                read = jwt.decode(
                    token, key, [_algorithm(key)], options=whole, audience=self.issuer, issuer=self.issuer
                )
                return str(read["sub"])
        raise Unauthorized("invalid bearer token")


class Authenticator:
    """All ways to authenticate."""

    def __init__(
        self, cas: list[Any], tokens: Tokens, store: Store, anonymous: dict[str, Any], bootstrap: bool
    ) -> None:
        """Remember the settings."""
        self.cas, self.tokens, self.store = cas, tokens, store
        self.anonymous, self.bootstrap = anonymous, bootstrap

    def user(self, request: Request) -> User:
        """Return the requesting user; raise Unauthorized where there is none."""
        if request.peer and self.cas:
            if problem := x509.client_problem(request.peer, self.cas, x509.now()):
                raise Unauthorized(problem)
            name, groups = x509.subject(request.peer[0])
            return User(name, [*groups, "system:authenticated"])
        scheme, _space, token = (request.headers.get("Authorization") or "").partition(" ")
        if scheme.lower() == "bearer" and token.strip():
            return self.bearer(token.strip())
        if self._anonymous_may(request.path):
            return User(ANONYMOUS, ["system:unauthenticated"])
        raise Unauthorized("no credentials")

    def _anonymous_may(self, path: str) -> bool:
        """Return whether a path may be requested without credentials."""
        conditions = [condition["path"] for condition in self.anonymous.get("conditions") or []]
        return bool(self.anonymous.get("enabled")) and (not conditions or path in conditions)

    def bearer(self, token: str) -> User:
        """Return the user of a bearer token."""
        if token.count(".") == 1 and self.bootstrap:
            return self._joining(*token.split("."))
        name = self.tokens.subject(token)
        _system, _kind, namespace, account = name.split(":")
        if self.store.get(f"serviceaccounts/{namespace}/{account}") is None:
            raise Unauthorized("service account does not exist")
        groups = ["system:serviceaccounts", f"system:serviceaccounts:{namespace}", "system:authenticated"]
        return User(name, groups)

    def _joining(self, number: str, secret: str) -> User:
        """Return the user of a bootstrap token."""
        item = self.store.get(f"secrets/kube-system/bootstrap-token-{number}") or {}
        data = {name: base64.b64decode(value).decode() for name, value in (item.get("data") or {}).items()}
        if item.get("type") != "bootstrap.kubernetes.io/token" or over(data.get("expiration")):
            raise Unauthorized("token expired or unknown")
        if not hmac.compare_digest(data.get("token-secret", ""), secret):
            raise Unauthorized("token is wrong")
        if data.get("usage-bootstrap-authentication") != "true":
            raise Unauthorized("token is for other uses")
        more = [group for group in data.get("auth-extra-groups", "").split(",") if group]
        return User(f"system:bootstrap:{number}", ["system:bootstrappers", *more, "system:authenticated"])
