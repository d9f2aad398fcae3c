"""with_server.py SERVER PROGRAM...: runs a program against a server on loopback that is started for it by
the scripts in ../shared/servers: swift or rgw for S3, moto for other services of AWS. `--venv` in front of
the program: it is in Python, and uses AWS's library. Status 77 where that cannot be."""

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
VENV = Path(__file__).resolve().parents[2] / "build/venv/bin"  # made by ./dev test
SKIPPED = 77
SERVERS = {
    "moto": {"script": "moto-up.sh", "needs": ["curl", str(VENV / "moto_server")], "pids": "moto.pid",
             "setup": "moto_setup.py"},
    "swift": {"script": "swift-up.sh", "needs": ["swift-proxy-server", "memcached", "curl"],
              "keys": ("test:tester", "testing"), "pids": "pids", "conditional": "no",
              "behind": (16200, 16201, 16202)},  # its script waits for the proxy in front of them
    "rgw": {"script": "rgw-up.sh", "needs": ["radosgw", "ceph-mon", "ceph-osd", "curl"],
            "keys": ("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"),
            "pids": "run/*.pid", "conditional": "yes"},
}


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def await_listener(port):
    deadline = time.monotonic() + 60
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port), timeout=5).close()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


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
    needs = [*server["needs"]]
    if program[0] == "--venv":
        program = [str(VENV / "python3"), *program[1:]]
        needs.append(str(VENV / "moto_server"))  # and so boto3
    missing = [each for each in needs if shutil.which(each) is None]
    why = f"no {script}" if not script.exists() else f"no {missing[0]}" if missing else \
        "needs root" if os.geteuid() != 0 and name != "moto" else ""
    if why:
        print(f"skipped: {why}")
        return SKIPPED
    folder = Path(tempfile.mkdtemp(prefix=f"mnp-{name}-"))
    place, port = folder / "s", free_port()
    environment = {key: value for key, value in os.environ.items() if not key.startswith("AWS_")}
    environment |= {"MOTO_SERVER": str(VENV / "moto_server"), "PYTHON": str(VENV / "python3")}
    try:
        with open(folder / "log", "wb") as log:  # no pipe: its daemons would hold it
            # In /: Debian 13's ceph-osd looks for its object classes in the relative lib/*/rados-classes.
            up = subprocess.run(["bash", str(script), str(place), str(port)], stdout=log, stderr=log, cwd="/",
                                stdin=subprocess.DEVNULL, env=environment, timeout=200, check=False)
        if up.returncode != 0:
            print((folder / "log").read_text(errors="replace")[-3000:])
            print(f"{script} could not start it here, see above")
            return 1
        for behind in server.get("behind", ()):
            await_listener(behind)
        key, secret = server.get("keys") or (folder / "log").read_text().split()[-2:]
        environment |= {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}", "HOME": str(folder),
                        "AWS_ACCESS_KEY_ID": key, "AWS_SECRET_ACCESS_KEY": secret,
                        "AWS_REGION": "us-east-1", "AWS_DEFAULT_REGION": "us-east-1",
                        "S3_CONDITIONAL": server.get("conditional", ""),
                        "SERVER_FOLDER": str(place)}
        if "setup" in server:
            subprocess.run([VENV / "python3", Path(__file__).parent / server["setup"]],
                           env=environment, timeout=200, check=True)
        return subprocess.run(program, env=environment, timeout=1500, check=False).returncode
    finally:
        end(processes(place, server["pids"]))
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
