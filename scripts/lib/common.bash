# What the scripts share: messages, a reason when they stop, and stamps by which a step that has
# nothing to do is skipped. Sourced by them; it also changes to the project's folder.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

say() { printf '%s\n' "$*" >&2; }

# Ends the script with its reason.
stop() {
  say "$(basename "$0"): stopped: $*"
  exit 1
}

# One checksum over the names and contents of the files and folders given.
checksum() {
  find "$@" -type f -not -name '*.tmp' -print0 | LC_ALL=C sort -z | xargs -0 -r sha256sum \
    | sha256sum | cut -d' ' -f1
}

# is_fresh NAME CHECKSUM: whether the step of that name was last done with that checksum.
is_fresh() { [ -f ".cache/stamps/$1" ] && [ "$(cat ".cache/stamps/$1")" = "$2" ]; }

# done_with NAME CHECKSUM
done_with() {
  mkdir -p .cache/stamps
  printf '%s\n' "$2" > ".cache/stamps/$1"
}
