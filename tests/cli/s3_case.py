"""What the tests share that talk to the S3 server that AWS_ENDPOINT_URL names (tests/aws/with_server.py
starts it): a bucket of their own, and what is done to runs whose store it is."""

import os
import signal
import struct
import time
from pathlib import Path

from mnp_case import MnpCase


def npy(values):
    header = "{'descr': '<f8', 'fortran_order': False, 'shape': (%d,), }" % len(values)
    header += " " * (63 - (10 + len(header)) % 64) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + \
        struct.pack(f"<{len(values)}d", *values)


def values(bytes_):
    return struct.unpack("<%dd" % ((len(bytes_) - 128) // 8), bytes_[128:])


class S3Case(MnpCase):
    def setUp(self):
        super().setUp()
        import boto3  # in the environment that ./dev test makes
        self.endpoint = os.environ["AWS_ENDPOINT_URL"]
        self.client = boto3.client("s3", endpoint_url=self.endpoint, region_name="us-east-1")
        self.bucket = f"mnp-cli-{time.time_ns()}"
        self.client.create_bucket(Bucket=self.bucket)
        self.environment["XDG_STATE_HOME"] = str(self.folder / "state")

    def put(self, key, content):
        self.client.put_object(Bucket=self.bucket, Key=key, Body=content)

    def get(self, key):
        return self.client.get_object(Bucket=self.bucket, Key=key)["Body"].read()

    def keys(self, prefix=""):
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket,
                                                                      Prefix=prefix)
        return [each["Key"] for page in pages for each in page.get("Contents", [])]

    def kill_node(self, index):
        """The keeper and the agent of a node of the run that `self.environment` describes."""
        wanted = {f"AWS_BATCH_JOB_NODE_INDEX={index}".encode(),
                  f"XDG_STATE_HOME={self.environment['XDG_STATE_HOME']}".encode()}
        found = []
        for process in Path("/proc").glob("[0-9]*"):
            try:
                if (process / "comm").read_text() == "mnp-node\n" and \
                        wanted <= set((process / "environ").read_bytes().split(b"\0")):
                    found.append(int(process.name))
            except OSError:
                pass  # it has ended
        self.assertTrue(found)
        for pid in found:
            os.kill(pid, signal.SIGKILL)
