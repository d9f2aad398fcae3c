"""Raw containers: mnp-node started by hand with Batch's variables, without any submitter."""

import json
import os
import random
import re
import signal
import subprocess
import time
import unittest
from pathlib import Path

from mnp_case import HANG_SECONDS, MNP, MnpCase

NODE = MNP.parent / "mnp-node"
DOCUMENT = Path(__file__).resolve().parents[2] / "docs/environment.md"
SECRET = "a-secret-that-nobody-may-see"
STOP_SECONDS = 25  # Batch kills after 30
AS_PID_1 = ("unshare", "-p", "-f", "--mount-proc", "--kill-child")
IN_BATCH = ("AWS_BATCH_", "LIST_FILE_", "OMPI_", "PRTE_", "PMIX_")


class RawCase(MnpCase):
    def setUp(self):
        super().setUp()
        self.environment = {k: v for k, v in self.environment.items() if not k.startswith(IN_BATCH)}
        self.environment["RAW_TEST"] = str(self.folder)
        self.nodes = {}
        self.addCleanup(self.kill_left)

    def list_of(self, *commands):
        self.write("list.txt", "".join(command + "\n" for command in commands))
        return str(self.folder / "list.txt")

    def address(self, index):
        pid = os.getpid()
        return f"127.{10 + pid // 250 % 240}.{1 + pid % 250}.{101 + index}"

    def variables(self, index, count, main, **more):
        given = {
            **self.environment, **more,
            "AWS_BATCH_JOB_ID": f"0f1e2d3c-raw#{index}", "AWS_BATCH_JOB_ATTEMPT": "1",
            "AWS_BATCH_JOB_NODE_INDEX": str(index), "AWS_BATCH_JOB_NUM_NODES": str(count),
            "AWS_BATCH_JOB_MAIN_NODE_INDEX": str(main), "MNP_NODE_ADDRESS": self.address(index),
            "MNP_SCRATCH_ROOT": str(self.folder / f"node-{index}")}
        if index != main:
            given["AWS_BATCH_JOB_MAIN_NODE_PRIVATE_IPV4_ADDRESS"] = self.address(main)
        return given

    def start_node(self, name, environment, *before):
        (self.folder / f"node-{name}").mkdir(exist_ok=True)
        with open(self.folder / f"log-{name}", "wb") as log:
            self.nodes[name] = subprocess.Popen([*before, str(NODE)], cwd=self.folder,
                                                env=environment, stdin=subprocess.DEVNULL,
                                                stdout=log, stderr=log)
        return self.nodes[name]

    def start_job(self, count=4, main=1, **more):
        """Main first, its children in any order, as Batch does."""
        children = [index for index in range(count) if index != main]
        random.shuffle(children)
        for index in [main, *children]:
            self.start_node(index, self.variables(index, count, main, **more))

    def statuses(self):
        for name, node in self.nodes.items():
            try:
                node.wait(HANG_SECONDS)
            except subprocess.TimeoutExpired:
                self.fail(f"node {name} hangs:\n{self.logs()}")
        return {name: node.returncode for name, node in sorted(self.nodes.items())}

    def assert_all_end_with(self, status):
        found = self.statuses()
        self.assertEqual(found, {name: status for name in found}, self.logs())

    def log(self, name):
        return (self.folder / f"log-{name}").read_text(errors="replace")

    def logs(self):
        return "\n".join(f"-- {name}\n{self.log(name)}" for name in sorted(self.nodes))

    def outcomes(self, store, run="0f1e2d3c-raw"):
        path = next((Path(store) / "runs").glob(run)) / "stages/main/results.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()]

    def processes(self):
        """Pid and environment of all that this test has started, however indirectly."""
        mark = ("RAW_TEST=" + str(self.folder)).encode()
        found = {}
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                environ = Path(f"/proc/{pid}/environ").read_bytes()
            except OSError:
                continue
            if mark in environ:
                found[int(pid)] = environ
        return found

    def kill_left(self):
        for node in self.nodes.values():
            if node.poll() is None:
                node.kill()
                node.wait()
        for pid in self.processes():
            try:
                os.kill(pid, signal.SIGKILL)
            except OSError:
                pass


