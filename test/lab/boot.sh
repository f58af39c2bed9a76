#!/bin/bash
# boot.sh ROOT RUN [QEMU-OPTION...] boots ROOT in an emulated machine, with the directory RUN shared with it: the box.
# It expects to be the first process of new mount, PID and network namespaces. LAB_SMP (2) and LAB_MEMORY (4G) size the machine.
set -euo pipefail
root=$1 run=$2
shift 2

# QEMU comes from ROOT too, so ROOT is mounted twice: as the root to run in, and, with nothing mounted over it, for the box.
mount --bind "$root" "$root"
mount --bind "$root" "$root/lab/pristine"
mount -o remount,bind,ro "$root/lab/pristine"
mount --bind "$run" "$root/lab/run"
mount --rbind /dev "$root/dev"
mount -t proc proc "$root/proc"
mount -t tmpfs tmpfs "$root/run"
mount -t tmpfs tmpfs "$root/tmp"
mount -o remount,bind,ro "$root"

# No kvm even where there is one: the box behaves the same everywhere. `svm=off` because kvm_amd oopsed under emulation.
arguments=(
  -machine q35 -accel "tcg,thread=multi,tb-size=${LAB_TB:-1024}" -cpu "${LAB_CPU:-max,svm=off}" -m "${LAB_MEMORY:-4G}" -smp "${LAB_SMP:-2}"
  -nodefaults -no-user-config -display none -no-reboot
  -serial "file:/lab/run/console.log"
  -kernel /boot/vmlinux -initrd /boot/box.cpio
  -fsdev local,id=root,path=/lab/pristine,security_model=none,readonly=on,multidevs=remap
  -device virtio-9p-pci,fsdev=root,mount_tag=root
  -fsdev local,id=run,path=/lab/run,security_model=none,multidevs=remap
  -device virtio-9p-pci,fsdev=run,mount_tag=run
  -append "console=ttyS0 panic=-1 quiet mitigations=off nokaslr tsc=reliable no_timer_check random.trust_cpu=on cryptomgr.notests systemd.show_status=0 ${LAB_APPEND:-}"
)
exec chroot "$root" qemu-system-x86_64 "${arguments[@]}" "$@"
