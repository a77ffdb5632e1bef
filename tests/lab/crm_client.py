"""A tool at the CRM's socket: crm_client.py SECONDS LINE...

Sends the lines one after the other, each after the answer to the one before, and prints what
comes. `=COMMAND` is no line but a command of the shell. Goes on listening for SECONDS.
"""
import os
import select
import socket
import sys
import time

connection = socket.socket(socket.AF_UNIX)
connection.connect("/run/everbeat/crm.sock")
waiting = b""


def hear(seconds):
    """Prints the next line; false if there is none in this time."""
    global waiting
    end = time.time() + seconds
    while b"\n" not in waiting:
        left = max(0, end - time.time())
        if not select.select([connection], [], [], left)[0]:
            return False
        piece = connection.recv(65536)
        if not piece:
            print("closed", flush=True)
            sys.exit(0)
        waiting += piece
    line, waiting = waiting.split(b"\n", 1)
    print(line.decode(), flush=True)
    return True


for line in sys.argv[2:]:
    if line.startswith("="):
        os.system(line[1:])
        continue
    connection.sendall(line.encode() + b"\n")
    hear(10)
while hear(float(sys.argv[1])):
    pass
