// The messages between a test's thread and the engine's thread.
import type { RunReport } from "../../api/run-events.ts";
import type { RouteMessage } from "../../src/route/route.ts";
import type { MatchOptions, Miss, SeenRequest } from "./options.ts";

/** What the engine needs to insert a tape. */
export interface InsertSetup {
	/** Absolute path of the tape. */
	readonly tape: string;
	/** The option `mode`; null: it is not set. `env` may name another. */
	readonly mode: string | null;
	readonly match: MatchOptions;
	/** The answer to a miss: a status, or `kill`. */
	readonly miss: string;
	/** Filters of requests that go to the network. */
	readonly passes: readonly string[];
	/** The filter of requests that are recorded and replayed; null: all. */
	readonly only: string | null;
	/** Rules of redaction; null: nothing is redacted, unless the tape was. */
	readonly redact: readonly string[] | null;
	/** The text of the function of the option `redact`; null: it is not a function. */
	readonly redactText: string | null;
	/** The option of this name; null: it is not set. */
	readonly recordFailures: boolean | null;
	/** The functions of the test's thread that are set. */
	readonly calls: readonly TestCall[];
	/** The environment of the test's process. */
	readonly env: NodeJS.ProcessEnv;
}

/** A tape that the engine has inserted. */
export interface Inserted {
	/** Where routed sockets connect. */
	readonly entrance: { readonly host: string; readonly port: number };
	/** Where the proxy listens for clients that use the environment of child processes. */
	readonly proxy: { readonly host: string; readonly port: number };
	/** The certificate of the authority in PEM. */
	readonly authority: string;
	/** Whether there was a tape. */
	readonly exists: boolean;
	readonly isRecording: boolean;
	/** Milliseconds since 1970; null: there are no recordings. */
	readonly recordedAt: number | null;
	/** The values on the tape as JSON, by name. */
	readonly values: ReadonlyMap<string, string>;
	/** What a user should know about the tape; null: nothing. */
	readonly warning: string | null;
}

/** How to end a tape. */
export interface EjectSetup {
	/** Whether new recordings are kept. */
	readonly keeps: boolean;
	/** New values as JSON, by name. */
	readonly values: ReadonlyMap<string, string>;
	/** Whether all tests of the tape ran. If not, only recordings of those that ran can be unused. */
	readonly isWhole: boolean;
}

/** The outcome of a tape. */
export interface Ejected {
	readonly report: Omit<RunReport, "errors"> & { readonly passed: number };
	/** Messages of errors that did not stop the traffic. */
	readonly errors: readonly string[];
	/** Requests that were open at the end: `GET https://…`. */
	readonly open: readonly string[];
	/** Recordings that never answered: `GET https://…`. */
	readonly unused: readonly string[];
	/** Why requests were not recorded, and how often. */
	readonly failures: ReadonlyMap<string, number>;
}

/** A request or a response of `respond`. */
export interface RespondRequest {
	readonly method: string;
	readonly url: string;
	readonly headers: readonly (readonly [name: string, value: string])[];
	/** Decoded; null: it cannot be decoded. */
	readonly body: Uint8Array | null;
}

export interface RespondResponse {
	readonly status: number;
	readonly headers: readonly (readonly [name: string, value: string])[];
	readonly body: Uint8Array;
}

/** A request or a response that is about to be recorded. */
export interface MessageData {
	readonly headers: readonly (readonly [name: string, value: string])[];
	readonly text: string | null;
}

/** A flow that is about to be recorded. */
export interface FlowData {
	readonly request: MessageData & { readonly method: string; readonly url: string };
	readonly response: (MessageData & { readonly status: number }) | null;
}

/** The functions of the test's thread, by name: their argument and their result. */
export interface TestCalls {
	/** The option `respond`. null: it does not answer. */
	respond: { argument: RespondRequest; result: RespondResponse | null };
	/** The function of the option `redact`. */
	redact: { argument: FlowData; result: FlowData };
}

export type TestCall = keyof TestCalls;

/** A test that begins. */
export interface BeginSetup {
	/** The full name of the test; null: none. */
	readonly session: string | null;
	/** Whether it has failed before, and runs again. */
	readonly isAgain: boolean;
	/** The scope that marks its requests; null: all requests from now on are its requests. */
	readonly scope: string | null;
}

/** The functions of the engine, by name: their argument and their result. */
export interface EngineCalls {
	insert: { argument: InsertSetup; result: Inserted };
	/** A test begins, or begins again after it failed. Its requests belong to the session; null: to none. */
	begin: { argument: BeginSetup; result: null };
	rewind: { argument: null; result: null };
	env: { argument: NodeJS.ProcessEnv; result: Record<string, string> };
	eject: { argument: EjectSetup; result: Ejected };
}

export type EngineCall = keyof EngineCalls;

/** To the engine. */
export type ToEngine =
	| {
			readonly kind: "call";
			readonly id: number;
			readonly tape: number;
			readonly name: EngineCall;
			readonly argument: EngineCalls[EngineCall]["argument"];
			/** If the test's thread is blocked until the result: where to wake it. */
			readonly wake: Int32Array | null;
	  }
	| { readonly kind: "route"; readonly tape: number; readonly message: RouteMessage }
	/** The test's thread runs a function. */
	| { readonly kind: "called"; readonly tape: number; readonly id: number }
	| {
			readonly kind: "returned";
			readonly tape: number;
			readonly id: number;
			/** null also after an error. */
			readonly result: TestCalls[TestCall]["result"];
			/** The message of an error that the function threw. */
			readonly error: string | null;
	  };

/** An error, for another thread. */
export interface ErrorMessage {
	readonly message: string;
	readonly code: string | null;
}

/** To the test's thread. */
export type FromEngine =
	| { readonly kind: "result"; readonly id: number; readonly result: EngineCalls[EngineCall]["result"] }
	| { readonly kind: "error"; readonly id: number; readonly error: ErrorMessage }
	| { readonly kind: "seen"; readonly tape: number; readonly request: SeenRequest }
	/** `test`: the test that made the request; null: unknown. */
	| { readonly kind: "missed"; readonly tape: number; readonly miss: Miss; readonly test: string | null }
	| { readonly kind: "egress"; readonly tape: number; readonly destination: string }
	/** An error that fails the test. */
	| { readonly kind: "failed"; readonly tape: number; readonly message: string }
	| {
			readonly kind: "call";
			readonly tape: number;
			readonly id: number;
			readonly name: TestCall;
			readonly argument: TestCalls[TestCall]["argument"];
	  };
