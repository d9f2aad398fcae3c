"""S3 through a proxy that breaks requests (tests/aws/fault_proxy.py): nothing is lost, nothing doubled, and
all of it ends in bounded time. MNP_SEED replays a run."""

import json
import os
import random
import signal
import sys
import time
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "aws"))

from fault_proxy import AFTER, BEFORE, CORRUPT, FaultProxy  # noqa: E402
from mnp_case import HANG_SECONDS  # noqa: E402
from s3_case import S3Case, npy, values  # noqa: E402

SEED = int(os.environ.get("MNP_SEED", random.SystemRandom().randrange(1 << 30)))
COMMANDS = 60


class S3Fault(S3Case):
    def setUp(self):
        super().setUp()
        self.environment["AWS_MAX_ATTEMPTS"] = "8"

    def proxy(self, rate, *kinds):
        proxy = FaultProxy(self.endpoint, SEED, rate, kinds or (*BEFORE, *AFTER))
        self.addCleanup(proxy.close)
        self.environment["AWS_ENDPOINT_URL"] = proxy.url
        return proxy

    def write_files(self):
        files = {f"{i // 10}/{i}": os.urandom(random.Random(i).randrange(100000)) for i in range(60)}
        files["big"] = os.urandom(30 << 20)  # in parts
        for name, content in files.items():
            path = self.folder / "in" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        return files

    def test_folders_go_and_come_back(self):
        files = self.write_files()
        proxy = self.proxy(0.1)
        self.mnp("s3", "cp", "-r", "in", f"s3://{self.bucket}/x")
        self.assertEqual(set(self.keys()), {"x/" + name for name in files})
        for name, content in files.items():
            self.assertTrue(self.get("x/" + name) == content, f"{name}, MNP_SEED={SEED}")
        self.mnp("s3", "cp", "-r", f"s3://{self.bucket}/x", "out")
        for name, content in files.items():
            self.assertTrue((self.folder / "out" / name).read_bytes() == content,
                            f"{name}, MNP_SEED={SEED}")
        self.assertEqual({str(p.relative_to(self.folder / "out")) for p in
                          (self.folder / "out").rglob("*") if p.is_file()}, set(files))
        left = self.client.list_multipart_uploads(Bucket=self.bucket).get("Uploads", [])
        self.assertLessEqual(len(left), proxy.lost_uploads, f"MNP_SEED={SEED}")
        self.assertGreater(sum(proxy.counts.values()), 0)

    def test_a_corrupted_part_is_noticed(self):
        self.write_files()
        self.mnp("s3", "cp", "in/big", f"s3://{self.bucket}/big")
        proxy = self.proxy(1, CORRUPT)
        done = self.mnp("s3", "cp", f"s3://{self.bucket}/big", "back", status=32)
        self.assertIn("checksum", done.stderr)
        self.assertFalse([p for p in self.folder.iterdir() if "back" in p.name])
        self.assertEqual(proxy.counts, {CORRUPT: 4})

    def test_a_run_loses_and_doubles_nothing(self):
        self.write("list.txt", "".join(
            f"echo {i} | tee $MNP_RESULTS/{i}; echo {i} >> {self.folder}/ran; sleep 0.1\n"
            for i in range(COMMANDS)))
        self.write("p.yaml", "name: demo\nstages:\n- name: work\n  nodes: 3\n  slots: 2\n"
                             "  lease: 20s\n  commands: list.txt\n"
                             "- name: check\n  inputs: [work]\n"
                             "  commands: ['cat $MNP_INPUTS/work/* | sort -n | tr \"\\n\" \" \"']\n")
        proxy = self.proxy(0.08)
        done = self.mnp("run", "p.yaml", "--store", f"s3://{self.bucket}/lab")
        run = done.stdout.splitlines()[-1]
        base = f"lab/runs/{run}/stages/work"
        rows = [json.loads(line) for line in self.get(f"{base}/results.jsonl").decode().splitlines()]
        self.assertEqual([(each["index"], each["state"]) for each in rows],
                         [(i, "succeeded") for i in range(COMMANDS)], f"MNP_SEED={SEED}")
        ran = (self.folder / "ran").read_text().split()
        self.assertEqual(sorted(map(int, ran)), list(range(COMMANDS)), f"MNP_SEED={SEED}")
        self.assertEqual(len(self.keys(f"{base}/results/")), COMMANDS)
        kept = [event["command"] for key in self.keys(f"{base}/attempts/") if "/journal/" in key
                for event in map(json.loads, self.get(key).decode().splitlines())
                if event.get("e") == "record"]
        self.assertEqual(sorted(kept), list(range(COMMANDS)), f"MNP_SEED={SEED}")
        self.environment["AWS_ENDPOINT_URL"] = self.endpoint
        out = self.mnp("logs", run, "check", "--command", "0", "--store",
                       f"s3://{self.bucket}/lab").stdout
        self.assertEqual(out.split(), [str(i) for i in range(COMMANDS)])
        self.assertGreater(sum(proxy.counts.values()), 0)


