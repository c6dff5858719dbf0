#!/usr/bin/env python3
"""dns_answers.py SERVER NAME: exit 0 if the server answers with an address of NAME within a second."""
import socket
import struct
import sys

server, name = sys.argv[1:]
question = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
query = struct.pack(">6H", 0x5262, 0x0100, 1, 0, 0, 0) + question + struct.pack(">BHH", 0, 1, 1)
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
    s.settimeout(1)
    try:
        s.sendto(query, (server, 53))
        answer = s.recv(512)
    except OSError as error:
        sys.exit(f"no answer from {server}: {error}")
ident, flags, _, answers = struct.unpack(">4H", answer[:8])
if ident != 0x5262 or flags & 0xF or not answers:
    sys.exit(f"{server} has no address for {name} (code {flags & 0xF})")
