// Loads `node:http2` for the first HTTP/2 connection, and holds the settings of all HTTP/2 connections.
import type * as Http2 from "node:http2";
import type { OptionTable } from "../../options.ts";
import { defaultLimits } from "../wire/parser.ts";

export const options = {
	http2: { type: "boolean", default: true, help: "Offer HTTP/2 to clients and servers." },
} as const satisfies OptionTable;

let loaded: typeof Http2 | undefined;

/** The only import of `node:http2`, loaded lazily: most proxies that run for a test never need it. */
export function http2(): typeof Http2 {
	loaded ??= process.getBuiltinModule("node:http2");
	return loaded;
}

/** The flow-control window of a stream: enough for a fast peer during one round trip. Bytes. */
const WINDOW = 1024 * 1024;
/** The flow-control window of a connection. Bytes. */
const CONNECTION_WINDOW = 16 * 1024 * 1024;

/** The limits for heads are those of HTTP/1.1. */
const { headBytes, fieldCount } = defaultLimits;

/**
 * Accepts values with leading or trailing whitespace, which RFC 9113 section 8.2.1 forbids but senders use. Node 24.2
 * and late releases of 22 have this option; older releases drop such fields.
 */
const BLANKS = { strictFieldWhitespaceValidation: false } as Http2.SessionOptions;

/** Options of sessions with clients and with servers. */
export const sessionOptions: Http2.SessionOptions = {
	...BLANKS,
	maxHeaderListPairs: fieldCount,
	maxSendHeaderBlockLength: 2 * headBytes,
	// Node's limit on the memory of a session, in megabytes: effectively none, as the windows limit it already.
	maxSessionMemory: 1024,
};

export const sessionSettings: Http2.Settings = { initialWindowSize: WINDOW, maxHeaderListSize: headBytes };

/** Enlarges the connection window. Call once the session is connected. */
export function setLocalWindow(session: Http2.Http2Session): void {
	if (!session.destroyed) session.setLocalWindowSize(CONNECTION_WINDOW);
}

/** The names of the error codes, in the order of the codes. */
const ERRORS = [
	"NO_ERROR",
	"PROTOCOL_ERROR",
	"INTERNAL_ERROR",
	"FLOW_CONTROL_ERROR",
	"SETTINGS_TIMEOUT",
	"STREAM_CLOSED",
	"FRAME_SIZE_ERROR",
	"REFUSED_STREAM",
	"CANCEL",
	"COMPRESSION_ERROR",
	"CONNECT_ERROR",
	"ENHANCE_YOUR_CALM",
	"INADEQUATE_SECURITY",
	"HTTP_1_1_REQUIRED",
];

/** The name of an error code (RFC 9113 section 7). */
export function errorName(code: number): string {
	return ERRORS[code] ?? `error ${code}`;
}

export const NO_ERROR = 0;
export const INTERNAL_ERROR = 2;
export const REFUSED_STREAM = 7;
/** The server requires HTTP/1.1 for this request, for example for connection-oriented authentication. */
export const HTTP_1_1_REQUIRED = 13;
export const CANCEL = 8;
/** The END_STREAM flag of a frame. */
export const END_STREAM = 1;
