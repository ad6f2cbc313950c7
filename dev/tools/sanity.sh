#!/usr/bin/env bash
# Run `ansible-test sanity` on a copy of what is shipped, in the directory layout that ansible-test insists on.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
tree=$work/ansible_collections/hardway/kubernetes
mkdir -p "$tree"
# What is not committed yet is checked, too.
git ls-files -z --cached --others --exclude-standard -- \
    galaxy.yml README.md LICENSE CHANGELOG.md meta plugins roles playbooks changelogs tests/sanity |
    while IFS= read -r -d '' file; do [ ! -e "$file" ] || printf '%s\0' "$file"; done |
    tar --null --files-from=- --create | tar --extract --directory "$tree"

# ansible-test downloads an installer for pip. Python carries one, wherever its distribution keeps it: use that,
# so that a package index is all that is needed.
cache=$HOME/.ansible/test/cache
mkdir -p "$cache"
for name in get_pip_24_2 get_pip_25_2; do
    cat >"$cache/$name.py" <<'PYTHON'
import ensurepip
import subprocess
import sys

ensurepip.bootstrap()
wanted = [a for a in sys.argv[1:] if a not in ("--no-setuptools", "--no-wheel")]
sys.exit(subprocess.call([sys.executable, "-m", "pip", "install", *wanted]))
PYTHON
done

cd "$tree"
git init --quiet . # ansible-test then checks exactly these files
version=$(python -c 'import sys; print("%d.%d" % sys.version_info[:2])')
unset ANSIBLE_CONFIG ANSIBLE_COLLECTIONS_PATH PYTHONDONTWRITEBYTECODE
ansible-test sanity --local --python "$version" "$@"
