# Which configuration the command line takes in a checkout. Sourced after common.bash, with the
# folder from which the script was called in CALLED_FROM.

# Whatever the caller names wins, then the caller's rookery.yaml, then scripts/development.yaml.
if [ -z "${ROOKERY_CONFIG:-}" ] && [ ! -f "$CALLED_FROM/rookery.yaml" ]; then
  export ROOKERY_CONFIG="$PWD/scripts/development.yaml"
fi

# rookery ARGUMENTS...: the command line, as if it were called where the script was.
rookery() {
  local main="$PWD/dist/cli/main.js"
  cd "$CALLED_FROM"
  exec node "$main" "$@"
}
