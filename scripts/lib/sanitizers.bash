# Which builds the sanitizers have and what runs in them. Sourced after common.bash by
# scripts/sanitize and scripts/test.

# Native test folders whose subject is shared by threads: they run under the thread sanitizer. The
# rest has one thread and is seen by the other sanitizers. A new suite there needs no edit here.
THREADED_FOLDERS=(queue reactor memory store engine)

# The gtest filter of every suite in those folders, and of the mailboxes' wherever they lie.
threaded_filter() {
  local folder files=() suites
  for folder in "${THREADED_FOLDERS[@]}"; do
    [ ! -d "test/native/$folder" ] || files+=("test/native/$folder")
  done
  suites="$(grep -rhoE --include='*_test.cc' '^(TYPED_)?TEST(_F|_P)?\([A-Za-z0-9_]+' "${files[@]}" \
    | sed 's/.*(//' | sort -u)"
  [ -n "$suites" ] || stop 'no test suite found for the thread sanitizer'
  # A parameterised suite has its instantiation's name before its own.
  printf '%s' '*Mailbox*'
  printf ':%s.*:*/%s.*' $(for suite in $suites; do echo "$suite" "$suite"; done)
  # Thousands of damaged files are opened one after another by one thread: ten minutes, no insight.
  printf ':-*Damage*'
}

# Leaks and uses after a return count; a report shows where it comes from, and ends the run with a
# status of failure.
export ASAN_OPTIONS="detect_leaks=1:detect_stack_use_after_return=1:strict_string_checks=1"
export UBSAN_OPTIONS="print_stacktrace=1"
export TSAN_OPTIONS="second_deadlock_stack=1:history_size=4"

# sanitized_build FOLDER SANITIZERS TARGET...
sanitized_build() {
  local folder="$1" sanitizers="$2"
  shift 2
  local options=(-DROOKERY_TESTS=ON "-DROOKERY_SANITIZE=$sanitizers")
  command -v ccache > /dev/null \
    && options+=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache -DCMAKE_C_COMPILER_LAUNCHER=ccache)
  cmake -S . -B "$folder" -G Ninja "${options[@]}" && cmake --build "$folder" --target "$@"
}
