// Builds the multipart form that curl sends for its -F options, with a given boundary.
import { basename, extname } from "node:path";

/** The value of `-F NAME=CONTENT`, or of `--form-string` (`isPlain`), in which `@` and `<` are not special. */
export interface CurlField {
	readonly text: string;
	readonly isPlain: boolean;
}

/** The media types that curl derives from file extensions. */
const types: Readonly<Record<string, string>> = {
	".gif": "image/gif",
	".jpg": "image/jpeg",
	".jpeg": "image/jpeg",
	".png": "image/png",
	".svg": "image/svg+xml",
	".txt": "text/plain",
	".htm": "text/html",
	".html": "text/html",
	".pdf": "application/pdf",
	".xml": "application/xml",
};

/** @param read returns a file's content */
export function curlForm(fields: readonly CurlField[], boundary: string, read: (path: string) => Buffer): Buffer {
	const parts = fields.flatMap((field) => [Buffer.from(`--${boundary}\r\n`), part(field, read), Buffer.from("\r\n")]);
	return Buffer.concat([...parts, Buffer.from(`--${boundary}--\r\n`)]);
}

function part({ text, isPlain }: CurlField, read: (path: string) => Buffer): Buffer {
	const [, name = "", value = ""] = /^([^=]*)=([\s\S]*)$/.exec(text) ?? [];
	const head = `Content-Disposition: form-data; name="${name}"`;
	if (isPlain) return Buffer.from(`${head}\r\n\r\n${value}`);
	const [, mark = "", content = "", settings = ""] =
		/^([@<]?)((?:(?!;(?:type|filename)=)[\s\S])*)([\s\S]*)$/.exec(value) ?? [];
	const setting = (key: string) => new RegExp(`;${key}=("?)(.*?)\\1(?=;|$)`).exec(settings)?.[2];
	const type =
		setting("type") ??
		(mark === "@" ? (types[extname(content).toLowerCase()] ?? "application/octet-stream") : undefined);
	const file = setting("filename") ?? (mark === "@" ? basename(content) : undefined);
	const lines = `${head}${file === undefined ? "" : `; filename="${file}"`}${type === undefined ? "" : `\r\nContent-Type: ${type}`}\r\n\r\n`;
	return Buffer.concat([Buffer.from(lines), mark === "" ? Buffer.from(content) : read(content)]);
}
