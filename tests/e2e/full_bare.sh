#!/usr/bin/env bash
# Both commands of the README on a bare Debian 12 and 13: see scripts/bare-test.
exec "$(dirname "${BASH_SOURCE[0]}")/../../scripts/bare-test"
