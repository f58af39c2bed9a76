"""guests.py FOLDER FIRST LAST: guests at the CIDs from FIRST to LAST, behind the stand-in for AF_VSOCK; each says its CID as sshd would
say its version, and closes when the other end does."""
import os
import selectors
import socket
import sys

folder, first, last = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
ready = selectors.EpollSelector()
for cid in range(first, last + 1):
    path = f"{folder}/{cid}-22"
    if os.path.exists(path):
        os.unlink(path)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen(4096)  # net.core.somaxconn
    listener.setblocking(False)
    os.chmod(path, 0o666)
    ready.register(listener, selectors.EVENT_READ, cid)
print("listening", flush=True)
while True:
    for key, _ in ready.select():
        if key.data is None:
            try:
                over = not key.fileobj.recv(4096)
            except ConnectionError:
                over = True
            if over:
                ready.unregister(key.fileobj)
                key.fileobj.close()
            continue
        try:
            connection, _ = key.fileobj.accept()
        except BlockingIOError:
            continue
        try:
            connection.sendall(b"SSH-2.0-CID_%d\r\n" % key.data)
            ready.register(connection, selectors.EVENT_READ, None)
        except ConnectionError:
            connection.close()
