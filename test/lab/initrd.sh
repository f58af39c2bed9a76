#!/bin/bash
# initrd.sh runs inside the lab's root and packs /boot/guest.cpio, a whole guest: busybox, and the root's sshd on VSOCK port 22; and
# /boot/agent.cpio, the same with qemu-guest-agent, which takes longer to boot.
set -euo pipefail
guest=$(mktemp -d)
chmod 755 "$guest" # it becomes the guest's root directory, which is for all users
trap 'rm -rf "$guest"' EXIT
release=$(ls /usr/lib/modules)

add_module() { # MODULE: with all it needs, unpacked, because busybox's modprobe cannot read xz
  local file copy
  modprobe -S "$release" --show-depends "$1" | awk '$1 == "insmod" { print $2 }' |
    while read -r file; do
      copy=$guest/usr/lib/modules/${file#*/modules/}
      mkdir -p "$(dirname "$copy")"
      xz -dc "$file" > "${copy%.xz}"
    done
  cp "/usr/lib/modules/$release"/modules.{order,builtin,builtin.modinfo} "$guest/usr/lib/modules/$release/"
  depmod -b "$guest" "$release"
}

add_program() { # PROGRAM: with its libraries, at their places
  local file
  for file in "$1" $(ldd "$1" | grep -oE '/[^ ]+'); do
    mkdir -p "$guest$(dirname "$file")"
    cp -Lu "$file" "$guest$file"
  done
}

# /bin and /lib lead into /usr, as in Debian.
mkdir -p "$guest"/{usr/bin,usr/sbin,usr/lib,usr/lib64,proc,sys,dev,etc,tmp,run}
for folder in bin sbin lib lib64; do ln -s "usr/$folder" "$guest/$folder"; done
cp /usr/bin/busybox "$guest/usr/bin/"
# Links made here cost nothing at boot; `busybox --install` under emulation takes a second.
for applet in $(busybox --list); do [ "$applet" = busybox ] || ln -s busybox "$guest/usr/bin/$applet"; done

add_module vmw_vsock_virtio_transport
add_module virtio_console # the agent's channel
for program in /usr/sbin/sshd /usr/lib/openssh/sshd-session /usr/lib/openssh/sshd-auth /usr/lib/openssh/sftp-server \
  /usr/bin/scp /usr/bin/rsync /usr/bin/socat /usr/bin/git; do
  add_program "$program"
done
# All that a repository to clone from and to push to needs is in git's one program, under several names.
mkdir -p "$guest"/{usr/lib/git-core,usr/share/git-core/templates,srv}
for name in bin/git-upload-pack bin/git-receive-pack bin/git-upload-archive lib/git-core/git; do
  ln -s /usr/bin/git "$guest/usr/$name"
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
mkdir -p "$guest/home/alice"
printf '%s\n' root:x:0:0:root:/root:/bin/sh sshd:x:100:65534::/run/sshd:/bin/false alice:x:1000:1000::/home/alice:/bin/sh > "$guest/etc/passwd"
printf '%s:*:19000:0:99999:7:::\n' root alice > "$guest/etc/shadow"
printf '%s\n' root:x:0: alice:x:1000: nogroup:x:65534: > "$guest/etc/group"
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
chown alice:alice /home/alice
if [ -x /usr/sbin/qemu-ga ]; then
  modprobe virtio_console
  # Without udev the channel has no name under /dev/virtio-ports. The second serial line has a shell, for tests that stop the agent.
  qemu-ga --method virtio-serial --path /dev/vport0p1 --statedir /run > /dev/console 2>&1 &
  while stty -F /dev/ttyS1 -echo; do cat /dev/ttyS1 | sh > /dev/ttyS1 2>&1; done 2> /dev/null &
fi
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

# Uncompressed, which is fastest to boot.
pack() { (cd "$guest" && find . | cpio --quiet -o -H newc -R 0:0); }
pack > /boot/guest.cpio
add_program /usr/sbin/qemu-ga
pack > /boot/agent.cpio
# Only the guest needed them, and it has its own now.
rm -r "/usr/lib/modules/$release"
