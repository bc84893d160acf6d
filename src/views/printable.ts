// Makes text from flows safe to print, because terminals interpret control characters.

/**
 * Replaces control characters by their Unicode symbols, such as ␛, and other unsafe characters by �. Tabs and line
 * feeds stay.
 */
export function printable(text: string): string {
	return text.replace(CONTROLS, (control) => {
		const code = control.charCodeAt(0);
		return code < 0x20 ? String.fromCharCode(0x2400 + code) : code === 0x7f ? "␡" : "�";
	});
}

/** Control characters other than tab and line feed, bidirectional formatting characters, lone surrogates. */
const CONTROLS = /(?![\t\n])[\p{Cc}\p{Cs}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;

/** As `printable`, on one line. */
export function printableLine(text: string): string {
	return printable(text).replace(/[\t\n]/g, " ");
}
