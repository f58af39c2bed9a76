#!/bin/bash
# make-once.sh THING SCRIPT [ARGUMENT...] makes the directory THING with `SCRIPT DIRECTORY ARGUMENT...` unless another process just
# did, and removes older versions of it. THING is named KIND-KEY and lies in the cache.
set -euo pipefail
thing=$1 script=$2
shift 2
kind=${thing%-*}

exec 9> "$kind.lock"
flock 9
if [ -e "$thing" ]; then exit; fi

# What is left of a run that was ended lies under the same name; the lock says that nobody is making it any more.
rm -rf --one-file-system "$kind"-*.part
# A mount namespace of its own, so that no mount can stay behind.
unshare --mount --propagation private bash "$script" "$thing.part" "$@" >&2 9>&-
: > "$thing.lock"
mv -T "$thing.part" "$thing"

# Runs hold the locks of what they use shared: what is in use is left for the next time.
for old in "$kind"-*.lock; do
  if [ "$old" != "$thing.lock" ]; then
    flock --nonblock --exclusive "$old" rm -rf --one-file-system "${old%.lock}" "$old" || true
  fi
done
