#!/bin/bash
# root-old.sh DIR MIRROR ROOT makes DIR, a Debian 12 root for the box: a guest whose systemd, 252, has no generator for sshd. Users,
# keys and the way that the box boots are those of ROOT, the Debian 13 root. Needs root and mmdebstrap.
set -euo pipefail
dir=$1 mirror=$2 root=$3

packages=(
  systemd systemd-sysv dbus libpam-systemd passwd util-linux procps psmisc kmod iproute2
  openssh-server openssh-client socat
  openrc                            # for the init script
  cloud-init                        # for cloud-init.yaml
  strace python3-minimal            # for measuring and for tests
)
mmdebstrap --quiet --variant=minbase --include="$(IFS=,; echo "${packages[*]}")" \
  --aptopt='APT::Install-Recommends "false"' --aptopt='Acquire::Languages "none"' \
  --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
  bookworm "$dir" "deb $mirror bookworm main"

cp -a "$root/lab" "$dir/"
# This mount calls mount(2), whose data is the path itself to hostfs (hostfs_parse_monolithic() in the kernel's fs/hostfs/hostfs_kern.c);
# Debian 13's calls fsconfig(2).
sed -i 's|-o hostfs=|-o |' "$dir/lab/init"
cp -a "$root"/etc/{hostname,hosts} "$dir/etc/"
cp -a "$root/etc/systemd/system/lab.service" "$dir/etc/systemd/system/"
mkdir -p "$dir/etc/systemd/system/multi-user.target.wants"
cp -a "$root/etc/systemd/system/multi-user.target.wants/lab.service" "$dir/etc/systemd/system/multi-user.target.wants/"
mkdir -p "$dir/usr/lib/modules"
# cloud-init is there to be tried by hand, not to look for a cloud.
mkdir -p "$dir/etc/cloud"
: > "$dir/etc/cloud/cloud-init.disabled"

cat > "$dir/tmp/inside.sh" <<'INSIDE'
set -euo pipefail
# A fixed machine ID keeps systemd from treating every boot as the first one.
systemd-machine-id-setup
useradd --create-home --uid 1000 --shell /bin/bash alice
useradd --create-home --uid 1001 --shell /bin/bash bob
for home in /root /home/alice /home/bob; do
  install -d -m 700 "$home/.ssh"
  install -m 600 /lab/id "$home/.ssh/id_ed25519"
  install -m 644 /lab/id.pub "$home/.ssh/id_ed25519.pub"
  chown -R --reference="$home" "$home/.ssh"
done
systemctl mask --quiet serial-getty@ttyS0.service getty@tty1.service apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer \
  e2scrub_all.timer e2scrub_reap.service fstrim.timer systemd-hwdb-update.service
INSIDE
chroot "$dir" bash /tmp/inside.sh
rm "$dir/tmp/inside.sh"
