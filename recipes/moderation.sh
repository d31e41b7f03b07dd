#!/usr/bin/env bash
# The built-in classifier of 'onmal moderate' from sources that may be passed on: moderation.sh DATA_FOLDER.
set -euo pipefail
[ $# -eq 1 ] || { echo "usage: recipes/moderation.sh DATA_FOLDER" >&2; exit 2; }
data=$(cd "$1" && pwd)
cd "$(dirname "$0")/.."
onmal=${ONMAL:-build/release/onmal}
[ -x "$onmal" ] || { cmake --preset release >/dev/null && cmake --build build/release --target onmal; }
mkdir -p out/moderation
python3 recipes/moderation_table.py "$data" >out/moderation/table.tsv
"$onmal" moderate-train --data out/moderation/table.tsv -o out/moderation/moderation.linear --plot out/moderation/reliability.svg
echo "copy out/moderation/moderation.linear to models/moderation/ and build again to make it the default"