class FourNodes(RawCase):
    def test_with_a_store(self):
        store = self.folder / "store"
        everywhere = (f"touch {self.folder}/on-$MNP_NODE; "
                      f"until [ $(ls {self.folder} | grep -c ^on-) = 4 ]; do sleep 0.1; done")
        listed = self.list_of(*[f"echo $MNP_NODE; {everywhere}; echo {i} > $MNP_RESULTS/{i}"
                                for i in range(40)])
        self.start_job(LIST_FILE_S3_PATH=listed, MNP_STORE=str(store))
        self.assert_all_end_with(0)
        rows = self.outcomes(store)
        self.assertEqual([row["state"] for row in rows], ["succeeded"] * 40)
        self.assertEqual({row["node"] for row in rows}, {0, 1, 2, 3}, "a node had nothing to do")
        stage = store / "runs/0f1e2d3c-raw/stages/main"
        self.assertEqual({path.name for path in (stage / "results").iterdir()
                          if not path.name.startswith(".")}, {str(i) for i in range(40)})
        self.assertEqual(list(stage.rglob("join.key")), [])
        logs = subprocess.run([MNP, "logs", "0f1e2d3c-raw", "main", "--store", str(store)],
                              capture_output=True, text=True, timeout=60, check=True).stdout
        self.assertEqual(len(logs.splitlines()), 40, logs)
        nodes = json.loads(next(stage.rglob("nodes.json")).read_text())["nodes"]
        self.assertEqual([node["address"] for node in nodes],
                         [self.address(index) for index in range(4)])
        self.assertEqual(self.processes(), {})

    def test_with_a_secret_and_no_store(self):
        listed = self.list_of(*[f"env; touch {self.folder}/up-{i}; "
                                f"while ! test -e {self.folder}/go; do sleep 0.05; done"
                                for i in range(4)])
        self.start_job(LIST_FILE_S3_PATH=listed, MNP_JOIN_SECRET=SECRET)
        self.wait_for("commands", lambda: list(self.folder.glob("up-*")))
        seen = self.processes()
        self.assertGreaterEqual(len(seen), 9, "keepers, agents, ranks and commands were looked at")
        for pid, environ in seen.items():
            self.assertNotIn(SECRET.encode(), environ, f"process {pid} shows the secret")
        self.write("go", "")
        self.assert_all_end_with(0)
        self.assertIn("MNP_STORE is not set", self.log(1))
        store = self.folder / "node-1/mnp-runs"
        self.assertEqual([row["state"] for row in self.outcomes(store)], ["succeeded"] * 4)
        for path in self.folder.rglob("*"):
            if path.is_file():
                self.assertNotIn(SECRET.encode(), path.read_bytes(), path)

    def test_with_neither_all_end_with_20_and_say_why(self):
        self.start_job(LIST_FILE_S3_PATH=self.list_of("true"))
        self.assert_all_end_with(20)
        for index in range(4):
            self.assertIn("MNP_STORE", self.log(index))
            self.assertIn("MNP_JOIN_SECRET", self.log(index))

    def test_all_agree_on_a_failure(self):
        listed = self.list_of("true", "exit 3", "true")
        self.start_job(LIST_FILE_S3_PATH=listed, MNP_STORE=str(self.folder / "store"))
        self.assert_all_end_with(10)
        row = self.outcomes(self.folder / "store")[1]
        self.assertEqual((row["state"], row["exit"]), ("failed", 3))

    def test_a_wrong_secret_is_never_let_in(self):
        listed = self.list_of("true")
        self.start_node(1, self.variables(1, 2, 1, LIST_FILE_S3_PATH=listed, MNP_JOIN_SECRET=SECRET))
        self.start_node(0, self.variables(0, 2, 1, MNP_JOIN_SECRET="another"))
        self.wait_for("some tries", lambda: "wrong key" in self.log(1))
        self.nodes[1].send_signal(signal.SIGTERM)
        self.nodes[0].send_signal(signal.SIGTERM)
        self.assert_all_end_with(40)
        self.assertEqual(self.outcomes(self.folder / "node-1/mnp-runs")[0]["state"], "not_run")

    def test_a_stop_of_main_stops_all(self):
        store = self.folder / "store"
        listed = self.list_of(*[f"touch {self.folder}/up-{i}; sleep 300" for i in range(8)])
        self.start_job(LIST_FILE_S3_PATH=listed, MNP_STORE=str(store))
        self.wait_for("commands", lambda: list(self.folder.glob("up-*")))
        begun = time.monotonic()
        self.nodes[1].send_signal(signal.SIGTERM)
        self.assert_all_end_with(40)
        self.assertLess(time.monotonic() - begun, STOP_SECONDS)
        self.assertEqual(self.processes(), {})


