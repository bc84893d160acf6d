// Text from flows made safe to show: no control character of it reaches a terminal.

/** Control characters of text from the network could move the cursor or worse; they become what Unicode shows for them. */
export function printable(text: string): string {
	return text.replace(CONTROLS, (control) => {
		const code = control.charCodeAt(0);
		return code < 0x20 ? String.fromCharCode(0x2400 + code) : code === 0x7f ? "␡" : "�";
	});
}

/** Control characters but tab and line feed, what turns the writing direction, lone surrogates. */
const CONTROLS = /(?![\t\n])[\p{Cc}\p{Cs}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;

/** As `printable`, on one line. */
export function printableLine(text: string): string {
	return printable(text).replace(/[\t\n]/g, " ");
}
