# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A client that lists ConfigMaps and watches them, as client-go does: it lists again only when the API says so.

Usage: informer.py URL CA CERT KEY, in the hosts' network; it runs until it is killed, and prints a line for each list
("list" and the names), for each event (its type and the name), and for each end of its history ("expired").
"""

from __future__ import annotations

import contextlib
import http.client
import json
import ssl
import sys
import time
from typing import Any
from urllib.parse import urlsplit

PATH = "/api/v1/namespaces/default/configmaps"


def say(*words: str) -> None:
    """Print a line at once."""
    print(*words, flush=True)


def request(url: str, context: ssl.SSLContext, query: str) -> http.client.HTTPResponse:
    """Send a request on a new connection."""
    parts = urlsplit(url)
    connection = http.client.HTTPSConnection(parts.hostname or "", parts.port, context=context, timeout=30)
    connection.request("GET", f"{PATH}?{query}")
    return connection.getresponse()


def follow(url: str, context: ssl.SSLContext, version: str) -> str:
    """Watch from a resource version until the connection ends; return the next one, empty if it has expired."""
    response = request(
        url, context, f"watch=true&allowWatchBookmarks=true&timeoutSeconds=600&resourceVersion={version}"
    )
    if response.status == http.client.GONE:
        return ""
    if response.status != http.client.OK:
        raise OSError(response.status)
    while line := response.readline():
        event: dict[str, Any] = json.loads(line)
        if event["type"] == "ERROR":
            if event["object"].get("code") == http.client.GONE:
                return ""
            raise OSError(event["object"].get("message"))
        version = event["object"]["metadata"]["resourceVersion"]
        if event["type"] != "BOOKMARK":
            say(event["type"], event["object"]["metadata"]["name"])
    return version


def main(url: str, ca: str, cert: str, key: str) -> None:
    """List and watch for ever; a lost connection is no reason to list again."""
    context = ssl.create_default_context(cafile=ca)
    context.load_cert_chain(cert, key)
    version = ""
    while True:
        try:
            if not version:
                answer = json.load(request(url, context, ""))
                version = answer["metadata"]["resourceVersion"]
                say("list", *sorted(item["metadata"]["name"] for item in answer["items"]))
            version = follow(url, context, version)
            if not version:
                say("expired")
        except (OSError, http.client.HTTPException, ValueError, KeyError):
            with contextlib.suppress(OSError):
                time.sleep(0.5)


if __name__ == "__main__":
    main(*sys.argv[1:])
