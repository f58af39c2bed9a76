// Every file of the Debian packages.

export const DEB_CONTENTS = {
  virtssh: [
    "/etc/bash_completion.d/virtssh",
    "/etc/ssh/ssh_config.d/25-virtssh.conf",
    "/usr/bin/virtssh",
    "/usr/share/doc/virtssh/README.md.gz",
    "/usr/share/doc/virtssh/changelog.Debian.gz",
    "/usr/share/doc/virtssh/changelog.gz",
    "/usr/share/doc/virtssh/copyright",
    "/usr/share/doc/virtssh/third-party-licences.txt",
    "/usr/share/fish/vendor_conf.d/virtssh.fish",
    "/usr/share/lintian/overrides/virtssh",
    "/usr/share/man/man1/virtssh.1.gz",
    "/usr/share/zsh/vendor-completions/_virtssh",
  ],
  "virtssh-guest": [
    "/usr/lib/systemd/system/sshd-vsock-keygen.service",
    "/usr/lib/systemd/system/sshd-vsock.socket",
    "/usr/lib/systemd/system/sshd-vsock@.service",
    "/usr/lib/systemd/system/virtssh-vsock-forward.service",
    "/usr/lib/systemd/system-preset/80-virtssh-guest.preset",
    "/usr/share/doc/virtssh-guest/README.md.gz",
    "/usr/share/doc/virtssh-guest/changelog.Debian.gz",
    "/usr/share/doc/virtssh-guest/changelog.gz",
    "/usr/share/doc/virtssh-guest/cloud-init.yaml",
    "/usr/share/doc/virtssh-guest/copyright",
    "/usr/share/doc/virtssh-guest/openrc/virtssh-vsock-forward",
    "/usr/share/doc/virtssh-guest/openrc/virtssh-vsock-forward.confd",
    "/usr/share/lintian/overrides/virtssh-guest",
    "/usr/share/man/man7/virtssh-guest.7.gz",
  ],
} as const;
