# Native test builds, plain and with sanitizers, and what runs in them. Sourced after common.bash
# and steps.bash by scripts/test and scripts/sanitize.

# Leaks and uses after a return count; a report shows where it comes from, and ends the run with a
# status of failure.
export ASAN_OPTIONS="detect_leaks=1:detect_stack_use_after_return=1:strict_string_checks=1"
export UBSAN_OPTIONS="print_stacktrace=1"
export TSAN_OPTIONS="second_deadlock_stack=1:history_size=4"

# Thousands of damaged files are opened one after another by one thread: for the thread sanitizer
# that is ten minutes and no insight.
THREADED_FILTER='-*Damage*'

# The addon's build compiles the same engine with the same options in another folder.
export CCACHE_NOHASHDIR=1

# native_build FOLDER SANITIZERS TARGET...: SANITIZERS may be empty.
native_build() {
  local folder="$1" sanitizers="$2"
  shift 2
  local options=(-DROOKERY_TESTS=ON "-DROOKERY_SANITIZE=$sanitizers")
  command -v ccache > /dev/null \
    && options+=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache -DCMAKE_C_COMPILER_LAUNCHER=ccache)
  cmake -S . -B "$folder" -G Ninja "${options[@]}" && cmake --build "$folder" --target "$@"
}
export -f native_build
# Runs such a function as a command of its own, which can be given a limit of time.
IN_BASH=(bash -euo pipefail -c '"$@"' bash)

# The native tests and the simulation under the address and undefined behaviour sanitizers.
# address_steps SEEDS [GTEST_FILTER]; no seeds: no simulation.
address_steps() {
  local targets=(rookery_tests)
  [ "$1" -eq 0 ] || targets+=(rookery_sim)
  check 'address, undefined: build' 1800 \
    "${IN_BASH[@]}" native_build build-asan address,undefined "${targets[@]}" || return 0
  counted 'address, undefined: tests' 900 count_gtest \
    build-asan/rookery_tests --gtest_brief=1 "--gtest_filter=${2:-*}" || true
  [ "$1" -eq 0 ] || counted "address, undefined: simulation, $1 seeds" 900 count_own \
    build-asan/rookery_sim --seeds "$1" || true
}

# What threads share (rings, reactor, memory, stores and mailboxes, the whole engine) under the
# thread sanitizer.  thread_steps [GTEST_FILTER]
thread_steps() {
  check 'thread: build' 1800 \
    "${IN_BASH[@]}" native_build build-tsan thread rookery_threaded_tests || return 0
  counted 'thread: tests' 900 count_gtest \
    build-tsan/rookery_threaded_tests --gtest_brief=1 \
    "--gtest_filter=${1:-$THREADED_FILTER}" || true
}

# sanitizer_steps SEEDS: both.
sanitizer_steps() {
  address_steps "$1"
  thread_steps
}
