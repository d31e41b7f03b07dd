#!/usr/bin/env bash
# Makes the starter model from nothing: starter.sh DATA_FOLDER. A few hours on two cores; run it again to go on.
set -euo pipefail
[ $# -eq 1 ] || { echo "usage: recipes/starter.sh DATA_FOLDER" >&2; exit 2; }
data=$(cd "$1" && pwd)
cd "$(dirname "$0")/.."
onmal=build/release/onmal
[ -x "$onmal" ] || { cmake --preset release >/dev/null && cmake --build build/release --target onmal; }
mkdir -p out/starter
[ -e out/starter/tokenizer.json ] || "$onmal" tokenizer train --corpus recipes/starter-corpus.toml --data "$data" \
  --vocab-size 8192 --hangul-share 0.7 --pretokenizer llama-bpe -o out/starter/tokenizer.json
# Cleaned, without what stands twice, packed; what was dropped and why: models/starter/corpus-report.html is this report.
[ -e out/starter/prepared/report.html ] || "$onmal" corpus prepare --corpus recipes/starter-prepare.toml --data "$data" \
  -t out/starter/tokenizer.json --heldout-permille 5 --samples 3 -o out/starter/prepared
"$onmal" train recipes/starter.toml
[ -e out/starter/pretrain/model ] || { echo "stopped before the end: run it again to go on" >&2; exit 1; }
sed "s|^folder = .*|folder = \"$data\"|" recipes/starter-chat.toml >recipes/.starter-chat.toml
trap 'rm -f recipes/.starter-chat.toml' EXIT
"$onmal" train recipes/.starter-chat.toml
[ -e out/starter/chat/model ] || { echo "stopped before the end: run it again to go on" >&2; exit 1; }
mkdir -p models/starter
cp out/starter/prepared/report.html models/starter/corpus-report.html
cp out/starter/prepared/report.json models/starter/corpus-report.json
"$onmal" quantize out/starter/chat/model models/starter/starter-q8_0.gguf --type q8_0
cp out/starter/pretrain/loss.svg models/starter/loss.svg
cp out/starter/chat/loss.svg models/starter/loss-chat.svg
