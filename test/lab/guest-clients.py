# guest-clients.py COUNT [FILE] opens COUNT connections to vsock port 22 of its own machine at once, and says how many of them sshd
# greets and what becomes of the others. With FILE it makes it then, and keeps the connections until somebody removes it.
import collections
import errno
import os
import select
import socket
import sys
import time

LIMIT_SECONDS = 60

count = int(sys.argv[1])
hold = sys.argv[2] if len(sys.argv) > 2 else None

ends = collections.Counter()
connections = {}
poll = select.poll()
for _ in range(count):
    connection = socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM)
    connection.setblocking(False)
    error = connection.connect_ex((1, 22))
    if error not in (0, errno.EINPROGRESS):
        ends[errno.errorcode[error]] += 1
        continue
    connections[connection.fileno()] = connection
    poll.register(connection, select.POLLIN)

deadline = time.monotonic() + LIMIT_SECONDS
while sum(ends.values()) < count and time.monotonic() < deadline:
    for fd, _ in poll.poll(1000):
        poll.unregister(fd)
        try:
            greeted = connections[fd].recv(256).startswith(b"SSH-2.0-")
        except ConnectionError:
            greeted = False
        ends["greeted" if greeted else "hung up on"] += 1
if sum(ends.values()) < count:
    ends["without an answer"] = count - sum(ends.values())
print(", ".join(f"{number} {end}" for end, number in sorted(ends.items())), flush=True)

if hold:
    open(hold, "w").close()
    while os.path.exists(hold) and time.monotonic() < deadline:
        time.sleep(0.05)
