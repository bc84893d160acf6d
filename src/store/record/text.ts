// Text as UTF-8 can keep it, and with it SQLite and msgpack: lone surrogates, which stand for stray bytes (see `toText`), are escaped.

/** No character by definition of Unicode, so that hardly any text has it. */
const ESCAPE = "\ufffe";
const LONE = 0xd800;
/** Private use, as many as there are surrogates. */
const SHOWN = 0xe000;

/** Text that is well-formed. */
export function toStored(text: string): string {
	if (text.isWellFormed() && !text.includes(ESCAPE)) return text;
	return text.replace(/[\ud800-\udfff\ufffe]/gu, (char) => ESCAPE + (char === ESCAPE ? char : String.fromCharCode(char.charCodeAt(0) - LONE + SHOWN)));
}

/** What `toStored` was given. */
export function fromStored(text: string): string {
	if (!text.includes(ESCAPE)) return text;
	return text.replace(/\ufffe([\ue000-\ue7ff\ufffe])/g, (_, char: string) => (char === ESCAPE ? char : String.fromCharCode(char.charCodeAt(0) - SHOWN + LONE)));
}
