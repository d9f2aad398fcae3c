"""`mnp s3` against the S3 server that AWS_ENDPOINT_URL names (tests/aws/with_server.py starts it)."""

import json
import os
import signal
import subprocess
import unittest

from s3_case import S3Case

BIG = os.urandom(21 << 20)  # in parts
FILES = {"a.txt": b"a\n", "empty": b"", "sub/deep/b": b"b" * 100, "big": BIG,
         "odd name+%41&=é": b"odd", "sub/x y": b"x"}


class S3(S3Case):
    def place(self, key=""):
        return f"s3://{self.bucket}/{key}"

    def write_files(self):
        for name, content in FILES.items():
            path = self.folder / "in" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)

    def files_below(self, name):
        root = self.folder / name
        return {str(path.relative_to(root)): path.read_bytes()
                for path in root.rglob("*") if path.is_file()}

    def test_a_folder_goes_and_comes_back(self):
        self.write_files()
        done = self.mnp_json("s3", "cp", "-r", "in", self.place("scan/17/"), "--json")
        self.assertEqual((done["files"], done["kept"]), (len(FILES), 0))
        self.assertEqual(done["bytes"], sum(map(len, FILES.values())))
        listed = [json.loads(line) for line in
                  self.mnp("s3", "ls", "-r", self.place(), "--json").stdout.splitlines()]
        self.assertEqual({each["key"]: each["bytes"] for each in listed},
                         {"scan/17/" + name: len(content) for name, content in FILES.items()})
        (self.folder / "out").mkdir()
        done = self.mnp("s3", "cp", "-r", self.place("scan/17/"), "out")
        self.assertRegex(done.stderr, rf"^copied {len(FILES)} files, 21\.0 MiB in ")
        self.assertEqual(self.files_below("out"), FILES)
        again = self.mnp_json("s3", "cp", "-r", self.place("scan/17"), "out", "--json",
                              "--only-changed")
        self.assertEqual((again["files"], again["kept"]), (0, len(FILES)))

    def test_one_file(self):
        self.write("x.npy", "data")
        self.mnp("s3", "cp", "x.npy", self.place("slices/"), "--quiet")
        self.mnp("s3", "cp", "x.npy", self.place("slices/y"))
        shown = self.mnp("s3", "ls", self.place("slices/")).stdout
        self.assertRegex(shown, r"4 B  slices/x\.npy\n.* 4 B  slices/y\n")
        self.assertRegex(self.mnp("s3", "ls", self.place()).stdout, r"^ +folder  slices/\n$")
        (self.folder / "out").mkdir()
        self.mnp("s3", "cp", self.place("slices/x.npy"), "out")
        self.mnp("s3", "cp", self.place("slices/x.npy"), "out/z")
        self.assertEqual(self.files_below("out"), {"x.npy": b"data", "z": b"data"})

    def test_cat_prints_the_bytes(self):
        self.client.put_object(Bucket=self.bucket, Key="big", Body=BIG)
        printed = subprocess.run([self.program, "s3", "cat", self.place("big")], env=self.environment,
                                 stdout=subprocess.PIPE, timeout=120, check=True).stdout
        self.assertTrue(printed == BIG)

    def test_errors_say_what_is_wrong(self):
        self.write("f", "")
        (self.folder / "in").mkdir()
        for words, status, expected in [
                (["cat", self.place("nothing")], 20, self.place("nothing")),
                (["cp", self.place("nothing"), "x"], 20, self.place("nothing")),
                (["ls", self.place("nothing")], 20, "no key begins so"),
                (["cp", "f", "g"], 2, "one of the two is s3://"),
                (["cp", self.place("a"), self.place("b")], 2, "one of the two is s3://"),
                (["cp", "in", self.place("a")], 2, "type -r"),
                (["cp", "nowhere", self.place("a")], 20, "nowhere"),
                (["ls", "lab-data"], 20, "s3://"),
                (["cp", "f"], 2, "mnp s3 cp --help"),
                (["mv"], 2, "mnp s3 --help"),
                (["cp", "f", self.place("a"), "--recurse"], 2, "--recursive")]:
            done = self.mnp("s3", *words, status=status)
            self.assertIn(expected, done.stderr, words)
            self.assertEqual(done.stdout, "")
        self.assertFalse((self.folder / "x").exists())

    def test_a_sighup_that_is_ignored_stops_nothing(self):  # nohup
        self.client.put_object(Bucket=self.bucket, Key="in/big", Body=BIG * 8)
        process = self.start("s3", "cp", "-r", self.place("in"), "out",
                             preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
        self.wait_for("the first bytes", lambda: (self.folder / "out").exists())
        process.send_signal(signal.SIGHUP)
        self.assertEqual(self.finish(process).returncode, 0)
        self.assertEqual(self.files_below("out"), {"big": BIG * 8})

    def test_a_stop_leaves_no_part_of_a_file(self):
        self.client.put_object(Bucket=self.bucket, Key="in/big", Body=BIG * 8)
        process = self.start("s3", "cp", "-r", self.place("in"), "out")
        self.wait_for("the first bytes", lambda: (self.folder / "out").exists())
        process.send_signal(signal.SIGINT)
        done = self.finish(process)
        if done.returncode == 0:
            self.skipTest("it was faster than the signal")
        self.assertEqual(done.returncode, 40, done.stderr)
        self.assertEqual(self.files_below("out"), {})


if __name__ == "__main__":
    unittest.main()
