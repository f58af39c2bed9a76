// A guest whose init is the lab's own systemd, without a disk: it says on a serial line what root's keys come to, and powers off.
import { type Domain, renderDomain } from "../lab/domains.ts";

/** Packs /tmp/systemd.cpio, in the lab: systemd's first process, and of its units the one that writes what credentials have. */
export const PACK_SYSTEMD = `guest=$(mktemp -d)
mkdir -p "$guest"/{usr/bin,usr/sbin,usr/lib/systemd/system,usr/lib/tmpfiles.d,usr/lib64,etc,root,proc,sys,dev,run,tmp,var}
for folder in bin sbin lib lib64; do ln -s "usr/$folder" "$guest/$folder"; done
for program in /usr/lib/systemd/systemd /usr/lib/systemd/systemd-executor /usr/bin/systemd-tmpfiles; do
  for file in "$program" $(ldd "$program" | grep -oE '/[^ ]+'); do
    mkdir -p "$guest$(dirname "$file")"
    cp -Lu "$file" "$guest$file"
  done
done
cp /usr/bin/busybox "$guest/usr/bin/"
for applet in sh sha256sum mount poweroff; do ln -s busybox "$guest/usr/bin/$applet"; done
cp /usr/lib/tmpfiles.d/provision.conf "$guest/usr/lib/tmpfiles.d/"
cp /usr/lib/systemd/system/systemd-tmpfiles-setup.service "$guest/usr/lib/systemd/system/"
cp /etc/os-release /etc/machine-id "$guest/etc/"
echo root:x:0:0:root:/root:/bin/sh > "$guest/etc/passwd"
echo root:x:0: > "$guest/etc/group"
cat > "$guest/usr/lib/systemd/system/show.service" <<UNIT
[Unit]
DefaultDependencies=no
Requires=systemd-tmpfiles-setup.service
After=systemd-tmpfiles-setup.service
[Service]
Type=oneshot
ExecStart=/bin/sh -c 'sha256sum < /root/.ssh/authorized_keys > /dev/ttyS1; poweroff -f'
UNIT
ln -s /usr/lib/systemd/systemd "$guest/init"
(cd "$guest" && find . | cpio --quiet -o -H newc -R 0:0) > /tmp/systemd.cpio`;

/** A domain of that guest, whose serial line goes to the file at linePath(). */
export function renderSystemdGuest(name: string, machine: string): string {
  const domain: Domain = { name, vsock: "none", memoryMib: 256 };
  return renderDomain(domain)
    .replace("machine='q35'", `machine='${machine}'`)
    .replace("/boot/guest.cpio", "/tmp/systemd.cpio")
    .replace("</cmdline>", " systemd.unit=show.service</cmdline>")
    .replace("<memballoon", `<serial type='file'><source path='${linePath(name)}'/></serial><memballoon`);
}

function linePath(name: string): string {
  return `/lab/run/line-${name}`;
}

/** A step's text that starts it, waits for its end, and prints what `sha256sum` says of root's authorized_keys. */
export function bootSystemdGuest(name: string): string {
  return `virsh -q start ${name}
while virsh domstate ${name} | grep -q running; do
  read -rt 0.1 <> <(:)
  ((SECONDS < 40)) || exit
done
tr -d '\\r' < ${linePath(name)}`;
}
