#!/bin/bash
# kernel.sh DIR ROOT makes DIR, the box's kernel and the list of its modules. It is compiled in an overlay over ROOT, the labs'
# Debian root, with a compiler and a kernel source that are installed there from the same mirror. Needs a mount namespace of its own.
set -euo pipefail
dir=$1 root=$2 merged=$1/merged
here=$(cd "$(dirname "$0")" && pwd)

mkdir -p "$dir"/{upper,work,merged}
mount -t overlay -o "lowerdir=$root,upperdir=$dir/upper,workdir=$dir/work" overlay "$merged"
mount -t proc proc "$merged/proc"
mount --rbind /dev "$merged/dev"
cp --remove-destination --dereference /etc/resolv.conf /etc/hosts "$merged/etc/"
cp "$here/kernel-inside.sh" "$here/kernel.config" "$merged/tmp/"
chroot "$merged" bash /tmp/kernel-inside.sh /tmp/kernel.config
umount --recursive "$merged"

mv "$dir"/upper/kernel/* "$dir/"
rm -rf --one-file-system "$dir"/{upper,work,merged}
