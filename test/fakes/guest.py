"""A guest: listens on the AF_UNIX socket of argv[1], and serves each connection as argv[2] says, running argv[3] in a shell first."""
import os
import socket
import subprocess
import sys
import time

path, how, *first = sys.argv[1:]
if os.path.exists(path):
    os.unlink(path)
with socket.socket(socket.AF_UNIX) as listener:
    listener.bind(path)
    listener.listen()
    os.chmod(path, 0o666)
    print("listening", flush=True)
    while True:
        connection, _ = listener.accept()
        with connection:
            for command in first:
                subprocess.run(command, shell=True, stdin=subprocess.DEVNULL)
            first = []
            if how == "closes":
                continue
            if how == "says nothing":
                time.sleep(60)
            if how == "speaks late":
                time.sleep(1.5)
            try:
                connection.sendall(b"SSH-2.0-OpenSSH_10.0 guest\x1b[31m\r\n")
                connection.recv(1)
            except ConnectionError:
                pass  # whoever connected has gone
