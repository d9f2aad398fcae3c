"""What the tests share that talk to the S3 server that AWS_ENDPOINT_URL names (tests/aws/with_server.py
starts it): a bucket of their own."""

import os
import time

from mnp_case import MnpCase


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
