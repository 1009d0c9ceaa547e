#!/bin/bash
# All tests, in two halves side by side: those in test/unit compute, the others mostly wait for messages, and go first.
# One after the other they take nearly twice as long on two cores.
set -u
units=$(mktemp)
trap 'kill %1 2>/dev/null; rm -f "$units"' EXIT
nice -n 5 python -m pytest test/unit >"$units" 2>&1 &
python -m pytest test --ignore=test/unit
others=$?
wait %1
computed=$?
cat "$units"
exit $((others || computed))
