#!/bin/bash
# root-inside.sh is the part of root.sh that runs inside the new root: the guests' kernel, users, keys, and what libvirt and systemd
# need to know about the labs.
set -euo pipefail

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

# The guests' kernel is unpacked, not installed: its package would pull in initramfs-tools and build an image that no lab uses.
package=$(apt-cache depends linux-image-cloud-amd64 | awk '$1 == "Depends:" && $2 ~ /^linux-image-/ { print $2; exit }')
release=${package#linux-image-}
(cd /tmp && apt-get -q download "$package" && dpkg-deb --fsys-tarfile "$package"_*.deb | tar -x -C / --keep-directory-symlink && rm "$package"_*.deb)
depmod "$release"
extract_elf "/boot/vmlinuz-$release" /boot/vmlinux-guest
rm "/boot/vmlinuz-$release" "/boot/config-$release" "/boot/System.map-$release"

# A fixed machine ID keeps systemd from treating every boot as the first one.
systemd-machine-id-setup
echo hypervisor > /etc/hostname
printf '127.0.0.1 localhost hypervisor\n::1 localhost\n' > /etc/hosts

# alice may only read, through polkit; bob may do all.
useradd --create-home --uid 1000 --shell /bin/bash alice
useradd --create-home --uid 1001 --shell /bin/bash --groups libvirt bob
mkdir -p /lab/run # the mount point of a run's own directory
ssh-keygen -q -t ed25519 -N '' -C lab -f /lab/id
for home in /root /home/alice /home/bob; do
  install -d -m 700 "$home/.ssh"
  install -m 600 /lab/id "$home/.ssh/id_ed25519"
  install -m 644 /lab/id.pub "$home/.ssh/id_ed25519.pub"
  chown -R --reference="$home" "$home/.ssh"
done

# No security driver and no cgroups: neither lab has them. Without stdio_handler a guest's console would go through virtlogd. The
# filtered capability makes libvirt ask about a starting domain's processor at once, not in 460 questions, 15 s in the box.
cat > /etc/libvirt/qemu.conf <<'CONF'
user = "root"
group = "root"
dynamic_ownership = 0
remember_owner = 0
security_driver = "none"
cgroup_controllers = []
namespaces = []
stdio_handler = "file"
capability_filters = [ "cpu-unavailable-features" ]
CONF

# The box's first process. This root is read-only there, and shared by all runs; what a run writes goes to a tmpfs above it.
# A hostfs is a directory of the machine that the box runs on; boot.sh says which there are.
cat > /lab/init <<'INIT'
#!/bin/sh
set -e
mount -t tmpfs -o size=3g tmpfs /run
mkdir /run/upper /run/work /run/root
mount -t overlay -o lowerdir=/,upperdir=/run/upper,workdir=/run/work overlay /run/root
cd /run/root
mount -t hostfs -o hostfs=/run run lab/run
mount -t hostfs -o hostfs=/kernel/modules modules usr/lib/modules
mount -t proc proc proc
mount -t sysfs sys sys
mount -t devtmpfs dev dev
pivot_root . mnt
umount -l /mnt
exec /sbin/init < /dev/console > /dev/console 2>&1
INIT
chmod +x /lab/init

# The box boots to this unit.
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

# cloud-init is here to be asked what it makes of a seed: the box itself is nobody's cloud, and has none of it at its boot.
mkdir -p /etc/systemd/system-generators
ln -s /dev/null /etc/systemd/system-generators/cloud-init-generator
touch /etc/cloud/cloud-init.disabled
systemctl mask --quiet serial-getty@ttyS0.service getty@tty1.service libvirt-guests.service apt-daily.timer apt-daily-upgrade.timer \
  dpkg-db-backup.timer e2scrub_all.timer e2scrub_reap.service fstrim.timer systemd-hwdb-update.service systemd-timesyncd.service
