"""What boto3 programs do. Ends with an assertion error at the first thing that isn't as it should be."""

import concurrent.futures
import hashlib
import io
import os
import urllib.error
import urllib.request
import ssl

import boto3
import botocore
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import ClientError

ENDPOINT = os.environ["ENDPOINT"]
BUCKET = "boto3"
MIB = 1024 * 1024
RETRY_NEVER = {"max_attempts": 1, "mode": "standard"}


def client(**config):
    return boto3.client(
        "s3", endpoint_url=ENDPOINT, config=Config(retries=RETRY_NEVER, **config)
    )


def pattern(length, seed=1):
    return hashlib.shake_128(bytes([seed])).digest(length)


def error_code(call, **arguments):
    try:
        call(**arguments)
    except ClientError as error:
        return error.response["Error"]["Code"]
    return None


def objects(s3):
    """Bodies of each kind: over http their checksum is a header, over https a trailer."""
    s3.create_bucket(Bucket=BUCKET)
    s3.get_waiter("bucket_exists").wait(Bucket=BUCKET)
    for key, body in [
        ("bytes", b"hello"),
        ("empty", b""),
        ("file", io.BytesIO(pattern(100_000))),
        ("signs +%&ü/日本", b"x" * 70_000),
    ]:
        content = body if isinstance(body, bytes) else body.getvalue()
        put = s3.put_object(Bucket=BUCKET, Key=key, Body=body, Metadata={"a": "b"})
        assert put["ETag"] == f'"{hashlib.md5(content).hexdigest()}"', put
        got = s3.get_object(Bucket=BUCKET, Key=key)
        assert got["Body"].read() == content
        assert got["Metadata"] == {"a": "b"}
    assert s3.head_object(Bucket=BUCKET, Key="bytes")["ContentLength"] == 5
    assert error_code(s3.get_object, Bucket=BUCKET, Key="missing") == "NoSuchKey"
    assert error_code(s3.head_object, Bucket=BUCKET, Key="missing") == "404"
    assert error_code(s3.list_objects_v2, Bucket="missing") == "NoSuchBucket"


def checksums(s3):
    algorithms = ["CRC32", "SHA1", "SHA256"]
    try:
        import awscrt  # noqa: F401  (CRC32C and CRC64NVME need it)

        algorithms += ["CRC32C", "CRC64NVME"]
    except ImportError:
        pass
    for algorithm in algorithms:
        body = pattern(50_000)
        put = s3.put_object(
            Bucket=BUCKET, Key="sum", Body=io.BytesIO(body), ChecksumAlgorithm=algorithm
        )
        got = s3.get_object(Bucket=BUCKET, Key="sum", ChecksumMode="ENABLED")
        assert got["Body"].read() == body
        assert got[f"Checksum{algorithm}"] == put[f"Checksum{algorithm}"]
    bad = error_code(
        s3.put_object, Bucket=BUCKET, Key="bad", Body=b"x", ChecksumCRC32="AAAAAA=="
    )
    assert bad == "BadDigest", bad
    bad = error_code(
        s3.put_object, Bucket=BUCKET, Key="bad", Body=b"x", ContentMD5="1B2M2Y8AsgTpgAmY7PhCfg=="
    )
    assert bad == "BadDigest", bad
    assert error_code(s3.head_object, Bucket=BUCKET, Key="bad") == "404"


def transfers(s3):
    """upload_fileobj and download_fileobj in parts by several threads."""
    parts = TransferConfig(
        multipart_threshold=6 * MIB, multipart_chunksize=5 * MIB, max_concurrency=4
    )
    body = pattern(17 * MIB + 3)
    s3.upload_fileobj(
        io.BytesIO(body), BUCKET, "big", Config=parts, ExtraArgs={"ContentType": "x/y"}
    )
    back = io.BytesIO()
    s3.download_fileobj(BUCKET, "big", back, Config=parts)
    assert back.getvalue() == body
    head = s3.head_object(Bucket=BUCKET, Key="big")
    assert head["ETag"].endswith('-4"') and head["ContentType"] == "x/y", head
    s3.copy({"Bucket": BUCKET, "Key": "big"}, BUCKET, "big copy", Config=parts)
    assert s3.get_object(Bucket=BUCKET, Key="big copy")["Body"].read() == body


