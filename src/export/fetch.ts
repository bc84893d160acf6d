// A request as a call of fetch.
import { FlowtapeError } from "../errors.ts";
import type { ByteString } from "../flow/bytes.ts";
import type { Request } from "../flow/message.ts";
import { hasDotSteps, isBeyondUrls, namedFields, urlOf } from "./request-parts.ts";

/** What belongs to the connection; fetch does not let a program set it. */
const FORBIDDEN = new Set(["connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade", "expect"]);

/**
 * An expression that is a Response, as a statement.
 * @throws FlowtapeError FT_LOSS for a body or a path that fetch does not send
 */
export function fetchCall(request: Request): string {
	const { method } = request;
	const body = request.rawContent ?? Buffer.alloc(0);
	const bodiless = method === "GET" || method === "HEAD";
	if (bodiless && body.length > 0) throw new FlowtapeError("FT_LOSS", `fetch sends no body with ${method}; export it as curl`);
	if (hasDotSteps(request) || isBeyondUrls(request))
		throw new FlowtapeError("FT_LOSS", `fetch does not send the path ${literal(request.path)} as it is; export it as curl`);
	const fields = namedFields(request).filter(([name]) => !FORBIDDEN.has(name.toLowerCase()));
	const lines = [`method: ${literal(method)},`];
	if (fields.length > 0) lines.push("headers: [", ...fields.map(([name, value]) => `\t[${literal(name)}, ${literal(value)}],`), "],");
	if (!bodiless) lines.push(`body: ${bytesLiteral(body)},`);
	lines.push('redirect: "manual",');
	// what is not ASCII is sent percent-encoded by fetch, but as UTF-8 of the characters
	const url = urlOf(request).replace(/[^!-~]/g, (byte) => `%${byte.charCodeAt(0).toString(16)}`);
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
