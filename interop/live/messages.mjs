// Reads HTTP/1.1 from sockets and interprets only the framing: heads as bytes, bodies without their transfer coding.
// Texts are latin1, one character per byte.

/** Reads the bytes of a socket on demand. */
export class ByteReader {
	#text = "";
	#ended = false;
	#wake = () => {};

	constructor(socket) {
		socket.on("data", (chunk) => {
			this.#text += chunk.toString("latin1");
			this.#wake();
		});
		for (const event of ["end", "close", "error"]) {
			socket.on(event, () => {
				this.#ended = true;
				this.#wake();
			});
		}
	}

	/** Reads up to and including `mark`; null if the connection ends first. */
	async until(mark) {
		const size = await this.#when(() => this.#text.indexOf(mark) + 1 || null);
		return size === null ? null : this.#cut(size - 1 + mark.length);
	}

	/** Reads `size` bytes, or fewer if the connection ends first. */
	async take(size) {
		await this.#when(() => (this.#text.length >= size ? true : null));
		return this.#cut(size);
	}

	async rest() {
		await this.#when(() => null);
		return this.#cut(this.#text.length);
	}

	#cut(size) {
		const cut = this.#text.slice(0, size);
		this.#text = this.#text.slice(size);
		return cut;
	}

	async #when(find) {
		for (;;) {
			const found = find();
			if (found !== null || this.#ended) return found;
			await new Promise((resolve) => {
				this.#wake = resolve;
			});
		}
	}
}

/** The values of a field, joined with commas. */
export function fieldOf(head, name) {
	return [...head.matchAll(new RegExp(`^${name}:[ \\t]*(.*?)[ \\t]*\\r?$`, "gim"))]
		.map(([, value]) => value)
		.join(", ");
}

/**
 * Reads a request, or the response to a request with `method`: `{ head, body, trailers }`, with `isCut` if the
 * connection ends within it; null if it ends before.
 */
export async function readMessage(reader, method = null) {
	const head = await reader.until("\r\n\r\n");
	if (head === null) {
		const rest = await reader.rest();
		return rest === "" ? null : { head: rest, body: "", isCut: true };
	}
	const status = method === null ? null : Number(/^HTTP\/\d(?:\.\d)? (\d+)/.exec(head)?.[1]);
	const isBare = method === "HEAD" || (status !== null && (status < 200 || status === 204 || status === 304));
	if (isBare) return { head, body: "" };
	if (/chunked/i.test(fieldOf(head, "transfer-encoding"))) return { head, ...(await readChunks(reader)) };
	const length = fieldOf(head, "content-length");
	if (length === "") return { head, body: method === null ? "" : await reader.rest() };
	const size = Number.parseInt(length, 10) || 0;
	const body = await reader.take(size);
	return { head, body, ...(body.length < size && { isCut: true }) };
}

async function readChunks(reader) {
	let body = "";
	for (;;) {
		const line = await reader.until("\r\n");
		const size = line === null ? Number.NaN : Number.parseInt(line, 16);
		if (Number.isNaN(size)) return { body, isCut: true };
		if (size === 0) break;
		const chunk = await reader.take(size);
		body += chunk;
		if (chunk.length < size || (await reader.take(2)) !== "\r\n") return { body, isCut: true };
	}
	let trailers = "";
	for (;;) {
		const line = await reader.until("\r\n");
		if (line === null) return { body, trailers, isCut: true };
		if (line === "\r\n") return { body, ...(trailers !== "" && { trailers }) };
		trailers += line;
	}
}

/** Splits a complete response into status line, fields and body. */
export function splitAnswer(text) {
	const end = text.indexOf("\r\n\r\n");
	const [line, ...lines] = text.slice(0, end).split("\r\n");
	const fields = lines.map((field) => [field.slice(0, field.indexOf(":")), field.slice(field.indexOf(":") + 1).trim()]);
	return { status: Number(line.split(" ")[1]), fields, body: text.slice(end + 4) };
}
