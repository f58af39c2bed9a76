#!/bin/bash
# root.sh DIR MIRROR makes DIR, the Debian 13 root that both labs run on: libvirt, QEMU, OpenSSH, systemd, two users and their keys.
# Needs root and mmdebstrap. MIRROR is the address of a Debian mirror.
set -euo pipefail
dir=$1 mirror=$2
here=$(cd "$(dirname "$0")" && pwd)

packages=(
  systemd systemd-sysv dbus polkitd passwd util-linux procps psmisc kmod iproute2
  libvirt-daemon-system libvirt-clients libvirt-ssh-proxy qemu-system-x86
  openssh-server openssh-client socat rsync
  ansible-core git python3-paramiko          # programs that use ssh
  bash-completion zsh fish                   # shells that complete its targets
  busybox-static cpio zstd xz-utils          # for initrd.sh
  qemu-guest-agent                           # for the guests that have one: initrd.sh
  genisoimage xorriso cloud-init             # what makes a seed image, and what reads it
  rpm                                        # for packages of the other kind
  strace time hyperfine python3-minimal      # for measuring and for tests
)
mmdebstrap --quiet --variant=minbase --include="$(IFS=,; echo "${packages[*]}")" \
  --aptopt='APT::Install-Recommends "false"' --aptopt='Acquire::Languages "none"' \
  --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
  --customize-hook="copy-in '$here/root-inside.sh' '$here/initrd.sh' /tmp" \
  --customize-hook='chroot "$1" bash /tmp/root-inside.sh' \
  --customize-hook='chroot "$1" bash /tmp/initrd.sh' \
  trixie "$dir" "deb $mirror trixie main"
