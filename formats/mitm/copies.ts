// Flows that stand in a dump more than once: mitmproxy writes a flow anew when it ends in an error after its response,
// and old versions wrote the WebSocket conversation apart from its handshake. The last record is the one that counts.
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
 * Offsets of the records of which a newer copy follows, with the id of that copy. Reads the file once beforehand;
 * what comes from a stream can be read but once, so there every copy counts.
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

/** The ids of the flows in a dump, with the offset at which each was seen last. */
export async function idsIn(path: string, size: number): Promise<IdTable> {
	const seen = new IdTable();
	await eachRecord(path, size, (buffer, start, end, offset) => void seen.set(idOf(buffer, start, end), offset));
	return seen;
}

async function eachRecord(path: string, size: number, record: RecordVisitor["record"]): Promise<void> {
	// damage is told when the records are read
	const scanner = new RecordScanner(size, { record, damaged() {} });
	for await (const chunk of fileChunks(path, { reuse: true })) scanner.push(chunk);
	scanner.end();
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
	// odd fields are told when the records are read
	const record = new DumpRecord(buffer, start, end, () => {});
	if (versionIndex(record.value("version")) >= READ_AS_IS) record.flow();
	else record.values();
}