def listings(s3):
    keys = [f"list/{number:04}" for number in range(60)]
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda key: s3.put_object(Bucket=BUCKET, Key=key, Body=b"."), keys))
    for operation in ["list_objects", "list_objects_v2"]:
        pages = s3.get_paginator(operation).paginate(
            Bucket=BUCKET, Prefix="list/", PaginationConfig={"PageSize": 7}
        )
        assert [item["Key"] for page in pages for item in page["Contents"]] == keys
    deleted = s3.delete_objects(
        Bucket=BUCKET, Delete={"Objects": [{"Key": key} for key in keys]}
    )
    assert len(deleted["Deleted"]) == len(keys) and "Errors" not in deleted
    assert s3.list_objects_v2(Bucket=BUCKET, Prefix="list/")["KeyCount"] == 0


def conditions(s3):
    lock = {"Bucket": BUCKET, "Key": "lock", "Body": b"x", "IfNoneMatch": "*"}
    if os.environ.get("CONDITIONS") == "refused":
        assert error_code(s3.put_object, **lock) == "NotImplemented"
        return
    etag = s3.put_object(**lock)["ETag"]
    assert error_code(s3.put_object, **lock) == "PreconditionFailed"
    matching = {"Bucket": BUCKET, "Key": "lock", "Body": b"y"}
    assert error_code(s3.put_object, IfMatch='"0"', **matching) == "PreconditionFailed"
    s3.put_object(IfMatch=etag, **matching)
    assert s3.get_object(Bucket=BUCKET, Key="lock", IfNoneMatch=etag)["Body"].read() == b"y"


def presigned(s3, mark, signed_headers):
    """URLs for anyone. urllib sends a Content-Type of its own, which only a URL signed for it takes."""
    trust = ssl.create_default_context(cafile=os.environ.get("AWS_CA_BUNDLE"))
    target = {"Bucket": BUCKET, "Key": "signed ü(+)"}

    def send(operation, method, body=None, headers={}, **parameters):
        url = s3.generate_presigned_url(operation, {**target, **parameters})
        assert mark in url, url
        request = urllib.request.Request(url, body, headers, method=method)
        return urllib.request.urlopen(request, context=trust)

    headers = {"Content-Type": "text/x", **signed_headers}
    send("put_object", "PUT", b"by anyone", headers, ContentType="text/x", Metadata={"a": "b"})
    name = 'attachment; filename="Q&A +ü.txt"'.encode().decode("latin1")
    got = send("get_object", "GET", ResponseContentDisposition='attachment; filename="Q&A +ü.txt"')
    assert (got.read(), got.headers["content-disposition"]) == (b"by anyone", name)
    head = send("head_object", "HEAD").headers
    assert (head["content-type"], head["x-amz-meta-a"]) == ("text/x", "b")
    wrong = urllib.request.Request(s3.generate_presigned_url("get_object", target), method="HEAD")
    try:
        urllib.request.urlopen(wrong, context=trust)
        raise AssertionError("HEAD with a GET's URL")
    except urllib.error.HTTPError as error:
        assert error.code == 403, error
    target.pop("Key")
    assert b"<KeyCount>1</KeyCount>" in send("list_objects_v2", "GET", Prefix="signed").read()


def resource():
    """The object-oriented half of boto3."""
    bucket = boto3.resource("s3", endpoint_url=ENDPOINT).Bucket(BUCKET)
    bucket.Object("resource").put(Body=b"z")
    assert bucket.Object("resource").get()["Body"].read() == b"z"
    assert "resource" in [item.key for item in bucket.objects.all()]
    bucket.object_versions.delete()
    assert list(bucket.objects.all()) == []
    bucket.delete()


def main():
    s3 = client()
    objects(s3)
    checksums(s3)
    transfers(s3)
    listings(s3)
    conditions(s3)
    presigned(s3, "&Signature=", {})
    presigned(client(signature_version="s3v4"), "&X-Amz-Signature=", {"x-amz-meta-a": "b"})
    objects_without_checksums = client(
        request_checksum_calculation="when_required", response_checksum_validation="when_required"
    )
    objects(objects_without_checksums)
    resource()
    print("boto3", boto3.__version__, "botocore", botocore.__version__, "ok")


main()
