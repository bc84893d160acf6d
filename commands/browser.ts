// `flowtape browser`: an installed browser with a fresh profile, which goes through the proxy and trusts its authority.

import { options as tapeOptions } from "../api/tape-run.ts";
import type { BrowserProxy } from "../src/child/browser.ts";
import type { OptionTable } from "../src/options.ts";
import { flagWording } from "../src/replay/explain/wording.ts";
import { defineCommand } from "./cli/command.ts";
import { type LiveJob, liveCommandOptions, runLive, serverGroups } from "./proxy/run-proxy.ts";
import { runWithTape } from "./run.ts";

const options = {
	tape: {
		type: "string",
		default: null,
		metavar: "TAPE",
		help: "Record to this tape if it does not exist; otherwise answer from it, as run does. Default: nothing is recorded.",
	},
	browser: {
		type: "string",
		default: null,
		metavar: "chromium|chrome|edge|firefox|PATH",
		help: "The browser to start. Default: the first installed one in this order.",
	},
} as const satisfies OptionTable;

/** The exit status if the browser does not run. */
const ENVIRONMENT = 4;

export const command = defineCommand({
	name: "browser",
	summary: "start a browser that goes through the proxy and trusts it, with a fresh profile",
	args: "[URL]",
	arity: { min: 0, max: 1 },
	takesChild: true,
	options: { ...options, ...liveCommandOptions, ...tapeOptions },
	groups: serverGroups,
	notes: () => "The arguments after `--` are passed to the browser.",
	examples: [
		[
			"flowtape browser --tape shop.tape http://localhost:3000",
			"record the requests of the page until the browser is closed",
		],
		["flowtape browser --tape shop.tape http://localhost:3000", "the second time: the same page, from the tape"],
		["flowtape browser --browser firefox -v https://example.com", "print a line for each request, and keep nothing"],
		[
			"flowtape browser https://example.com -- --no-sandbox",
			"with an option of the browser, here one that containers need",
		],
	],
	async run({ args: [url = null], ...input }, io) {
		const { tape, browser: name, verbose } = input.values;
		const { browserArguments, createProfile, findBrowser, removeProfile } = await import("../src/child/browser.ts");
		const { runChild } = await import("../src/child/process.ts");
		const browser = findBrowser(name, io.env);
		const extra = input.child ?? [];
		const start: NonNullable<LiveJob["runChild"]> = async ({ port, authority }, environment) => {
			const profile = await createProfile();
			try {
				const proxy: BrowserProxy = { port, pin: authority.pin, certificateFile: authority.certificateFile };
				const args = await browserArguments(browser, profile, proxy, extra, url);
				const { status } = await runChild(browser.program, args, environment, {
					stdio: ["ignore", verbose ? "inherit" : "ignore", verbose ? "inherit" : "ignore"],
				});
				if (status === 0 || io.signal.aborted) return 0;
				io.stderr.write(
					`flowtape: ${browser.program} ended with status ${status}; -v shows what it prints. As root, and in some containers, it needs: flowtape browser … -- --no-sandbox\n`,
				);
				return ENVIRONMENT;
			} finally {
				await removeProfile(profile);
			}
		};
		const live = { ...input, child: [browser.program, ...extra] };
		if (tape === null)
			return runLive(
				{ output: null, recordings: [], network: true, wording: flagWording(""), runChild: start },
				live,
				io,
			);
		const rest = [...(url === null ? [] : [url]), ...(extra.length === 0 ? [] : ["--", ...extra])];
		return runWithTape(tape, live, io, {
			words: (mode) => ["flowtape", "browser", "--tape", tape, "--record-mode", mode, ...rest],
			keepsAlways: true,
			runChild: start,
		});
	},
});
