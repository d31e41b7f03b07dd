#!/usr/bin/env bash
# The whole suite: release tests, the unit tests again under ASan+UBSan, each fuzzer for a few seconds.
# --full: also ThreadSanitizer, the PyTorch oracle, longer fuzzing, and the benchmarks.
set -euo pipefail
cd "$(dirname "$0")"
full=0
[ "${1:-}" = "--full" ] && full=1
scripts/install.sh build test
[ "$full" -eq 1 ] && scripts/install.sh bench full
jobs=$(nproc)
passed=0
failed=0

# run_preset NAME CTEST_ARGUMENTS...: configures, builds, runs ctest and adds up its counts.
run_preset() {
  local preset=$1 log
  shift
  cmake --preset "$preset" "$bench_flag" -DONMAL_FUZZ_SECONDS="$seconds" >/dev/null
  cmake --build "build/$preset" -j "$jobs"
  log=$(mktemp)
  ctest --test-dir "build/$preset" -j "$jobs" --output-on-failure "$@" | tee "$log" || true
  local total fails
  total=$(sed -nE 's/.*tests passed, ([0-9]+) tests failed out of ([0-9]+).*/\2/p' "$log" | tail -1)
  fails=$(sed -nE 's/.*tests passed, ([0-9]+) tests failed out of ([0-9]+).*/\1/p' "$log" | tail -1)
  rm -f "$log"
  [ -n "$total" ] || { echo "ctest ran nothing for $preset" >&2; exit 1; }
  passed=$((passed + total - fails))
  failed=$((failed + fails))
}

bench_flag="-DONMAL_BUILD_BENCH=OFF"
seconds=5
[ "$full" -eq 1 ] && seconds=600
[ "$full" -eq 1 ] && bench_flag="-DONMAL_BUILD_BENCH=ON"
run_preset release
run_preset asan -LE end_to_end
if [ "$full" -eq 1 ]; then
  run_preset tsan -LE end_to_end
fi

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
