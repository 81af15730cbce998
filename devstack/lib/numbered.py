#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Numbered packets at a constant rate, and what became of them.

    numbered.py receive ADDRESS PORT SECONDS
    numbered.py send    ADDRESS PORT SECONDS KBPS

A packet is 1000 bytes of UDP payload with its number and time in front. The receiver ends after SECONDS, or one second after
the sender's last word, and prints one line of JSON: sent, received, lost, reordered, longest gap between two packets in ms.
"""
import json
import socket
import struct
import sys
import time

SIZE, HEAD, LAST = 1000, struct.Struct("!QdQ"), 10


def send(address, port, seconds, kbps):
    out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    out.connect((address, port))
    # On the wire a packet carries 42 bytes more: UDP, IP and Ethernet.
    gap = (SIZE + 42) * 8 / (kbps * 1000)
    total = int(seconds / gap)
    start = time.monotonic()
    for number in range(total):
        wait = start + number * gap - time.monotonic()
        if wait > 0:
            time.sleep(wait)
        out.send(HEAD.pack(number, time.time(), 0).ljust(SIZE, b"."))
    for _ in range(LAST):
        time.sleep(0.02)
        out.send(HEAD.pack(total, time.time(), total))


def receive(address, port, seconds):
    box = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    # SO_RCVBUFFORCE: what a busy machine makes us read late must not count as lost on the way.
    box.setsockopt(socket.SOL_SOCKET, 33, 8 << 20)
    box.bind((address, port))
    end, numbers, times, sent = time.monotonic() + seconds, [], [], None
    while time.monotonic() < end:
        box.settimeout(max(0.01, end - time.monotonic()))
        try:
            packet = box.recv(2048)
        except TimeoutError:
            break
        number, _, total = HEAD.unpack(packet[: HEAD.size])
        if total:
            if sent is None:
                sent, end = total, min(end, time.monotonic() + 1)
            continue
        numbers.append(number)
        times.append(time.monotonic())
    gaps = [b - a for a, b in zip(times, times[1:])]
    seen = set(numbers)
    expected = sent if sent is not None else (max(seen) + 1 if seen else 0)
    print(json.dumps({
        "sent": expected,
        "received": len(seen),
        "lost": expected - len(seen),
        "reordered": sum(b < a for a, b in zip(numbers, numbers[1:])),
        "longest_gap_ms": round(max(gaps) * 1000, 1) if gaps else None,
    }))


def main():
    verb, address, port, seconds = sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4])
    if verb == "send":
        send(address, port, seconds, float(sys.argv[5]))
    else:
        receive(address, port, seconds)


main()
