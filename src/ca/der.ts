// The little of ASN.1's DER that a leaf certificate is made of, written and read without loading node-forge:
// a proxy mints a certificate for every new host, and forge alone costs more time at start than a hundred of them.

/** Universal tags of X.690; context-specific ones are 0x80 + number, constructed ones have 0x20 set. */
export const tag = {
	boolean: 0x01,
	integer: 0x02,
	bitString: 0x03,
	octetString: 0x04,
	oid: 0x06,
	utf8String: 0x0c,
	utcTime: 0x17,
	generalizedTime: 0x18,
	sequence: 0x30,
	set: 0x31,
} as const;

/** One element: tag, length, and its contents one after the other. */
export function der(tagByte: number, ...contents: readonly Uint8Array[]): Buffer {
	let length = 0;
	for (const part of contents) length += part.length;
	const head = length < 0x80 ? [tagByte, length] : length < 0x100 ? [tagByte, 0x81, length] : [tagByte, 0x82, length >> 8, length & 0xff];
	if (length > 0xffff) throw new RangeError(`a DER element of ${length} bytes is longer than a certificate may be`);
	return Buffer.concat([Buffer.from(head), ...contents]);
}

/** The element of an object identifier in dotted notation. */
export function oid(dotted: string): Buffer {
	const [first = 0, second = 0, ...rest] = dotted.split(".").map(Number);
	const bytes = [first * 40 + second];
	for (const arc of rest) {
		const groups = [arc & 0x7f];
		for (let left = Math.floor(arc / 128); left > 0; left = Math.floor(left / 128)) groups.unshift((left & 0x7f) | 0x80);
		bytes.push(...groups);
	}
	return der(tag.oid, Buffer.from(bytes));
}

/** A point in time: RFC 5280 4.1.2.5 wants two digits of the year until 2049 and four after that. */
export function time(date: Date): Buffer {
	const digits = `${date.toISOString().replace(/[-:T]/g, "").slice(0, 14)}Z`;
	return date.getUTCFullYear() < 2050 ? der(tag.utcTime, Buffer.from(digits.slice(2))) : der(tag.generalizedTime, Buffer.from(digits));
}

/** A certificate in the textual encoding of RFC 7468. */
export function certificatePem(certificate: Uint8Array): string {
	const lines = Buffer.from(certificate)
		.toString("base64")
		.replace(/.{64}(?=.)/g, "$&\n");
	return `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`;
}

/** An element as it lies in the bytes that it was read from. */
export interface Element {
	tag: number;
	/** Tag and length included. */
	raw: Buffer;
	content: Buffer;
}

/** The elements that lie one after the other in `bytes`. Throws RangeError where they are cut short. */
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
		if (at + length > bytes.length) throw new RangeError("a DER element is longer than what holds it");
		elements.push({ tag: tagByte, raw: bytes.subarray(start, at + length), content: bytes.subarray(at, at + length) });
		at += length;
	}
	return elements;
}
