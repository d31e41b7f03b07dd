#!/usr/bin/env bash
# Everything about the page: types, unit tests, whether dist/ is up to date, and Chromium where there is one.
#   --onmal PROGRAM  also against that program with the starter model
#   --shots FOLDER   keeps the browser test's pictures;  --base URL   runs it against that server
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
onmal=""
shots=()
base=()
while [ $# -gt 0 ]; do
  case $1 in
    --onmal) onmal=$2 ;;
    --shots) shots=(--shots "$2") ;;
    --base) base=(--base "$2") ;;
    *) echo "usage: $0 [--onmal PROGRAM] [--shots FOLDER] [--base URL]" >&2; exit 2 ;;
  esac
  shift 2
done
[ -d node_modules ] || npm ci >/dev/null
npm run -s types
npm test
./check.sh
if ! command -v chromium >/dev/null; then
  echo "no chromium: the browser test is skipped (scripts/install.sh web installs it)" >&2
  exit 0
fi
browse() { node test/page.spec.mjs --chromium "$(command -v chromium)" "$@"; }
browse "${base[@]}" "${shots[@]}"
[ -n "$onmal" ] || exit 0

folder=$(mktemp -d)
"$onmal" serve -m ../models/starter --port 0 -k "$folder/store.db" >"$folder/address" &
server=$!
trap 'kill "$server" && wait "$server"; rm -rf "$folder"' EXIT
for _ in $(seq 600); do
  [ -s "$folder/address" ] && break
  sleep 0.1
done
[ "${#shots[@]}" -eq 0 ] || shots[1]+=/server
browse --base "$(head -1 "$folder/address")" "${shots[@]}"
