#!/bin/bash
# root-inside.sh is the part of root.sh that runs inside the new root: kernels, users, keys, and what libvirt and systemd
# need to know about the labs.
set -euo pipefail

# Kernels are unpacked, not installed: their packages would pull in initramfs-tools and build images that no lab uses.
# The cloud kernel is small and boots nested guests; it has no 9p, so the box itself runs the full one.
unpack_kernel() { # METAPACKAGE NAME: leaves an uncompressed /boot/NAME, and its release in /boot/NAME.release
  local package release
  package=$(apt-cache depends "$1" | awk '$1 == "Depends:" && $2 ~ /^linux-image-/ { print $2; exit }')
  release=${package#linux-image-}
  (cd /tmp && apt-get -q download "$package" && dpkg-deb --fsys-tarfile "$package"_*.deb | tar -x -C / --keep-directory-symlink && rm "$package"_*.deb)
  depmod "$release"
  extract_elf "/boot/vmlinuz-$release" "/boot/$2"
  echo "$release" > "/boot/$2.release"
  rm -f "/boot/vmlinuz-$release" "/boot/System.map-$release"
}

# Under emulation an uncompressed kernel boots about three times as fast as the bzImage that wraps it.
extract_elf() { # VMLINUZ OUT: finds the zstd frame in VMLINUZ that unpacks to an ELF file
  local offset
  for offset in $(LC_ALL=C grep -obaP '\x28\xb5\x2f\xfd' "$1" | cut -d: -f1); do
    tail -c "+$((offset + 1))" "$1" | zstd -dcq > "$2" 2>/dev/null || true # zstd complains of what follows the frame
    if [ "$(head -c 4 "$2" | tail -c 3)" = ELF ]; then return; fi
  done
  echo "no ELF kernel found in $1" >&2
  return 1
}

unpack_kernel linux-image-amd64 vmlinux
unpack_kernel linux-image-cloud-amd64 vmlinux-guest

# A fixed machine ID keeps systemd from treating every boot as the first one.
systemd-machine-id-setup
echo hypervisor > /etc/hostname
printf '127.0.0.1 localhost hypervisor\n::1 localhost\n' > /etc/hosts

# alice may only read, through polkit; bob may do all.
useradd --create-home --uid 1000 --shell /bin/bash alice
useradd --create-home --uid 1001 --shell /bin/bash --groups libvirt bob
mkdir -p /lab/run /lab/pristine # mount points of a run's own directory, and of this root as the box sees it
ssh-keygen -q -t ed25519 -N '' -C lab -f /lab/id
for home in /root /home/alice /home/bob; do
  install -d -m 700 "$home/.ssh"
  install -m 600 /lab/id "$home/.ssh/id_ed25519"
  install -m 644 /lab/id.pub "$home/.ssh/id_ed25519.pub"
  chown -R --reference="$home" "$home/.ssh"
done

# No security driver and no cgroups: neither lab has them. Without stdio_handler a guest's console would go through virtlogd.
cat > /etc/libvirt/qemu.conf <<'CONF'
user = "root"
group = "root"
dynamic_ownership = 0
remember_owner = 0
security_driver = "none"
cgroup_controllers = []
namespaces = []
stdio_handler = "file"
CONF

# The box boots to this unit; /lab/run is mounted by its initramfs.
cat > /etc/systemd/system/lab.service <<'UNIT'
[Unit]
Description=The steps of a lab
After=libvirtd.socket libvirtd-ro.socket dbus.socket
Wants=libvirtd.socket libvirtd-ro.socket dbus.socket
[Service]
Type=oneshot
Environment=HOME=/root
ExecStart=/bin/bash /lab/run/steps.sh
ExecStopPost=/usr/bin/systemctl poweroff --force --force
StandardOutput=file:/dev/console
StandardError=file:/dev/console
[Install]
WantedBy=multi-user.target
UNIT
systemctl enable --quiet lab.service
systemctl mask --quiet serial-getty@ttyS0.service getty@tty1.service libvirt-guests.service apt-daily.timer apt-daily-upgrade.timer \
  dpkg-db-backup.timer e2scrub_all.timer e2scrub_reap.service fstrim.timer systemd-hwdb-update.service systemd-timesyncd.service
