"""churn.py SECONDS DOMAINS: starts and destroys the domains vm0, vm1, … at random, with CIDs that libvirt gives out anew each time, and
meanwhile lists them, and connects to them, again and again. Prints as JSON how often, and every answer that was wrong.

An answer is held against what was true of the domain at some time between the question and the answer: what `virsh start` and `virsh
destroy` had done by then, or were about to do. The guests (guests.py) say their CID.
"""
import array
import json
import os
import random
import re
import signal
import socket
import statistics
import subprocess
import sys
import threading
import time

SECONDS, DOMAINS = float(sys.argv[1]), int(sys.argv[2])
PLACE = "/tmp/churn"
DAEMON = int(subprocess.run(["pidof", "libvirtd"], capture_output=True, text=True, check=True).stdout)
OFF, ON, CHANGING = "off", "on", "changing"


def resident(pid):
    """Counted page by page: what /proc/PID/status has may be some hundred kB out of date."""
    with open(f"/proc/{pid}/smaps_rollup") as file:
        return int(re.search(r"^Rss:\s+(\d+) kB$", file.read(), re.M)[1])


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


class Domain:
    """What is true of a domain, from when on: (time, state, CID)."""

    def __init__(self, name):
        self.name = name
        self.history = [(0.0, OFF, None)]

    def become(self, state, cid):
        self.history.append((time.monotonic(), state, cid))

    def between(self, begin, end):
        """All that was true at some time then. What it changes to is part of a change."""
        found = set()
        for index, (since, state, cid) in enumerate(self.history):
            until = self.history[index + 1][0] if index + 1 < len(self.history) else float("inf")
            if since <= end and until >= begin:
                found.add((state, cid))
                if state == CHANGING and index + 1 < len(self.history):
                    found.add((CHANGING, self.history[index + 1][2]))
        return found


domains = [Domain(f"vm{number}") for number in range(DOMAINS)]
by_name = {domain.name: domain for domain in domains}
is_over = threading.Event()
refused = {}
changes = [0]


def virsh(*words):
    return subprocess.run(["virsh", "-q", *words], stdin=subprocess.DEVNULL, capture_output=True, text=True)


def change(domain):
    _, state, cid = domain.history[-1]
    domain.become(CHANGING, cid)
    ended = virsh("destroy" if state == ON else "start", domain.name)
    if ended.returncode != 0:
        words = re.sub(r"\d+", "N", ended.stderr.strip())
        refused[words] = refused.get(words, 0) + 1
        domain.become(state, cid)
        return
    changes[0] += 1
    if state == ON:
        domain.become(OFF, None)
        return
    found = re.search(r"<cid auto='yes' address='(\d+)'", virsh("dumpxml", domain.name).stdout)
    domain.become(ON, int(found[1]))


def churn(mine):
    while not is_over.is_set():
        change(random.choice(mine))


lists = []
peaks = []


def keep_listing():
    watch = ["/usr/bin/time", "-q", "-f", "%M", "-o", f"{PLACE}/kb"]
    while not is_over.is_set():
        begin = time.monotonic()
        ended = subprocess.run(
            [*watch, "virtssh", "list", "--all", "--json"], stdin=subprocess.DEVNULL, capture_output=True, text=True
        )
        lists.append((begin, time.monotonic(), ended.returncode, ended.stdout, ended.stderr))
        with open(f"{PLACE}/kb") as file:
            peaks.append(int(file.read()))


logins = []


def keep_connecting():
    """As ssh does: with a socket for stdout, over which the connection comes."""
    while not is_over.is_set():
        domain = random.choice(domains)
        ours, its = socket.socketpair()
        begin = time.monotonic()
        command = ["virtssh", "proxy", "--fdpass", f"qemu:system/{domain.name}"]
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=its, stderr=subprocess.PIPE, text=True)
        its.close()
        data, control, _, _ = ours.recvmsg(1, socket.CMSG_SPACE(4))
        end = time.monotonic()
        stderr = child.stderr.read()
        child.stderr.close()
        status = child.wait()
        ours.close()
        banner = ""
        if control:
            numbers = array.array("i")
            numbers.frombytes(control[0][2])
            with socket.socket(fileno=numbers[0]) as guest:
                guest.settimeout(5)
                banner = guest.recv(255).decode()
        logins.append((domain, begin, end, status, banner, stderr))


