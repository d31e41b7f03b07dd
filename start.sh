#!/usr/bin/env bash
# Builds Onmal on Debian 12, asks its own documentation two questions, serves the page and the API, and starts a
# conversation with the starter model; the server ends with it.
#   --no-run   only build
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
run=1
case "${1:-}" in
  "") ;;
  --no-run) run=0 ;;
  *) echo "usage: $0 [--no-run]" >&2; exit 2 ;;
esac
scripts/install.sh build
# A build folder that is in use keeps its options; a new one needs no test framework.
options=()
[ -e build/release/build.ninja ] || options=(-DONMAL_BUILD_TESTS=OFF -DONMAL_BUILD_BENCH=OFF -DONMAL_BUILD_FUZZ=OFF)
cmake --preset release "${options[@]}" >/dev/null
cmake --build build/release -j "$(nproc)" --target onmal
[ "$run" -eq 1 ] || exit 0
if ! compgen -G 'models/starter/*.gguf' >/dev/null && ! compgen -G 'models/starter/*.safetensors' >/dev/null; then
  echo "models/starter holds no model yet: make one with recipes/starter.sh DATA_FOLDER" >&2
  exit 1
fi
# Questions are answered from documents with citations: here from the project's own.
build/release/onmal know add docs README.md README.ko.md -k build/docs.db --sync
for question in 'What do answers cite?' '답은 무엇을 밝히나요?'; do
  printf '\n> %s\n' "$question"
  build/release/onmal ask -k build/docs.db "$question"
done
echo
# The page, with the same documents; any free port where 8080 is taken.
address=build/served
for port in 8080 0; do
  build/release/onmal serve --port "$port" -k build/docs.db >"$address" 2>build/serve.log &
  server=$!
  trap 'kill "$server" 2>/dev/null || true' EXIT
  for _ in $(seq 100); do
    [ -s "$address" ] || ! kill -0 "$server" 2>/dev/null || sleep 0.1
  done
  [ ! -s "$address" ] || break
done
echo "The page and the API: $(cat "$address")"
echo
manner=(--temp 0.5 --repetition-penalty 1.2) # so small a model repeats itself otherwise
if [ -t 0 ]; then
  build/release/onmal chat -m models/starter "${manner[@]}"
  exit
fi
for question in '안녕하세요' '오늘 기분이 좀 우울해요'; do
  echo "> $question"
  printf '%s\n' "$question" | build/release/onmal chat -m models/starter "${manner[@]}" --seed 2
done
