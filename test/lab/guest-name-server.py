# guest-name-server.py ADDRESS FILE is a name server that answers nobody: it only appends the names that it is asked for to FILE.
import socket
import sys

address, path = sys.argv[1:]
server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind((address, 53))
open(path, "w").close()
while True:
    question = server.recv(512)[12:]
    labels = []
    while question[0]:
        labels.append(question[1 : 1 + question[0]].decode())
        question = question[1 + question[0] :]
    with open(path, "a") as asked:
        asked.write(".".join(labels) + "\n")
