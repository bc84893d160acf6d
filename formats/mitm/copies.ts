// Flows that stand in a dump more than once: mitmproxy writes a flow anew when it ends in an error after its response,
// and old versions wrote the WebSocket conversation apart from its handshake. The last record is the one that counts.
import type { Input } from "../format.ts";
import { missing, text } from "./elements.ts";
import { fileChunks } from "./file-chunks.ts";
import { DumpRecord } from "./record.ts";
import { RecordScanner } from "./scanner.ts";
import { Reader } from "./tnetstring.ts";
import { READ_AS_IS, versionIndex } from "./versions.ts";
import { handshakeId } from "./websocket.ts";

/**
 * Offsets of the records of which a newer copy follows, with the id of that copy. Reads the file once beforehand;
 * what comes from a stream can be read but once, so there every copy counts.
 */
export async function olderCopies({ path, size }: Input): Promise<ReadonlyMap<number, string>> {
	const older = new Map<number, string>();
	if (path === null || size === null) return older;
	const seen = new LastOffsets();
	const scanner = new RecordScanner(size, {
		record(buffer, start, end, offset) {
			const id = idOf(buffer, start, end);
			const before = seen.get(id);
			if (before !== null) {
				checkRecord(buffer, start, end);
				older.set(before, id);
			}
			seen.set(id, offset);
		},
		// told when the records are read
		damaged() {},
	});
	for await (const chunk of fileChunks(path, { reuse: true })) scanner.push(chunk);
	scanner.end();
	return older;
}

/** The id of the flow of a record, of which no more is looked at than that takes. */
function idOf(buffer: Buffer, start: number, end: number): string {
	const reader = new Reader(buffer, start);
	reader.open(end);
	const { start: first, stop } = reader;
	const field = (name: string): string => {
		reader.position = first;
		if (!reader.find(name, stop)) throw missing(name);
		return text(reader, name);
	};
	return (field("type") === "websocket" ? handshakeId(new DumpRecord(buffer, start, end).values()) : null) ?? field("id");
}

/** A copy that is damaged does not replace an older one. */
function checkRecord(buffer: Buffer, start: number, end: number): void {
	const record = new DumpRecord(buffer, start, end);
	if (versionIndex(record.value("version")) >= READ_AS_IS) record.flow();
	else record.values();
}

/** Where each id was seen last, in 16 bytes a slot however long the ids: by a hash of 53 bits, so whoever is told of an id compares it. */
class LastOffsets {
	/** Hash and offset by turns; a hash of 0 is a free slot. */
	#slots = new Float64Array(2 * 4096);
	#used = 0;

	/** The offset at which the id was seen last, null where it was not. */
	get(id: string): number | null {
		const at = this.#find(hashOf(id));
		return this.#slots[at] === 0 ? null : (this.#slots[at + 1] as number);
	}

	set(id: string, offset: number): void {
		if (this.#used * 3 > this.#slots.length) this.#grow();
		this.#put(hashOf(id), offset);
	}

	/** The slot of the hash, or the free one for it. */
	#find(hash: number): number {
		const slots = this.#slots;
		const mask = slots.length - 1;
		let at = ((hash >>> 0) << 1) & mask;
		while (slots[at] !== 0 && slots[at] !== hash) at = (at + 2) & mask;
		return at;
	}

	#put(hash: number, offset: number): void {
		const at = this.#find(hash);
		if (this.#slots[at] === 0) this.#used++;
		this.#slots[at] = hash;
		this.#slots[at + 1] = offset;
	}

	#grow(): void {
		const old = this.#slots;
		this.#slots = new Float64Array(old.length * 2);
		this.#used = 0;
		for (let at = 0; at < old.length; at += 2) if (old[at] !== 0) this.#put(old[at] as number, old[at + 1] as number);
	}
}

/** From 1 to 2^53. */
function hashOf(text: string): number {
	let low = 0x811c9dc5;
	let high = 0x41c6ce57;
	for (let i = 0; i < text.length; i++) {
		const code = text.charCodeAt(i);
		low = Math.imul(low ^ code, 0x9e3779b1);
		high = Math.imul(high ^ code, 0x5f356495);
		low ^= low >>> 15;
		high ^= high >>> 13;
	}
	return ((high >>> 0) & 0x1fffff) * 2 ** 32 + (low >>> 0) + 1;
}
