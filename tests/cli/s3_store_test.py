"""Whole runs whose store is a bucket, on the S3 server that AWS_ENDPOINT_URL names
(tests/aws/with_server.py starts it)."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import threading
import time
import unittest
from pathlib import Path

from mnp_case import MNP
from s3_case import S3Case, npy, values

CONDITIONAL = os.environ["S3_CONDITIONAL"] == "yes"
RAW = "0f1e2d3c-raw"


class S3Store(S3Case):
    def setUp(self):
        super().setUp()
        self.store = f"s3://{self.bucket}/lab"
        self.environment["MNP_STORE"] = self.store

    def outcomes(self, run, stage):
        text = self.get(f"lab/runs/{run}/stages/{stage}/results.jsonl").decode()
        return [json.loads(line) for line in text.splitlines()]

    def starts(self, run, stage):
        """How often each command was dealt, by the journals."""
        counts = {}
        for key in self.keys(f"lab/runs/{run}/stages/{stage}/attempts/"):
            if "/journal/" in key:
                for line in self.get(key).decode().splitlines():
                    for item in json.loads(line).get("items", []):
                        counts[item[0]] = counts.get(item[0], 0) + 1
        return counts

    def run_until(self, marker, *words):
        """Starts `mnp run` or `resume`, and waits for a file that a command makes."""
        process = self.start(*words)
        self.addCleanup(lambda: (process.poll() is None and process.kill(), process.communicate()))
        self.wait_for(marker, (self.folder / marker).exists)
        return process

    def test_a_pipeline_from_inputs_to_reduced_arrays(self):
        self.put("in", b"not what is meant by in/")
        for i in range(6):
            self.put(f"in/part-{i}.npy", npy([i, 2.0 * i, 1]))
        self.put("in/deep/odd name+é", b"odd")
        self.put("factor.txt", b"7\n")
        self.put("lists/sum.txt", b"".join(
            b"cp $MNP_INPUTS/parts/part-%d.npy $MNP_RESULTS/sum.npy\n" % i for i in range(6)))
        self.write("p.yaml", f"""
name: demo
stages:
  - name: gather
    nodes: 2
    inputs: {{parts: "s3://{self.bucket}/in/", factor: "s3://{self.bucket}/factor.txt"}}
    commands:
      - 'mkdir $MNP_RESULTS/sub; cat $MNP_INPUTS/factor > $MNP_RESULTS/sub/factor; echo said'
      - 'cat "$MNP_INPUTS/parts/deep/odd name+é" > $MNP_RESULTS/odd; chmod +x $MNP_RESULTS/odd'
  - name: sum
    nodes: 3
    inputs: {{parts: "s3://{self.bucket}/in/"}}
    broadcast: [gather]
    commands: s3://{self.bucket}/lists/sum.txt
    reduce: {{match: "sum.npy", op: sum}}
  - name: look
    inputs: [sum, gather]
    commands:
      - 'cat $MNP_INPUTS/gather/sub/factor; test -x $MNP_INPUTS/gather/odd && ls $MNP_INPUTS/sum'
      - 'echo $MNP_RUN_URL'