def check_row(row, begin, end):
    domain = by_name[row["name"]]
    true = domain.between(begin, end)
    states = {state for state, _ in true}
    if states == {OFF}:
        return row["state"] == "shut off" and row["cid"] is None
    if states == {ON} and len(true) == 1:
        return row["state"] == "running" and (ON, row["cid"]) in true and row["ssh"] == "answers"
    return row["cid"] is None or row["cid"] in {cid for _, cid in true}


def check_list(listed, wrong):
    begin, end, status, out, err = listed
    if status != 0 or err != "":
        wrong.append(f"list: {status} {err[:300]}")
        return
    rows = json.loads(out)
    names = sorted(row["name"] for row in rows)
    if names != sorted([*by_name, "never"]):
        wrong.append(f"list: {len(names)} rows")
    for row in rows:
        if row["name"] in by_name and not check_row(row, begin, end):
            true = sorted(map(str, by_name[row["name"]].between(begin, end)))
            wrong.append(f"list: {row['name']} {row['state']} cid {row['cid']} ssh {row['ssh']}, where true was {true}")


def check_login(login, wrong, explained):
    domain, begin, end, status, banner, stderr = login
    true = domain.between(begin, end)
    if status == 0:
        cid = int(banner.removeprefix("SSH-2.0-CID_"))
        if stderr != "" or cid not in {cid for _, cid in true}:
            wrong.append(f"proxy: {domain.name} led to cid {cid}, where true was {sorted(map(str, true))}; {stderr}")
        return
    words = stderr.split("\n")[0].removeprefix("virtssh: error: ")
    if status != 1 or words == stderr.split("\n")[0] or banner != "":
        wrong.append(f"proxy: {status} {stderr[:300]}")
    elif {state for state, _ in true} == {ON} and len(true) == 1:
        wrong.append(f"proxy: {domain.name} was there, and: {words}")
    kind = re.sub(r'"[^"]*"', "NAME", re.sub(r"\d+", "N", words))
    explained[kind] = explained.get(kind, 0) + 1


def quarters(values):
    quarter = max(1, len(values) // 4)
    return [statistics.median_low(values[:quarter]), statistics.median_low(values[-quarter:])]


def wait_until(what, seconds):
    until = time.monotonic() + seconds
    while not what() and time.monotonic() < until:
        time.sleep(0.05)


os.makedirs(PLACE, exist_ok=True)
wait_until(lambda: False, 1)
before = {"descriptors": descriptors(DAEMON), "kb": resident(DAEMON)}
waiter = subprocess.Popen(
    ["virtssh", "wait", "--timeout", "86400", "qemu:system/never"], stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL
)
threads = [threading.Thread(target=churn, args=(domains[part::2],)) for part in range(2)]
threads += [threading.Thread(target=keep_listing), threading.Thread(target=keep_connecting)]
for thread in threads:
    thread.start()
time.sleep(min(5, SECONDS / 4))
waiter_kb = [resident(waiter.pid)]
waiter_fds = [descriptors(waiter.pid)]
time.sleep(SECONDS - min(5, SECONDS / 4))
is_over.set()
for thread in threads:
    thread.join()
waiter_kb.append(resident(waiter.pid))
waiter_fds.append(descriptors(waiter.pid))
waiter.send_signal(signal.SIGTERM)
waiter.wait()
for domain in domains:
    if domain.history[-1][1] == ON:
        virsh("destroy", domain.name)
wait_until(lambda: descriptors(DAEMON) <= before["descriptors"], 10)
wrong, explained = [], {}
for listed in lists:
    check_list(listed, wrong)
for login in logins:
    check_login(login, wrong, explained)
left = subprocess.run(["pgrep", "-xc", "virtssh"], capture_output=True, text=True).stdout.strip()
json.dump(
    {
        "seconds": SECONDS,
        "changes": changes[0],
        "refused": refused,
        "lists": len(lists),
        "logins": len(logins),
        "reached": sum(login[3] == 0 for login in logins),
        "explained": explained,
        "wrong": wrong[:20],
        "wrongs": len(wrong),
        "listKb": quarters(peaks),
        "waitKb": waiter_kb,
        "waitDescriptors": waiter_fds,
        "daemon": {"before": before, "after": {"descriptors": descriptors(DAEMON), "kb": resident(DAEMON)}},
        "left": int(left),
    },
    sys.stdout,
)
