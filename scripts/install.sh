#!/usr/bin/env bash
# install.sh KIND...: installs those packages of scripts/packages.txt that are missing. Root, sudo, or a clear message.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
  echo "This is no Debian: install what scripts/packages.txt names by hand. Going on." >&2
  exit 0
fi
missing=()
for kind in "$@"; do
  while read -r package; do
    status=$(dpkg-query -W -f '${Status}' "$package" 2>/dev/null || true)
    [ "$status" = "install ok installed" ] || missing+=("$package")
  done < <(awk -v kind="$kind" '$1 == kind { print $2 }' "$here/packages.txt")
done
[ "${#missing[@]}" -eq 0 ] && exit 0
if [ "$(id -u)" -eq 0 ]; then
  as_root=(env)
elif command -v sudo >/dev/null; then
  as_root=(sudo)
else
  echo "These packages are missing, and neither root nor sudo is here to install them: ${missing[*]}" >&2
  echo "As root: apt-get update && apt-get install -y ${missing[*]}" >&2
  exit 1
fi
echo "installing: ${missing[*]}" >&2
"${as_root[@]}" DEBIAN_FRONTEND=noninteractive apt-get update -qq </dev/null >&2
"${as_root[@]}" DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
  -o DPkg::Lock::Timeout=300 "${missing[@]}" </dev/null >/dev/null