""")
        self.mnp("validate", "p.yaml")
        done = self.mnp("run", "p.yaml")
        run = done.stdout.splitlines()[-1]
        base = f"lab/runs/{run}/stages"
        self.assertEqual(self.get(f"{base}/gather/results/sub/factor"), b"7\n")
        self.assertEqual(self.get(f"{base}/gather/results/odd"), b"odd")
        self.assertEqual(values(self.get(f"{base}/sum/results/sum.npy")), (15, 30, 6))
        self.assertIn(f"results of sum: {self.store}/runs/{run}/stages/sum/results", done.stderr)
        self.assertEqual(self.mnp("logs", run, "look", "--command", "0").stdout, "7\nsum.npy\n")
        self.assertIn(f"look/1 | {self.store}/runs/{run}\n", self.mnp("logs", run, "look").stdout)
        self.assertEqual([each["state"] for each in self.mnp_json("status", run, "--json")["stages"]],
                         ["SUCCEEDED"] * 3)
        self.assertEqual([each["run"] for each in self.mnp_json("list", "--json")], [run])
        self.assertEqual(set(self.starts(run, "sum").values()), {1})
        self.assertFalse([key for key in self.keys() if "join.key" in key or ".mnp-probe" in key])
        self.assertIn("nothing", self.mnp("resume", run).stderr)
        would = self.mnp_json("rm", run, "--dry-run", "--json")
        self.assertEqual(would["files"], len(self.keys(f"lab/runs/{run}/")))
        self.mnp("rm", run)
        self.assertEqual(self.keys("lab/"), [])
        self.assertFalse(list((self.folder / "state").rglob(run)))

    @unittest.skipUnless(CONDITIONAL, "what does not depend on the server is tried with one")
    def test_a_killed_main_is_followed_by_one_that_goes_on(self):
        killed = self.folder / "killed"
        wait = f"until [ -e {killed} ]; do sleep 0.1; done"
        self.write("list.txt", "".join(f"echo {i} > $MNP_RESULTS/{i}; touch {self.folder}/ran-{i}; "
                                       f"{wait if i > 15 else 'sleep 0.3'}\n" for i in range(24)))
        self.write("p.yaml", "name: demo\nstages:\n- name: work\n  nodes: 3\n  slots: 2\n"
                             "  lease: 5s\n  commands: list.txt\n")
        process = self.run_until("ran-15", "run", "p.yaml")
        self.kill_node(0)
        killed.touch()
        done = self.finish(process)
        self.assertEqual(done.returncode, 0, done.stderr)
        run = done.stdout.splitlines()[-1]
        self.assertIn("attempt 1 ended with status 137", done.stderr)
        self.assertEqual([each["state"] for each in self.outcomes(run, "work")], ["succeeded"] * 24)
        for i in range(24):
            self.assertEqual(self.get(f"lab/runs/{run}/stages/work/results/{i}"), b"%d\n" % i)
        starts = self.starts(run, "work")
        self.assertTrue(any(count == 1 for count in starts.values()), "nothing was kept")

    @unittest.skipUnless(CONDITIONAL, "what does not depend on the server is tried with one")
    def test_a_stopped_run_goes_on_from_another_machine(self):
        self.write("p.yaml", "name: demo\nstages:\n- name: work\n  nodes: 2\n  slots: 1\n  commands:\n"
                   + "".join(f"  - 'touch {self.folder}/ran-{i}; "
                             f"until [ {i} -lt 4 -o -e {self.folder}/go ]; do sleep 0.1; done'\n"
                             for i in range(8)))
        process = self.run_until("ran-4", "run", "p.yaml")
        here = self.environment["XDG_STATE_HOME"]
        self.environment["XDG_STATE_HOME"] = str(self.folder / "other")  # no lock, no log is there
        self.assertEqual(self.mnp_json("status", "--json")["state"], "RUNNING")
        run = self.mnp_json("list", "--json")[0]["run"]
        for words in (["stop", run], ["resume", run], ["rm", run]):
            self.assertIn("on another machine", self.mnp(*words, status=20).stderr)
        self.environment["XDG_STATE_HOME"] = here
        process.send_signal(signal.SIGINT)
        done = self.finish(process)
        self.assertEqual(done.returncode, 40, done.stderr)
        run = done.stdout.splitlines()[-1]
        self.assertEqual(self.mnp_json("status", run, "--json")["state"], "STOPPED")
        self.environment["XDG_STATE_HOME"] = str(self.folder / "other")  # no lock, no log is there
        key = f"lab/runs/{run}/submitted.json"
        submitted = self.get(key)
        self.put(key, submitted.replace(socket.gethostname().encode(), b"login-7"))
        self.assertIn("--runtime` on login-7", self.mnp("logs", run, "--runtime", status=20).stderr)
        self.put(key, submitted)
        self.environment.pop("MNP_STORE")
        self.write("go", "")
        self.mnp("resume", run, "--store", self.store)
        self.environment["MNP_STORE"] = self.store
        self.assertEqual([each["state"] for each in self.outcomes(run, "work")], ["succeeded"] * 8)
        self.assertLess(sum(self.starts(run, "work").values()), 8 + 4)

    @unittest.skipUnless(CONDITIONAL, "Swift's S3 keeps no versions")
    def test_rm_leaves_no_version_and_no_upload(self):
        self.write("p.yaml", "name: demo\nstages:\n- name: work\n  commands: ['echo 1 > $MNP_RESULTS/a']\n")
        older = self.mnp("run", "p.yaml").stdout.splitlines()[-1]
        self.client.put_bucket_versioning(Bucket=self.bucket,
                                          VersioningConfiguration={"Status": "Enabled"})
        newer = self.mnp("run", "p.yaml").stdout.splitlines()[-1]
        hidden, twice = (f"lab/runs/{older}/stages/work/results/{name}" for name in ("a", "b"))
        self.client.delete_object(Bucket=self.bucket, Key=hidden)
        for _ in range(2):
            self.put(twice, b"b")
        self.client.create_multipart_upload(Bucket=self.bucket, Key=hidden)
        self.mnp("rm", older)
        self.mnp("rm", newer)
        self.assertNotIn("Uploads", self.client.list_multipart_uploads(Bucket=self.bucket))
        left = self.client.list_object_versions(Bucket=self.bucket)
        self.assertEqual([(each["Key"], each["VersionId"]) for kind in ("Versions", "DeleteMarkers")
                          for each in left.get(kind, [])], [])

    @unittest.skipUnless(CONDITIONAL, "what does not depend on the server is tried with one")
    def test_two_commands_with_one_path_are_named(self):
        self.write("p.yaml", "name: demo\nstages:\n- name: work\n  commands:\n"
                             "  - 'echo a > $MNP_RESULTS/same'\n"
                             "  - 'sleep 2; echo b > $MNP_RESULTS/own; echo b > $MNP_RESULTS/same'\n")
        done = self.mnp("run", "p.yaml", status=10)
        self.assertIn("commands 0 and 1 both publish 'same'", done.stderr)
        run = done.stdout.splitlines()[-1]
        self.assertEqual([key.rsplit("/", 1)[1] for key in
                          self.keys(f"lab/runs/{run}/stages/work/results/")], ["same"])

    @unittest.skipUnless(CONDITIONAL, "what does not depend on the server is tried with one")
    def test_what_is_wrong_is_said_before_anything_begins(self):
        self.write("p.yaml", "name: demo\nstages:\n- name: work\n  commands: ['true']\n")
        secret = self.environment["AWS_SECRET_ACCESS_KEY"]
        self.environment["AWS_SECRET_ACCESS_KEY"] = "wrong" + secret
        self.assertIn("403", self.mnp("run", "p.yaml", status=20).stderr)
        self.environment["AWS_SECRET_ACCESS_KEY"] = secret
        self.assertIn("NoSuchBucket", self.mnp("run", "p.yaml", "--store", "s3://no-such-bucket-here/x",
                                               status=20).stderr)
        self.write("p.yaml", "name: demo\nstages:\n- name: work\n  commands: ['true']\n"
                             f"  inputs: {{a: 's3://{self.bucket}/nothing'}}\n")
        self.assertIn(f"p.yaml:5:15: nothing lies at s3://{self.bucket}/nothing",
                      self.mnp("run", "p.yaml", status=20).stderr)
        self.write("p.yaml", "name: demo\nstages:\n- name: work\n"
                             f"  commands: s3://{self.bucket}/no-list\n")
        self.assertIn("no-list", self.mnp("run", "p.yaml", status=20).stderr)
        self.assertEqual(self.keys("lab/"), [])

    @unittest.skipUnless(CONDITIONAL, "what does not depend on the server is tried with one")
    def test_a_server_that_is_away_for_a_while_loses_nothing(self):
        server = int((Path(os.environ["SERVER_FOLDER"]) / "run/client.rgw.pid").read_text())
        self.write("list.txt", "".join(f"touch {self.folder}/ran-{i}; echo {i} > $MNP_RESULTS/{i}; "
                                       "sleep 0.2\n" for i in range(40)))
        self.write("p.yaml", "name: demo\nstages:\n- name: work\n  nodes: 3\n  slots: 2\n"
                             "  lease: 10s\n  commands: list.txt\n")
        process = self.run_until("ran-12", "run", "p.yaml")
        os.kill(server, signal.SIGSTOP)
        try:
            time.sleep(6)
        finally:
            os.kill(server, signal.SIGCONT)
        done = self.finish(process)
        self.assertEqual(done.returncode, 0, done.stderr)
        run = done.stdout.splitlines()[-1]
        self.assertEqual(set(self.starts(run, "work").values()), {1})
        self.assertEqual(len(self.keys(f"lab/runs/{run}/stages/work/results/")), 40)

    @unittest.skipUnless(CONDITIONAL, "what does not depend on the server is tried with one")
    def test_credentials_that_expire_in_mid_run_are_fetched_anew(self):
        conf = f"{os.environ['SERVER_FOLDER']}/ceph.conf"
        keys = [{"Version": 1, "AccessKeyId": f"MNPKEY{n}", "SecretAccessKey": f"secret-{n}"}
                for n in range(2)]

        def admin(*words):
            subprocess.run(["radosgw-admin", "-c", conf, "-n", "client.rgw", *words], check=True,
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

        def create(key):
            admin("key", "create", "--uid", "t", "--access-key", key["AccessKeyId"],
                  "--secret-key", key["SecretAccessKey"])
        create(keys[0])
        self.addCleanup(admin, "key", "rm", "--uid", "t", "--access-key", "MNPKEY1")
        self.write("keys.json", json.dumps(keys[0]))
        source = self.write("source.sh", f"""#!/bin/sh
