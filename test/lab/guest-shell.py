"""guest-shell.py NAME COMMAND runs COMMAND in the guest of domain NAME, by the shell on its second serial line; ends as COMMAND did."""
import base64
import re
import secrets
import socket
import sys
import time

start = time.monotonic()
name, command = sys.argv[1:]
shell = socket.socket(socket.AF_UNIX)
shell.connect("/tmp/shell-" + base64.urlsafe_b64encode(name.encode()).decode().rstrip("="))
# Something that no other command ends with, and that does not stand in this one as it will be printed.
mark = secrets.token_hex(4)
end = re.compile(rf"<{mark} (\d+)>\r?\n".encode())
shell.sendall(f"({command}\n) < /dev/null; echo \"<\"{mark}\" $?>\"\n".encode())
shell.settimeout(0.5)
said = b""
while (found := end.search(said)) is None and time.monotonic() < start + 20:
    try:
        said += shell.recv(4096)
    except TimeoutError:
        shell.sendall(b"\n")  # what is left in an emulated line may lie there until more comes
if found is None:
    sys.exit(f"the guest's shell has not come to an end: {said!r}")
sys.stdout.write(said[: found.start()].decode("utf-8", "backslashreplace").replace("\r\n", "\n"))
sys.exit(int(found[1]))
