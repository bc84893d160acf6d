// How the codec says that a message breaks the rules of HTTP: one form of sentence for all of them.
import { FlowtapeError } from "../../errors.ts";
import type { ByteString } from "../../flow/bytes.ts";

const SHOWN = 60;

/** `FT_PROTOCOL`: `where: expected …, found …`. Bytes that were found are quoted, escaped and cut to a readable length. */
export function protocolFault(where: string, expected: string, found: ByteString | null): FlowtapeError {
	return new FlowtapeError("FT_PROTOCOL", `${where}: expected ${expected}, found ${found === null ? "the end of the connection" : quote(found)}`);
}

function quote(bytes: ByteString): string {
	const shown = bytes.length > SHOWN ? `${bytes.slice(0, SHOWN)}…` : bytes;
	return JSON.stringify(shown).replace(/[\x7f-\x9f]/g, (char) => `\\u00${char.charCodeAt(0).toString(16)}`);
}
