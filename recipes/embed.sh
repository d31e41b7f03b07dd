#!/usr/bin/env bash
# Vectors of Korean and English texts from nothing, for searching by meaning: embed.sh DATA_FOLDER. Run it again to go on.
# Longer: raise steps in embed.toml. Cranfield, XQuAD and BoolQ are never learned from: they judge.
set -euo pipefail
[ $# -eq 1 ] || { echo "usage: recipes/embed.sh DATA_FOLDER" >&2; exit 2; }
data=$(cd "$1" && pwd)
cd "$(dirname "$0")/.."
onmal=${ONMAL:-build/release/onmal}
[ -x "$onmal" ] || { cmake --preset release >/dev/null && cmake --build build/release --target onmal; }
out=out/embed
mkdir -p $out
[ -e $out/pairs.tsv ] || python3 recipes/embed_pairs.py "$data" $out
[ -e $out/tokenizer.json ] || "$onmal" tokenizer train --corpus recipes/embed-corpus.toml --data $out \
  --vocab-size 16000 --hangul-share 0.6 --pretokenizer llama-bpe -o $out/tokenizer.json
"$onmal" train ${RECIPE:-recipes/embed.toml}
"$onmal" convert --type q8_0 ${MODEL:-$out/run/model} $out/embed.gguf
"$onmal" embed -m $out/embed.gguf --text "서울의 날씨는 어떤가요?" --text "How is the weather in Seoul?"
