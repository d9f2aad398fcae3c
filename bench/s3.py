"""s3.py BIN [PAIRS] [--big MIB] [--small N]: `mnp s3 cp` against as many parallel ranges of curl and against the
AWS CLI, on the server that AWS_ENDPOINT_URL names. Start it by
    python3 tests/aws/with_server.py rgw --venv bench/s3.py build/release/bin
All three are asked in turns (the CLI but once for the small ones, which take it minutes); ratios are of pairs. curl gets
presigned URLs: it hashes no bodies and compares no checksums, and neither does the server for it; so mnp is told not to sign
bodies either (`--sign`: it does, as it would over HTTP by itself, and as the CLI does). The CLI is left out where there is none.
The server of the tests keeps 4 GiB and forgets late what was overwritten: `--big 1024` needs `memstore device bytes` of 12 GiB."""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import boto3

from measure import machine

PART = 8 << 20
THREADS = 16
SMALL = 64 << 10


def timed(command, **more):
    begun = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **more)
    return time.perf_counter() - begun


class Bench:
    def __init__(self, binary, folder, sign):
        self.mnp, self.folder = str(binary / "mnp"), folder
        self.cli = shutil.which("aws") or shutil.which("aws", path=str(Path(sys.executable).parent))
        self.endpoint = os.environ["AWS_ENDPOINT_URL"]
        (folder / "config").write_text(f"[default]\ns3 =\n  payload_signing_enabled = {str(sign).lower()}\n")
        self.client = boto3.client("s3", endpoint_url=self.endpoint, region_name="us-east-1")
        self.bucket = f"bench-{time.time_ns()}"
        self.client.create_bucket(Bucket=self.bucket)

    def url(self, method, key, **more):
        return self.client.generate_presigned_url(method, Params={"Bucket": self.bucket, "Key": key, **more})

    def fresh(self, name):
        path = self.folder / name
        shutil.rmtree(path, ignore_errors=True)
        path.mkdir()
        return path

    def curl(self, entries):
        """entries: lines of curl's configuration, a transfer each"""
        config = self.folder / "curl.conf"
        config.write_text("silent\nfail\n" + "\nnext\nsilent\nfail\n".join(entries) + "\n")
        return timed(["curl", "--parallel", "--parallel-immediate", "--parallel-max", str(THREADS),
                      "--config", str(config)])

    def curl_get(self, sizes):
        out, url_of = self.fresh("out"), {}
        entries = []
        for key, size in sizes.items():
            url_of[key] = self.url("get_object", key)
            for first in range(0, size, PART):
                last = min(first + PART, size) - 1
                entries.append(f'url = "{url_of[key]}"\nrange = "{first}-{last}"\n'
                               f'output = "{out}/{key.replace("/", "_")}.{first}"')
        return self.curl(entries)

    def curl_put(self, files):
        return self.curl([f'url = "{self.url("put_object", key)}"\nupload-file = "{path}"'
                          for key, path in files.items()])

    def curl_put_parts(self, key, path):
        size = path.stat().st_size
        parts = self.fresh("parts")
        begun = time.perf_counter()
        upload = self.client.create_multipart_upload(Bucket=self.bucket, Key=key)["UploadId"]
        calls = time.perf_counter() - begun
        entries, number = [], 0
        with open(path, "rb") as file:
            while block := file.read(PART):
                number += 1
                (parts / str(number)).write_bytes(block)
                url = self.url("upload_part", key, UploadId=upload, PartNumber=number)
                entries.append(f'url = "{url}"\nupload-file = "{parts}/{number}"')
        assert number == -(-size // PART)
        seconds = self.curl(entries)
        of = {"Bucket": self.bucket, "Key": key, "UploadId": upload}
        etags = [{"PartNumber": part["PartNumber"], "ETag": part["ETag"]}  # curl had them in its answers
                 for part in self.client.list_parts(**of)["Parts"]]
        begun = time.perf_counter()
        self.client.complete_multipart_upload(**of, MultipartUpload={"Parts": etags})
        return calls + seconds + time.perf_counter() - begun

    def cp(self, program, *words):
        head = [self.mnp, "s3", "cp", "--quiet"] if program == "mnp" else [self.cli, "s3", "cp", "--quiet"]
        own = {"AWS_CONFIG_FILE": str(self.folder / "config")} if program == "mnp" else {}
        return timed([*head, *words], env=os.environ | own)


def show(name, runs, volume):
    print(name)
    for program, seconds in runs.items():
        pairs = [other / mine for mine, other in zip(runs["mnp"], seconds)]
        unit = "objects" if "objects" in name else "MiB"
        print(f"  {program:5} {statistics.median(seconds):7.2f} s ({min(seconds):.2f} - {max(seconds):.2f})  "
              f"{volume / statistics.median(seconds):8.1f} {unit}/s  "
              f"mnp is {statistics.median(pairs):.2f} ({min(pairs):.2f} - {max(pairs):.2f}) times as fast")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("bin", type=Path)
    parser.add_argument("pairs", type=int, nargs="?", default=3)
    parser.add_argument("--big", type=int, default=256, help="MiB of the large object, 0: none")
    parser.add_argument("--small", type=int, default=10000, help="objects of 64 KiB, 0: none")
    parser.add_argument("--sign", action="store_true", help="mnp signs the bytes that it puts")
    options = parser.parse_args()
    print(machine())
    with tempfile.TemporaryDirectory(prefix="mnp-bench-") as name:
        bench = Bench(options.bin.absolute(), Path(name), options.sign)
        run(bench, options)


def in_turns(pairs, ways):
    """ways: by name, what takes one time; each round begins with another of them"""
    runs = {name: [] for name in ways}
    for name in ways:  # pages of memory and connections are new the first time
        ways[name]()
    for number in range(pairs):
        order = list(ways)
        for name in order[number % len(order):] + order[:number % len(order)]:
            runs[name].append(ways[name]())
    return runs


def run(bench, options):
    if options.big:
        big = bench.folder / "big"
        with open(big, "wb") as file:
            for _ in range(options.big):
                file.write(os.urandom(1 << 20))
        place, size = f"s3://{bench.bucket}/big", options.big << 20
        ways = {"mnp": lambda: bench.cp("mnp", str(big), place),
                "curl": lambda: bench.curl_put_parts("big", big)}
        if bench.cli:
            ways["cli"] = lambda: bench.cp("cli", str(big), place)
        show(f"put of {options.big} MiB in parts", in_turns(options.pairs, ways), options.big)
        ways = {"mnp": lambda: bench.cp("mnp", place, str(bench.fresh("out") / "big")),
                "curl": lambda: bench.curl_get({"big": size})}
        if bench.cli:
            ways["cli"] = lambda: bench.cp("cli", place, str(bench.fresh("out") / "big"))
        show(f"get of {options.big} MiB in ranges", in_turns(options.pairs, ways), options.big)
        big.unlink()
        bench.client.delete_object(Bucket=bench.bucket, Key="big")
    if options.small:
        source = bench.fresh("in")
        sizes = {f"small/{i}": SMALL for i in range(options.small)}
        for i in range(options.small):
            (source / str(i)).write_bytes(os.urandom(SMALL))
        place = f"s3://{bench.bucket}/small"
        put = in_turns(options.pairs, {
            "mnp": lambda: bench.cp("mnp", "-r", str(source), place),
            "curl": lambda: bench.curl_put({key: source / key.split("/")[1] for key in sizes})})
        get = in_turns(options.pairs, {
            "mnp": lambda: bench.cp("mnp", "-r", place, str(bench.fresh("out"))),
            "curl": lambda: bench.curl_get(sizes)})
        if bench.cli:  # once: it takes minutes
            put["cli"] = [bench.cp("cli", "--recursive", str(source), place)] * options.pairs
            get["cli"] = [bench.cp("cli", "--recursive", place, str(bench.fresh("out")))] * options.pairs
        show(f"put of {options.small} objects of 64 KiB", put, options.small)
        show(f"get of {options.small} objects of 64 KiB", get, options.small)


if __name__ == "__main__":
    main()