echo asked >> {self.folder}/asked
e=$(date -u -d '+5 seconds' +%FT%TZ)
sed 's/}}$/, "Expiration": "'$e'"}}/' {self.folder}/keys.json
""")
        source.chmod(0o755)
        self.write("config", f"[default]\nregion = us-east-1\ncredential_process = {source}\n")
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            self.environment.pop(name)
        self.environment["AWS_CONFIG_FILE"] = str(self.folder / "config")
        self.write("p.yaml", "name: demo\nstages:\n- name: work\n  nodes: 2\n  slots: 1\n  commands:\n"
                   + "".join(f"  - 'touch {self.folder}/ran-{i}; echo {i} > $MNP_RESULTS/{i}; sleep 1'\n"
                             for i in range(16)))
        process = self.run_until("ran-3", "run", "p.yaml")
        create(keys[1])
        (self.folder / "new.json").write_text(json.dumps(keys[1]))
        (self.folder / "new.json").rename(self.folder / "keys.json")
        admin("key", "rm", "--uid", "t", "--access-key", "MNPKEY0")
        done = self.finish(process)
        self.assertEqual(done.returncode, 0, done.stderr)
        run = done.stdout.splitlines()[-1]
        self.assertEqual([each["state"] for each in self.outcomes(run, "work")], ["succeeded"] * 16)
        logs = "".join(path.read_text() for path in (self.folder / "state").rglob("*.log"))
        for secret in ("secret-0", "secret-1"):
            self.assertNotIn(secret, logs + done.stderr)

    def test_raw_containers_share_a_bucket(self):
        self.put("list.txt", b"".join(b"echo command %d on $MNP_NODE; sleep 0.2\n" % i
                                      for i in range(12)))
        nodes = []
        for index in (1, 0, 2):
            (self.folder / f"node-{index}").mkdir()
            pid = os.getpid()
            address = [f"127.{10 + pid // 250 % 240}.{1 + pid % 250}.{151 + i}" for i in range(3)]
            environment = {
                **self.environment, "LIST_FILE_S3_PATH": f"s3://{self.bucket}/list.txt",
                "AWS_BATCH_JOB_ID": f"{RAW}#{index}", "AWS_BATCH_JOB_ATTEMPT": "1",
                "AWS_BATCH_JOB_NODE_INDEX": str(index), "AWS_BATCH_JOB_NUM_NODES": "3",
                "AWS_BATCH_JOB_MAIN_NODE_INDEX": "1", "MNP_NODE_ADDRESS": address[index],
                "MNP_SCRATCH_ROOT": str(self.folder / f"node-{index}")}
            if index != 1:
                environment["AWS_BATCH_JOB_MAIN_NODE_PRIVATE_IPV4_ADDRESS"] = address[1]
            log = open(self.folder / f"log-{index}", "wb")
            nodes.append(subprocess.Popen([str(MNP.parent / "mnp-node")], cwd=self.folder,
                                          env=environment, stdin=subprocess.DEVNULL, stdout=log,
                                          stderr=log))
            log.close()
        for node in nodes:
            self.addCleanup(lambda node=node: node.poll() is None and node.kill())
        logs = lambda: "".join((self.folder / f"log-{i}").read_text() for i in range(3))
        self.assertEqual([node.wait(120) for node in nodes], [0, 0, 0], logs())
        self.assertEqual([each["state"] for each in self.outcomes(RAW, "main")], ["succeeded"] * 12)
        self.assertIn("main/11 | command 11 on ", self.mnp("logs", RAW).stdout)
        surely = "two main nodes are told apart less surely"
        self.assertEqual(surely in logs(), not CONDITIONAL)
        self.mnp("rm", "--dry-run", RAW)
        # Between two attempts, or at work: no `mnp` of any machine has a lock on it.
        key = f"lab/runs/{RAW}/stages/main/progress.json"
        for change in ({"status": 31}, {"ended": 0, "state": "RUNNING"}):
            progress = json.loads(self.get(key)) | {"updated": time.time()} | change
            self.put(key, json.dumps(progress).encode())
            self.assertIn("on another machine", self.mnp("rm", RAW, status=20).stderr)
        with self.progress_goes_on(key, behind=3600):
            self.assertIn("on another machine", self.mnp("rm", RAW, status=20).stderr)
        self.mnp("rm", RAW)
        self.assertEqual(self.keys("lab/"), [])

    @contextlib.contextmanager
    def progress_goes_on(self, key, behind):
        """Written each second, by a clock that is so many seconds behind."""
        progress, ends = json.loads(self.get(key)), threading.Event()

        def write():
            while True:
                now = time.time() - behind
                self.put(key, json.dumps(progress | {"updated": now}).encode())
                if ends.wait(1):
                    return

        writer = threading.Thread(target=write)
        writer.start()
        self.wait_for("its progress", lambda: json.loads(self.get(key)) != progress)
        try:
            yield
        finally:
            ends.set()
            writer.join()


if __name__ == "__main__":
    unittest.main()
