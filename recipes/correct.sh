#!/usr/bin/env bash
# A corrector of Korean from nothing, and what it reaches: correct.sh DATA_FOLDER. Run it again to go on.
# Documents are held out by a hash of their text; no held-out sentence is learned from.
set -euo pipefail
[ $# -eq 1 ] || { echo "usage: recipes/correct.sh DATA_FOLDER" >&2; exit 2; }
data=$(cd "$1" && pwd)
cd "$(dirname "$0")/.."
onmal=${ONMAL:-build/release/onmal}
[ -x "$onmal" ] || { cmake --preset release >/dev/null && cmake --build build/release --target onmal; }
out=out/correct
mkdir -p $out
if [ ! -e $out/train.txt ] || [ ! -e $out/heldout.txt ]; then
  "$onmal" corpus sentences --corpus recipes/correct-corpus.toml --data "$data" \
    -o $out/train.txt --heldout $out/heldout.txt
fi
"$onmal" train ${RECIPE:-recipes/correct.toml}
model=${MODEL:-$out/run/model}
# The evaluation: 1,000 held-out sentences with mistakes, and the same ones as they were.
lines=$(wc -l <$out/heldout.txt)
awk -v every=$((lines / 1000 > 0 ? lines / 1000 : 1)) 'NR % every == 0 && n < 1000 { print; n++ }' \
  $out/heldout.txt >$out/sample.txt
"$onmal" corpus noise -i $out/sample.txt -o $out/sample.tsv --seed 7
cut -f1 $out/sample.tsv | cat - $out/sample.txt >$out/meant.txt
cut -f2 $out/sample.tsv | cat - $out/sample.txt >$out/written.txt
tail -n +2 samples/typos_ko.tsv | cut -f1 >$out/typos-written.txt
tail -n +2 samples/typos_ko.tsv | cut -f2 >$out/typos-meant.txt
for set in "" typos-; do
  "$onmal" correct -m "$model" -f $out/${set}written.txt --no-diff >$out/${set}said.txt 2>/dev/null
  echo "== ${set:-held-out }nothing done"
  "$onmal" evaluate --task correction --sources $out/${set}written.txt --predictions $out/${set}written.txt \
    --references $out/${set}meant.txt
  echo "== ${set:-held-out }$model"
  "$onmal" evaluate --task correction --sources $out/${set}written.txt --predictions $out/${set}said.txt \
    --references $out/${set}meant.txt
done
