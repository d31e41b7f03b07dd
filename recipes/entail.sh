#!/usr/bin/env bash
# Entailment for checking claims (onmal claims, onmal ask --entailment): entail.sh DATA_FOLDER. Begins with the encoder that
# nsmc.sh makes; run it again to go on. There are no English pairs in the data: the model knows Korean alone. Every fifth
# premise of nli-ko is our dev split; BoolQ's dev set (grounded.tsv) is never learned from. The last lines printed are the
# accuracy there, of the model, of one that reads hypotheses alone, and of the rules.
set -euo pipefail
[ $# -eq 1 ] || { echo "usage: recipes/entail.sh DATA_FOLDER" >&2; exit 2; }
data=$(cd "$1" && pwd)
cd "$(dirname "$0")/.."
onmal=${ONMAL:-build/release/onmal}
[ -x "$onmal" ] || { cmake --preset release >/dev/null && cmake --build build/release --target onmal; }
[ -e out/nsmc/ratings/model ] || { echo "run recipes/nsmc.sh first: out/nsmc/ratings/model is where this begins" >&2; exit 1; }
out=out/entail
mkdir -p $out
[ -e $out/mixed.tsv ] || python3 recipes/entail_pairs.py "$data" $out
for part in entail-hypothesis entail-nli entail; do
  "$onmal" train ${RECIPES:-recipes}/$part.toml
done
tail -n +2 $out/dev.tsv | cut -f3 >$out/dev-labels.txt
judge() { # name, arguments of classify
  local name=$1
  shift
  "$onmal" --json classify "$@" | sed -E 's/.*"label":"([^"]*)".*/\1/' >$out/dev-$name.txt
  echo "$name:"
  "$onmal" evaluate --task classification --predictions $out/dev-$name.txt --references $out/dev-labels.txt
}
tail -n +2 $out/dev.tsv | cut -f2 >$out/dev-hypotheses.txt
tail -n +2 $out/dev.tsv | cut -f1,2 >$out/dev-pairs.txt
judge hypothesis -m $out/hypothesis/model --file $out/dev-hypotheses.txt
judge nli -m $out/nli/model --pairs --file $out/dev-pairs.txt
judge mixed -m $out/mixed/model --pairs --file $out/dev-pairs.txt
python3 recipes/entail_pairs.py --claims $out/grounded.tsv $out/grounded.jsonl
echo "claims of BoolQ's dev set, by rules, then with the model:"
"$onmal" evaluate --task claims --data $out/grounded.jsonl
"$onmal" evaluate --task claims -m $out/mixed/model --data $out/grounded.jsonl
