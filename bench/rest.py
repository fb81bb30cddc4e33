"""Memory after 10 s of rest and CPU over 10 s more: rest.py NAME PID READY_MS, one JSON line."""

import json
import os
import sys
import time


def cpu_us(pid):
    with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * 1e6 / os.sysconf("SC_CLK_TCK")


def rss_kb(pid):
    with open(f"/proc/{pid}/status", encoding="utf-8") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmRSS:"))


def main():
    name, pid, ready_ms = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    time.sleep(10)
    memory, before = rss_kb(pid), cpu_us(pid)
    time.sleep(10)
    percent = (cpu_us(pid) - before) / 10e6 * 100
    print(json.dumps({"mode": "rest", "name": name, "ready_ms": ready_ms, "rss_kb": memory,
                      "cpu_percent": round(percent, 3)}))


if __name__ == "__main__":
    main()
