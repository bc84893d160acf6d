// Exports a request as a call of PowerShell's Invoke-WebRequest (PowerShell 7).
import { FlowtapeError } from "../errors.ts";
import type { ByteString } from "../flow/bytes.ts";
import type { Request } from "../flow/message.ts";
import { joinedFields } from "./joined-fields.ts";
import { asciiUrl, fieldsWithHost, hasDotSegments, type Note, requestParts } from "./request-parts.ts";

/**
 * Makes a command for PowerShell, ending with a line feed. All content of the request is in single-quoted strings of
 * printable ASCII, or in Base64: PowerShell also treats some characters beyond ASCII as quotes.
 * @throws FlowtapeError FT_LOSS if Invoke-WebRequest cannot send the request
 */
export function powershellCommand(request: Request, note: Note = () => {}): string {
	const parts = requestParts(request, note);
	const { method, body, host, path } = parts;
	if (hasDotSegments(parts) || path === "*" || /^[^?]*\\/.test(path))
		throw new FlowtapeError("FT_LOSS", "Invoke-WebRequest does not send its path as it is; export it as curl");
	if (/[^!-~]/.test(host))
		throw new FlowtapeError(
			"FT_LOSS",
			"Invoke-WebRequest does not send its host, which is not ASCII, as it is; export it as curl",
		);
	const fields = joinedFields(fieldsWithHost(parts), note);
	const options = [
		`Invoke-WebRequest -Uri ${quoted(asciiUrl(parts))}`,
		`-CustomMethod ${quoted(method)}`,
		...(fields.length === 0
			? []
			: [`-Headers @{\n${fields.map(([name, value]) => `  ${quoted(name)} = ${text(value)}\n`).join("")}}`]),
		...(body.length === 0 ? [] : [`-Body ${bytes(body)}`]),
		"-SkipHeaderValidation -SkipHttpErrorCheck -MaximumRedirection 0",
	];
	return `${options.join(" `\n  ")}\n`;
}

/** A single-quoted string, in which only the quote is special. */
function quoted(word: ByteString): string {
	return `'${word.replaceAll("'", "''")}'`;
}

/** An expression for a string in which each character is one of the bytes. */
function text(value: ByteString): string {
	return /^[ -~]*$/.test(value)
		? quoted(value)
		: `[Text.Encoding]::Latin1.GetString(${bytes(Buffer.from(value, "latin1"))})`;
}

/** An expression for a byte array. */
function bytes(body: Buffer): string {
	const content = body.latin1Slice();
	return /^[ -~]*$/.test(content)
		? `([Text.Encoding]::ASCII.GetBytes(${quoted(content)}))`
		: `([Convert]::FromBase64String('${body.toString("base64")}'))`;
}
