"""s3.py BIN [PAIRS] [--big MIB] [--small N]: `mnp s3 cp` against as many parallel ranges of curl and against the
AWS CLI, on the server that AWS_ENDPOINT_URL names. Start it by
    python3 tests/aws/with_server.py rgw --venv bench/s3.py build/release/bin
All three are asked in turns; ratios are of pairs. curl gets presigned URLs, and so does no signing of its own;
the CLI is left out where there is none."""

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
    def __init__(self, binary, folder):
        self.mnp, self.folder = str(binary / "mnp"), folder
        self.cli = shutil.which("aws") or shutil.which("aws", path=str(Path(sys.executable).parent))
        self.endpoint = os.environ["AWS_ENDPOINT_URL"]
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
        begun = self.client.create_multipart_upload(Bucket=self.bucket, Key=key)["UploadId"]
        parts = self.fresh("parts")
        entries, number = [], 0
        with open(path, "rb") as file:
            while block := file.read(PART):
                number += 1
                (parts / str(number)).write_bytes(block)
                url = self.url("upload_part", key, UploadId=begun, PartNumber=number)
                entries.append(f'url = "{url}"\nupload-file = "{parts}/{number}"')
        assert number == -(-size // PART)
        seconds = self.curl(entries)
        self.client.abort_multipart_upload(Bucket=self.bucket, Key=key, UploadId=begun)
        return seconds

    def cp(self, program, *words):
        head = [self.mnp, "s3", "cp", "--quiet"] if program == "mnp" else [self.cli, "s3", "cp", "--quiet"]
        return timed([*head, *words])


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
    parser.add_argument("--big", type=int, default=1024, help="MiB")
    parser.add_argument("--small", type=int, default=10000, help="objects of 64 KiB")
    options = parser.parse_args()
    print(machine())
    with tempfile.TemporaryDirectory(prefix="mnp-bench-") as name:
        bench = Bench(options.bin.absolute(), Path(name))
        run(bench, options)


def run(bench, options):
    clis = ["cli"] if bench.cli else []
    if options.big:
        big = bench.folder / "big"
        with open(big, "wb") as file:
            for _ in range(options.big):
                file.write(os.urandom(1 << 20))
        place = f"s3://{bench.bucket}/big"
        put, get = {}, {}
        bench.cp("mnp", str(big), place)  # the server's memory is new
        for _ in range(options.pairs):
            put.setdefault("mnp", []).append(bench.cp("mnp", str(big), place))
            put.setdefault("curl", []).append(bench.curl_put_parts("big", big))
            get.setdefault("mnp", []).append(bench.cp("mnp", place, str(bench.fresh("out") / "big")))
            get.setdefault("curl", []).append(bench.curl_get({"big": options.big << 20}))
            for cli in clis:
                put.setdefault(cli, []).append(bench.cp(cli, str(big), place))
                get.setdefault(cli, []).append(bench.cp(cli, place, str(bench.fresh("out") / "big")))
        show(f"put of {options.big} MiB in parts", put, options.big)
        show(f"get of {options.big} MiB in ranges", get, options.big)
        big.unlink()
        bench.client.delete_object(Bucket=bench.bucket, Key="big")
    if options.small:
        source = bench.fresh("in")
        for i in range(options.small):
            (source / str(i)).write_bytes(os.urandom(SMALL))
        place = f"s3://{bench.bucket}/small"
        put, get = {}, {}
        bench.cp("mnp", "-r", str(source), place)
        for _ in range(options.pairs):
            put.setdefault("mnp", []).append(bench.cp("mnp", "-r", str(source), place))
            put.setdefault("curl", []).append(bench.curl_put({f"small/{i}": source / str(i)
                                                              for i in range(options.small)}))
            get.setdefault("mnp", []).append(bench.cp("mnp", "-r", place, str(bench.fresh("out"))))
            get.setdefault("curl", []).append(bench.curl_get({f"small/{i}": SMALL
                                                              for i in range(options.small)}))
        for cli in clis:  # once: it takes minutes
            put[cli] = [bench.cp(cli, "--recursive", str(source), place)] * options.pairs
            get[cli] = [bench.cp(cli, "--recursive", place, str(bench.fresh("out")))] * options.pairs
        show(f"put of {options.small} objects of 64 KiB", put, options.small)
        show(f"get of {options.small} objects of 64 KiB", get, options.small)


if __name__ == "__main__":
    main()
