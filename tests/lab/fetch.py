"""Fetches a page again and again and tells, a line each, when it asked and whether it came."""

import sys
import time
import urllib.request

url, every, wanted = sys.argv[1], float(sys.argv[2]), sys.argv[3]
while True:
    asked = time.time()
    try:
        with urllib.request.urlopen(url, timeout=1) as answer:
            came = wanted in answer.read(4096).decode()
    except OSError:
        came = False
    print(f"{asked:.4f} {time.time():.4f} {'came' if came else 'none'}", flush=True)
    time.sleep(max(0.0, every - (time.time() - asked)))
