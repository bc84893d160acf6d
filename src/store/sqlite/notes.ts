// Notes on the tape itself, such as the rules that redacted it. Each has a name and a value.
import { FlowtapeError } from "../../errors.ts";
import type { Metadata, MetaValue } from "../../flow/metadata.ts";
import { fromMeta, pack, toMeta, unpackValue } from "../record/msgpack.ts";
import { openRecord, sealRecord } from "../record/row-sum.ts";
import { fromStored, toStored } from "../record/text.ts";
import type { TapeDatabase } from "./database.ts";

/** The note in which the store itself keeps the number of flows. */
const FLOWS = "flowtape:flows";

/**
 * The notes of a tape by name, without the store's own. Damaged notes are reported and left out. Tapes of version 1
 * have none.
 */
export function readNotes(db: TapeDatabase, onDamage: (name: string, cause: FlowtapeError) => void): Metadata {
	const notes = Object.create(null) as Metadata;
	if (db.schema < 2) return notes;
	for (const { name, value } of db.all<{ name: string; value: Uint8Array }>(
		"SELECT name, value FROM meta ORDER BY name",
	)) {
		if (name === FLOWS) continue;
		const text = fromStored(name);
		try {
			notes[text] = toMeta(unpackValue(openRecord(value, name)));
		} catch (error) {
			if (!(error instanceof FlowtapeError)) throw error;
			onDamage(text, error);
		}
	}
	return notes;
}

/** Writes a note, replacing one of the same name. */
export function writeNote(db: TapeDatabase, name: string, value: MetaValue): void {
	const stored = toStored(name);
	db.insert(
		"INSERT OR REPLACE INTO meta (name, value) VALUES (?, ?)",
		stored,
		sealRecord(pack(fromMeta(value)), stored),
	);
}

/**
 * Notes how many flows the tape has.
 * @param missing number of flows that it already lacked before it was written to; they remain missing
 */
export function noteFlows(db: TapeDatabase, missing: number): void {
	const noted = notedFlows(db);
	const count = countFlows(db) + missing;
	if (noted === null ? count > 0 : count > noted) writeNote(db, FLOWS, count);
}

/**
 * The number of flows that a tape lacks, by its own note. 0 if the number is unknown: older tapes have no such note, and
 * the rows of a damaged tape cannot be counted.
 */
export function missingFlows(db: TapeDatabase): number {
	const noted = db.schema < 2 ? null : notedFlows(db);
	return noted === null ? 0 : (readable(() => Math.max(0, noted - countFlows(db))) ?? 0);
}

/** The number of flows by the tape's own note; null if there is none, or it cannot be read. */
function notedFlows(db: TapeDatabase): number | null {
	return readable(() => {
		const value = db.column<Uint8Array>("SELECT value FROM meta WHERE name = ?", FLOWS)[0];
		if (value === undefined) return null;
		const count = unpackValue(openRecord(value, FLOWS));
		return Number.isSafeInteger(count) ? (count as number) : null;
	});
}

/** The result of `read`; null if the tape is damaged there. */
function readable<T>(read: () => T): T | null {
	try {
		return read();
	} catch (error) {
		if (error instanceof FlowtapeError) return null;
		throw error;
	}
}

function countFlows(db: TapeDatabase): number {
	return db.get<{ n: number }>("SELECT count(*) AS n FROM flow")?.n ?? 0;
}
