# relay.py COMMAND... runs COMMAND as root with a relay between it and a real libvirtd, and with a guest's sshd at CID 7, and prints what
# both have said to it: in the form that harness.c reads, and in base64.
import base64
import os
import socket
import struct
import subprocess
import sys
import threading

# Paths that are tried before those of a libvirtd that is not modular.
DAEMONS = {
    "/run/libvirt/virtqemud-sock-ro": "/run/libvirt/libvirt-sock-ro",
    "/run/libvirt/virtqemud-sock": "/run/libvirt/libvirt-sock",
}
GUEST = "/tmp/vsock/7-22"
BANNER = b"SSH-2.0-OpenSSH_10.0p2 Debian-7\r\n"

HEADER = 28  # virNetMessageHeader of virnetprotocol.x, after the length word
REPLY, EVENT = 1, 2

records = []


def record(kind, data):
    records.append(kind + struct.pack(">H", min(len(data), 0xFFFF)) + data[:0xFFFF])


def record_message(message):
    kind, _, status = struct.unpack_from(">III", message, 16)
    if kind == REPLY:
        record(b"E" if status else b"O", message[HEADER:])
    elif kind == EVENT:
        record(b"V", message[HEADER:])
    else:
        record(b"R", message)


def listen(path):
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen()
    return listener


def forward(source, target):
    while data := source.recv(65536):
        target.sendall(data)
    target.shutdown(socket.SHUT_WR)


def answer(daemon, client):
    rest = b""
    while data := daemon.recv(65536):
        rest += data
        while len(rest) >= HEADER and len(rest) >= (length := struct.unpack_from(">I", rest)[0]):
            record_message(rest[:length])
            rest = rest[length:]
        client.sendall(data)


def serve_daemon(listener, path):
    while True:
        client, _ = listener.accept()
        daemon = socket.socket(socket.AF_UNIX)
        daemon.connect(path)
        for pair, act in ((client, daemon), forward), ((daemon, client), answer):
            threading.Thread(target=act, args=pair, daemon=True).start()


def greet(client):
    with client:
        record(b"G", BANNER)
        client.sendall(BANNER)
        while client.recv(65536):
            pass


def serve_guest(listener):
    while True:
        threading.Thread(target=greet, args=(listener.accept()[0],), daemon=True).start()


def main():
    # A client may be gone before it has read all that was said to it.
    threading.excepthook = lambda _: None
    for path, daemon in DAEMONS.items():
        threading.Thread(target=serve_daemon, args=(listen(path), daemon), daemon=True).start()
    os.makedirs(os.path.dirname(GUEST), exist_ok=True)
    threading.Thread(target=serve_guest, args=(listen(GUEST),), daemon=True).start()
    environment = {**os.environ, "VIRTSSH_TEST_VSOCK": os.path.dirname(GUEST), "ASAN_OPTIONS": "detect_leaks=0"}
    subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL, env=environment, check=False)
    for path in (*DAEMONS, GUEST):
        os.unlink(path)
    print(base64.b64encode(b"".join(records)).decode())


main()
