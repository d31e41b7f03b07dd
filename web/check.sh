#!/usr/bin/env bash
# Fails when dist/ is not what src/ gives now, or when it has grown beyond what a first load may weigh.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
[ -d node_modules ] || npm ci >/dev/null
fresh=$(mktemp -d)
trap 'rm -rf "$fresh"' EXIT
node build.mjs --out "$fresh"
if ! diff -rq "$fresh" dist; then
  echo "web/dist is stale: run 'npm run build' in web/ and commit the result" >&2
  exit 1
fi
bytes=$(cat dist/* | wc -c)
if [ "$bytes" -gt 153600 ]; then
  echo "web/dist weighs $bytes bytes, more than 153600" >&2
  exit 1
fi
echo "web/dist is up to date, $bytes bytes"
