#!/usr/bin/env bash
# Sentiment of Korean film reviews from nothing: nsmc.sh DATA_FOLDER. Under two hours on two cores; run it again to go on.
# Every tenth training row (by its number) is our dev split, every twentieth of the others decides how head and n-grams
# are joined. The first's texts are taken out of all that is learned from, the second's out of the last part's table.
set -euo pipefail
[ $# -eq 1 ] || { echo "usage: recipes/nsmc.sh DATA_FOLDER" >&2; exit 2; }
data=$(cd "$1" && pwd)/nsmc
cd "$(dirname "$0")/.."
onmal=build/release/onmal
[ -x "$onmal" ] || { cmake --preset release >/dev/null && cmake --build build/release --target onmal; }
out=out/nsmc
mkdir -p $out
if [ ! -e $out/tokenizer.json ]; then
  zcat "$data/ratings_train.txt.gz" | awk -F'\t' 'NR == 1 || NR % 10 == 2' >$out/dev.tsv
  zcat "$data/ratings_train.txt.gz" | awk -F'\t' 'NR == FNR { dev[$2] = 1; next } FNR == 1 || (FNR % 10 != 2 && !($2 in dev))' \
    $out/dev.tsv - >$out/train.tsv
  zcat "$data/extra_reviews.tsv.gz" | awk -F'\t' 'NR == FNR { dev[$2] = 1; next } FNR == 1 || !($5 in dev)' \
    $out/dev.tsv - >$out/extra.tsv
  # Most of the left-over reviews give 7 to 10: some 40,000 of each rating do.
  awk -F'\t' 'BEGIN { keep[7] = 670; keep[8] = 512; keep[9] = 763; keep[10] = 184 } FNR == 1 || !($2 in keep) || FNR * 7919 % 1000 < keep[$2]' \
    $out/extra.tsv >$out/ratings.tsv
  zcat "$data/../hate-ko/unlabeled-comments.txt.gz" >$out/comments.txt
  "$onmal" tokenizer train --corpus recipes/nsmc-corpus.toml --data $out --vocab-size 16000 --hangul-share 0 \
    --pretokenizer llama-bpe --special-token "<mask>" -o $out/tokenizer.json
fi
[ -e $out/shards ] || "$onmal" pack -t $out/tokenizer.json --corpus recipes/nsmc-corpus.toml --data $out \
  --heldout-permille 5 -o $out/shards
if [ ! -e $out/learn.tsv ]; then
  awk -F'\t' 'NR == 1 || NR % 20 == 9' $out/train.tsv >$out/mix.tsv
  awk -F'\t' 'NR == FNR { mix[$2] = 1; next } FNR == 1 || !($2 in mix)' $out/mix.tsv $out/train.tsv >$out/learn.part
  # And left-over reviews of clear rating: all of 1 to 4, as many of 9 and 10.
  awk -F'\t' -v OFS='\t' 'NR == FNR { mix[$2] = 1; next } FNR == 1 || $5 in mix { next }
    $2 <= 4 { print $1, $5, 0 } $2 >= 9 && FNR * 7919 % 1000 < 78 { print $1, $5, 1 }' \
    $out/mix.tsv $out/extra.tsv >>$out/learn.part
  mv $out/learn.part $out/learn.tsv
fi
for part in masked ratings labels; do
  "$onmal" train recipes/nsmc-$part.toml
done
"$onmal" classify -m out/nsmc/labels/model --text "이렇게 재미있는 영화는 처음이에요" --text "돈이 아깝다"
