// HTTP/2 of Node, loaded when the first connection speaks it, and what we ask of every connection.
import type * as Http2 from "node:http2";
import type { OptionTable } from "../../options.ts";

export const options = {
	http2: { type: "boolean", default: true, help: "Speak HTTP/2 with clients and servers that want to." },
} as const satisfies OptionTable;

let loaded: typeof Http2 | undefined;

/** The only door to `node:http2`: most proxies that run for a test never need it. */
export function http2(): typeof Http2 {
	loaded ??= process.getBuiltinModule("node:http2");
	return loaded;
}

/** Bytes that may be under way in a stream before they are asked for: what a fast peer sends within a round trip. */
const WINDOW = 1024 * 1024;
/** In all streams together. */
const CONNECTION_WINDOW = 16 * 1024 * 1024;

/** As for HTTP/1.1: see `wire/parser.ts`. */
const HEAD_BYTES = 256 * 1024;
const FIELD_COUNT = 2000;

/**
 * Values with a blank at an end, which RFC 9113 section 8.2.1 forbids and senders have all the same: Node 24.2 and late releases of 22 can be told to bring
 * them. Older releases drop such a field before anybody sees it.
 */
const BLANKS = { strictFieldWhitespaceValidation: false } as Http2.SessionOptions;

/** For both sides. */
export const sessionOptions: Http2.SessionOptions = {
	...BLANKS,
	maxHeaderListPairs: FIELD_COUNT,
	maxSendHeaderBlockLength: 2 * HEAD_BYTES,
	// Node's limit on what the streams of a connection hold together, in megabytes: their windows limit it already.
	maxSessionMemory: 1024,
};

export const sessionSettings: Http2.Settings = { initialWindowSize: WINDOW, maxHeaderListSize: HEAD_BYTES };

/** To be called once the session is there. */
export function setLocalWindow(session: Http2.Http2Session): void {
	if (!session.destroyed) session.setLocalWindowSize(CONNECTION_WINDOW);
}

/** In the order of their numbers. */
const ERRORS = [
	...["NO_ERROR", "PROTOCOL_ERROR", "INTERNAL_ERROR", "FLOW_CONTROL_ERROR", "SETTINGS_TIMEOUT", "STREAM_CLOSED", "FRAME_SIZE_ERROR", "REFUSED_STREAM"],
	...["CANCEL", "COMPRESSION_ERROR", "CONNECT_ERROR", "ENHANCE_YOUR_CALM", "INADEQUATE_SECURITY", "HTTP_1_1_REQUIRED"],
];

/** The name of an error code (RFC 9113 section 7). */
export function errorName(code: number): string {
	return ERRORS[code] ?? `error ${code}`;
}

export const NO_ERROR = 0;
export const INTERNAL_ERROR = 2;
export const REFUSED_STREAM = 7;
/** The server wants this one request over HTTP/1.1, as for a login that holds for a connection. */
export const HTTP_1_1_REQUIRED = 13;
export const CANCEL = 8;
/** Stands in the flags of a frame that is its sender's last in the stream. */
export const END_STREAM = 1;
