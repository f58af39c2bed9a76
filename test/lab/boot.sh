#!/bin/bash
# boot.sh ROOT KERNEL LIBRARIES RUN [OPTION...] boots ROOT under KERNEL, User Mode Linux, with the directory RUN shared with it: the
# box. LIBRARIES is the root whose C library KERNEL was linked with. It expects to be the first process of new mount, PID and network
# namespaces. What the kernel's OPTIONs call fd:3 is this stdin, and fd:4 this stdout. LAB_MEMORY (4G) sizes the machine.
set -euo pipefail
root=$1 kernel=$2 libraries=$3 run=$4 jail=$4/overlay
shift 4
umask 022 # whoever started this may have a stricter one, which is no matter of the box

# The kernel is a process that offers files of this machine to what runs under it: only those in its jail.
mount -t tmpfs -o mode=755 tmpfs "$jail"
mkdir "$jail"/{root,kernel,run,proc,dev,dev/shm,tmp,usr}
# What has to be there when the first program starts lies over ROOT, with a whiteout for what must not be there.
cp -a "$run/boot" "$jail/boot"
find "$jail/boot" -type d -exec chmod 755 {} +
while read -r path; do mkdir -p "$jail/boot$(dirname "$path")" && mknod "$jail/boot$path" c 0 0; done < "$run/without"
mount -t overlay -o "ro,lowerdir=$jail/boot:$root" overlay "$jail/root"
mount --bind "$kernel" "$jail/kernel"
mount -o remount,bind,ro "$jail/kernel"
mount --bind "$run" "$jail/run"
mount -t proc proc "$jail/proc"
mount --bind "$libraries/usr" "$jail/usr"
mount -o remount,bind,ro "$jail/usr"
ln -s usr/lib64 "$jail/lib64"
ln -s usr/lib "$jail/lib"
for device in null zero random urandom; do
  touch "$jail/dev/$device"
  mount --bind "/dev/$device" "$jail/dev/$device"
done
# The machine's memory, as far as it is used.
mount -t tmpfs -o size=6g tmpfs "$jail/dev/shm"

arguments=(
  mem="${LAB_MEMORY:-4G}" uml_dir=/tmp noreboot
  root=/dev/root rootfstype=hostfs rootflags=/root ro init=/lab/init
  con=null con0=null,fd:2 ssl=null
  quiet panic=-1 systemd.show_status=0
)
# Not exec: User Mode Linux does not work as the first process of a PID namespace.
env -i PATH="$PATH" HOME=/tmp TERM=dumb chroot "$jail" /kernel/linux "${arguments[@]}" "$@" 3<&0 4>&1 < /dev/null > "$run/console.log" 2>&1
