#!/bin/bash
# make-root.sh ROOT MIRROR makes ROOT with root.sh unless another process just did, and removes the roots of older versions.
set -euo pipefail
root=$1 mirror=$2
cache=$(dirname "$root")
here=$(cd "$(dirname "$0")" && pwd)

exec 9> "$cache/lab.lock"
flock 9
if [ -e "$root" ]; then exit; fi

# What is left of a run that was ended lies under the same name; the lock says that nobody is making it any more.
rm -rf --one-file-system "$cache"/lab-*.part
# A mount namespace of its own, so that no mount of mmdebstrap's can stay behind.
unshare --mount --propagation private bash "$here/root.sh" "$root.part" "$mirror" >&2
: > "$root.lock"
mv -T "$root.part" "$root"

# Runs hold their root's lock shared: a root that is in use is left for the next time.
for old in "$cache"/lab-*.lock; do
  if [ "$old" != "$root.lock" ]; then
    flock --nonblock --exclusive "$old" rm -rf --one-file-system "${old%.lock}" "$old" || true
  fi
done
