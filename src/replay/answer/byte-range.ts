// Byte ranges (RFC 9110 section 14): parses Range and Content-Range, and cuts and joins bodies.
import { type Body, type BodySource, bodyChunks, bodySize } from "../../flow/body.ts";
import type { ByteString } from "../../flow/bytes.ts";

/**
 * A range as requested, with both ends included. Without `first`: the last `last` bytes. Without `last`: all bytes from
 * `first` on.
 */
export interface RangeSpec {
	readonly first: number | null;
	readonly last: number | null;
}

/** Bytes from `from`, included, to `to`, excluded. */
export interface Span {
	readonly from: number;
	readonly to: number;
}

/** Parses a Range header. Returns null if it has another unit or is not valid, so that it must be ignored. */
export function parseRanges(field: ByteString): readonly RangeSpec[] | null {
	const list = /^\s*bytes\s*=(.*)$/i.exec(field)?.[1];
	if (list === undefined) return null;
	const specs: RangeSpec[] = [];
	for (const part of list.split(",")) {
		const text = part.trim();
		if (text === "") continue;
		const [, first = "", last = ""] = /^(\d{0,15})\s*-\s*(\d{0,15})$/.exec(text) ?? [];
		if (first === "" && last === "") return null;
		if (first !== "" && last !== "" && Number(last) < Number(first)) return null;
		specs.push({ first: first === "" ? null : Number(first), last: last === "" ? null : Number(last) });
	}
	return specs.length === 0 ? null : specs;
}

/**
 * Resolves a range to bytes of a representation.
 * @param size of the whole representation in bytes; null: unknown, so that only a range with both ends can be resolved
 * @returns null if the range is not satisfiable (RFC 9110 section 14.1.2) or cannot be resolved
 */
export function resolveRange({ first, last }: RangeSpec, size: number | null): Span | null {
	if (size === null) return first === null || last === null ? null : { from: first, to: last + 1 };
	if (first === null) return last === 0 || size === 0 ? null : { from: Math.max(0, size - (last as number)), to: size };
	return first >= size ? null : { from: first, to: Math.min(size, (last ?? size) + 1) };
}

/**
 * Parses a Content-Range header. Returns null if it is missing, has another unit or is not valid. `span` or `size` is
 * null if the header has `*` in its place.
 */
export function parseContentRange(
	field: ByteString | null,
): { readonly span: Span | null; readonly size: number | null } | null {
	const [, from, last, size] =
		/^\s*bytes\s+(?:(\d{1,15})\s*-\s*(\d{1,15})|\*)\s*\/\s*(\d{1,15}|\*)\s*$/i.exec(field ?? "") ?? [];
	if (size === undefined) return null;
	const span = from === undefined ? null : { from: Number(from), to: Number(last) + 1 };
	return span !== null && span.to <= span.from ? null : { span, size: size === "*" ? null : Number(size) };
}

/** Part of a body. A `BodySource` is read only on demand. */
export function partOf(body: NonNullable<Body>, { from, to }: Span): NonNullable<Body> {
	return Buffer.isBuffer(body) ? body.subarray(from, to) : new BodyPart(body, from, to);
}

class BodyPart implements BodySource {
	readonly #whole: BodySource;
	readonly #from: number;
	readonly #to: number;

	constructor(whole: BodySource, from: number, to: number) {
		this.#whole = whole;
		this.#from = from;
		this.#to = to;
	}

	get size(): number {
		return this.#to - this.#from;
	}

	read(): Buffer {
		return Buffer.concat([...this.chunks()], this.size);
	}

	*chunks(): Generator<Buffer> {
		let at = 0;
		for (const chunk of bodyChunks(this.#whole)) {
			const part = chunk.subarray(Math.max(0, this.#from - at), Math.max(0, this.#to - at));
			if (part.length > 0) yield part;
			at += chunk.length;
			if (at >= this.#to) return;
		}
	}
}

/** Concatenates bodies, without reading them. */
export function joinBodies(bodies: readonly NonNullable<Body>[]): NonNullable<Body> {
	const [first] = bodies;
	return first !== undefined && bodies.length === 1 ? first : new JoinedBody(bodies);
}

class JoinedBody implements BodySource {
	readonly size: number;
	readonly #bodies: readonly NonNullable<Body>[];

	constructor(bodies: readonly NonNullable<Body>[]) {
		this.#bodies = bodies;
		this.size = bodies.reduce((sum, body) => sum + (bodySize(body) ?? 0), 0);
	}

	read(): Buffer {
		return Buffer.concat([...this.chunks()], this.size);
	}

	*chunks(): Generator<Buffer> {
		for (const body of this.#bodies) yield* bodyChunks(body);
	}
}
