#!/bin/sh
# Stand before sftp and leave one byte per call.
printf . >>"$HARDWAY_BENCH_CONNECTIONS"
exec sftp "$@"
