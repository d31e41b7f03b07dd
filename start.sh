#!/usr/bin/env bash
# Builds Onmal on Debian 12 and starts a conversation with the starter model. --no-run: only build.
set -euo pipefail
cd "$(dirname "$0")"
scripts/install.sh build
cmake --preset release -DONMAL_BUILD_TESTS=OFF -DONMAL_BUILD_BENCH=OFF -DONMAL_BUILD_FUZZ=OFF -B build/start >/dev/null
cmake --build build/start --target onmal
[ "${1:-}" = "--no-run" ] && exit 0
if ! ls models/starter/*.gguf >/dev/null 2>&1; then
  echo "models/starter holds no model: train one with recipes/starter.sh DATA_FOLDER" >&2
  exit 1
fi
if [ -t 0 ]; then
  exec build/start/onmal chat -m models/starter
fi
printf '%s\n' '안녕하세요' '오늘 기분이 좀 우울해요' | build/start/onmal chat -m models/starter