class OneNode(RawCase):
    def run_alone(self, *commands, status=0, **more):
        self.start_node("alone", {**self.environment, **more,
                                  "LIST_FILE_S3_PATH": self.list_of(*commands),
                                  "MNP_SCRATCH_ROOT": str(self.folder / "node-alone")})
        self.assert_all_end_with(status)

    def test_without_any_batch_variable(self):
        self.run_alone("true", f"echo hello > {self.folder}/out")
        self.assertEqual((self.folder / "out").read_text(), "hello\n")
        rows = self.outcomes(self.folder / "node-alone/mnp-runs", run="local-*")
        self.assertEqual([row["state"] for row in rows], ["succeeded"] * 2)

    def test_two_runs_on_one_machine_have_nothing_to_do_with_each_other(self):
        self.run_alone(f"echo one >> {self.folder}/out")
        self.run_alone(f"echo two >> {self.folder}/out")
        self.assertEqual((self.folder / "out").read_text(), "one\ntwo\n")
        self.assertEqual(len(list((self.folder / "node-alone/mnp-runs/runs").iterdir())), 2)

    def test_a_run_under_way_is_not_removed(self):
        store = self.folder / "store"
        lines = self.list_of(f"until [ -e {self.folder}/go ]; do sleep 0.05; done")
        self.start_node("alone", {**self.environment, "MNP_STORE": str(store),
                                  "LIST_FILE_S3_PATH": lines,
                                  "MNP_SCRATCH_ROOT": str(self.folder / "node-alone")})
        self.wait_for("the run", lambda: list(store.glob("runs/*/plan.json")))
        run = next(store.glob("runs/*")).name
        done = self.mnp("rm", run, "--store", store, status=20)
        self.assertIn("end its job", done.stderr)
        for word in "resume", "stop":
            done = self.mnp(word, run, "--store", store, status=20)
            self.assertIn("an mnp-node that no `mnp` has started", done.stderr)
        state = self.state_of(run, store, lambda state: state["stages"][0]["running"] == 1)
        self.assertEqual((state["state"], state["stages"][0]["state"]), ("RUNNING", "RUNNING"))
        self.write("go", "")
        self.assert_all_end_with(0)
        state = self.state_of(run, store, lambda state: state["state"] == "SUCCEEDED")
        self.assertEqual((state["stages"][0]["done"], state["stages"][0]["attempt"]), (1, 1))
        self.mnp("rm", run, "--store", store)
        self.assertEqual(list(store.glob("runs/*")), [])

    def test_a_run_whose_node_was_killed_is_interrupted_and_resumes(self):
        store = self.folder / "store"
        lines = self.list_of(f"touch {self.folder}/up; until [ -e {self.folder}/go ]; do sleep 0.05; done")
        node = self.start_node("alone", {**self.environment, "MNP_STORE": str(store),
                                         "LIST_FILE_S3_PATH": lines,
                                         "MNP_SCRATCH_ROOT": str(self.folder / "node-alone")})
        self.wait_for("the command", lambda: (self.folder / "up").exists())
        run = next(store.glob("runs/*")).name
        node.kill()
        node.wait()
        self.state_of(run, store, lambda state: state["state"] == "INTERRUPTED")
        self.write("go", "")
        self.mnp("resume", run, "--store", store)
        self.state_of(run, store, lambda state: state["state"] == "SUCCEEDED")

    def state_of(self, run, store, expected):
        self.wait_for("the state of the run", lambda: expected(
            self.mnp_json("status", run, "--store", store, "--json")))
        return self.mnp_json("status", run, "--store", store, "--json")

    def test_a_list_that_is_missing_is_named(self):
        self.start_node("alone", {**self.environment, "LIST_FILE_S3_PATH": "/nowhere/list.txt",
                                  "MNP_SCRATCH_ROOT": str(self.folder)})
        self.assert_all_end_with(20)
        self.assertIn("/nowhere/list.txt", self.log("alone"))

    def test_a_variable_that_makes_no_sense_is_named(self):
        for name, value in [("MNP_LOG", "loud"), ("MNP_FRESH_FAILURES", "yes"),
                            ("MNP_LIFELINE_FD", "nine"), ("MNP_PORT", "high")]:
            self.run_alone("true", status=20, **{name: value})
            self.assertIn(f"{name}='{value}': ", self.log("alone"))

    def write_nothing_to(self, fifo):
        """True once somebody reads it, who then waits for good."""
        try:
            self.addCleanup(os.close, os.open(fifo, os.O_WRONLY | os.O_NONBLOCK))
        except OSError:
            return False
        return True

    def test_a_stop_while_the_store_hangs(self):
        fifo = self.folder / "list.txt"
        os.mkfifo(fifo)
        self.start_node("alone", {**self.environment, "LIST_FILE_S3_PATH": str(fifo),
                                  "MNP_SCRATCH_ROOT": str(self.folder / "node-alone")})
        self.wait_for("the agent at the list", lambda: self.write_nothing_to(fifo))
        begun = time.monotonic()
        self.nodes["alone"].send_signal(signal.SIGTERM)
        self.assert_all_end_with(40)
        self.assertLess(time.monotonic() - begun, 30, "Batch would have killed it")
        self.assertIn("the agent has not ended after it was told to stop", self.log("alone"))
        self.assertEqual(self.processes(), {})

    def test_nothing_to_run_is_said(self):
        self.start_node("alone", {**self.environment, "MNP_SCRATCH_ROOT": str(self.folder)})
        self.assert_all_end_with(20)
        self.assertIn("LIST_FILE_S3_PATH", self.log("alone"))

    def documented(self, heading):
        text = DOCUMENT.read_text().split(heading, 1)[1].split("\n## ", 1)[0]
        return set(re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE))

    def test_a_command_sees_what_is_documented(self):
        main = self.variables(0, 1, 0, LIST_FILE_S3_PATH=self.list_of(
            "true", f"env -0 > {self.folder}/seen"), MNP_STORE=str(self.folder / "store"),
            MNP_JOIN_SECRET=SECRET)
        self.start_node(0, main)
        self.assert_all_end_with(0)
        seen = dict(entry.split("=", 1) for entry in
                    (self.folder / "seen").read_text().split("\0") if entry)
        # These are there only with `stage_inputs: false` and with `gpus`.
        expected = self.documented("## What a command sees") - {"MNP_INPUTS_URL", "MNP_GPUS"}
        self.assertGreater(len(expected), 12)
        self.assertEqual(expected - set(seen), set())
        for name in self.documented("## Between our own processes") | {"MNP_JOIN_SECRET"}:
            self.assertNotIn(name, seen)
        values = {"MNP_RUN": "0f1e2d3c-raw", "MNP_STAGE": "main", "MNP_COMMAND_INDEX": "1",
                  "MNP_COMMAND_COUNT": "2", "MNP_TRY": "1", "MNP_NODE": "0", "MNP_NODES": "1",
                  "AWS_BATCH_JOB_ARRAY_INDEX": "1", "ARRAY_SIZE": "2", "NNODES": "1",
                  "NODE_RANK": "0", "MASTER_ADDR": self.address(0), "MASTER_PORT": "26118",
                  "OMP_NUM_THREADS": "1", "MNP_STORE": str(self.folder / "store"),
                  "MNP_RUN_URL": str(self.folder / "store/runs/0f1e2d3c-raw"),
                  "AWS_BATCH_JOB_ID": "0f1e2d3c-raw#0"}
        self.assertEqual({name: seen.get(name) for name in values}, values)
        ours = {name for name in seen if name.startswith("MNP_")}
        known = set(re.findall(r"^\| `(MNP_\w+)` \|", DOCUMENT.read_text(), re.MULTILINE))
        self.assertEqual(ours - known, set(), "documented nowhere")

    def test_a_list_of_equal_lines_does_what_an_array_job_did(self):
        line = f"echo $AWS_BATCH_JOB_ARRAY_INDEX of $ARRAY_SIZE > {self.folder}/" \
               "part-$AWS_BATCH_JOB_ARRAY_INDEX"
        self.run_alone(*[line] * 5)
        self.assertEqual(sorted(path.read_text() for path in self.folder.glob("part-*")),
                         [f"{i} of 5\n" for i in range(5)])

    def test_commands_start_clean(self):
        look = self.write("look.py", "import os, sys\n"
                          "def there(fd):\n"
                          "    try: os.fstat(fd)\n"
                          "    except OSError: return False\n"
                          "    return True\n"
                          "fds = [fd for fd in map(int, os.listdir('/proc/self/fd')) if there(fd)]\n"
                          "print(sorted(fds), os.readlink('/proc/self/fd/0'), os.getsid(0) == "
                          "os.getpid())\n")
        self.run_alone(f"python3 -I {look} > {self.folder}/descriptors",
                       f"cp /proc/self/status {self.folder}/status",
                       f"sh -c 'exec python3 -I {look}' > {self.folder}/by-shell")
        self.assertEqual((self.folder / "descriptors").read_text().split(" /")[0], "[0, 1, 2]")
        self.assertIn(" /dev/null ", (self.folder / "descriptors").read_text())
        self.assertIn("[0, 1, 2] /dev/null", (self.folder / "by-shell").read_text())
        status = dict(re.findall(r"^(\w+):\s*(.*)$", (self.folder / "status").read_text(), re.M))
        for name in ["SigBlk", "SigIgn", "SigPnd", "ShdPnd"]:
            self.assertEqual(int(status[name], 16), 0, f"{name} {status[name]}")


