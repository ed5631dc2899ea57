"""A job of `test_lease`: leases devices, notes when, and holds them for a while.

Arguments: name, number of devices, seconds to hold them, names of all devices.
"""

import os
import sys
import time

from difnet.machine import gpus

name, count, seconds, *devices = sys.argv[1:]
gpus.visible_gpus = lambda: {device: f"GPU-{device}" for device in devices}
log = os.open("log", os.O_WRONLY | os.O_APPEND)


def note(event: str) -> None:
    os.write(log, f"{time.monotonic_ns()} {name} {event} {os.environ['CUDA_VISIBLE_DEVICES']}\n".encode())


gpus.lease_gpus(int(count))
note("start")
time.sleep(float(seconds))
note("end")
