#!/usr/bin/env bash
# Make or refresh the virtual environment VENV from REQUIREMENTS; PYTHON chooses the interpreter.
set -euo pipefail
venv=$1 requirements=$2 python=${PYTHON:-}
new_enough='import sys; sys.exit(sys.version_info < (3, 11))'

can_install() { [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; }
has_venv() { "$1" -c 'import ensurepip, venv' 2>/dev/null; }

if [ -z "$python" ]; then
    # Distributions build theirs optimised, pyenv does not: with that one, a run of Ansible takes a sixth longer.
    python=/usr/bin/python3
    { "$python" -c "$new_enough" 2>/dev/null && { has_venv "$python" || can_install; }; } || python=python3
fi
"$python" -c "$new_enough" || {
    echo "make venv: $("$python" --version 2>&1) is too old: ansible-core 2.19 needs Python 3.11 or newer." \
        "Install one and run: make venv PYTHON=python3.12" >&2
    exit 1
}
if ! has_venv "$python"; then
    if can_install; then
        apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq install -y python3-venv >/dev/null
    else
        echo "make venv: $python has no venv module. Install it (Debian: apt install python3-venv) and try again." >&2
        exit 1
    fi
fi
[ -x "$venv/bin/python" ] && "$venv/bin/python" -c '' 2>/dev/null || "$python" -m venv --clear "$venv"
"$venv/bin/python" -m pip install -qq --disable-pip-version-check --requirement "$requirements"
touch "$venv/bin/.installed"
