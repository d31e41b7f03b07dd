#!/usr/bin/env bash
# English to Korean and back from nothing, and what it reaches: translate.sh DATA_FOLDER. Run it again to go on.
# The dev split is one file in twenty of python-docs and one sentence in twenty of Tatoeba, by a hash of the file's
# name or the English sentence; no dev sentence is in the training rows, in either language.
set -euo pipefail
[ $# -eq 1 ] || { echo "usage: recipes/translate.sh DATA_FOLDER" >&2; exit 2; }
data=$(cd "$1" && pwd)/parallel
cd "$(dirname "$0")/.."
onmal=${ONMAL:-build/release/onmal}
[ -x "$onmal" ] || { cmake --preset release >/dev/null && cmake --build build/release --target onmal; }
out=out/translate
mkdir -p $out
if [ ! -e $out/train.tsv ]; then
  { zcat "$data/python-docs.en-ko.tsv.gz"; zcat "$data/tatoeba.en-ko.tsv.gz" | awk -F'\t' '{ print $1 "\t" $1 "\t" $2 }'; } |
    LC_ALL=C awk -F'\t' '
      BEGIN { for (i = 0; i < 256; i++) code[sprintf("%c", i)] = i }
      function hash(text, i, h) { h = 7; for (i = 1; i <= length(text); i++) h = (h * 31 + code[substr(text, i, 1)]) % 1000003; return h }
      $2 != "" && $3 != "" && !seen[$2 "\t" $3]++ { print (hash($1) % 20 == 0 ? "dev" : "train") "\t" $2 "\t" $3 }' >$out/all.tsv
  { printf 'en\tko\n'; awk -F'\t' '$1 == "dev" { print $2 "\t" $3 }' $out/all.tsv; } >$out/dev.tsv
  { printf 'en\tko\n'; awk -F'\t' '$1 == "dev" { en[$2] = ko[$3] = 1; next } { row[++n] = $2 "\t" $3; a[n] = $2; b[n] = $3 }
      END { for (i = 1; i <= n; i++) if (!(a[i] in en) && !(b[i] in ko)) print row[i] }' $out/all.tsv; } >$out/train.part
  mv $out/train.part $out/train.tsv
fi
[ -e $out/tokenizer.json ] || "$onmal" tokenizer train --corpus recipes/translate-corpus.toml --data $out \
  --vocab-size 8192 --hangul-share 0 --pretokenizer llama-bpe --special-token "<2ko>" --special-token "<2en>" \
  --special-token "<pad>" -o $out/tokenizer.json
"$onmal" train ${RECIPE:-recipes/translate.toml}
model=${MODEL:-$out/run/model}
for way in "en ko 1 2" "ko en 2 1"; do
  set -- $way
  tail -n +2 $out/dev.tsv | awk 'NR % 3 == 0 && n < 500 { print; n++ }' | cut -f$3 >$out/$1-$2.source
  tail -n +2 $out/dev.tsv | awk 'NR % 3 == 0 && n < 500 { print; n++ }' | cut -f$4 >$out/$1-$2.reference
  "$onmal" translate -m "$model" --from $1 --to $2 --beams 4 --lines -f $out/$1-$2.source >$out/$1-$2.said 2>/dev/null
  echo "== $1 to $2"
  "$onmal" evaluate --task translation --predictions $out/$1-$2.said --references $out/$1-$2.reference
done
