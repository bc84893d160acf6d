// Content negotiation: the content codings and media types that a client accepts (RFC 9110 section 12.5).
import type { ByteString } from "../../flow/bytes.ts";

/**
 * Whether a body with this Content-Encoding may be sent (RFC 9110 section 12.5.3).
 * @param accept the Accept-Encoding header; null: there is none, so any coding is acceptable
 */
export function acceptsCoding(accept: ByteString | null, coding: ByteString): boolean {
	if (accept === null) return true;
	const weights = weightsOf(accept);
	return coding
		.toLowerCase()
		.split(",")
		.map((name) => name.trim().replace(/^x-/, ""))
		.every(
			(name) =>
				name === "" ||
				name === "identity" ||
				(weights.get(name) ?? weights.get(`x-${name}`) ?? weights.get("*") ?? 0) > 0,
		);
}

/** Whether an Accept header prefers JSON to plain text. */
export function prefersJson(accept: ByteString | null): boolean {
	if (accept === null) return false;
	const weights = weightsOf(accept);
	const json = Math.max(...[...weights].map(([type, weight]) => (/[/+]json$/.test(type) ? weight : 0)));
	return json > 0 && json >= (weights.get("text/plain") ?? weights.get("text/*") ?? 0);
}

/** The weights (`q`) by name in lower case. */
function weightsOf(header: ByteString): Map<string, number> {
	const weights = new Map<string, number>();
	for (const part of header.split(",")) {
		const [name = "", ...parameters] = part.split(";").map((piece) => piece.trim().toLowerCase());
		const quality = parameters.find((parameter) => parameter.startsWith("q="));
		if (name !== "") weights.set(name, quality === undefined ? 1 : Number(quality.slice(2)) || 0);
	}
	return weights;
}
