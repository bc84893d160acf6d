// `withTape`: Playwright fixtures that give each test a tape. Every context of the test has a proxy of its own.
import { openCaFolder } from "../../api/authority-folder.ts";
import { checkNames } from "../../api/option-names.ts";
import { openAuthority } from "../../src/ca/authority.ts";
import { jsonText } from "../../src/flow/json-text.ts";
import { missData } from "../../src/replay/explain/miss-text.ts";
import { type FailureContext, missesText, unusedText } from "../test/failure-text.ts";
import { SEPARATOR, tapePath } from "../test/names.ts";
import { TapeError } from "../test/tape-error.ts";
import { type TapeOptions, tapeOptionNames } from "./options.ts";
import type { ContextFactory, ContextOptions, LaunchOptions, TestInfo } from "./playwright-types.ts";
import { type InsertedTape, TestTape } from "./test-tape.ts";

/** What `withTape` adds to a test. */
export interface TapeFixtures {
	/** Options of the tape, for `test.use`. */
	tape: TapeOptions;
	/** The tape of the test. */
	network: InsertedTape;
}

const runner = "playwright";

/** The certificate authority of a worker process, and the tape of the test that it runs. */
interface TapeWorker {
	readonly caFolder: string;
	readonly pin: string;
	current: TestTape | null;
}

/** The fixtures that those of `withTape` use. */
interface Given {
	_tapeWorker: TapeWorker;
	tape: TapeOptions;
	baseURL: string | undefined;
	ignoreHTTPSErrors: boolean | undefined;
	launchOptions: LaunchOptions;
	browserName: string;
	browser: ContextFactory;
	playwright: { readonly request: ContextFactory };
}

/** A fixture's function. Playwright knows the types of its values. */
type Fixture = (given: object, use: (value: never) => Promise<void>, test: object) => Promise<void>;

/** The argument of `test.extend`. */
export interface TapeFixtureDefinitions {
	tape: [TapeOptions, { option: true }];
	network: [Fixture, { auto: true }];
	launchOptions: [Fixture, { scope: "worker" }];
	browser: [Fixture, { scope: "worker"; timeout: 0 }];
	playwright: [Fixture, { scope: "worker" }];
}

/**
 * Fixtures for `test.extend`: each test records its requests to a tape of its own the first time. Later runs get the
 * answers from that tape. Requests of pages, workers and service workers, WebSockets, `context.request` and the fixture
 * `request` are recorded. A request without a recording fails the test.
 * @param defaults options of all tests; `test.use({ tape: {…} })` overrides them
 */