def cannot_be_pid_1():
    done = subprocess.run([*AS_PID_1, "true"], capture_output=True, text=True, check=False)
    return done.stderr.strip()


@unittest.skipIf(reason := cannot_be_pid_1(), reason)
class AsPid1(RawCase):
    def start_as_1(self, *commands):
        self.start_node("one", {**self.environment, "LIST_FILE_S3_PATH": self.list_of(*commands),
                                "MNP_SCRATCH_ROOT": str(self.folder / "node-one")},
                        *AS_PID_1)

    def keeper(self):
        """Pid, as seen from here, of the namespace's first process."""
        children = Path(f"/proc/{self.nodes['one'].pid}/task/{self.nodes['one'].pid}/children")
        pids = children.read_text().split()
        return int(pids[0]) if pids else 0

    def test_exit_statuses(self):
        for command, status in [("true", 0), ("exit 3", 10)]:
            self.start_as_1(f"echo $PPID > {self.folder}/parent; {command}")
            self.assert_all_end_with(status)
            self.assertLess(int((self.folder / "parent").read_text()), 50, "no namespace of its own")
        self.assertEqual(self.processes(), {})

    def test_what_a_command_leaves_is_gone_with_it(self):
        self.start_as_1("for i in 1 2 3 4 5 6 7 8; do (sleep 0.01 &) ; done; "
                        f"setsid sleep 300 & echo $$ > {self.folder}/pid",
                        f"while ! test -s {self.folder}/pid; do sleep 0.05; done; "
                        f"while test -e /proc/$(cat {self.folder}/pid); do sleep 0.05; done; "
                        f"sleep 0.5; cat /proc/[0-9]*/stat > {self.folder}/stat")
        self.assert_all_end_with(0)
        names = re.findall(r"\((\w+)\) \w", (self.folder / "stat").read_text())
        self.assertIn("sh", names)
        self.assertNotIn("sleep", names)

    def test_sigterm_is_forwarded(self):
        self.start_as_1(f"trap 'touch {self.folder}/told; exit 0' TERM; touch {self.folder}/up; "
                        "while :; do sleep 0.1; done",
                        f"setsid sleep 300 & trap '' TERM; touch {self.folder}/deaf; "
                        "while :; do sleep 0.1; done")
        self.wait_for("commands", lambda: (self.folder / "up").exists())
        begun = time.monotonic()
        os.kill(self.keeper(), signal.SIGTERM)
        self.assert_all_end_with(40)
        self.assertLess(time.monotonic() - begun, STOP_SECONDS)
        self.assertTrue((self.folder / "told").exists())
        self.assertEqual(self.processes(), {})
        left = [path.name for path in (self.folder / "node-one").iterdir()]
        self.assertEqual(left, ["mnp-runs"], "the scratch folder is left")


if __name__ == "__main__":
    unittest.main()
