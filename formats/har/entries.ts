// The entries of a HAR, each as its bytes: found one after the other, so that no more than one of them is in memory.
import { DEPTH_LIMIT } from "../fields.ts";
import { BRACE, BRACKET, Damage, JsonWalker } from "./json-walker.ts";

/** What is met in a HAR, in its order. Bytes are good until the next is asked for. */
export type Found =
	| { kind: "entry"; bytes: Buffer; record: number; offset: number }
	/** What stands beside the entries. */
	| { kind: "log"; key: string; bytes: Buffer; record: 0; offset: number }
	/** `record` is 0 outside of entries. */
	| { kind: "damage"; what: string; record: number; offset: number };

/** The longest entry in bytes: about what a string of V8 holds. */
const ENTRY_LIMIT = 500 * 1024 * 1024;
const LOG_LIMIT = 16 * 1024 * 1024;
const NEWLINE = 0x0a;

/**
 * Reads `{"log": {"entries": [ … ]}}`, also as the argument of a call (JSONP). After damage to an entry it goes on with the next where that can be found: a HAR with
 * line breaks between its entries shows where they begin.
 */
export async function* readEntries(chunks: AsyncIterable<Buffer>): AsyncGenerator<Found> {
	const json = new JsonWalker(chunks);
	const seen = { entries: false };
	try {
		const isCall = await json.enterCall();
		await json.open(BRACE, 'a HAR ({"log": …})');
		for (let key = await json.key(); key !== null; key = await json.key()) {
			if (key === "log") yield* readLog(json, seen);
			else await json.value(0);
		}
		if (!seen.entries) throw new Damage('a HAR has a list "log.entries", this has none', json.offset);
		if (isCall) await json.leaveCall();
		if ((await json.next()) !== -1) throw new Damage("the end of the file was expected behind the HAR", json.offset);
	} catch (error) {
		if (!(error instanceof Damage)) throw error;
		yield { kind: "damage", what: error.message, record: json.record, offset: error.offset };
	}
}

async function* readLog(json: JsonWalker, seen: { entries: boolean }): AsyncGenerator<Found> {
	await json.open(BRACE, '"log" to be an object');
	for (let key = await json.key(); key !== null; key = await json.key()) {
		if (key === "entries") {
			seen.entries = true;
			yield* readList(json);
		} else {
			const { offset } = json;
			const bytes = await json.value(LOG_LIMIT);
			if (bytes === null)
				yield { kind: "damage", what: `"log.${key.slice(0, 40)}" is longer than ${LOG_LIMIT} bytes or nested deeper than ${DEPTH_LIMIT}`, record: 0, offset };
			else yield { kind: "log", key, bytes, record: 0, offset };
		}
	}
}

async function* readList(json: JsonWalker): AsyncGenerator<Found> {
	await json.open(BRACKET, '"log.entries" to be a list');
	for (;;) {
		const start = json.offset;
		try {
			if (!(await json.item())) break;
			json.record++;
			const offset = json.offset;
			const bytes = await json.value(ENTRY_LIMIT);
			if (bytes === null) yield { kind: "damage", what: `longer than ${ENTRY_LIMIT} bytes or nested deeper than ${DEPTH_LIMIT}`, record: json.record, offset };
			else yield { kind: "entry", bytes, record: json.record, offset };
		} catch (error) {
			if (!(error instanceof Damage) || !(await json.seekEntry())) throw error;
			yield { kind: "damage", what: error.message, record: json.record, offset: Math.max(error.offset, start) };
		}
	}
	json.record = 0;
}

/** Reads entries that stand one a line, without a log around them. */
export async function* readLines(chunks: AsyncIterable<Buffer>): AsyncGenerator<Found> {
	let parts: Buffer[] = [];
	let size = 0;
	let offset = 0;
	let record = 0;
	const found = function* (line: Buffer): Generator<Found> {
		const start = offset;
		offset += line.length + 1;
		const from = line[0] === 0xef ? 3 : 0;
		if (line.toString("latin1", from, from + 64).trim() === "" && line.toString("latin1").trim() === "") return;
		record++;
		yield { kind: "entry", bytes: line.subarray(from), record, offset: start };
	};
	for await (const chunk of chunks) {
		let at = 0;
		for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, at)) {
			yield* found(parts.length === 0 ? chunk.subarray(at, end) : Buffer.concat([...parts, chunk.subarray(at, end)]));
			parts = [];
			size = 0;
			at = end + 1;
		}
		size += chunk.length - at;
		if (size > ENTRY_LIMIT) {
			yield { kind: "damage", what: `longer than ${ENTRY_LIMIT} bytes`, record: record + 1, offset };
			return;
		}
		if (at < chunk.length) parts.push(Buffer.from(chunk.subarray(at)));
	}
	if (parts.length > 0) yield* found(Buffer.concat(parts));
}
