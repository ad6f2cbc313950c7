#!/usr/bin/env bash
# Install the system packages that sandbox hosts and tests need. Only Debian and its kin as root can be served; elsewhere say so.
set -euo pipefail
declare -A package=(
    [debootstrap]=debootstrap [git]=git [ip]=iproute2 [iptables]=iptables [openssl]=openssl
    [ssh]=openssh-client [systemd-nspawn]=systemd-container [curl]=curl
)
missing=()
for program in "${!package[@]}"; do
    PATH=$PATH:/usr/sbin:/sbin command -v "$program" >/dev/null || missing+=("${package[$program]}")
done
[ ${#missing[@]} -gt 0 ] || exit 0
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo "These packages are missing: ${missing[*]}. Only root on Debian or Ubuntu gets them installed here; install them and try again." >&2
    exit 1
fi
echo "Installing ${missing[*]}"
apt-get -qq update
DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends "${missing[@]}" >/dev/null
