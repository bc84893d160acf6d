// The tape of one test: a proxy that records to it or answers from it, with a session for each browser context.
import { type StartedProxy, startProxy } from "../../api/proxy.ts";
import type { Session } from "../../api/session.ts";
import type { TapeRun } from "../../api/tape-run.ts";
import { FlowtapeError } from "../../src/errors.ts";
import type { HttpFlow } from "../../src/flow/flow.ts";
import { formatUrl } from "../../src/flow/url.ts";
import type { Miss } from "../../src/hooks/context.ts";
import { apiWording } from "../test/api-wording.ts";
import { openRun, proxyValues, readTapeConfiguration, recordingsOf } from "../test/tape-proxy.ts";
import type { TapeOptions } from "./options.ts";
import { passesOf } from "./passthrough.ts";

/** A request of the test that was recorded or answered from the tape. */
export interface SeenRequest {
	readonly method: string;
	readonly url: string;
	/** null: there was no response. */
	readonly status: number | null;
	/** Whether the tape answered it. */
	readonly isReplayed: boolean;
	/** The context that sent it: `context-1`, `context-2` … in the order in which they were made; `request-1` … */
	readonly session: string | null;
}

/** The tape of a test while it runs. */
export interface InsertedTape {
	/** The path of the tape. */
	readonly path: string;
	/** Whether this test records. */
	readonly isRecording: boolean;
	/** When its first request was recorded; null: there are no recordings. */
	readonly recordedAt: Date | null;
	/** The requests so far, in the order in which they ended. */
	readonly requests: readonly SeenRequest[];
	/** The requests so far that no recording answered. */
	readonly misses: readonly Miss[];
}

export interface TestTapeSetup {
	readonly path: string;
	readonly options: TapeOptions;
	readonly env: NodeJS.ProcessEnv;
	/** The folder of the certificate authority. */
	readonly ca: string;
	/** The server under test; null: its requests are recorded like others. */
	readonly baseURL: string | null;
	/** Whether certificates of servers are checked. */
	readonly checksCertificates: boolean;
}

const wording = {
	...apiWording,
	ownServerHint: "Is this the server under test? Requests to the server of baseURL pass, unless includeBaseURL is set.",
};

export class TestTape implements InsertedTape {
	readonly requests: SeenRequest[] = [];
	readonly misses: Miss[] = [];
	/** The recordings that were not used: `GET https://…`. Complete after `eject`. */
	readonly unused: readonly string[];
	readonly #setup: TestTapeSetup;
	readonly #run: TapeRun;
	readonly #proxy: StartedProxy;
	#contexts = 0;

	private constructor(setup: TestTapeSetup, run: TapeRun, proxy: StartedProxy, unused: readonly string[]) {
		this.#setup = setup;
		this.#run = run;
		this.#proxy = proxy;
		this.unused = unused;
	}

	/**
	 * Opens the tape, and starts its proxy. If there is no tape and none may be recorded, every request is a miss.
	 * @throws FlowtapeError FT_BAD_OPTION, FT_BAD_FILTER, FT_BAD_PATTERN, FT_IO, and for a tape that cannot be read
	 */
	static async insert(setup: TestTapeSetup): Promise<TestTape> {
		const { path, options, env, ca, checksCertificates } = setup;
		const { match = {}, miss = 404, redact = null } = options;
		const { mode = null, recordFailures = null } = options;
		const configuration = await readTapeConfiguration();
		const run = await openRun({ tape: path, mode, env, recordFailures }, configuration);
		try {
			const passes = passesOf(options, setup.baseURL);
			const unused: string[] = [];
			const { recordings, keeps, ...job } = run.proxySetup(true);
			const proxy = await startProxy(
				{
					...job,
					recordings: recordingsOf(run, recordings),
					keeps: (flow) => !(flow.type === "http" && passes(flow)) && keeps?.(flow) !== false,
					passes,
					values: proxyValues(
						run,
						configuration,
						{ match, miss: miss === "error" ? "kill" : String(miss), redact, checksCertificates },
						recordings.length > 0,
					),
					wording,
					onUnused: ({ method, scheme, host, port, path: target }) =>
						unused.push(`${method} ${formatUrl(scheme, host, port, target)}`),
				},
				{ ca, env },
			);
			const tape = new TestTape(setup, run, proxy, unused);
			tape.#listen(passes);
			return tape;
		} catch (error) {
			await run.close();
			throw error;
		}
	}

	get path(): string {
		return this.#setup.path;
	}

	/** Whether there was a tape at the start. */
	get exists(): boolean {
		return this.#run.exists;
	}

	get isRecording(): boolean {
		return this.#run.records;
	}

	get recordedAt(): Date | null {
		const seconds = this.#proxy.recordedAt;
		return seconds === null ? null : new Date(seconds * 1000);
	}

	/** Opens the session of a browser context. @param name default: `context-1`, `context-2` and so on */
	openSession(name = `context-${++this.#contexts}`): Promise<Session> {
		return this.#proxy.openSession(name);
	}

	/**
	 * Closes the proxy, and adds what was recorded to the tape.
	 * @param keeps whether the test passed, so that its recordings are kept
	 * @throws FlowtapeError FT_IO, and for a tape that cannot be read
	 */
	async eject({ keeps }: { keeps: boolean }): Promise<void> {
		try {
			const { lost } = await this.#proxy.close();
			await this.#run.finish({
				isInterrupted: false,
				isGood: keeps && lost === 0,
				report: (code, message, detail) => {
					throw new FlowtapeError(code, message, detail);
				},
			});
		} finally {
			await this.#run.close();
		}
	}

	#listen(passes: (flow: HttpFlow) => boolean): void {
		this.#proxy.on("miss", (miss) => {
			// a request that is forwarded and recorded is not a miss
			if (miss.policy !== "forward") this.misses.push(miss);
		});
		this.#proxy.on("flow", (flow) => {
			if (flow.type !== "http" || passes(flow)) return;
			const { request, response, isReplay, session } = flow;
			this.requests.push({
				method: request.method,
				url: request.prettyUrl,
				status: response?.statusCode ?? null,
				isReplayed: isReplay === "response",
				session,
			});
		});
	}
}
