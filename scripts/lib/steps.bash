# Steps with a name, a time, a log and a count, for scripts/test. Sourced after common.bash.
# Every step runs, whatever became of those before it; the failed ones show the end of their log.

LOGS=.cache/test
PASSED=0
FAILED=0
mkdir -p "$LOGS"

# report STATUS NAME SECONDS PASSED FAILED LOG
report() {
  local mark='ok  '
  [ "$1" -eq 0 ] || mark='FAIL'
  printf '%s  %-40s %5ss  %s passed, %s failed\n' "$mark" "$2" "$3" "$4" "$5"
  [ "$1" -eq 0 ] || {
    tail -n "${SHOW_LINES:-60}" "$6" | sed 's/^/      /'
    printf '      (the whole log: %s)\n' "$6"
  }
  PASSED=$((PASSED + $4))
  FAILED=$((FAILED + $5))
}

# run LIMIT_SECONDS LOG COMMAND...: the command with its output in the log and a limit of time.
run() {
  local limit="$1" log="$2"
  shift 2
  local status=0
  timeout --kill-after=10 "$limit" "$@" > "$log" 2>&1 < /dev/null || status=$?
  [ $status -ne 124 ] || echo "stopped after $limit s" >> "$log"
  return $status
}

# check NAME LIMIT_SECONDS COMMAND...: one thing that holds or does not.
check() {
  local name="$1" limit="$2" status=0 began=$SECONDS
  shift 2
  local log="$LOGS/${name//[^A-Za-z0-9]/-}.log"
  run "$limit" "$log" "$@" || status=$?
  report $status "$name" $((SECONDS - began)) $((status == 0)) $((status != 0)) "$log"
  return $status
}

# counted NAME LIMIT_SECONDS COUNTER COMMAND...: tests that count themselves. COUNTER is a function
# which prints "PASSED FAILED" from the log that is its argument. A run that fails without a failed
# test, and one without any test, count as one failure.
counted() {
  local name="$1" limit="$2" counter="$3" status=0 began=$SECONDS passed failed
  shift 3
  local log="$LOGS/${name//[^A-Za-z0-9]/-}.log"
  run "$limit" "$log" "$@" || status=$?
  read -r passed failed <<< "$("$counter" "$log")"
  if [ "$failed" -gt 0 ] || [ "$passed" -eq 0 ]; then [ $status -ne 0 ] || status=1; fi
  if [ $status -ne 0 ] && [ "$failed" -eq 0 ]; then failed=1; fi
  report $status "$name" $((SECONDS - began)) "$passed" "$failed" "$log"
  return $status
}

BESIDE_PROCESS=''
BESIDE_REPORT="$LOGS/beside.report"

# beside COMMAND...: steps that run, with less right to the processor, beside those that follow.
# gather waits for them, shows what they reported, and adds what they counted.
beside() {
  rm -f "$BESIDE_REPORT" "$BESIDE_REPORT.counts"
  (
    renice -n 10 -p "$BASHPID" > /dev/null
    PASSED=0
    FAILED=0
    "$@" > "$BESIDE_REPORT" 2>&1 || true
    echo "$PASSED $FAILED" > "$BESIDE_REPORT.counts"
  ) &
  BESIDE_PROCESS=$!
}

gather() {
  local passed failed
  wait "$BESIDE_PROCESS" || true
  cat "$BESIDE_REPORT"
  # A process that came to no count failed.
  read -r passed failed < <(cat "$BESIDE_REPORT.counts" || echo 0 1)
  PASSED=$((PASSED + passed))
  FAILED=$((FAILED + failed))
}

count_gtest() {
  local passed failed
  passed="$(sed -n 's/^\[  PASSED  \] \([0-9]*\) test.*/\1/p' "$1" | tail -n 1)"
  failed="$(sed -n 's/^\[  FAILED  \] \([0-9]*\) tests\?, listed below.*/\1/p' "$1" | tail -n 1)"
  echo "${passed:-0} ${failed:-0}"
}

count_mocha() {
  local plain passed failed
  plain="$(sed 's/\x1b\[[0-9;]*m//g' "$1")"
  passed="$(sed -n 's/^ *\([0-9]*\) passing.*/\1/p' <<< "$plain" | tail -n 1)"
  failed="$(sed -n 's/^ *\([0-9]*\) failing.*/\1/p' <<< "$plain" | tail -n 1)"
  echo "${passed:-0} ${failed:-0}"
}

# A line "N passed, N failed" of a program or script of ours, the last one.
count_own() {
  local line
  line="$(grep -Eo '[0-9]+ passed, [0-9]+ failed' "$1" | tail -n 1)"
  read -r passed _ failed _ <<< "${line:-0 passed, 0 failed}"
  echo "$passed $failed"
}
