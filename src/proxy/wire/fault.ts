// The error for a message that violates HTTP, in the same form for every violation.
import { FlowtapeError } from "../../errors.ts";
import type { ByteString } from "../../flow/bytes.ts";

const SHOWN = 60;

/**
 * The error FT_PROTOCOL with the message `WHERE: expected …, found …`. The bytes found are quoted, escaped and
 * shortened; null: the connection ended.
 */
export function protocolFault(where: string, expected: string, found: ByteString | null): FlowtapeError {
	return new FlowtapeError(
		"FT_PROTOCOL",
		`${where}: expected ${expected}, found ${found === null ? "the end of the connection" : quote(found)}`,
	);
}

function quote(bytes: ByteString): string {
	const shown = bytes.length > SHOWN ? `${bytes.slice(0, SHOWN)}…` : bytes;
	return JSON.stringify(shown).replace(/[\x7f-\x9f]/g, (char) => `\\u00${char.charCodeAt(0).toString(16)}`);
}
