"""crowd.py COUNT HOLD COMMAND...: runs a command COUNT times at once, and prints as JSON what came of it.

"@" in the command is a number from 0 to 9, one after the other. Each is run alone first: what it says then is what all have to say.
All are begun by one open(2). HOLD is what keeps the first of them from ending before the last has begun: "daemon" stops libvirtd until
all are at it, "idle" has 25 idle connections of bob's in front of them for three seconds, "lock" has the lock on root's pins, "none" is
for what waits for nothing.
"""
import fcntl
import json
import os
import re
import signal
import statistics
import subprocess
import sys
import threading
import time

COUNT, HOLD, COMMAND = int(sys.argv[1]), sys.argv[2], sys.argv[3:]
PLACE = "/tmp/crowd"
GATE = f"{PLACE}/gate"
KEEPER = f"{PLACE}/gatekeeper"  # a shell under a name of its own, which is what /proc has of one that waits
PROGRAM = "/usr/local/bin/virtssh"
LOCK = "/root/.local/state/virtssh/lock"
KINDS = 10
SOCKET = "/run/libvirt/libvirt-sock-ro"
IDLE = f"""import socket, time
idle = [socket.socket(socket.AF_UNIX) for _ in range(25)]
for one in idle: one.connect("{SOCKET}")
print("connected", flush=True)
time.sleep(600)
"""
DAEMON = int(subprocess.run(["pidof", "libvirtd"], capture_output=True, text=True, check=True).stdout)


def command_of(number):
    return [word.replace("@", str(number % KINDS)) for word in COMMAND]


def descriptors():
    return len(os.listdir(f"/proc/{DAEMON}/fd"))


def running(name):
    """How many processes have that name."""
    count = 0
    for entry in os.scandir("/proc"):
        if entry.name.isdigit():
            try:
                with open(f"/proc/{entry.name}/comm") as file:
                    count += file.read() == f"{name}\n"
            except (FileNotFoundError, ProcessLookupError):
                pass
    return count


def ours():
    return running("virtssh")


def read(path):
    with open(path, errors="surrogateescape") as file:
        return file.read()


class Sampler(threading.Thread):
    """Looks again and again at how many of us there are, and how many descriptors libvirtd has."""

    def __init__(self):
        super().__init__(daemon=True)
        self.at_once = 0
        self.descriptors = 0
        self.is_over = threading.Event()

    def run(self):
        while not self.is_over.wait(0.05):
            self.at_once = max(self.at_once, ours())
            self.descriptors = max(self.descriptors, descriptors())


def start(number):
    """One that waits at the gate, as late as can be."""
    words = command_of(number)
    at = words.index(PROGRAM)
    gate = [KEEPER, "-c", f': < {GATE}; exec "$@"', "sh"]
    with open(f"{PLACE}/{number}.out", "w") as out, open(f"{PLACE}/{number}.err", "w") as err:
        command = [*watching(number), *words[:at], *gate, *words[at:]]
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=err)


def watching(name):
    """GNU time, which says how much memory a program has had at most: no Python is among its ancestors then."""
    return ["/usr/bin/time", "-q", "-f", "%M", "-o", f"{PLACE}/{name}.kb"]


def alone(kind):
    command = [*watching(f"alone{kind}"), *command_of(kind)]
    ended = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    return ended.returncode, ended.stdout, ended.stderr


def wait_until(what, seconds):
    until = time.monotonic() + seconds
    while not what() and time.monotonic() < until:
        time.sleep(0.01)


subprocess.run(["rm", "-rf", PLACE], check=True)
os.mkdir(PLACE)
os.chmod(PLACE, 0o755)
os.mkfifo(GATE)
os.chmod(GATE, 0o666)
os.symlink("/bin/dash", KEEPER)
calm = [alone(kind) for kind in range(KINDS)]
if os.environ.get("FORGET"):  # what the runs alone have left, so that the crowd is the first
    os.unlink(os.environ["FORGET"])
wait_until(lambda: ours() == 0, 5)
before = descriptors()
crowd = [start(number) for number in range(COUNT)]
wait_until(lambda: running("gatekeeper") >= COUNT, 60)
idle = lock = None
if HOLD == "daemon":
    os.kill(DAEMON, signal.SIGSTOP)
elif HOLD == "idle":
    bob = ["setpriv", "--reuid", "bob", "--regid", "bob", "--clear-groups"]
    idle = subprocess.Popen([*bob, "python3", "-c", IDLE], stdout=subprocess.PIPE)
    idle.stdout.readline()
elif HOLD == "lock":
    lock = open(LOCK)
    fcntl.flock(lock, fcntl.LOCK_EX)
sampler = Sampler()
sampler.start()
begin = time.monotonic()
gate = os.open(GATE, os.O_WRONLY)  # open until the end: who comes late goes through as well
if HOLD in ("daemon", "lock"):
    wait_until(lambda: sampler.at_once >= COUNT, 20 if HOLD == "daemon" else 3)
    begin = time.monotonic()
if HOLD == "daemon":
    os.kill(DAEMON, signal.SIGCONT)
elif HOLD == "idle":
    time.sleep(3)
    idle.kill()
    idle.wait()
elif HOLD == "lock":
    lock.close()
statuses = [child.wait() for child in crowd]
seconds = time.monotonic() - begin
os.close(gate)
sampler.is_over.set()
sampler.join()
wait_until(lambda: descriptors() <= before and ours() == 0, 5)
left = ours()

wrong = {}
for number, status in enumerate(statuses):
    said = (status, read(f"{PLACE}/{number}.out"), read(f"{PLACE}/{number}.err"))
    if said != calm[number % KINDS]:
        words = re.sub(r"\d+", "N", f"{said[0]} {said[1][:200]!r} {said[2][:300]!r}")
        wrong[words] = wrong.get(words, 0) + 1
peaks = sorted(int(read(f"{PLACE}/{number}.kb")) for number in range(COUNT))
json.dump(
    {
        "count": COUNT,
        "right": COUNT - sum(wrong.values()),
        "wrong": wrong,
        "alone": sorted({f"{status} {out[:60]!r} {err[:60]!r}" for status, out, err in calm}),
        "seconds": round(seconds, 2),
        "atOnce": sampler.at_once,
        "aloneKb": max(int(read(f"{PLACE}/alone{kind}.kb")) for kind in range(KINDS)),
        "peakKb": [peaks[0], statistics.median_low(peaks), peaks[-1]],
        "descriptors": {"before": before, "most": sampler.descriptors, "after": descriptors()},
        "left": left,
    },
    sys.stdout,
)
