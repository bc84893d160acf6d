// The options of tapes in tests, and the types of what a test sees of its tape.
import type { MatchOptions as AllMatchOptions } from "../../api/explain.ts";
import type { NearMiss } from "../../src/replay/explain/near-miss.ts";

/**
 * When a tape is recorded. `once`: if it does not exist; `none`: never; `new-episodes`: requests without a recording;
 * `all`: everything again. As in `flowtape run`.
 */
export type RecordMode = "once" | "none" | "new-episodes" | "all";

/** How requests are matched to recordings: the matching options of `replayServer` (docs/options.md). */
export type MatchOptions = Omit<AllMatchOptions, "match">;

/** Options of `useTape`, `insertTape`, `tapeFixture` and `setup`. */
export interface TapeOptions {
	/** A file, relative to `dir`; or `per-file` (default): a tape for each test file; or `per-test`. */
	readonly tape?: string | undefined;
	/** The folder of tapes, relative to the folder of the test file. Default: `__tapes__`. */
	readonly dir?: string | undefined;
	/** Default: `none` if CI is set, else `once`. The variable FLOWTAPE_RECORD_MODE wins over this option. */
	readonly mode?: RecordMode | undefined;
	/** How requests are matched. By default, equal requests of a test get their recordings in order, then the last again. */
	readonly match?: MatchOptions | undefined;
	/**
	 * Replaces secrets by placeholders in what is recorded (docs/redaction.md), by the default rules and by these. A tape
	 * that was redacted stays so, and its rules apply to requests before they are matched. Or a function that changes what
	 * is recorded; in a replay, it changes requests before they are matched. Default: nothing is replaced.
	 */
	readonly redact?: readonly RedactRule[] | RedactFunction | undefined;
	/** A filter (docs/filters.md). Only requests that match are recorded and replayed; others go to the network. */
	readonly only?: string | undefined;
	/** What goes to the network, also in mode `none`, and is not recorded: hosts, `host:port`, filters. */
	readonly passthrough?: readonly string[] | undefined;
	/** What fails the test. Default: `["miss"]`. */
	readonly failOn?: readonly FailOn[] | undefined;
	/**
	 * Whether tests of the file run at the same time: each request then belongs to the test that makes it, as far as
	 * its client tells. Default: false.
	 */
	readonly concurrent?: boolean | undefined;
	/**
	 * The answer to a request without a recording. Default: 404 with the explanation; `error` closes the connection.
	 */
	readonly miss?: 404 | 500 | 502 | "error" | undefined;
	/** Sets the runner's clock (`Date` alone) to the time of the recording. Default: false. */
	readonly freezeTime?: boolean | undefined;
	/** Leads child processes to the tape, by variables in `process.env` while it is inserted. Default: false. */
	readonly children?: boolean | undefined;
	/** Also records failed requests, and responses with status 500 and above. Default: false. */
	readonly recordFailures?: boolean | undefined;
	/** Answers requests before the tape does. Without a result, the tape answers. */
	readonly respond?: Responder | undefined;
}

/**
 * A rule of redaction besides the default ones: for a header, a parameter of queries and forms, a cookie, values at a
 * JSON path, matches of a regular expression, the value of an environment variable. `keep` takes a default rule away.
 * `pii`: personal data; `strict`: all that looks random.
 */
export type RedactRule =
	| `${"header" | "param" | "cookie" | "json" | "body" | "keep" | "env"}:${string}`
	| "pii"
	| "strict";

/** Changes a flow that is about to be recorded. */
export type RedactFunction = (flow: RecordedFlow) => void;

/** A flow that is about to be recorded. The code under test and the server never see the changes. */
export interface RecordedFlow {
	readonly request: RecordedMessage & { readonly method: string; url: string };
	/** null: there is none. */
	readonly response: (RecordedMessage & { readonly status: number }) | null;
}

/** A request or a response that is about to be recorded. */
export interface RecordedMessage {
	readonly headers: Headers;
	/** The decoded body as text; null: there is none. */
	text: string | null;
}

/**
 * `miss`: a request without a recording; `unused`: a recording that never answered, if all tests of the file ran;
 * `egress`: an attempt to connect to a server.
 */
export type FailOn = "miss" | "unused" | "egress";

/** Answers a request, or leaves it to the tape. */
export type Responder = (request: Request) => Response | undefined | Promise<Response | undefined>;

/** A request of the code under test. */
export interface SeenRequest {
	readonly method: string;
	readonly url: string;
	/** null: there was no response. */
	readonly status: number | null;
	/** What answered: a recording, `respond`, or the server. null: nothing; it was a miss or it failed. */
	readonly answeredBy: "tape" | "respond" | "server" | null;
}

/** A request that no recording answered. */
export interface Miss {
	readonly method: string;
	readonly url: string;
	/** The nearest recordings, and the options that would make them match, as text. */
	readonly explanation: string;
	/** The nearest recordings, nearest first; null: not searched for. */
	readonly nearest: readonly NearMiss[] | null;
}

/** A value that JSON can hold. */
export type JsonValue =
	| null
	| boolean
	| number
	| string
	| readonly JsonValue[]
	| { readonly [name: string]: JsonValue };

/** The test file, and the full name of the test. */
export interface TestInfo {
	/** A path or a `file:` URL. */
	readonly file: string;
	readonly name: string;
}
