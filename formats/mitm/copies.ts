// Finds flows that a dump contains more than once: mitmproxy writes a flow again if it fails after its response, and
// old versions wrote a WebSocket conversation in a second record. The last record is used.
import type { Input } from "../format.ts";
import { missing, text } from "./elements.ts";
import { fileChunks } from "./file-chunks.ts";
import { IdTable } from "./id-table.ts";
import { DumpRecord } from "./record.ts";
import { RecordScanner, type RecordVisitor } from "./scanner.ts";
import { Reader } from "./tnetstring.ts";
import { READ_AS_IS, versionIndex } from "./versions.ts";
import { handshakeId } from "./websocket.ts";

/**
 * The offsets of records that a newer copy follows, with the id of that copy. Reads the whole file in a first pass. A
 * stream can be read only once, so each copy in a stream becomes a flow.
 */
export async function olderCopies({ path, size }: Input): Promise<ReadonlyMap<number, string>> {
	const older = new Map<number, string>();
	if (path === null || size === null) return older;
	const seen = new IdTable();
	await eachRecord(path, size, (buffer, start, end, offset) => {
		const id = idOf(buffer, start, end);
		const before = seen.get(id);
		if (before !== null) {
			checkRecord(buffer, start, end);
			older.set(before, id);
		}
		seen.set(id, offset);
	});
	return older;
}

/** The ids of the flows in a dump, with the offset of the last record of each. */
export async function idsIn(path: string, size: number): Promise<IdTable> {
	const seen = new IdTable();
	await eachRecord(path, size, (buffer, start, end, offset) => void seen.set(idOf(buffer, start, end), offset));
	return seen;
}

async function eachRecord(path: string, size: number, record: RecordVisitor["record"]): Promise<void> {
	// damage is reported when the records are read
	const scanner = new RecordScanner(size, { record, damaged() {} });
	for await (const chunk of fileChunks(path, { reuse: true })) scanner.push(chunk);
	scanner.end();
}

/** The id of a record's flow, read without decoding the rest. */
function idOf(buffer: Buffer, start: number, end: number): string {
	const reader = new Reader(buffer, start);
	reader.open(end);
	const { start: first, stop } = reader;
	const field = (name: string): string => {
		reader.position = first;
		if (!reader.find(name, stop)) throw missing(name);
		return text(reader, name);
	};
	return (
		(field("type") === "websocket" ? handshakeId(new DumpRecord(buffer, start, end).values()) : null) ?? field("id")
	);
}

/**
 * Validates a copy, because a damaged one must not replace an older one.
 * @throws FlowtapeError FT_CORRUPT_FLOW
 */
function checkRecord(buffer: Buffer, start: number, end: number): void {
	// odd fields are reported when the records are read
	const record = new DumpRecord(buffer, start, end, () => {});
	if (versionIndex(record.value("version")) >= READ_AS_IS) record.flow();
	else record.values();
}
