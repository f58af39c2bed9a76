# press-tab.py SHELL... starts an interactive shell on a terminal of its own, and takes lines from stdin: it types each of them,
# presses Tab, and prints what the line has become. "^I" in a line is another Tab.
import os, pty, re, select, sys, time

LIMIT_SECONDS = 60


def read_until(fd, pattern):
    text, deadline = "", time.monotonic() + LIMIT_SECONDS
    while (found := re.search(pattern, text)) is None:
        if not select.select([fd], [], [], max(0, deadline - time.monotonic()))[0]:
            sys.exit(f"nothing like {pattern} in {text!r}")
        text += os.read(fd, 65536).decode(errors="replace")
    return found.group(1)


pid, terminal = pty.fork()
if pid == 0:
    os.execvp(sys.argv[1], sys.argv[1:])
os.write(terminal, b"stty cols 2000; echo re''ady\n")
read_until(terminal, "\n(ready)\r")
for line in sys.stdin.read().splitlines():
    # Ctrl-A and Ctrl-E go to the line's two ends: it is quoted, and printed instead of being run.
    keys = line.replace("^I", "\t") + "\t" + "\x01printf '=%s=\\n' '\x05'\n"
    os.write(terminal, keys.encode())
    print(read_until(terminal, "\n=([^\r\n]*)=\r?\n"), flush=True)
os.close(terminal)
