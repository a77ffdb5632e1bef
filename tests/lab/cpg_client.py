"""A client of a real node's groups, by its libcpg: floods, and checks what it hears.

cpg_client.py GROUP MEMBERS COUNT SIZE EXPECT [EVERY]: as `everbeat cpg GROUP --members MEMBERS
--flood COUNT --size SIZE --expect EXPECT --every EVERY`, with the same messages. Where EXPECT is 0
it stays until a signal comes and prints a line for each change and each message, as with --trace;
how often the node took no more, and nothing for how long at most, stands in the last line that it
writes to stderr. libcpg waits for its node at times, and only then says that it is to try again.
"""
import ctypes as c
import struct
import sys
import time
import zlib

OK, TRY_AGAIN, INTERRUPT, AGREED, ALL = 1, 6, 16, 2, 2
GROUP, MEMBERS, COUNT, SIZE, EXPECT, *EVERY = sys.argv[1].encode(), *map(int, sys.argv[2:])
EVERY = EVERY[0] / 1e6 if EVERY else 0
TRACE = EXPECT == 0


class Name(c.Structure):
    _fields_ = [("length", c.c_uint32), ("value", c.c_char * 128)]


class Iovec(c.Structure):
    _fields_ = [("base", c.c_char_p), ("length", c.c_size_t)]


DELIVER = c.CFUNCTYPE(None, c.c_uint64, c.c_void_p, c.c_uint32, c.c_uint32, c.c_void_p, c.c_size_t)
CHANGE = c.CFUNCTYPE(None, c.c_uint64, c.c_void_p, *[c.c_void_p, c.c_size_t] * 3)


class Callbacks(c.Structure):
    _fields_ = [("deliver", DELIVER), ("change", CHANGE)]


lib = c.CDLL("libcpg.so.4")
heard, members, following, faults, latencies = 0, 0, {}, [], []


def deliver(_handle, _group, node, pid, data, length):
    global heard
    data = c.string_at(data, length)
    heard += 1
    number = following.get((node, pid), 0)
    following[node, pid] = number + 1
    if length < 20:
        fine = data[:8] == number.to_bytes(8, "little")[:length]
    else:
        fine = data[:8] == number.to_bytes(8, "little")
        fine = fine and zlib.crc32(data[:-4]) == int.from_bytes(data[-4:], "little")
    if TRACE:
        shown = int.from_bytes(data[:8], "little")
        what = f"message {shown}, {length} bytes" if sound(data) else f"{length} bytes, damaged"
        print(f"node {node} process {pid}: {what}")
    elif not fine or length != SIZE:
        faults.append((node, pid, number, length))


def sound(data):
    return len(data) < 20 or zlib.crc32(data[:-4]) == int.from_bytes(data[-4:], "little")


class Address(c.Structure):
    _fields_ = [("node", c.c_uint32), ("pid", c.c_uint32), ("reason", c.c_uint32)]


def change(_handle, _group, _list, count, left, left_count, joined, joined_count):
    global members
    members = count
    if TRACE:
        for word, addresses, length in ("left", left, left_count), ("joined", joined, joined_count):
            for one in (Address * length).from_address(addresses or 0) if length else ():
                print(f"node {one.node} process {one.pid} {word}, members: {count}")


def message(number):
    data = number.to_bytes(8, "little")
    if SIZE < 20:
        return data[:SIZE].ljust(SIZE, b"\0")
    data += struct.pack("<Q", time.monotonic_ns())
    data += bytes([number & 255]) * (SIZE - 20)
    return data + zlib.crc32(data).to_bytes(4, "little")


def must(code, what):
    if code != OK:
        sys.exit(f"{what}: error {code}")


handle = c.c_uint64()
callbacks = Callbacks(DELIVER(deliver), CHANGE(change))
must(lib.cpg_initialize(c.byref(handle), c.byref(callbacks)), "cpg_initialize")
name = Name(len(GROUP), GROUP)
while (code := lib.cpg_join(handle, c.byref(name))) == TRY_AGAIN:
    time.sleep(0.05)
must(code, "cpg_join")
sent, began, blocked = 0, None, 0
taken, longest = 0, 0
while TRACE or heard < EXPECT:
    must(lib.cpg_dispatch(handle, ALL), "cpg_dispatch")
    if began is None and members >= MEMBERS:
        began = taken = time.monotonic()
    for _ in range(64):
        if began is None or sent >= COUNT or time.monotonic() < began + sent * EVERY:
            break
        data = message(sent)
        vector = Iovec(data, len(data))
        code = lib.cpg_mcast_joined(handle, AGREED, c.byref(vector), 1)
        # One in parts that a change cut is to be said again.
        if code in (TRY_AGAIN, INTERRUPT):
            blocked += 1
            break
        must(code, "cpg_mcast_joined")
        sent += 1
        longest, taken = max(longest, time.monotonic() - taken), time.monotonic()
        if sent == COUNT and TRACE:
            said = f"{blocked} times the node took no more, and nothing for at most {longest:.2f}s"
            print(said, file=sys.stderr, flush=True)
    sys.stdout.flush()
    time.sleep(0.0005)
took = time.monotonic() - began
must(lib.cpg_leave(handle, c.byref(name)), "cpg_leave")
print(f"{heard} messages of {len(following)} senders in {took:.3f} s: {heard / took:.0f} messages/s")
if faults or any(number * len(following) != EXPECT for number in following.values()):
    sys.exit(f"{len(faults)} faults, first {faults[:3]}; by sender {following}")
