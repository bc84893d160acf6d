// A tape in the engine: its proxy, the entrance for routed sockets, and the run that records or replays.
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import type { BroadcastChannel } from "node:worker_threads";
import { proxyEnvironment } from "../../api/child-environment.ts";
import { type LiveProxy, startLive } from "../../api/live.ts";
import { RunEvents } from "../../api/run-events.ts";
import type { TapeRun } from "../../api/tape-run.ts";
import { openTape } from "../../formats/index.ts";
import type { CertificateAuthority } from "../../src/ca/authority.ts";
import { OwnServers } from "../../src/child/own-servers.ts";
import type { Metadata } from "../../src/flow/metadata.ts";
import type { FlowSummary } from "../../src/flow/recorded.ts";
import { sessionNameOf } from "../../src/flow/session.ts";
import { formatUrl } from "../../src/flow/url.ts";
import { type Entrance, openEntrance } from "../../src/route/entrance.ts";
import type { RouteMessage } from "../../src/route/route.ts";
import { createTemporaryFolder } from "../../src/temporary-folder.ts";
import { apiWording } from "./api-wording.ts";
import { relativePath } from "./failure-text.ts";
import type {
	BeginSetup,
	Ejected,
	EjectSetup,
	FromEngine,
	Inserted,
	InsertSetup,
	TestCall,
	TestCalls,
	ToEngine,
} from "./messages.ts";
import { type RedactState, redactNote, redactState } from "./redact-note.ts";
import { openRun, proxyValues, readTapeConfiguration, recordingsOf, type TapeConfiguration } from "./tape-proxy.ts";
import { TestHook } from "./test-hook.ts";
import { notesOfValues, valuesOfNotes } from "./value-notes.ts";
import { type WorkerMessage, workerChannel } from "./worker-route.ts";

/** How long a call waits for the test's thread to begin with it. Milliseconds. */
const BLOCKED_MS = 5000;

/** How long open requests may take to end when the tape is ejected. Milliseconds. */
const OPEN_MS = 500;

/** A call of a function of the test's thread that has not returned. */
interface Waiting {
	resolve(result: TestCalls[TestCall]["result"]): void;
	reject(error: Error): void;
	readonly name: TestCall;
	/** Ends the call if the test's thread does not begin with it. */
	readonly timer: NodeJS.Timeout;
}

/** Sends an event to the test's thread. */
type Post = (message: FromEngine) => void;

/** What runs while the tape is inserted. */
interface Running {
	readonly live: LiveProxy;
	readonly entrance: Entrance;
	/** The worker threads of the code under test. */
	readonly workers: BroadcastChannel;
}

interface TapeSetup extends InsertSetup {
	readonly configuration: TapeConfiguration;
	/** The notes of the tape that is replayed. */
	readonly notes: Metadata;
	readonly redactState: RedactState;
}

const blockedText = `the thread of the test is blocked, as by execFileSync or a long computation. Use execFile or spawn for children whose requests need the function`;

export class EngineTape {
	readonly #id: number;
	readonly #setup: TapeSetup;
	readonly #post: Post;
	readonly #run: TapeRun;
	readonly #hook: TestHook;
	readonly #events = new RunEvents({});
	readonly #own = new OwnServers();
	readonly #unused: FlowSummary[] = [];
	/** Ids of flows that are not kept: those of a test before it began again. */
	readonly #drops = new Set<string>();
	readonly #waiting = new Map<number, Waiting>();
	/** The full names of tests by the names of their sessions. */
	readonly #tests = new Map<string, string>();
	#calls = 0;
	#passed = 0;
	/** The folder with the authority's certificate for child processes; null: there is none. */
	#folder: string | null = null;
	#running: Running | null = null;

