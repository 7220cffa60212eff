#!/usr/bin/env bash
# The images and the services of docker-compose.yml: see scripts/container-test.
exec "$(dirname "${BASH_SOURCE[0]}")/../../scripts/container-test"
