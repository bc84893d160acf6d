// Byte ranges: which bytes of a representation a request asks for, and which ones a response holds (RFC 9110 section 14).
import { type Body, type BodySource, bodyChunks, bodySize } from "../../flow/body.ts";
import type { ByteString } from "../../flow/bytes.ts";

/** From `first` to `last`, both included; without a first, the last `last` bytes; without a last, all from `first` on. */
export interface RangeSpec {
	readonly first: number | null;
	readonly last: number | null;
}

/** Bytes from `from` up to `to`, which is not among them. */
export interface Span {
	readonly from: number;
	readonly to: number;
}

/** The ranges of a Range field; null for other units, and for what is no list of ranges. Such a field does not count. */
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
 * The bytes that a range means of a representation.
 * @param size of all of it; null: not known, and only a range with both ends can be told
 * @returns null where it has none of them (RFC 9110 section 14.1.2), or that cannot be told
 */
export function resolveRange({ first, last }: RangeSpec, size: number | null): Span | null {
	if (size === null) return first === null || last === null ? null : { from: first, to: last + 1 };
	if (first === null) return last === 0 || size === 0 ? null : { from: Math.max(0, size - (last as number)), to: size };
	return first >= size ? null : { from: first, to: Math.min(size, (last ?? size) + 1) };
}

/** What a Content-Range field says; null for other units, and for what it does not say. */
export function parseContentRange(field: ByteString | null): { readonly span: Span | null; readonly size: number | null } | null {
	const [, from, last, size] = /^\s*bytes\s+(?:(\d{1,15})\s*-\s*(\d{1,15})|\*)\s*\/\s*(\d{1,15}|\*)\s*$/i.exec(field ?? "") ?? [];
	if (size === undefined) return null;
	const span = from === undefined ? null : { from: Number(from), to: Number(last) + 1 };
	return span !== null && span.to <= span.from ? null : { span, size: size === "*" ? null : Number(size) };
}

/** Part of a body. What lies elsewhere stays there until somebody asks. */
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

/** Bodies one after the other. */
export function joined(bodies: readonly NonNullable<Body>[]): NonNullable<Body> {
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
