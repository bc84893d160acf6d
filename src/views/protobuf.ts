// View of Protocol Buffers and gRPC without a schema: field numbers, and values with guessed types.
import { isUtf8 } from "node:buffer";
import { decodeBody } from "../flow/body.ts";
import type { View } from "./view.ts";

const TYPE = /^application\/(?:x-)?(?:protobuf|vnd\.google\.protobuf|x-google-protobuf)$/;
const GRPC = /^application\/grpc(?:-web)?(?:\+proto)?$/;
const MAX_DEPTH = 20;

export const protobuf: View = ({ type, bytes }) => {
	if (GRPC.test(type)) return grpc(bytes);
	return TYPE.test(type) ? (message(bytes, 0)?.join("\n") ?? null) : null;
};

/** Length-prefixed messages: https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md */
function grpc(bytes: Buffer): string | null {
	const parts: string[] = [];
	for (let at = 0, n = 1; at < bytes.length; n++) {
		if (at + 5 > bytes.length) return null;
		const flags = bytes.readUInt8(at);
		const end = at + 5 + bytes.readUInt32BE(at + 1);
		if (end > bytes.length) return null;
		const content = bytes.subarray(at + 5, end);
		// gRPC-Web sends trailers in a separate frame
		if (flags & 0x80) parts.push(content.toString("latin1").trimEnd());
		else
			parts.push(
				`message ${n}${flags & 1 ? " (compressed)" : ""}`,
				...(message(inflated(content, flags), 1) ?? [`  ${content.toString("hex")}`]),
			);
		at = end;
	}
	return parts.join("\n");
}

function inflated(content: Buffer, flags: number): Buffer {
	if ((flags & 1) === 0) return content;
	try {
		return decodeBody(content, "gzip");
	} catch {
		return content;
	}
}

/** The fields of a message, one per line; null: the bytes are not a message. */
function message(bytes: Buffer, depth: number): string[] | null {
	const lines: string[] = [];
	const reader = new Reader(bytes);
	while (!reader.atEnd) {
		const key = reader.varint();
		if (key === null || key >> 3n === 0n) return null;
		const value = field(reader, Number(key & 7n), depth);
		if (value === null) return null;
		const [first, ...rest] = value;
		lines.push(`${"  ".repeat(depth)}${key >> 3n}: ${first}`, ...rest);
	}
	return lines;
}

/** The value of a field by its wire type (https://protobuf.dev/programming-guides/encoding). */
function field(reader: Reader, wireType: number, depth: number): string[] | null {
	switch (wireType) {
		case 0: {
			const value = reader.varint();
			return value === null ? null : [String(value)];
		}
		case 1: {
			const value = reader.take(8);
			return value === null ? null : [`${value.readBigUInt64LE()} (as a double: ${value.readDoubleLE()})`];
		}
		case 2: {
			const size = reader.varint();
			const value = size === null ? null : reader.take(Number(size));
			return value === null ? null : bytesOrMessage(value, depth);
		}
		case 5: {
			const value = reader.take(4);
			return value === null ? null : [`${value.readUInt32LE()} (as a float: ${value.readFloatLE()})`];
		}
		default:
			return null;
	}
}

function bytesOrMessage(value: Buffer, depth: number): string[] {
	const text = isUtf8(value) ? value.toString() : null;
	if (text !== null && !/\p{Cc}/u.test(text.replace(/[\t\r\n]/g, ""))) return [JSON.stringify(text)];
	const inner = depth < MAX_DEPTH && value.length > 0 ? message(value, depth + 1) : null;
	return inner === null ? [value.toString("hex")] : ["{", ...inner, `${"  ".repeat(depth)}}`];
}

class Reader {
	readonly #bytes: Buffer;
	#at = 0;

	constructor(bytes: Buffer) {
		this.#bytes = bytes;
	}

	get atEnd(): boolean {
		return this.#at >= this.#bytes.length;
	}

	varint(): bigint | null {
		let value = 0n;
		for (let shift = 0n; shift < 70n; shift += 7n) {
			const byte = this.#bytes[this.#at++];
			if (byte === undefined) return null;
			value |= BigInt(byte & 0x7f) << shift;
			if (byte < 0x80) return value;
		}
		return null;
	}

	take(size: number): Buffer | null {
		if (!(size <= this.#bytes.length - this.#at)) return null;
		const taken = this.#bytes.subarray(this.#at, this.#at + size);
		this.#at += size;
		return taken;
	}
}
