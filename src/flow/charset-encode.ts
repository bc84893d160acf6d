// Encodes text in any charset. Node has only decoders, so the encoding tables are built by decoding all sequences of
// one or two bytes.
import { encodeText } from "./bytes.ts";

/** Names of the charsets whose bytes are the first 256 code points. TextDecoder treats them as windows-1252. */
export const LATIN1 = /^(?:latin-?1|iso-?8859-1|us-ascii|ascii)$/;
/** The characters of the bytes 0x80 to 0x9f, which Node 20 decodes wrongly. */
const WINDOWS_1252 = "€\u0081‚ƒ„…†‡ˆ‰Š‹Œ\u008dŽ\u008f\u0090‘’“”•–—˜™š›œ\u009džŸ";

/** The name by which TextDecoder knows a charset. */
export function decoderName(charset: string): string {
	return /^gb(?:k|2312)$/.test(charset) ? "gb18030" : charset;
}

/** Encodes a text; null: the charset is unknown or cannot represent the text. */
export function encodeCharset(text: string, charset: string): Buffer | null {
	const name = charset.toLowerCase();
	if (/^utf-?8$/.test(name)) return encodeText(text);
	if (LATIN1.test(name)) return /[^\0-\xff]/.test(text) ? null : Buffer.from(text, "latin1");
	if (/^utf-?16(?:le)?$/.test(name)) return Buffer.from(text, "utf16le");
	if (/^utf-?16be$/.test(name)) return Buffer.from(text, "utf16le").swap16();
	const table = tableOf(decoderName(name));
	if (table === null) return null;
	const bytes: number[] = [];
	for (const character of text) {
		const code = character.charCodeAt(0);
		if (code < 0x80) bytes.push(code);
		else {
			const coded = table.get(character);
			if (coded === undefined) return null;
			bytes.push(...coded);
		}
	}
	return Buffer.from(bytes);
}

type Table = ReadonlyMap<string, readonly number[]>;

const tables = new Map<string, Table | null>();

function tableOf(charset: string): Table | null {
	let table = tables.get(charset);
	if (table === undefined) {
		table = createTable(charset);
		tables.set(charset, table);
	}
	return table;
}

/** The byte sequence, of one or two bytes, for each character. If a character has several, the table has the lowest. */
function createTable(charset: string): Table | null {
	const decoder = decoderOf(charset);
	// stateful encodings have no table
	if (decoder === null || /^(?:iso-2022|utf-)/.test(decoder.encoding)) return null;
	const table = new Map<string, readonly number[]>();
	const add = (...bytes: number[]): boolean => {
		const text = decoder.decode(Uint8Array.from(bytes));
		if (text.includes("\ufffd")) return false;
		if (String.fromCodePoint(text.codePointAt(0) ?? 0) === text && !table.has(text)) table.set(text, bytes);
		return true;
	};
	if (decoder.encoding === "windows-1252")
		for (const [i, character] of [...WINDOWS_1252].entries()) table.set(character, [0x80 + i]);
	for (let lead = 0x80; lead < 0x100; lead++) {
		if (add(lead)) continue;
		for (let trail = 0x30; trail < 0x100; trail++) add(lead, trail);
	}
	return table;
}

function decoderOf(charset: string): InstanceType<typeof TextDecoder> | null {
	try {
		return new TextDecoder(charset);
	} catch {
		return null;
	}
}
