// Remembers bodies in which nothing was found: a recording often has the same ones again, such as scripts, styles and the
// answers of a page that asks for news.
import type { ByteString } from "../flow/bytes.ts";
import { RecentMap } from "../flow/recent-map.ts";

/** Smaller bodies are searched as fast as they are compared; larger ones would displace many others. Bytes. */
const LEAST = 256;
const LARGEST = 1024 * 1024;
/** Bytes of remembered bodies. */
const KEPT = 4 * 1024 * 1024;

interface CleanBody {
	readonly bytes: Buffer;
	/** Decoded. */
	readonly text: ByteString;
	/** The number of secrets that were known. */
	readonly known: number;
}

export class CleanBodies {
	/** By size, coding and type: of bodies that differ in none of these, the last one. */
	readonly #bodies = new RecentMap<string, CleanBody>(KEPT, ({ bytes }) => bytes.length);

	/** The key of a body as sent; null: it is not remembered. */
	keyOf(body: Buffer, coding: string | null, type: string | null): string | null {
		return body.length < LEAST || body.length > LARGEST ? null : `${body.length} ${coding} ${type}`;
	}

	/** The decoded text of an equal body in which no secret was found while as many were known; null: there was none. */
	textOf(key: string, body: Buffer, known: number): ByteString | null {
		const clean = this.#bodies.get(key);
		return clean !== undefined && clean.known === known && clean.bytes.equals(body) ? clean.text : null;
	}

	add(key: string, body: Buffer, known: number, text: ByteString): void {
		// a copy, because the bytes may be a part of a larger buffer
		this.#bodies.set(key, { bytes: Buffer.from(body), text, known });
	}
}