	private constructor(id: number, setup: TapeSetup, run: TapeRun, post: Post) {
		this.#id = id;
		this.#setup = setup;
		this.#run = run;
		this.#post = post;
		const redact = this.#callOf("redact");
		this.#hook = new TestHook({
			only: setup.only,
			passes: setup.passes,
			respond: this.#callOf("respond"),
			redact: run.records ? redact : null,
			// a replay matches requests as they were recorded
			redactRequest: !run.records && setup.redactState.isApplied ? redact : null,
			onSeen: (request) => post({ kind: "seen", tape: id, request }),
		});
	}

	/**
	 * Opens the tape, and starts its proxy.
	 * @throws FlowtapeError FT_BAD_OPTION, FT_BAD_FILTER, FT_BAD_PATTERN, FT_IO, and for a tape that cannot be read
	 */
	static async open(id: number, setup: InsertSetup, post: Post): Promise<EngineTape> {
		const configuration = await readTapeConfiguration();
		const run = await openRun(setup, configuration);
		try {
			const notes = run.exists && run.proxySetup(false).recordings.length > 0 ? await notesOn(setup.tape) : {};
			const redact = redactState(setup.redactText, notes, relativePath(setup.tape));
			return new EngineTape(id, { ...setup, configuration, notes, redactState: redact }, run, post);
		} catch (error) {
			await run.close();
			throw error;
		}
	}

	/** Starts the proxy; after an error, the tape is closed. */
	async start(authority: CertificateAuthority): Promise<Inserted> {
		try {
			return await this.#start(authority);
		} catch (error) {
			await this.#close();
			throw error;
		}
	}

	async #start(authority: CertificateAuthority): Promise<Inserted> {
		const { env } = this.#setup;
		const run = this.#run;
		const { emitter, listeners } = this.#events;
		this.#listen(emitter);
		this.#own.follow(process.pid);
		const { recordings, keeps, ...setup } = run.proxySetup(this.#hook.isSelective);
		const live = await startLive({
			...setup,
			...listeners,
			recordings: recordingsOf(run, recordings),
			keeps: (flow) => !this.#hook.isPassed(flow) && keeps?.(flow) !== false,
			passes: (flow) => this.#hook.isPassed(flow),
			values: proxyValues(run, this.#setup.configuration, this.#setup, recordings.length > 0),
			home: authority,
			hooks: [this.#hook],
			own: this.#own,
			env,
			wording: apiWording,
			onUnused: (recording) => this.#unused.push(recording),
		});
		this.#events.isStarted = true;
		const entrance = await openEntrance({
			take: ({ socket, target, scope }) => live.acceptTunnel(socket, { ...target, user: scope }),
			passesForeign: () => run.records,
			onPassed: () => this.#passed++,
			onRefused: (_target, message) => this.#fail(message),
		});
		const workers = workerChannel(entrance.port);
		workers.onmessage = ({ data }: { data: WorkerMessage }) => {
			if (data.kind !== "ejected") entrance.tell(data);
		};
		this.#running = { live, entrance, workers };
		return {
			entrance: { host: entrance.host, port: entrance.port },
			proxy: { host: live.host, port: live.port },
			authority: authority.certificatePem,
			exists: run.exists,
			isRecording: run.records,
			recordedAt: live.recordedAt === null ? null : live.recordedAt * 1000,
			values: valuesOfNotes(this.#setup.notes),
			warning: this.#setup.redactState.warning,
		};
	}

	#listen(emitter: RunEvents["emitter"]): void {
		const tape = this.#id;
		emitter.on("miss", ({ id, method, url, session, policy, explanation, nearest }) => {
			// a request that is forwarded and recorded is not a miss
			if (policy === "forward") return;
			this.#hook.missed(id);
			this.#post({
				kind: "missed",
				tape,
				miss: { method, url, explanation, nearest },
				test: this.#tests.get(session ?? "") ?? null,
			});
		});
		emitter.on("egress", ({ destination }) => {
			if (!this.#hook.isPassedTo(destination)) this.#post({ kind: "egress", tape, destination });
		});
		emitter.on("error", (error) => this.#fail(error.message));
	}

	#fail(message: string): void {
		this.#post({ kind: "failed", tape: this.#id, message });
	}

	/** A function of the test's thread; null: it is not set. */
	#callOf<Name extends TestCall>(
		name: Name,
	): ((argument: TestCalls[Name]["argument"]) => Promise<TestCalls[Name]["result"]>) | null {
		if (!this.#setup.calls.includes(name)) return null;
		return (argument) =>
			new Promise((resolve, reject) => {
				const id = this.#calls++;
				const timer = setTimeout(() => this.returned({ id, result: null, error: blockedText }), BLOCKED_MS);
				this.#waiting.set(id, { name, resolve: resolve as Waiting["resolve"], reject, timer });
				this.#post({ kind: "call", tape: this.#id, id, name, argument });
			});
	}

	/** The test's thread runs a function. */
	called(id: number): void {
		clearTimeout(this.#waiting.get(id)?.timer);
	}

	/** A function of the test's thread has returned. */
	returned({ id, result, error }: Pick<Extract<ToEngine, { kind: "returned" }>, "id" | "result" | "error">): void {
		this.called(id);
		const waiting = this.#waiting.get(id);
		this.#waiting.delete(id);
		if (error === null) waiting?.resolve(result);
		else waiting?.reject(new Error(`${waiting.name} failed: ${error}`));
	}

	route(message: RouteMessage): void {
		this.#running?.entrance.tell(message);
	}

	/** A test begins. */
	begin({ session, isAgain, scope }: BeginSetup): void {
		const name = session === null ? null : sessionNameOf(session);
		if (session !== null && name !== null) this.#tests.set(name, session);
		const before = this.#hook.begin(name, scope);
		if (!isAgain) return;
		for (const id of before) this.#drops.add(id);
		this.#running?.live.rewind(name);
	}

	/** Begins the order of equal requests anew. */
	rewind(): void {
		this.#running?.live.rewind(null);
	}

	/** The environment for child processes. */
	async env(base: NodeJS.ProcessEnv): Promise<Record<string, string>> {
		if (this.#running === null) return {};
		const { authority, listeners } = this.#running.live;
		this.#folder ??= await createTemporaryFolder("flowtape-ca-");
		const certificateFile = join(this.#folder, "flowtape-ca-cert.pem");
		await writeFile(certificateFile, authority.certificatePem, { mode: 0o600 });
		const { certificatePem } = authority;
		return proxyEnvironment({ authority: { certificatePem, certificateFile }, listeners }, this.#folder, base, {
			own: this.#own,
		});
	}

	/**
	 * Closes the proxy and completes the tape.
	 * @throws FlowtapeError FT_IO, and for a tape that cannot be read
	 */
	async eject({ keeps, values, isWhole }: EjectSetup): Promise<Ejected> {
		const { live, entrance, workers } = this.#running as Running;
		await Promise.race([this.#hook.idle(), wait(OPEN_MS)]);
		const { open } = this.#hook;
		this.#running = null;
		workers.postMessage({ kind: "ejected" } satisfies WorkerMessage);
		workers.close();
		try {
			// the entrance is closed once the connections that the proxy took over are closed
			const [closed] = await Promise.all([live.close(), entrance.close()]);
			const { errors, ...report } = this.#events.reportOf(closed);
			this.#events.end();
			const { failures, failureReasons } = this.#run;
			const { redactText } = this.#setup;
			const redacted = this.#hook.hasRedacted ? redactText : null;
			const settled = await this.#run.finish({
				isInterrupted: false,
				isGood: keeps && report.lost === 0,
				report: this.#events.listeners.report,
				notes: { ...notesOfValues(values), ...(redacted !== null && redactNote(redacted)) },
				drops: this.#drops,
			});
			return {
				report: { ...report, recorded: settled.kind === "recorded" ? settled.recorded : 0, passed: this.#passed },
				errors: errors.map(({ message }) => message),
				open,
				unused: this.#unused
					.filter(({ session }) => isWhole || this.#hook.hasBegun(session))
					.map(({ method, scheme, host, port, path }) => `${method} ${formatUrl(scheme, host, port, path)}`),
				failures: failures > 0 ? failureReasons : new Map(),
			};
		} finally {
			await this.#close();
		}
	}

	async #close(): Promise<void> {
		await this.#run.close();
		if (this.#folder !== null) await rm(this.#folder, { recursive: true, force: true });
	}
}

/** The notes on an existing tape. */
async function notesOn(tape: string): Promise<Metadata> {
	const source = await openTape(tape, { report: () => {} });
	try {
		return await source.notes();
	} finally {
		await source.close();
	}
}
