/** The bucket half of HttpStore. */

import { S3Error } from "../../../src/errors.ts";
import type {
  BucketInfo,
  BucketPatch,
  ObjectStore,
  Tags,
} from "../../../src/storage/object_store.ts";
import type { S3Connection } from "./connection.ts";
import { aclOf, parseTags, taggingXml } from "./metadata.ts";
import { childrenOf, type Element, parseRoot, textOf } from "./xml.ts";

type BucketHalf = Pick<
  ObjectStore,
  "listBuckets" | "findBucket" | "createBucket" | "updateBucket" | "deleteBucket"
>;

export class HttpBuckets implements BucketHalf {
  readonly #connection: S3Connection;

  constructor(connection: S3Connection) {
    this.#connection = connection;
  }

  async listBuckets(): Promise<readonly BucketInfo[]> {
    const elements = await this.#list();
    return await Promise.all(elements.map((element) => this.#describe(element)));
  }

  async findBucket(bucket: string): Promise<BucketInfo | undefined> {
    const element = (await this.#list()).find((element) => textOf(element, "Name") === bucket);
    return element && await this.#describe(element);
  }

  /** The server must not be in us-east-1, where S3 answers a success to the owner of a bucket. */
  async createBucket(bucket: string, { acl }: Pick<BucketInfo, "owner" | "acl">): Promise<void> {
    const headers = { "x-amz-acl": acl };
    try {
      (await this.#connection.send({ method: "PUT", bucket, headers })).cancel();
    } catch (cause) {
      const isMine = cause instanceof S3Error && cause.code === "BucketAlreadyOwnedByYou";
      throw isMine ? new S3Error("BucketAlreadyExists", { cause }) : cause;
    }
  }

  async updateBucket(bucket: string, { acl, tags, cors }: BucketPatch): Promise<void> {
    if (cors !== undefined) throw new Error("opaque CORS can't be said in S3");
    if (acl !== undefined) {
      const headers = { "x-amz-acl": acl };
      await this.#connection.sendForXml({ method: "PUT", bucket, query: { acl: "" }, headers });
    }
    if (tags === undefined) return;
    const request = { bucket, query: { tagging: "" } };
    await this.#connection.sendForXml(
      tags === null
        ? { ...request, method: "DELETE" }
        : { ...request, method: "PUT", body: taggingXml(tags) },
    );
  }

  async deleteBucket(bucket: string): Promise<void> {
    await this.#connection.sendForXml({ method: "DELETE", bucket });
  }

  async #list(): Promise<Element[]> {
    const text = await this.#connection.sendForXml({ method: "GET" });
    return childrenOf(parseRoot(text, "ListAllMyBucketsResult"), "Buckets")
      .flatMap((buckets) => childrenOf(buckets, "Bucket"));
  }

  async #describe(element: Element): Promise<BucketInfo> {
    const bucket = textOf(element, "Name");
    const query = { acl: "" };
    const policy = await this.#connection.sendForXml({ method: "GET", bucket, query });
    const [owner] = childrenOf(parseRoot(policy, "AccessControlPolicy"), "Owner");
    return {
      name: bucket,
      createdMs: Date.parse(textOf(element, "CreationDate")),
      owner: owner && textOf(owner, "ID"),
      acl: aclOf(policy),
      cors: undefined,
      tags: await this.#findTags(bucket),
    };
  }

  async #findTags(bucket: string): Promise<Tags | undefined> {
    const query = { tagging: "" };
    try {
      return parseTags(await this.#connection.sendForXml({ method: "GET", bucket, query }));
    } catch (error) {
      if (error instanceof S3Error && error.code === "NoSuchTagSet") return undefined;
      throw error;
    }
  }
}
