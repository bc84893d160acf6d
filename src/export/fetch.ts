// A request as a call of fetch.
import { FlowtapeError } from "../errors.ts";
import { type ByteString, toByteString } from "../flow/bytes.ts";
import type { Request } from "../flow/message.ts";
import { formatAuthority } from "../flow/url.ts";
import { hasDotSteps, type Note, requestParts, urlOf } from "./request-parts.ts";

/** Methods that fetch refuses, and those whose letters it makes upper case. */
const REFUSED = /^(?:trace|track)$/i;
const NORMAL = /^(?:delete|get|head|options|post|put)$/i;

/**
 * An expression that is a Response, as a statement.
 * @throws FlowtapeError FT_LOSS for what fetch does not send
 */
export function fetchCall(request: Request, note: Note = () => {}): string {
	const parts = requestParts(request, note);
	const { method, body, host, port, path, hostField, scheme } = parts;
	const bodiless = method === "GET" || method === "HEAD";
	if (REFUSED.test(method) || (NORMAL.test(method) && method !== method.toUpperCase()))
		throw new FlowtapeError("FT_LOSS", `fetch does not send the method ${literal(method)} as it is; export it as curl`);
	if (bodiless && body.length > 0) throw new FlowtapeError("FT_LOSS", `fetch sends no body with ${method}; export it as curl`);
	if (hasDotSteps(parts) || path === "*" || /^[^?]*\\|\?$/.test(path))
		throw new FlowtapeError("FT_LOSS", `fetch does not send the path ${literal(path)} as it is; export it as curl`);
	const isImplied = hostField === null || hostField === toByteString(formatAuthority(host, port, scheme));
	const fields = (isImplied ? parts.fields : [["Host", hostField] as const, ...parts.fields]).filter(([name, value]) => {
		const reason = /^(?:connection|upgrade|expect)$/i.test(name)
			? "fetch does not let a program set it"
			: /[^\t -~\x80-\xff]/.test(value)
				? "its value has control characters"
				: null;
		if (reason !== null) note(`the header ${literal(name)} is left out: ${reason}`);
		return reason === null;
	});
	const lines = [`method: ${literal(method)},`];
	if (fields.length > 0) lines.push("headers: [", ...fields.map(([name, value]) => `\t[${literal(name)}, ${literal(value)}],`), "],");
	if (!bodiless) lines.push(`body: ${bytesLiteral(body)},`);
	lines.push('redirect: "manual",');
	// what is not ASCII is sent percent-encoded by fetch, but as UTF-8 of the characters
	const url = urlOf(parts, host, port).replace(/[^!-~]/g, (byte) => `%${byte.charCodeAt(0).toString(16)}`);
	return `await fetch(${literal(url)}, {\n${lines.map((line) => `\t${line}\n`).join("")}});\n`;
}

function literal(text: ByteString): string {
	return JSON.stringify(text).replace(/[^ -~]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** As bytes, because a string would give the request a content type of its own. */
function bytesLiteral(body: Buffer): string {
	const text = body.latin1Slice();
	return /^[\t\n\r -~]*$/.test(text)
		? `new TextEncoder().encode(${literal(text)})`
		: `Uint8Array.from(atob("${body.toString("base64")}"), (character) => character.charCodeAt(0))`;
}
