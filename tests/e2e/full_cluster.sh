#!/usr/bin/env bash
# The integration tests once more, against a cluster of three nodes: programs are given a node that has none of the
# keys, and are sent to the one that has them (tests/harness/redis_server.h, TEST_REDIS). Those that fail each allocation in
# turn are left out: they keep a copy of all keys in a second database, and a cluster has but one.
set -eu
TEST_REDIS=cluster exec ctest --test-dir "$TEST_BIN/.." --label-regex '^integration$' \
    --exclude-regex '^integration_alloc_' --output-on-failure