export function withTape(defaults: TapeOptions = {}): TapeFixtureDefinitions {
	const fixtures = {
		tape: [{}, { option: true }],
		_tapeWorker: [
			// biome-ignore lint/correctness/noEmptyPattern: Playwright reads the names of fixtures from this pattern
			async ({}: object, use: (worker: TapeWorker) => Promise<void>) => {
				const caFolder = await openCaFolder("ephemeral", {});
				const { pin } = await openAuthority(caFolder.folder, { keyType: "ec" });
				try {
					await use({ caFolder: caFolder.folder, pin, current: null });
				} finally {
					await caFolder.close();
				}
			},
			{ scope: "worker" },
		],
		network: [
			async (
				{ tape, baseURL, ignoreHTTPSErrors, _tapeWorker: worker }: Given,
				use: (tape: InsertedTape) => Promise<void>,
				test: TestInfo,
			) => {
				const options = { ...defaults, ...tape };
				checkNames("tape", options, tapeOptionNames);
				const name = nameOf(test, options);
				const inserted = await TestTape.insert({
					path: tapePath({ file: test.file, name }, { ...options, tape: options.tape ?? "per-test" }),
					options,
					env: process.env,
					ca: worker.caFolder,
					baseURL: options.includeBaseURL ? null : (baseURL ?? null),
					checksCertificates: ignoreHTTPSErrors !== true,
				});
				worker.current = inserted;
				await use(inserted);
				worker.current = null;
				const { failOn = ["miss"] } = options;
				const { misses } = inserted;
				const isMissed = misses.length > 0 && failOn.includes("miss");
				await inserted.eject({ keeps: test.status === test.expectedStatus && !isMissed });
				const context = { test: name, file: test.file, tape: inserted.path, exists: inserted.exists, runner } as const;
				if (isMissed) await reportMisses(inserted, context, test);
				if (failOn.includes("unused") && inserted.unused.length > 0)
					throw at(test, new TapeError("unused", unusedText(inserted.unused, context)));
			},
			{ auto: true },
		],
		launchOptions: [
			async (
				{ launchOptions, browserName, _tapeWorker: { pin } }: Given,
				use: (options: LaunchOptions) => Promise<void>,
			) => {
				if (browserName !== "chromium") return use(launchOptions);
				const trust = `--ignore-certificate-errors-spki-list=${pin}`;
				await use({ ...launchOptions, args: [...(launchOptions.args ?? []), trust] });
			},
			{ scope: "worker" },
		],
		browser: [
			async ({ browser, _tapeWorker: worker }: Given, use: (browser: ContextFactory) => Promise<void>) =>
				useRouted(browser, worker, undefined, () => use(browser)),
			{ scope: "worker", timeout: 0 },
		],
		playwright: [
			async ({ playwright, _tapeWorker: worker }: Given, use: (playwright: Given["playwright"]) => Promise<void>) =>
				useRouted(playwright.request, worker, "request", () => use(playwright)),
			{ scope: "worker" },
		],
	};
	return fixtures as unknown as TapeFixtureDefinitions;
}

/**
 * Leads the contexts that are made during `use` to the tape of the test that runs. A context with a proxy of its own
 * keeps it.
 */
async function useRouted(
	factory: ContextFactory,
	worker: TapeWorker,
	session: string | undefined,
	use: () => Promise<void>,
): Promise<void> {
	const { newContext } = factory;
	let count = 0;
	factory.newContext = async (options: ContextOptions = {}) => {
		if (worker.current === null || options.proxy !== undefined) return newContext.call(factory, options);
		const { url } = await worker.current.openSession(session && `${session}-${++count}`);
		// Playwright's own requests do not know the pin
		return newContext.call(factory, { ...options, proxy: { server: url.origin }, ignoreHTTPSErrors: true });
	};
	try {
		await use();
	} finally {
		factory.newContext = newContext;
	}
}

/** The titles of the groups and of the test, and the project if it has tapes of its own. */
function nameOf({ titlePath, project }: TestInfo, { perProject = false }: TapeOptions): string {
	// the first one is the file
	const titles = titlePath.slice(1);
	return [...titles, ...(perProject && project.name !== "" ? [project.name] : [])].join(SEPARATOR);
}

/** Attaches the misses, and fails the test in a step of its own. */
async function reportMisses({ misses }: TestTape, context: FailureContext, test: TestInfo): Promise<never> {
	const data = misses.map((miss) => ({ ...missData(miss, miss.nearest), session: miss.session }));
	await test.attach("misses.json", { body: jsonText(data, "\t"), contentType: "application/json" });
	const error = at(test, new TapeError("miss", missesText(misses, context), misses));
	await step(`requests without a recording: ${misses.length}`, error);
	throw error;
}

/** Adds a failed step to the test, if the package of Playwright's runner is where this one is. */
async function step(title: string, error: Error): Promise<void> {
	const name = "@playwright/test";
	const { test } = (await import(name).catch(() => ({}))) as {
		test?: { step(title: string, body: () => Promise<never>): Promise<never> };
	};
	await test?.step(title, () => Promise.reject(error));
}

/** An error whose stack points to the test. */
function at({ file, line, column }: TestInfo, error: Error): Error {
	error.stack = `${error.name}: ${error.message}\n    at ${file}:${line}:${column}`;
	return error;
}
