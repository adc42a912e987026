#!/bin/sh
# Pins every Python package and its hashes. No download address comes into the files: whoever
# installs takes the packages from where he takes all others.
set -eu
bin=$1

lock() {
  out=$1; shift
  "$bin/pip-compile" --quiet --upgrade --generate-hashes --allow-unsafe --strip-extras --no-header \
    --no-annotate --no-emit-index-url --no-emit-trusted-host --no-emit-find-links \
    --output-file "$out" "$@" pyproject.toml
}
lock requirements.lock --extra build --extra robot
lock requirements-dev.lock --extra build --extra robot --extra dev --constraint requirements.lock
