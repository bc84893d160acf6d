// Writes flows as Playwright does with attached bodies: a ZIP of `har.har` and the bodies, each once, named by digest.
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { deflateRawSync } from "node:zlib";
import { crc32 } from "../../src/crc32.ts";
import { FlowtapeError } from "../../src/errors.ts";
import { type Body, type BodySource, bodyChunks, bodySize } from "../../src/flow/body.ts";
import { openFileSpool } from "../../src/flow/file-spool.ts";
import type { Flow } from "../../src/flow/flow.ts";
import type { MetaValue } from "../../src/flow/metadata.ts";
import { FlowSink } from "../../src/flow/pipe.ts";
import { collectTransientBuffers } from "../../src/flow/young-buffers.ts";
import { createTemporaryFolder } from "../../src/temporary-folder.ts";
import { createCompressor } from "../compression.ts";
import type { SinkOptions } from "../format.ts";
import { type Output, openOutput } from "../output.ts";
import { HarSink } from "./sink.ts";
import { type Packed, ZipWriter } from "./zip-writer.ts";

export async function createHarZip(path: string, options: SinkOptions): Promise<FlowSink> {
	if (options.append === true)
		throw new FlowtapeError("FT_USAGE", `${path}: flows cannot be appended to a ZIP; record to a .tape and convert it`);
	const output = await openOutput(path);
	let folder: string | null = null;
	try {
		folder = await createTemporaryFolder("flowtape-");
		const draft = join(folder, "har");
		return new ZipSink(output, new DeflatedFile(path, draft, await openOutput(draft)), options);
	} catch (error) {
		await output.discard();
		if (folder !== null) await rm(folder, { recursive: true, force: true });
		throw error;
	}
}

/** The HAR as a deflated temporary file. It is added to the ZIP last, after the bodies. */
class DeflatedFile implements Output {
	readonly name: string;
	readonly path: string;
	readonly written = 0;
	readonly packed: Packed = { crc: 0, packed: 0, unpacked: 0 };
	readonly #output: Output;
	readonly #coder = createCompressor("deflate");

	constructor(name: string, path: string, output: Output) {
		this.name = name;
		this.path = path;
		this.#output = output;
	}

	async write(bytes: Uint8Array): Promise<void> {
		this.packed.crc = crc32(bytes, this.packed.crc);
		this.packed.unpacked += bytes.length;
		await this.#put(await this.#coder.write(bytes));
	}

	async close(end?: Uint8Array): Promise<void> {
		if (end !== undefined) await this.write(end);
		await this.#put(await this.#coder.end());
		await this.#output.close();
	}

	discard(): Promise<void> {
		return this.#output.discard();
	}

	/** Removes the file and its folder. */
	async remove(): Promise<void> {
		await rm(dirname(this.path), { recursive: true, force: true });
	}

	async #put(pieces: readonly Buffer[]): Promise<void> {
		for (const piece of pieces) {
			this.packed.packed += piece.length;
			await this.#output.write(piece);
		}
	}
}

type StoredBody = Exclude<Body, null>;

class ZipSink extends FlowSink {
	readonly #output: Output;
	readonly #zip: ZipWriter;
	readonly #file: DeflatedFile;
	readonly #har: HarSink;
	readonly #names = new Set<string>();
	/** Bodies of the current flow. */
	#bodies: [name: string, body: StoredBody][] = [];

	constructor(output: Output, file: DeflatedFile, options: SinkOptions) {
		super();
		this.#output = output;
		this.#zip = new ZipWriter(output);
		this.#file = file;
		this.#har = new HarSink(file, options, {
			before: "nothing",
			attach: (body, contentType) => this.#attach(body, contentType),
		});
	}

	override get leftOut(): number {
		return this.#har.leftOut;
	}

	override get takesNotes(): boolean {
		return true;
	}

	override note(name: string, value: MetaValue): void {
		this.#har.note(name, value);
	}

	async append(flow: Flow): Promise<void> {
		await this.#har.append(flow);
		for (const [name, body] of this.#bodies) {
			const { sizes, packed } = Buffer.isBuffer(body) ? deflated(body) : await deflatedInPieces(body);
			await this.#zip.add(name, sizes, bodyChunks(packed));
		}
		this.#bodies = [];
	}

	async close(): Promise<void> {
		await this.#har.close();
		try {
			await this.#zip.add("har.har", this.#file.packed, createReadStream(this.#file.path));
			await this.#zip.end();
			await this.#output.close();
		} finally {
			await this.#file.remove();
		}
	}

	override async discard(): Promise<void> {
		await this.#file.discard();
		await this.#file.remove();
		await this.#output.discard();
	}

	#attach(body: StoredBody, contentType: string): string | null {
		if (bodySize(body) === 0) return null;
		const hash = createHash("sha1");
		for (const chunk of bodyChunks(body)) hash.update(chunk);
		const name = `${hash.digest("hex")}.${extensionOf(contentType)}`;
		if (!this.#names.has(name)) {
			this.#names.add(name);
			this.#bodies.push([name, body]);
		}
		return name;
	}
}

interface Deflated {
	sizes: Packed;
	packed: StoredBody;
}

function deflated(bytes: Buffer): Deflated {
	const packed = deflateRawSync(bytes);
	return { sizes: { crc: crc32(bytes), packed: packed.length, unpacked: bytes.length }, packed };
}

/** Deflates a large body to a temporary file. */
async function deflatedInPieces(body: BodySource): Promise<Deflated> {
	const coder = createCompressor("deflate");
	const spool = openFileSpool();
	let [crc, unpacked] = [0, 0];
	for (const chunk of body.chunks()) {
		crc = crc32(chunk, crc);
		unpacked += chunk.length;
		for (const piece of await coder.write(chunk)) spool.write(piece);
		collectTransientBuffers(chunk.length);
	}
	for (const piece of await coder.end()) spool.write(piece);
	const packed = spool.end();
	return { sizes: { crc, packed: packed.size, unpacked }, packed };
}

/** A file extension, for people who open the archive. */
function extensionOf(contentType: string): string {
	const subtype = /^[^/]+\/(?:x-)?([a-z0-9]+)(?![a-z0-9._-])/i.exec(contentType)?.[1]?.toLowerCase() ?? "dat";
	return { plain: "txt", javascript: "js", jpeg: "jpg" }[subtype] ?? subtype;
}
