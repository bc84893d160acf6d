// Notes on a tape itself, such as by which rules it was redacted: a name and a value each.
import { FlowtapeError } from "../../errors.ts";
import type { Metadata, MetaValue } from "../../flow/metadata.ts";
import { fromMeta, pack, toMeta, unpackValue } from "../record/msgpack.ts";
import { fromStored, toStored } from "../record/text.ts";
import type { TapeDatabase } from "./database.ts";

/** The notes of a tape, by their names; what is damaged is told and left out. Tapes of version 1 have none. */
export function readNotes(db: TapeDatabase, onDamage: (name: string, cause: FlowtapeError) => void): Metadata {
	const notes = Object.create(null) as Metadata;
	if (db.schema < 2) return notes;
	for (const { name, value } of db.all<{ name: string; value: Uint8Array }>("SELECT name, value FROM meta ORDER BY name")) {
		const text = fromStored(name);
		try {
			notes[text] = toMeta(unpackValue(value));
		} catch (error) {
			if (!(error instanceof FlowtapeError)) throw error;
			onDamage(text, error);
		}
	}
	return notes;
}

/** Writes a note; in the place of one of the same name. */
export function writeNote(db: TapeDatabase, name: string, value: MetaValue): void {
	db.insert("INSERT OR REPLACE INTO meta (name, value) VALUES (?, ?)", toStored(name), pack(fromMeta(value)));
}
