#!/usr/bin/env bash
# Do what Galaxy does with an upload: galaxy-importer on the built archive. Its warnings fail here, too.
# `make lint` and `make sanity` have the linters that it would run.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
ansible-galaxy collection build --output-path "$work" >/dev/null
cd "$work" # it leaves its result there
export GALAXY_IMPORTER_RUN_ANSIBLE_LINT=false GALAXY_IMPORTER_TMP_ROOT_DIR=$work
python -m galaxy_importer.main ./*.tar.gz | tee output | grep -v '^Loading '
! grep -E '^(WARNING|ERROR)' output >/dev/null
