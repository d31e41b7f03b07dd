#!/usr/bin/env bash
# Everything about the page: types, unit tests, whether dist/ is up to date, and Chromium where there is one.
#   --shots FOLDER   keeps the browser test's pictures;  --base URL   runs it against that server
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
[ -d node_modules ] || npm ci >/dev/null
npm run -s types
npm test
./check.sh
if command -v chromium >/dev/null; then
  node test/page.spec.mjs --chromium "$(command -v chromium)" "$@"
else
  echo "no chromium: the browser test is skipped (scripts/install.sh web installs it)" >&2
fi
