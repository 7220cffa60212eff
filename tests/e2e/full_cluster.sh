#!/usr/bin/env bash
# The integration tests once more, against a cluster of three nodes: programs are given a node that has none of the
# keys, and are sent to the one that has them (tests/harness/redis_server.h, TEST_REDIS).
set -eu
TEST_REDIS=cluster exec ctest --test-dir "$TEST_BIN/.." --label-regex '^integration$' --output-on-failure
