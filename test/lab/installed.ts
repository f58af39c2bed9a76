// What is installed on a hypervisor: path there, path in this repository.
export const INSTALLED: Readonly<Record<string, string>> = {
  "/usr/bin/virtssh": "build/virtssh",
  "/etc/ssh/ssh_config.d/25-virtssh.conf": "ssh_config.d/25-virtssh.conf",
};
