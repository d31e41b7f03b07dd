#!/usr/bin/env bash
# Hate speech in Korean comments: hate.sh DATA_FOLDER. Begins with the encoder that nsmc.sh makes; run it again to go on.
# Every tenth comment of K-MHaS (by its number in the two files together) is our dev split, every tenth of the others
# decides how head and n-grams are joined and which scores count; no text of either is learned from. The last lines
# printed are what the model reaches on the dev split: all labels, and "hate or not".
set -euo pipefail
[ $# -eq 1 ] || { echo "usage: recipes/hate.sh DATA_FOLDER" >&2; exit 2; }
data=$(cd "$1" && pwd)/hate-ko
cd "$(dirname "$0")/.."
onmal=${ONMAL:-build/release/onmal}
[ -x "$onmal" ] || { cmake --preset release >/dev/null && cmake --build build/release --target onmal; }
[ -e out/nsmc/ratings/model ] || { echo "run recipes/nsmc.sh first: out/nsmc/ratings/model is where this begins" >&2; exit 1; }
out=out/hate
mkdir -p $out
if [ ! -e $out/train.tsv ]; then
  # One file of both, without the quotes of a CSV field.
  { zcat "$data/kmhas-valid.txt.gz"; zcat "$data/kmhas-test-even.txt.gz" | tail -n +2; } |
    awk -F'\t' -v OFS='\t' '{ if ($1 ~ /^".*"$/) { $1 = substr($1, 2, length($1) - 2); gsub(/""/, "\"", $1) } print $1, $2 }' >$out/all.tsv
  awk 'NR == 1 || NR % 10 == 2' $out/all.tsv >$out/dev.tsv
  awk -F'\t' 'NR == FNR { dev[$1] = 1; next } FNR == 1 || (FNR % 10 != 2 && !($1 in dev))' $out/dev.tsv $out/all.tsv >$out/train.tsv
fi
if [ ! -e $out/mix.tsv ]; then
  awk -F'\t' 'NR == 1 || NR % 10 == 5' $out/train.tsv >$out/mix.tsv
  awk -F'\t' 'NR == FNR { mix[$1] = 1; next } FNR == 1 || !($1 in mix)' $out/mix.tsv $out/train.tsv >$out/learn.tsv
fi
[ -e $out/offence.tsv ] || python3 recipes/hate_table.py "$data" $out
for part in offence kinds; do
  "$onmal" train ${RECIPES:-recipes}/hate-$part.toml
done
tail -n +2 $out/dev.tsv | cut -f1 >$out/dev-texts.txt
tail -n +2 $out/dev.tsv | cut -f2 >$out/dev-labels.txt
"$onmal" --json classify -m $out/kinds/model --file $out/dev-texts.txt >$out/dev-said.jsonl
sed -E 's/.*"labels":\[([^]]*)\].*/\1/; s/"//g' $out/dev-said.jsonl >$out/dev-said.txt
"$onmal" evaluate --task multilabel --predictions $out/dev-said.txt --references $out/dev-labels.txt
for file in said labels; do
  sed -E 's/^8$/none/; t; s/.*/hate/' $out/dev-$file.txt >$out/binary-$file.txt
done
"$onmal" evaluate --task classification --predictions $out/binary-said.txt --references $out/binary-labels.txt
tail -n +2 $out/beep-dev.tsv | cut -f1 >$out/beep-texts.txt
tail -n +2 $out/beep-dev.tsv | cut -f2 >$out/beep-labels.txt
"$onmal" --json classify -m $out/offence/model --file $out/beep-texts.txt | sed -E 's/.*"label":"([^"]*)".*/\1/' >$out/beep-said.txt
echo "BEEP, one row in ten: none, offensive, hate"
"$onmal" evaluate --task classification --predictions $out/beep-said.txt --references $out/beep-labels.txt
