// Converts text for storage as UTF-8 in SQLite and msgpack. Lone surrogates, which represent invalid bytes (see
// `toText`), are escaped.

/** The escape character: a Unicode noncharacter, because hardly any text contains one. */
const ESCAPE = "\ufffe";
const LONE = 0xd800;
/** Private use characters, one for each surrogate. */
const SHOWN = 0xe000;

/** Escapes lone surrogates. The result is well-formed Unicode. */
export function toStored(text: string): string {
	if (text.isWellFormed() && !text.includes(ESCAPE)) return text;
	return text.replace(
		/[\ud800-\udfff\ufffe]/gu,
		(char) => ESCAPE + (char === ESCAPE ? char : String.fromCharCode(char.charCodeAt(0) - LONE + SHOWN)),
	);
}

/** The reverse of `toStored`. */
export function fromStored(text: string): string {
	if (!text.includes(ESCAPE)) return text;
	return text.replace(/\ufffe([\ue000-\ue7ff\ufffe])/g, (_, char: string) =>
		char === ESCAPE ? char : String.fromCharCode(char.charCodeAt(0) - SHOWN + LONE),
	);
}
