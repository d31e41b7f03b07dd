#!/usr/bin/env bash
# install.sh KIND...: installs those packages of scripts/packages.txt that are missing. Root, sudo, or a clear message.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
missing=()
for kind in "$@"; do
  while read -r package; do
    dpkg -s "$package" >/dev/null 2>&1 || missing+=("$package")
  done < <(awk -v kind="$kind" '$1 == kind { print $2 }' "$here/packages.txt")
done
[ "${#missing[@]}" -eq 0 ] && exit 0
if [ "$(id -u)" -eq 0 ]; then
  run=()
elif command -v sudo >/dev/null; then
  run=(sudo)
else
  echo "These packages are missing, and only root can install them: ${missing[*]}" >&2
  exit 1
fi
echo "installing: ${missing[*]}" >&2
export DEBIAN_FRONTEND=noninteractive
"${run[@]}" apt-get update -qq
"${run[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
