#!/bin/bash
# kernel-inside.sh CONFIG is the part of kernel.sh that runs in the overlay: it compiles User Mode Linux out of Debian's kernel
# source and leaves it in /kernel.
set -euo pipefail
config=$1
export DEBIAN_FRONTEND=noninteractive LC_ALL=C

apt-get -q update
apt-get -q -y install --no-install-recommends gcc libc6-dev make flex bison bc perl xz-utils linux-source-6.12
mkdir /source /kernel
cd /source
tar -x --strip-components=1 -f /usr/src/linux-source-6.12.tar.xz

fail() {
  echo "kernel-inside.sh: $(cd /source && make -s kernelversion): $1" >&2
  exit 1
}

# User Mode Linux keeps a process's registers in a buffer that is too small for processors with AMX: their state is 11008 bytes.
offsets=arch/x86/um/user-offsets.c
old='DEFINE_LONGS(HOST_FP_SIZE, 2696)' new='DEFINE_LONGS(HOST_FP_SIZE, 12288)'
if [ "$(grep -cF "$old" $offsets)" != 1 ]; then fail "$offsets has no line \"$old\" to become \"$new\": see whether it still has to"; fi
sed -i "s/$old/$new/" $offsets

make -s ARCH=um KCONFIG_ALLCONFIG="$config" allnoconfig
# Kconfig drops without a word what it does not know, or what lacks something that it depends on.
if dropped=$(grep '^CONFIG_' "$config" | grep -vxFf .config); then fail "kernel.config asks for what cannot be had: $dropped"; fi
make -s -j"$(nproc)" ARCH=um linux
strip -o /kernel/linux linux

# All that the box needs is built in; with this list modprobe knows that, and succeeds.
release=$(make -s ARCH=um kernelrelease)
mkdir "/usr/lib/modules/$release"
cp modules.builtin modules.builtin.modinfo "/usr/lib/modules/$release/"
touch "/usr/lib/modules/$release/modules.order"
depmod "$release"
mkdir /kernel/modules
mv "/usr/lib/modules/$release" /kernel/modules/
