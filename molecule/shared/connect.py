# Copyright (c) 2026, hardway.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Connect to HOST PORT and pass the socket to ssh (ProxyUseFdpass), so that no data passes through this process."""

import socket
import sys

with socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=10) as connection:
    connection.settimeout(None)
    socket.send_fds(socket.socket(fileno=sys.stdout.fileno()), [b"\0"], [connection.fileno()])
