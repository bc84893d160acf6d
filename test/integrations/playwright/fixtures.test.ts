// The fixtures of `withTape`, with plain objects in place of Playwright's. interop/playwright.mjs runs them with
// Playwright itself.
import { existsSync } from "node:fs";
import { join } from "node:path";
import t, { type Test } from "tap";
import { askThrough, startSite } from "../../../fixtures/plain-site.ts";
import { type TapeOptions, withTape } from "../../../integrations/playwright/index.ts";

interface Options {
	proxy?: { server: string };
	ignoreHTTPSErrors?: boolean;
}
type Run = (given: object, use: (value: unknown) => Promise<void>, test: object) => Promise<void>;

/** A test as Playwright describes it. */
function testInfo(t: Test) {
	const attached: { name: string; body: string }[] = [];
	return {
		file: join(t.testdirName, "shop.spec.ts"),
		line: 7,
		column: 3,
		titlePath: ["shop.spec.ts", "cart", "buys"],
		project: { name: "chromium" },
		status: "passed",
		expectedStatus: "passed",
		attached,
		attach: async (name: string, { body }: { body: string }) => void attached.push({ name, body }),
	};
}

/** Runs a test that gets the options of new contexts. */
async function play(
	info: ReturnType<typeof testInfo>,
	tape: TapeOptions,
	body: (newContext: (options?: Options) => Promise<Options>, worker: object) => Promise<void>,
) {
	const { _tapeWorker, network, browser } = withTape({ mode: "once" }) as unknown as Record<string, [Run, object]>;
	const factory = { newContext: async (options: Options = {}) => options };
	const { newContext } = factory;
	const run = (fixture: [Run, object] | undefined, given: object, use: (value: unknown) => Promise<void>) =>
		fixture?.[0](given, use, info);
	await run(
		_tapeWorker,
		{},
		(worker) =>
			run(
				browser,
				{ browser: factory, _tapeWorker: worker },
				() =>
					run(network, { tape, _tapeWorker: worker }, () =>
						body(factory.newContext, worker as object),
					) as Promise<void>,
			) as Promise<void>,
	);
	if (factory.newContext !== newContext) throw new Error("the browser is still changed");
}

const ask = (options: Options, url: string) =>
	askThrough({ port: Number(new URL(options.proxy?.server ?? "").port) }, url);

t.test("a test is recorded, then replayed; a miss fails it", async (t) => {
	t.testdir();
	const site = await startSite(t);
	const info = testInfo(t);
	await play(info, {}, async (newContext) => {
		const [one, two] = [await newContext(), await newContext({ ignoreHTTPSErrors: false })];
		t.match(one, { ignoreHTTPSErrors: true });
		t.not(one.proxy?.server, two.proxy?.server);
		t.match(await ask(one, `${site.url}/a`), { status: 200 });
		const other = { proxy: { server: "http://127.0.0.1:1" } };
		t.strictSame(await newContext(other), other, "a proxy of its own is kept");
	});
	t.ok(existsSync(join(t.testdirName, "__tapes__", "shop", "cart--buys.tape")));
	await site.close();
	await play(info, {}, async (newContext) => {
		t.match(await ask(await newContext(), `${site.url}/a`), { status: 200, body: "GET /a" });
	});
	const missing = play(info, {}, async (newContext) => void (await ask(await newContext(), `${site.url}/b`)));
	await t.rejects(missing, {
		name: "TapeError",
		code: "FT_MISS",
		message:
			/cart > buys: 1 request has no recording[\s\S]*FLOWTAPE_RECORD_MODE=new-episodes npx playwright test .*shop\.spec\.ts/,
		stack: /\n {4}at .*shop\.spec\.ts:7:3$/,
	});
	t.match(info.attached, [{ name: "misses.json" }]);
	t.match(JSON.parse(info.attached[0]?.body ?? ""), [{ request: { url: `${site.url}/b` }, session: "context-1" }]);
});

t.test("options: unused recordings, a tape for each project, unknown names", async (t) => {
	t.testdir();
	const site = await startSite(t);
	const info = testInfo(t);
	const options = { perProject: true, failOn: ["unused"] } as const;
	await play(info, options, async (newContext) => void (await ask(await newContext(), `${site.url}/a`)));
	t.ok(existsSync(join(t.testdirName, "__tapes__", "shop", "cart--buys--chromium.tape")));
	await t.rejects(
		play(info, options, async (newContext) => void (await ask(await newContext(), `${site.url}/b`))),
		{ code: "FT_UNUSED", message: /1 recording was never used/ },
	);
	await t.rejects(
		play(info, { modes: "once" } as TapeOptions, async () => {}),
		{
			message: 'tape: "modes" is not an option. Did you mean "mode"?',
		},
	);
});

t.test("Chromium gets the pin of the authority, in addition to its other arguments", async (t) => {
	const { _tapeWorker, launchOptions } = withTape() as unknown as Record<string, [Run, object]>;
	await _tapeWorker?.[0](
		{},
		async (worker) => {
			for (const [browserName, args] of [
				["chromium", ["--a", /^--ignore-certificate-errors-spki-list=[\w+/]{43}=$/]],
				["firefox", ["--a"]],
			] as const)
				await launchOptions?.[0](
					{ launchOptions: { args: ["--a"], headless: true }, browserName, _tapeWorker: worker },
					async (options) => void t.match(options, { args, headless: true }),
					{},
				);
		},
		{},
	);
});
