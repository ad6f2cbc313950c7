#!/usr/bin/env bash
# Check the syntax of every tracked shell script; shellcheck checks more where it is installed.
set -euo pipefail
mapfile -t scripts < <(git grep -lE '^#!.*(bash|/sh)\b' -- . ':!*.md')
for script in "${scripts[@]}"; do bash -n "$script"; done
if command -v shellcheck >/dev/null && [ ${#scripts[@]} -gt 0 ]; then shellcheck --severity=warning "${scripts[@]}"; fi
