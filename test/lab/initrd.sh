#!/bin/bash
# initrd.sh runs inside the lab's root and packs its two initramfs images: /boot/box.cpio starts the box on top of that root,
# /boot/guest.cpio is a whole guest: busybox, and the root's sshd on VSOCK port 22.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

add_modules() { # TREE RELEASE MODULE...: with all they need, unpacked, because busybox's modprobe cannot read xz
  local tree=$1 release=$2 file copy
  shift 2
  mkdir -p "$tree/usr/lib/modules/$release"
  for module in "$@"; do modprobe -S "$release" --show-depends "$module"; done | awk '$1 == "insmod" { print $2 }' | sort -u |
    while read -r file; do
      copy=$tree/usr/lib/modules/${file#*/modules/}
      mkdir -p "$(dirname "$copy")"
      xz -dc "$file" > "${copy%.xz}"
    done
  cp "/usr/lib/modules/$release"/modules.{order,builtin,builtin.modinfo} "$tree/usr/lib/modules/$release/"
  depmod -b "$tree" "$release"
}

add_program() { # TREE PROGRAM: with its libraries, at their places
  local file
  for file in "$2" $(ldd "$2" | grep -oE '/[^ ]+'); do
    mkdir -p "$1$(dirname "$file")"
    cp -Lu "$file" "$1$file"
  done
}

add_base() { # TREE: what both images begin with; /bin and /lib lead into /usr, as in Debian
  mkdir -p "$1"/{usr/bin,usr/sbin,usr/lib,usr/lib64,proc,sys,dev,etc,tmp,run}
  ln -s usr/bin "$1/bin"
  ln -s usr/sbin "$1/sbin"
  ln -s usr/lib "$1/lib"
  ln -s usr/lib64 "$1/lib64"
  cp /usr/bin/busybox "$1/usr/bin/"
  # Links made here cost nothing at boot; `busybox --install` under emulation takes a second.
  for applet in $(busybox --list); do [ "$applet" = busybox ] || ln -s busybox "$1/usr/bin/$applet"; done
}

pack() { # TREE IMAGE: uncompressed, which is fastest to boot
  (cd "$1" && find . | cpio --quiet -o -H newc -R 0:0) > "$2"
}

box=$work/box
add_base "$box"
add_modules "$box" "$(cat /boot/vmlinux.release)" 9pnet_virtio 9p overlay
cat > "$box/init" <<'INIT'
#!/bin/sh
# The root is read-only and shared by all runs; what a run writes goes to a tmpfs above it.
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
for module in 9pnet_virtio 9p overlay; do modprobe $module; done
mkdir -p /lower /rw /new
mount -t 9p -o trans=virtio,version=9p2000.L,ro,msize=1048576,cache=loose root /lower
mount -t tmpfs -o size=3g tmpfs /rw
mkdir -p /rw/up /rw/work
mount -t overlay -o lowerdir=/lower,upperdir=/rw/up,workdir=/rw/work overlay /new
mount -t 9p -o trans=virtio,version=9p2000.L,msize=1048576,cache=none run /new/lab/run
for mount in proc sys dev; do mount --move /$mount /new/$mount; done
exec switch_root /new /sbin/init
INIT
chmod +x "$box/init"
pack "$box" /boot/box.cpio

guest=$work/guest
add_base "$guest"
add_modules "$guest" "$(cat /boot/vmlinux-guest.release)" vmw_vsock_virtio_transport
for program in /usr/sbin/sshd /usr/lib/openssh/sshd-session /usr/lib/openssh/sshd-auth /usr/lib/openssh/sftp-server \
  /usr/bin/scp /usr/bin/rsync /usr/bin/socat; do
  add_program "$guest" "$program"
done
mkdir -p "$guest"/{etc/ssh,run/sshd,root/.ssh}
cp /lab/id.pub "$guest/root/.ssh/authorized_keys"
chmod 700 "$guest/root" "$guest/root/.ssh"
chmod 600 "$guest/root/.ssh/authorized_keys"
# Two host keys, so that a test can give a guest another one: `hostkey=2` on its kernel command line.
for n in 1 2; do
  ssh-keygen -q -t ed25519 -N '' -C "guest$n" -f "$guest/etc/ssh/host_key_$n"
  cp "$guest/etc/ssh/host_key_$n.pub" "/lab/guest-host-key-$n.pub"
done
printf 'root:x:0:0:root:/root:/bin/sh\nsshd:x:100:65534::/run/sshd:/bin/false\n' > "$guest/etc/passwd"
echo 'root:*:19000:0:99999:7:::' > "$guest/etc/shadow"
printf 'root:x:0:\nnogroup:x:65534:\n' > "$guest/etc/group"
echo 'passwd: files' > "$guest/etc/nsswitch.conf"
# The cheapest exchange there is, for an emulation in an emulation; the client's settings stay as they are.
cat > "$guest/etc/ssh/sshd_config" <<'CONFIG'
UsePAM no
UseDNS no
PermitRootLogin yes
PasswordAuthentication no
KbdInteractiveAuthentication no
KexAlgorithms curve25519-sha256
Ciphers aes128-ctr
MACs umac-64@openssh.com
Compression no
PrintLastLog no
Subsystem sftp /usr/lib/openssh/sftp-server
CONFIG
cat > "$guest/init" <<'INIT'
#!/bin/sh
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mkdir -p /dev/pts
mount -t devpts -o gid=5,mode=620 devpts /dev/pts
modprobe vmw_vsock_virtio_transport
# Every word NAME=VALUE of the kernel command line is in init's environment, unless the kernel itself knows NAME.
hostname "${guest:-guest}"
# socat says so once it listens (-d -d), and only then is the guest up. `nofork` gives sshd the VSOCK socket itself.
socat -d -d VSOCK-LISTEN:22,reuseaddr,fork EXEC:"/usr/sbin/sshd -i -e -h /etc/ssh/host_key_${hostkey:-1}",nofork 2>&1 |
  while read -r line; do
    case $line in
      *" listening on "*) echo "guest up $(cat /proc/uptime)" ;;
      *) echo "$line" ;;
    esac
  done > /dev/console &
exec sleep 1000000000
INIT
chmod +x "$guest/init"
pack "$guest" /boot/guest.cpio
