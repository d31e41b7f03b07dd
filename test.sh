#!/usr/bin/env bash
# The whole suite: every test in release, the unit tests again under ASan+UBSan, each fuzzer for some seconds.
#   --full   also ThreadSanitizer, PyTorch as an oracle, ten minutes for each fuzzer, and the benchmarks
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
full=0
case "${1:-}" in
  "") ;;
  --full) full=1 ;;
  *) echo "usage: $0 [--full]" >&2; exit 2 ;;
esac
scripts/install.sh build test
[ "$full" -eq 0 ] || scripts/install.sh bench full
# PostgreSQL with pgvector comes from npm; without npm its test is skipped aloud.
if command -v npm >/dev/null && [ ! -d tests/node/node_modules ]; then
  (cd tests/node && npm install --no-audit --no-fund --no-package-lock >/dev/null 2>&1) || echo "npm install failed in tests/node" >&2
fi
jobs=$(nproc)
passed=0
failed=0
skipped=0
log=$(mktemp)
trap 'rm -f "$log"' EXIT

# run_preset NAME TARGET FUZZ_SECONDS CTEST_ARGUMENTS...: configures, builds, runs ctest and adds up its counts.
run_preset() {
  local preset=$1 target=$2 seconds=$3 status=0 total failures skips
  shift 3
  echo "== $preset"
  cmake --preset "$preset" -DONMAL_BUILD_TESTS=ON -DONMAL_FUZZ_SECONDS="$seconds" "${options[@]}" >/dev/null
  cmake --build "build/$preset" -j "$jobs" --target "$target"
  ctest --test-dir "build/$preset" -j "$jobs" --output-on-failure --no-tests=error "$@" </dev/null | tee "$log" || status=$?
  total=$(sed -nE 's/.*tests passed, ([0-9]+) tests failed out of ([0-9]+).*/\2/p' "$log" | tail -1)
  failures=$(sed -nE 's/.*tests passed, ([0-9]+) tests failed out of ([0-9]+).*/\1/p' "$log" | tail -1)
  skips=$(grep -c '(Skipped)$' "$log" || true) # ctest counts them as passed
  if [ -z "$total" ] || { [ "$status" -ne 0 ] && [ "$failures" -eq 0 ]; }; then
    echo "ctest broke off for $preset (status $status)" >&2
    exit 1
  fi
  passed=$((passed + total - failures - skips))
  failed=$((failed + failures))
  skipped=$((skipped + skips))
}

# Ours and PyTorch's, one after the other; they print JSON, and a program that fails is a failure.
run_benchmarks() {
  local shape
  echo "== benchmarks"
  for shape in 10m gpt2-124m; do
    build/release/bench/train_step --shape "$shape" --threads "$jobs"
    bench/pytorch_step.py --shape "$shape" --threads "$jobs"
  done
  build/release/bench/gemm_bench
  build/release/bench/decode_bench
  build/release/onmal -t "$jobs" bench --random 300m -p 64 -n 48
}

# Release builds unit tests where optimisation and instruction sets make the code, or a database takes part; sanitizers build those of every floor,
# and the fuzzers. Only --full builds all twice, and the benchmarks, with every check of the sanitizers.
optimised='kernels;numeric;tensor;autograd;ops;nn;models;train;infer;tokenizer;text;words;quantize;knowledge'
[ "$full" -eq 0 ] || optimised=
bench=$([ "$full" -eq 0 ] && echo OFF || echo ON)
options=(-DONMAL_BUILD_BENCH="$bench" -DONMAL_BUILD_FUZZ=OFF -DONMAL_UNITY=ON "-DONMAL_TEST_FLOORS=$optimised")
run_preset release all 0
# Long tests of work that one thread does take minutes under sanitizers; release has run them.
long_tests='EqualsItsPattern|LongLinesTakeLinearTime|PairsOfTokensHaveTheDistribution'
fuzz_seconds=600
options=(-DONMAL_UNITY=ON -DONMAL_SANITIZE_LESS=OFF)
if [ "$full" -eq 0 ]; then
  long_tests+='|ObjectivesTest|NothingRunsForEver|GradientsInDoubleMatchFiniteDifferences'
  fuzz_seconds=5
  options=(-DONMAL_UNITY=ON -DONMAL_SANITIZE_LESS=ON "-DCMAKE_CXX_FLAGS_RELWITHDEBINFO=-Og -g1")
fi
run_preset asan unit_tests "$fuzz_seconds" -LE end_to_end -E "$long_tests"
# The page: types, unit tests, and Chromium, with a made-up server and with the program. Pictures stay in web/test/artifacts/.
command -v chromium >/dev/null || scripts/install.sh web || echo "Chromium cannot be installed here: the page is not tried in a browser" >&2
if command -v npm >/dev/null && (cd web && { [ -d node_modules ] || npm ci --no-audit --no-fund >/dev/null 2>&1; }); then
  echo "== page"
  if web/test.sh --onmal "$PWD/build/release/onmal" --shots "$PWD/web/test/artifacts" >"$log" 2>&1; then passed=$((passed + 1)); else cat "$log"; failed=$((failed + 1)); fi
else
  echo "npm or its packages are not here: the page's tests are skipped" >&2
fi
if [ "$full" -eq 1 ]; then
  run_preset tsan unit_tests 0 -LE end_to_end -E "$long_tests"
  run_benchmarks
fi

[ "$skipped" -eq 0 ] || echo "$skipped skipped (named above)"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
