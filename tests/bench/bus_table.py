#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Calls, casts and notifications per second: rabbitmq-c alone, our bus, oslo.messaging; on one broker, in turn, the
median of several rounds.

    bus_table.py [--build DIR] [--rounds N] [--scale X] [--quorum] [--without-oslo] [--values FILE]
    bus_table.py --soak SECONDS    our bus under load all the time: its memory must stay what it is

Bare and ours: the same queue type, delivery mode 1, body, mandatory, confirms, manual acknowledgement. A cast's latency is
until its confirm. oslo.messaging has two processes, the others one; "cpu" is their processor time per message, without
the broker's. Steal is of the whole machine, during the run."""
import argparse
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
BROKER = ROOT / "tests/support/broker.sh"
TICK = os.sysconf("SC_CLK_TCK")
# what, outstanding, how many: for the C programs, for oslo.messaging
ROWS = [("call", 1, 2000, 200), ("call", 8, 8000, 800), ("call", 32, 16000, 1200), ("call", 256, 16000, 1200),
        ("cast", 256, 20000, 1500), ("notification", 256, 20000, 1500)]


class Driver:
    """A program that measures when told so on its input; 'helpers' share the work."""

    running = []

    def __init__(self, words, helpers=()):
        self.helpers = helpers
        self.process = subprocess.Popen([str(w) for w in words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.running.append(self.process)

    def cpu_us(self):
        return sum(cpu_us(p.pid) for p in (self.process, *(h.process for h in self.helpers)))

    def ask(self, who, what, outstanding, n):
        before = self.cpu_us()
        self.process.stdin.write(f"{who} {what} {outstanding} {n}\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            sys.exit(f"bus_table: {who} {what} {outstanding} ended without an answer")
        rate, p50, p99 = map(float, line.split())
        return {"rate": rate, "p50": p50, "p99": p99, "cpu": (self.cpu_us() - before) / n}

    def close(self):
        self.process.stdin.close()
        self.process.wait(20)


def cpu_us(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) * 1e6 / TICK


def rss_kib(pid):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    raise RuntimeError(f"process {pid} has no memory")


def machine():
    """Ticks of the machine so far: all, steal, idle."""
    fields = [int(f) for f in pathlib.Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
    return sum(fields), fields[7], fields[3] + fields[4]


def measure(drivers, rounds, scale):
    """{(row, who): {figure: median}}"""
    seen = {}
    for _ in range(rounds):
        for row in ROWS:
            for who, driver in drivers.items():
                n = max(20, int(row[3 if who == "oslo" else 2] * scale))
                seen.setdefault((row, who), []).append(driver.ask(who, row[0], row[1], n))
    return {key: {f: statistics.median(s[f] for s in samples) for f in samples[0]} for key, samples in seen.items()}


def show(result, drivers):
    print(f"{'':18}{'':>12}" + "".join(f"{who:>32}" for who in drivers) + f"{'ours/bare':>11}{'cpu: oslo/ours':>16}")
    print(f"{'':18}{'outstanding':>12}" + f"{'per s':>9}{'p50 ms':>8}{'p99 ms':>8}{'cpu us':>7}" * len(drivers))
    for row in ROWS:
        line = f"{row[0] + 's':18}{row[1]:>12}"
        for who in drivers:
            r = result[row, who]
            latency = "       -       -" if row[0] == "notification" else f"{r['p50'] / 1e3:8.2f}{r['p99'] / 1e3:8.2f}"
            line += f"{r['rate']:9.0f}{latency}{r['cpu']:7.0f}"
        line += f"{result[row, 'bus']['rate'] / result[row, 'bare']['rate']:11.2f}"
        if "oslo" in drivers:
            line += f"{result[row, 'oslo']['cpu'] / result[row, 'bus']['cpu']:16.1f}"
        print(line)


def values(result):
    """NAME=VALUE lines, for the history of the bench."""
    for (row, who), figures in result.items():
        for figure, value in figures.items():
            yield f"{row[0]}_{row[1]}_{who}_{figure}={value:.1f}"
    for row in ROWS:
        yield f"{row[0]}_{row[1]}_ratio={result[row, 'bus']['rate'] / result[row, 'bare']['rate']:.3f}"


def compare(options, url):
    drivers, server = {}, None
    ours = Driver([options.build / "tests/bench/bus_bench", url])
    drivers["bare"] = drivers["bus"] = ours
    if not options.without_oslo:
        oslo = pathlib.Path(__file__).with_name("oslo_bench.py")
        server = Driver(["/usr/bin/python3", "-W", "ignore", oslo, url, "serve"])
        server.process.stdout.readline()
        drivers["oslo"] = Driver(["/usr/bin/python3", "-W", "ignore", oslo, url, "ask"], [server])
    measure(drivers, 1, 0.1)  # warm
    before = machine()
    result = measure(drivers, options.rounds, options.scale)
    total, steal, idle = (b - a for a, b in zip(before, machine()))
    show(result, drivers)
    print(f"median of {options.rounds} rounds, {'quorum' if options.quorum else 'classic'} queues, steal "
          f"{100 * steal / total:.1f} %, idle {100 * idle / total:.1f} % of {os.cpu_count()} cores; bare and bus share a process")
    if options.values:
        options.values.write_text("".join(f"{line}\n" for line in (*values(result), f"steal_percent={100 * steal / total:.1f}")))
    return 0


def soak(options, url):
    """Memory after a tenth of the time, against the greatest after that."""
    driver = Driver([options.build / "tests/bench/bus_bench", url])
    began, samples, n = time.monotonic(), [], 0
    while (passed := time.monotonic() - began) < options.soak:
        for what, outstanding in (("call", 32), ("cast", 256), ("call", 256), ("notification", 256)):
            driver.ask("bus", what, outstanding, 10000)
            n += 10000
        samples.append((passed, rss_kib(driver.process.pid)))
        if len(samples) % 20 == 1:
            print(f"soak {passed:6.0f} s  {n:>9} messages  RSS {samples[-1][1]} KiB", flush=True)
    settled = [kib for at, kib in samples if at >= options.soak / 10] or [samples[-1][1]]
    half = len(settled) // 2
    first, second = max(settled[:half] or settled), max(settled[half:])
    print(f"soak {options.soak} s: {n} messages, RSS {samples[0][1]} KiB at first, at most {first} KiB in the first half "
          f"after settling, {second} KiB in the second")
    driver.close()  # in order: leaks are told at the end of a sanitized program
    return 0 if second <= first + 512 else 1


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build/release")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--scale", type=float, default=1.0, help="of the number of messages")
    parser.add_argument("--quorum", action="store_true")
    parser.add_argument("--without-oslo", action="store_true")
    parser.add_argument("--values", type=pathlib.Path)
    parser.add_argument("--soak", type=float, metavar="SECONDS")
    options = parser.parse_args()
    if options.quorum:
        os.environ["ATLAS_BENCH_QUORUM"] = "1"
    with tempfile.TemporaryDirectory(prefix="atlas-bus-") as folder:
        subprocess.run([BROKER, "guard", folder, str(os.getpid())], check=True)
        subprocess.run([BROKER, "start", folder], check=True, timeout=120)
        try:
            url = (pathlib.Path(folder) / "url").read_text().strip()
            return soak(options, url) if options.soak else compare(options, url)
        finally:
            for process in Driver.running:
                process.kill()
                process.wait()
            subprocess.run([BROKER, "stop", folder], check=False, timeout=60)


if __name__ == "__main__":
    sys.exit(main())
