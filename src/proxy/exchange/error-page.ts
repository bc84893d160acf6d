// The proxy's own error responses: one line of text. The connection closes after it.
import type { ByteString } from "../../flow/bytes.ts";
import { printableLine } from "../../views/printable.ts";
import { writeResponseHead } from "../wire/head.ts";

const reasons = { 400: "Bad Request", 413: "Content Too Large", 502: "Bad Gateway" } as const;

export type ErrorStatus = keyof typeof reasons;

export function errorBody(message: string): Buffer {
	return Buffer.from(`flowtape: ${printableLine(message)}\n`);
}

export const ERROR_TYPE = "text/plain; charset=utf-8";

/** A complete HTTP/1.1 response, ready to be written. */
export function errorPage(status: ErrorStatus, message: string, method: ByteString = "GET"): ByteString {
	const body = errorBody(message).latin1Slice();
	const fields = ["Content-Type", ERROR_TYPE, "Content-Length", String(body.length), "Connection", "close"];
	return writeResponseHead("HTTP/1.1", status, reasons[status], fields) + (method === "HEAD" ? "" : body);
}
