"""with_server.py SERVER PROGRAM...: runs a program against an S3 server on loopback that is started for
it: swift or rgw, by the scripts in ../shared/servers. Status 77 where that cannot be."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SCRIPTS = Path(__file__).resolve().parents[3] / "shared/servers"
SKIPPED = 77
SERVERS = {
    "swift": {"script": "swift-up.sh", "needs": ["swift-proxy-server", "memcached", "curl"],
              "keys": ("test:tester", "testing"), "pids": "pids", "conditional": "no"},
    "rgw": {"script": "rgw-up.sh", "needs": ["radosgw", "ceph-mon", "ceph-osd", "curl"],
            "keys": ("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"),
            "pids": "run/*.pid", "conditional": "yes"},
}


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def processes(folder, pattern):
    return [int(word) for file in folder.glob(pattern) for word in file.read_text().split()]


def end(pids):
    """Only what was started here; waits until it has gone."""
    for number, seconds in ((signal.SIGTERM, 5), (signal.SIGKILL, 10)):
        deadline = time.monotonic() + seconds
        while pids and time.monotonic() < deadline:
            for pid in list(pids):
                try:
                    os.kill(pid, number)
                except ProcessLookupError:
                    pids.remove(pid)
            time.sleep(0.1)


def main(name, program):
    server = SERVERS[name]
    script = SCRIPTS / server["script"]
    missing = [each for each in server["needs"] if shutil.which(each) is None]
    why = f"no {script}" if not script.exists() else f"no {missing[0]}" if missing else \
        "needs root" if os.geteuid() != 0 else ""
    if why:
        print(f"skipped: {why}")
        return SKIPPED
    folder = Path(tempfile.mkdtemp(prefix=f"mnp-{name}-"))
    place, port = folder / "s", free_port()
    environment = {key: value for key, value in os.environ.items() if not key.startswith("AWS_")}
    try:
        with open(folder / "log", "wb") as log:  # no pipe: its daemons would hold it
            up = subprocess.run(["bash", str(script), str(place), str(port)], stdout=log, stderr=log,
                                stdin=subprocess.DEVNULL, env=environment, timeout=200, check=False)
        if up.returncode != 0:
            print((folder / "log").read_text(errors="replace")[-3000:])
            return 1
        key, secret = server["keys"]
        environment |= {"AWS_ENDPOINT_URL_S3": f"http://127.0.0.1:{port}", "HOME": str(folder),
                        "AWS_ACCESS_KEY_ID": key, "AWS_SECRET_ACCESS_KEY": secret,
                        "AWS_REGION": "us-east-1", "S3_CONDITIONAL": server["conditional"]}
        return subprocess.run(program, env=environment, timeout=600, check=False).returncode
    finally:
        end(processes(place, server["pids"]))
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
