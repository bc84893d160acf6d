// Reads and writes the subset of ASN.1 DER that certificates need.

/** Universal tags of X.690; context-specific ones are 0x80 + number, constructed ones have 0x20 set. */
export const tag = {
	boolean: 0x01,
	integer: 0x02,
	bitString: 0x03,
	octetString: 0x04,
	null: 0x05,
	oid: 0x06,
	utf8String: 0x0c,
	utcTime: 0x17,
	generalizedTime: 0x18,
	sequence: 0x30,
	set: 0x31,
} as const;

/**
 * One element: tag, length, and the concatenated contents.
 * @throws RangeError if the contents are longer than 65535 bytes
 */
export function der(tagByte: number, ...contents: readonly Uint8Array[]): Buffer {
	let length = 0;
	for (const part of contents) length += part.length;
	const head =
		length < 0x80
			? [tagByte, length]
			: length < 0x100
				? [tagByte, 0x81, length]
				: [tagByte, 0x82, length >> 8, length & 0xff];
	if (length > 0xffff) throw new RangeError(`a DER element of ${length} bytes is longer than a certificate may be`);
	return Buffer.concat([Buffer.from(head), ...contents]);
}

/** The element of an object identifier in dotted notation. */
export function oid(dotted: string): Buffer {
	const [first = 0, second = 0, ...rest] = dotted.split(".").map(Number);
	const bytes = [first * 40 + second];
	for (const arc of rest) {
		const groups = [arc & 0x7f];
		for (let left = Math.floor(arc / 128); left > 0; left = Math.floor(left / 128))
			groups.unshift((left & 0x7f) | 0x80);
		bytes.push(...groups);
	}
	return der(tag.oid, Buffer.from(bytes));
}

/**
 * A UTCTime, with two digits for the year, until 2049; a GeneralizedTime, with four digits, from 2050 on (RFC 5280
 * section 4.1.2.5).
 */
export function time(date: Date): Buffer {
	const digits = `${date.toISOString().replace(/[-:T]/g, "").slice(0, 14)}Z`;
	return date.getUTCFullYear() < 2050
		? der(tag.utcTime, Buffer.from(digits.slice(2)))
		: der(tag.generalizedTime, Buffer.from(digits));
}

/** A certificate in the textual encoding of RFC 7468. */
export function certificatePem(certificate: Uint8Array): string {
	const lines = Buffer.from(certificate)
		.toString("base64")
		.replace(/.{64}(?=.)/g, "$&\n");
	return `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`;
}

/** An element; its buffers are views of the bytes that were parsed. */
export interface Element {
	tag: number;
	/** Tag and length included. */
	raw: Buffer;
	content: Buffer;
}

/**
 * The consecutive elements in `bytes`.
 * @throws RangeError if the last one is cut short
 */
export function readElements(bytes: Buffer): Element[] {
	const elements: Element[] = [];
	for (let at = 0; at < bytes.length; ) {
		const start = at;
		const tagByte = bytes.readUInt8(at++);
		let length = bytes.readUInt8(at++);
		if (length >= 0x80) {
			const size = length & 0x7f;
			length = bytes.readUIntBE(at, size);
			at += size;
		}
		if (at + length > bytes.length) throw new RangeError("a DER element is longer than its container");
		elements.push({ tag: tagByte, raw: bytes.subarray(start, at + length), content: bytes.subarray(at, at + length) });
		at += length;
	}
	return elements;
}
