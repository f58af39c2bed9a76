"""The other end of a relay: listens on the AF_UNIX socket of argv[1], serves one connection as argv[2] says, and ends."""
import hashlib
import socket
import sys
import time

path, how = sys.argv[1:]
BIG = 20_000_000


def pattern(length):
    return hashlib.shake_128(b"virtssh").digest(length)


def read_all(connection):
    digest = hashlib.sha256()
    while chunk := connection.recv(65536):
        digest.update(chunk)
    return digest.hexdigest()


with socket.socket(socket.AF_UNIX) as listener:
    listener.bind(path)
    listener.listen()
    print("listening", flush=True)
    connection, _ = listener.accept()
    with connection:
        if how == "sends and closes":
            try:
                connection.sendall(pattern(BIG))
            except BrokenPipeError:
                pass  # the reader has gone, as a test has it
        elif how == "answers at the end of what it reads":
            connection.sendall(read_all(connection).encode())
        elif how == "ends its half first":
            connection.sendall(b"bye\n")
            connection.shutdown(socket.SHUT_WR)
            print(read_all(connection), flush=True)
        elif how == "ends one half, then the other":
            connection.sendall(b"bye\n")
            connection.shutdown(socket.SHUT_WR)
            time.sleep(1)
        elif how == "echoes":
            while chunk := connection.recv(65536):
                connection.sendall(chunk)
        elif how == "closes at once":
            pass
