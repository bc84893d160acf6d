// Finds the entries of a HAR as bytes, one at a time, so that only one is in memory.
import { DEPTH_LIMIT } from "../fields.ts";
import { JsonRecord } from "../json-record.ts";
import { BRACE, BRACKET, Damage, JsonWalker } from "./json-walker.ts";
import { placeOf } from "./read-body.ts";

/** A part of a HAR, in file order. Its bytes are valid only until the next one. */
export type Found =
	| { kind: "entry"; bytes: Buffer; record: number; offset: number }
	/** A long entry, of which no bytes are kept. */
	| { kind: "long"; json: JsonRecord; record: number; offset: number }
	/** Another entry follows a long one. The long one can be passed on now, so that only one of them is in memory. */
	| { kind: "more"; record: number; offset: number }
	/** A field of `log` other than `entries`. */
	| { kind: "log"; key: string; bytes: Buffer; record: 0; offset: number }
	/** `record` is 0 outside of entries. */
	| { kind: "damage"; what: string; record: number; offset: number };

/** Maximum size of all fields of `log` other than `entries`, in bytes. */
const LOG_LIMIT = 16 * 1024 * 1024;
const NEWLINE = 0x0a;

/**
 * Reads `{"log": {"entries": [ … ]}}`, also as the argument of a JSONP call. After a damaged entry, it continues with
 * the next entry, if entries begin on separate lines.
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
		if (!seen.entries) throw new Damage('expected a list "log.entries", found nothing', json.offset);
		if (isCall) await json.leaveCall();
		if ((await json.next()) !== -1) throw new Damage("expected the end of the file after the HAR", json.offset);
	} catch (error) {
		if (!(error instanceof Damage)) throw error;
		yield { kind: "damage", what: error.message, record: json.record, offset: error.offset };
	}
}

async function* readLog(json: JsonWalker, seen: { entries: boolean }): AsyncGenerator<Found> {
	await json.open(BRACE, '"log" to be an object');
	let left = LOG_LIMIT;
	for (let key = await json.key(); key !== null; key = await json.key()) {
		if (key === "entries") {
			seen.entries = true;
			yield* readList(json);
		} else {
			const { offset } = json;
			const bytes = await json.value(left);
			if (bytes === null)
				yield {
					kind: "damage",
					what: `"log.${key.slice(0, 40)}" is longer than ${left} bytes or nested deeper than ${DEPTH_LIMIT}`,
					record: 0,
					offset,
				};
			else {
				left -= bytes.length;
				yield { kind: "log", key, bytes, record: 0, offset };
			}
		}
	}
}

async function* readList(json: JsonWalker): AsyncGenerator<Found> {
	await json.open(BRACKET, '"log.entries" to be a list');
	const long = new JsonRecord(placeOf);
	let isAfterLong = false;
	for (;;) {
		const start = json.offset;
		try {
			if (!(await json.item())) break;
			json.record++;
			const { record, offset } = json;
			if (isAfterLong) yield { kind: "more", record, offset };
			const bytes = await json.take(long);
			isAfterLong = bytes === null;
			if (bytes === "deep") yield { kind: "damage", what: `nested deeper than ${DEPTH_LIMIT}`, record, offset };
			else if (bytes === null) yield { kind: "long", json: long, record, offset };
			else yield { kind: "entry", bytes, record, offset };
		} catch (error) {
			if (!(error instanceof Damage) || !(await json.seekEntry())) throw error;
			yield { kind: "damage", what: error.message, record: json.record, offset: Math.max(error.offset, start) };
		}
	}
	json.record = 0;
}

/** Reads entries in lines, without a log around them. */
export async function* readLines(chunks: AsyncIterable<Buffer>): AsyncGenerator<Found> {
	const begun = new JsonRecord(placeOf);
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
	const endLine = function* (): Generator<Found> {
		const { bytes, size } = begun;
		if (bytes !== null) yield* found(bytes);
		else {
			yield { kind: "long", json: begun, record: ++record, offset };
			offset += size + 1;
		}
		begun.clear();
	};
	for await (const chunk of chunks) {
		let at = 0;
		for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, at)) {
			if (begun.size === 0) yield* found(chunk.subarray(at, end));
			else {
				begun.push(chunk.subarray(at, end));
				yield* endLine();
			}
			at = end + 1;
		}
		begun.push(chunk.subarray(at));
	}
	if (begun.size > 0) yield* endLine();
}
