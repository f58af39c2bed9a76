#!/bin/bash
# ns.sh ROOT RUN runs the steps in RUN natively, on ROOT with a tmpfs over it, beside a libvirtd of their own: the native lab.
# It expects to be the first process of new mount, PID, IPC and network namespaces, and to be unable to open AF_VSOCK.
set -euo pipefail
root=$1 run=$2 merged=$2/overlay/merged
mount -t tmpfs -o mode=755 tmpfs "$run/overlay"
mkdir "$run/overlay"/{upper,work,merged}
mount -t overlay -o "lowerdir=$root,upperdir=$run/overlay/upper,workdir=$run/overlay/work" overlay "$merged"
mount --bind "$run" "$merged/lab/run"
mount -t proc proc "$merged/proc"
mount -t sysfs -o ro sysfs "$merged/sys"
mount -t tmpfs -o mode=755 tmpfs "$merged/run"
mount -t tmpfs -o mode=1777 tmpfs "$merged/tmp"

# A /dev of its own: none of the machine's devices, and a devpts that lets unprivileged users have terminals.
mount -t tmpfs -o mode=755 tmpfs "$merged/dev"
for device in null zero full random urandom tty; do
  touch "$merged/dev/$device"
  mount --bind "/dev/$device" "$merged/dev/$device"
done
mkdir "$merged/dev/pts" "$merged/dev/shm"
mount -t devpts -o newinstance,gid=5,mode=620,ptmxmode=666 devpts "$merged/dev/pts"
mount -t tmpfs -o mode=1777 tmpfs "$merged/dev/shm"
ln -s pts/ptmx "$merged/dev/ptmx"
ln -s /proc/self/fd "$merged/dev/fd"
for n in 0:stdin 1:stdout 2:stderr; do ln -s "/proc/self/fd/${n%:*}" "$merged/dev/${n#*:}"; done

# Nothing of our environment goes in: it may name directories of this machine.
inside() { env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin SHELL=/bin/bash chroot "$merged" /bin/bash "$@"; }

chroot "$merged" ip link set lo up
mkdir -p "$merged"/run/{dbus,libvirt,lock,sshd,user}
# polkitd is started by D-Bus when libvirtd first asks for it. `libvirtd -d` returns when its sockets listen.
inside -c 'dbus-daemon --system --fork && libvirtd -d'
# Not exec: this process is PID 1 here, and when it ends, so does everything that the steps left behind.
inside /lab/run/steps.sh
