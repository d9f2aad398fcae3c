"""What a job needs before it can be submitted, and a log to read, made with AWS's own library."""

import json
import time

import boto3

role = boto3.client("iam").create_role(
    RoleName="service", AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17"}))["Role"]["Arn"]
batch = boto3.client("batch")
environment = batch.create_compute_environment(
    computeEnvironmentName="machines", type="UNMANAGED", state="ENABLED", serviceRole=role)
for name in ("cpu", "gpu"):
    batch.create_job_queue(
        jobQueueName=name, state="ENABLED", priority=1, computeEnvironmentOrder=[
            {"order": 1, "computeEnvironment": environment["computeEnvironmentArn"]}])

logs = boto3.client("logs")
logs.create_log_group(logGroupName="/mnp")
logs.create_log_stream(logGroupName="/mnp", logStreamName="tomo/default/1")
now = int(time.time() * 1000)
logs.put_log_events(logGroupName="/mnp", logStreamName="tomo/default/1", logEvents=[
    {"timestamp": now + i, "message": f"line {i}"} for i in range(250)])
