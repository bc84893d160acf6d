// The entries of a HAR, each as its bytes: found one after the other, so that no more than one of them is in memory.
import { DEPTH_LIMIT } from "../fields.ts";
import { BRACE, BRACKET, Damage, JsonWalker } from "./json-walker.ts";

/** What is met in a HAR, in its order. Bytes are good until the next is asked for. */
export type Found =
	| { kind: "entry"; bytes: Buffer; record: number; offset: number }
	| { kind: "pages"; bytes: Buffer; record: 0; offset: number }
	/** `record` is 0 outside of entries. */
	| { kind: "damage"; what: string; record: number; offset: number };

/** The longest entry in bytes: about what a string of V8 holds. */
const ENTRY_LIMIT = 500 * 1024 * 1024;
const PAGES_LIMIT = 16 * 1024 * 1024;

/**
 * Reads `{"log": {"entries": [ … ]}}`. After damage to an entry it goes on with the next where that can be found: a HAR with
 * line breaks between its entries shows where they begin.
 */
export async function* readEntries(chunks: AsyncIterable<Buffer>): AsyncGenerator<Found> {
	const json = new JsonWalker(chunks);
	const seen = { entries: false };
	try {
		await json.open(BRACE, 'a HAR ({"log": …})');
		for (let key = await json.key(); key !== null; key = await json.key()) {
			if (key === "log") yield* readLog(json, seen);
			else await json.value(0);
		}
		if (!seen.entries) throw new Damage('a HAR has a list "log.entries", this has none', json.offset);
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
		} else if (key === "pages") {
			const { offset } = json;
			const bytes = await json.value(PAGES_LIMIT);
			if (bytes !== null) yield { kind: "pages", bytes, record: 0, offset };
		} else await json.value(0);
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