class S3Held(S3Case):
    """Behind a proxy that holds what the test wants held."""

    def setUp(self):
        super().setUp()
        self.proxy = FaultProxy(self.endpoint, SEED, 0)
        self.addCleanup(self.proxy.close)
        self.environment["AWS_ENDPOINT_URL"] = self.proxy.url
        self.store = f"s3://{self.bucket}/lab"

    def run_file(self, text):
        self.write("p.yaml", "name: demo\nstages:\n- name: work\n" + text)
        return self.start("run", "p.yaml", "--store", self.store)

    def succeeds(self, process):
        """The run's keys."""
        done = self.finish(process)
        self.assertEqual(done.returncode, 0, done.stderr)
        return f"lab/runs/{done.stdout.splitlines()[-1]}/stages/work"


class S3Refuses(S3Held):
    """No server listens."""

    def test_from_the_start(self):
        self.proxy.go_away()
        done = self.finish(self.run_file("  commands: ['true']\n"))
        self.assertEqual(done.returncode, 32, done.stderr)
        self.assertIn(self.proxy.url.removeprefix("http://"), done.stderr)
        done = self.mnp("list", "--store", self.store, status=32)
        self.assertIn(self.proxy.url.removeprefix("http://"), done.stderr)

    def test_for_a_while(self):
        self.write("list.txt", "".join(f"touch {self.folder}/ran-{i}; echo {i} > $MNP_RESULTS/{i}; "
                                       f"echo {i} >> {self.folder}/ran; sleep 0.2\n" for i in range(40)))
        process = self.run_file("  nodes: 3\n  slots: 2\n  lease: 15s\n  commands: list.txt\n")
        self.wait_for("a third of the list", (self.folder / "ran-12").exists)
        self.proxy.go_away()
        time.sleep(6)
        self.proxy.listen(self.proxy.port)
        base = self.succeeds(process)
        self.assertEqual(sorted(map(int, (self.folder / "ran").read_text().split())),
                         list(range(40)))
        self.assertEqual(len(self.keys(f"{base}/results/")), 40)


class S3Reduces(S3Held):
    def test_an_epoch_that_ends_while_arrays_are_fetched(self):
        self.put("sum.npy", npy([1, 2, 3]))
        self.proxy.held = lambda command, path: command == "GET" and "/partials/" in path
        process = self.run_file(f"  nodes: 3\n  slots: 1\n  lease: 15s\n"
                                f"  inputs: {{one: 's3://{self.bucket}/sum.npy'}}\n"
                                "  reduce: {match: 'sum-?.npy', op: sum}\n  commands:\n" + "".join(
                                    f"  - 'for i in 1 2; do cp $MNP_INPUTS/one $MNP_RESULTS/sum-$i.npy; "
                                    f"done; echo {i} >> {self.folder}/ran'\n" for i in range(12)))
        self.wait_for("a share", self.proxy.holding.is_set)
        self.kill_node(2)
        time.sleep(1)
        self.proxy.release()
        base = self.succeeds(process)
        for i in 1, 2:
            self.assertEqual(values(self.get(f"{base}/results/sum-{i}.npy")), (12, 24, 36))
        self.assertEqual(sorted(map(int, (self.folder / "ran").read_text().split())),
                         list(range(12)))
        logs = "".join(each.read_text() for each in self.folder.glob("state/**/node-0000*.log"))
        self.assertIn("epoch 2", logs)


class S3Stalls(S3Held):
    """The server takes requests and does not answer: who wants to stop does not wait for it."""

    def test_before_the_run_is_written(self):
        self.proxy.held = lambda command, path: command == "PUT"
        process = self.run_file("  commands: ['true']\n")
        self.wait_for("a request", self.proxy.holding.is_set)
        process.send_signal(signal.SIGINT)
        done = self.finish(process)
        self.assertEqual(done.returncode, 40, done.stderr)

    def test_while_commands_run(self):
        process = self.run_file(f"  nodes: 2\n  commands: ['echo $$ > {self.folder}/pid; exec sleep 1000']\n")
        pid = self.folder / "pid"
        self.wait_for("the command", lambda: pid.exists() and pid.read_text().endswith("\n"))
        self.proxy.held = lambda command, path: True
        self.wait_for("a request", self.proxy.holding.is_set)
        deadline = time.monotonic() + HANG_SECONDS
        while process.poll() is None and time.monotonic() < deadline:
            process.send_signal(signal.SIGINT)
            time.sleep(1)
        done = self.finish(process)
        self.assertEqual(done.returncode, 40, done.stderr)
        self.assertFalse(Path("/proc", pid.read_text().strip()).exists(), done.stderr)

    def test_while_inputs_are_copied(self):
        self.put("scan/big", os.urandom(20 << 20))
        self.proxy.held = lambda command, path: command == "GET" and path.endswith("/scan/big")
        process = self.run_file(f"  inputs: {{scan: 's3://{self.bucket}/scan/'}}\n"
                                f"  commands: ['touch {self.folder}/ran']\n")
        self.wait_for("a request", self.proxy.holding.is_set)
        process.send_signal(signal.SIGINT)
        done = self.finish(process)
        self.assertEqual(done.returncode, 40, done.stderr)
        self.assertFalse((self.folder / "ran").exists())
        logs = "".join(each.read_text() for each in self.folder.glob("state/**/node-*.log"))
        self.assertIn("cancelled", logs)


if __name__ == "__main__":
    print(f"MNP_SEED={SEED}", file=sys.stderr)
    unittest.main()
