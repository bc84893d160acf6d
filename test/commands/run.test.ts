// `flowtape run`: records the first time, then replays offline, and never leaves an incomplete tape.
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import t from "tap";
import { command } from "../../commands/run.ts";
import { startSite } from "../../fixtures/plain-site.ts";
import { runCaptured } from "../../fixtures/run-captured.ts";
import { readTape } from "../../fixtures/tape-files.ts";

const env = { PATH: process.env.PATH, FLOWTAPE_HOME: join(t.testdir(), "home") };

/** A program that requests URLs through its proxy, prints the bodies, and ends with a status. */
const asking = (urls: readonly string[], status = 0) => [
	"-p",
	"0",
	"--",
	process.execPath,
	"-e",
	`const { get } = require("node:http");
	const proxy = new URL(process.env.HTTP_PROXY);
	const ask = (url) => new Promise((done, fail) => get({ agent: false, host: proxy.hostname, port: proxy.port, path: url, headers: { host: new URL(url).host } }, (answer) => answer.resume().on("end", done)).on("error", fail));
	(async () => { for (const url of ${JSON.stringify(urls)}) await ask(url); process.exit(${status}); })();`,
];
const paths = async (tape: string) =>
	(await readTape(tape)).flows.map((flow) => (flow.type === "http" ? flow.request.path : flow.type));

t.test("records, then replays after the site has stopped", async (t) => {
	const site = await startSite(t);
	const tape = join(t.testdir(), "made", "session.tape");
	const urls = [`${site.url}/a`, `${site.url}/b`];
	t.match(await runCaptured(command, [tape, ...asking(urls)], { env }), {
		status: 0,
		err: /recorded 2 flows to .*session\.tape\n$/,
	});
	await site.close();
	t.match(await runCaptured(command, [tape, ...asking(urls)], { env }), {
		status: 0,
		err: /served 2, missed 0, unused 0, egress 0\n$/,
	});
	const missed = await runCaptured(command, [tape, ...asking([`${site.url}/c`])], { env });
	t.match(missed, { status: 1, err: /1 request was missed/ }, "although the command succeeded");
	t.strictSame(await paths(tape), ["/a", "/b"]);
});

t.test("record modes", async (t) => {
	const site = await startSite(t);
	const folder = t.testdir();
	const tape = join(folder, "session.jsonl");
	const run = (mode: string | null, urls: string[], extra: NodeJS.ProcessEnv = {}, status = 0) =>
		runCaptured(command, [tape, ...(mode === null ? [] : ["--record-mode", mode]), ...asking(urls, status)], {
			env: { ...env, ...extra },
		});
	t.match(await run("none", [`${site.url}/a`]), {
		status: 1,
		err: /session\.jsonl: no such tape, and record mode none records nothing. Record it with: flowtape run .* --record-mode once -- /,
	});
	t.match(await run(null, [`${site.url}/a`], { CI: "true" }), {
		status: 1,
		err: /session\.jsonl: no such tape, and CI is set, .* flowtape run .* -- /,
	});
	t.strictSame(site.requests, [], "the command was not started");
	t.match(await run("once", [`${site.url}/a`], { CI: "true" }), {
		status: 0,
		err: /recording .*session\.jsonl \(no tape yet\)\n[\s\S]*recorded 1 flow/,
	});
	t.match(await run(null, [`${site.url}/b`], { CI: "true" }), {
		status: 1,
		err: /replaying .*session\.jsonl: 1 recording of \d+ \w+\n[\s\S]*to record what was missed: flowtape run .* --record-mode new-episodes -- /,
	});
	t.match(await run(null, [`${site.url}/a`, `${site.url}/b`], { FLOWTAPE_RECORD_MODE: "new-episodes" }), {
		status: 0,
		err: /recorded 1 flow/,
	});
	t.strictSame(await paths(tape), ["/a", "/b"]);
	t.match(await run("new-episodes", [`${site.url}/c`], {}, 3), {
		status: 3,
		err: /ended with status 3: .* is unchanged/,
	});
	t.match(await run("all", [`${site.url}/d`], {}, 1), { status: 1, err: /is unchanged/ });
	t.strictSame(await paths(tape), ["/a", "/b"]);
	t.match(await run("all", [`${site.url}/d`]), { status: 0 });
	t.strictSame(await paths(tape), ["/d"]);
	t.match(await run("new-episodes", [`${site.url}/d`]), { status: 0, err: /recorded 0 flows/ });
	t.strictSame(readdirSync(folder), ["session.jsonl"]);
});

t.test("failures are kept on request; a run without flows creates no tape", async (t) => {
	const site = await startSite(t);
	await site.close();
	const tape = join(t.testdir(), "session.tape");
	t.match(await runCaptured(command, [tape, ...asking([`${site.url}/a`])], { env }), {
		status: 0,
		err: /1 failure is left out; --record-failures keeps them\n.*nothing was recorded: .* was not written; the only request failed: .*refused/,
	});
	const several = asking([`${site.url}/a`, `${site.url}/b`]);
	const { err } = await runCaptured(command, [tape, ...several], { env });
	t.match(err, /nothing was recorded: .* was not written; all 2 requests failed: \S.*refused.* \(2\)\n/);
	t.notMatch(err, "doctor");
	t.notOk(existsSync(tape));
	t.match(await runCaptured(command, [tape, "--record-failures", ...asking([`${site.url}/a`])], { env }), {
		status: 0,
		err: /recorded 1 flow/,
	});
	t.strictSame(await paths(tape), ["/a"]);
});

t.test(
	"without recorded requests, a hint: the proxy may be unused, the servers the command's own, or the certificates rejected",
	async (t) => {
		const tape = join(t.testdir(), "session.tape");
		const run = (source: string) => runCaptured(command, [tape, "--", process.execPath, "-e", source], { env });
		t.match(
			(await run("")).err,
			/nothing was recorded: .* was not written\. Does the command use the proxy\? Check with "flowtape doctor -- CMD"\. .*Playwright.* localhost directly, and PHP streams ignore the proxy: docs\/languages\.md/,
		);
		const browsing = `
		const { hostname: host, port } = new URL(process.env.HTTP_PROXY);
		const headers = { "User-Agent": "Mozilla/5.0 (X11; Linux x64) Chrome/130.0.0.0" };
		require("http").get({ host, port, path: "http://clients2.google.com/time/1/current", headers }, (r) => r.resume());`;
		t.match(
			(await run(browsing)).err,
			/nothing was recorded: .* was not written; only requests of the browser itself came\. .*Playwright/,
		);
		const own = `
		const server = require("http").createServer((_, response) => response.end("own"));
		server.listen(0, "127.0.0.1", () => {
			const { port } = server.address();
			require("http").get({ host: "127.0.0.1", port, agent: false }, (r) => r.resume().on("end", () => server.close()));
		});`;
		t.match(
			(await run(own)).err,
			/nothing was recorded: .* was not written; the command requested only its own servers \(own 1\); --own-servers record records these requests\n$/,
		);
		const distrusting = `
		const { hostname, port } = new URL(process.env.HTTPS_PROXY);
		const connect = require("http").request({ host: hostname, port, method: "CONNECT", path: "shop.invalid:443" });
		connect.on("connect", (_, socket) => {
			require("tls").connect({ socket, servername: "shop.invalid", ca: [] }).on("error", () => {});
		}).end();`;
		const { err } = await run(distrusting);
		t.match(err, /nothing was recorded: .*; no request got through: a client .*shop\.invalid.* certificate authority/);
		t.notMatch(err, "doctor");
	},
);

t.test("an interrupted run leaves the tape unchanged", async (t) => {
	const site = await startSite(t);
	const tape = join(t.testdir(), "session.jsonl");
	await runCaptured(command, [tape, ...asking([`${site.url}/a`])], { env });
	const before = readFileSync(tape);
	const controller = new AbortController();
	const ended = await runCaptured(command, [tape, "--record-mode", "all", "-v", ...asking([`${site.url}/b`])], {
		env,
		signal: controller.signal,
		onOutput: ({ err }) => err.includes("/b") && controller.abort(),
	});
	t.match(ended.err, /interrupted: .* is unchanged/);
	t.strictSame(readFileSync(tape), before);
});

t.test("usage errors", async (t) => {
	const tape = join(t.testdir(), "one.tape");
	for (const [argv, says] of [
		[[tape], /expected a command: flowtape run TAPE/],
		[["-", "--", "true"], /expected a file for the tape/],
		[[tape, "--record-mode", "never", "--", "true"], /expected one of once, none, new-episodes, all, found "never"/],
		[[tape, "--record-mode", "none", "--format", "har", "--", "true"], /--format is only for recording/],
	] as const)
		t.match(await runCaptured(command, argv, { env }), { status: 2, err: says });
});

t.test("a tape that cannot be written is an error before the command runs", async (t) => {
	const folder = t.testdir({ "old.xyz": '{"request": {"method": "GET", "url": "http://a.test/"}}\n' });
	const ran = join(folder, "ran");
	const child = ["-p", "0", "--", "touch", ran];
	for (const [name, mode] of [
		["session.xyz", "once"],
		["old.xyz", "new-episodes"],
	] as const)
		t.match(
			await runCaptured(command, [join(folder, name), "--record-mode", mode, ...child], { env }),
			{ status: 2, err: new RegExp(name) },
			name,
		);
	t.strictSame(readdirSync(folder), ["old.xyz"], "the command did not run, and no file is left");
});

t.test("four concurrent first runs lose no flows", async (t) => {
	const site = await startSite(t);
	const folder = t.testdir();
	const tape = join(folder, "session.tape");
	const names = ["a", "b", "c", "d"];
	const ended = await Promise.all(
		names.map((name) => runCaptured(command, [tape, ...asking([`${site.url}/${name}`])], { env })),
	);
	for (const run of ended) t.match(run, { status: 0, err: /recorded 1 flow to / });
	t.same(
		(await paths(tape)).sort(),
		names.map((name) => `/${name}`),
	);
	t.same(readdirSync(folder), ["session.tape"]);
});

t.test("a free port is used and not printed, unless a port is given", async (t) => {
	const site = await startSite(t);
	const folder = t.testdir();
	const [, , ...child] = asking([`${site.url}/a`]);
	const one = runCaptured(command, [join(folder, "1.tape"), ...child], { env });
	const other = runCaptured(command, [join(folder, "2.tape"), ...child], { env });
	for (const ended of await Promise.all([one, other])) {
		t.match(ended, { status: 0, err: /recorded 1 flow/ });
		t.notMatch(ended.err, /listening/);
	}
	t.match(
		(await runCaptured(command, [join(folder, "3.tape"), "-v", ...child], { env })).err,
		/listening on http:\/\/127\.0\.0\.1:\d+\n/,
	);
});

t.test("equal requests get their recordings in order, then always the last one", async (t) => {
	const site = await startSite(t);
	const tape = join(t.testdir(), "session.tape");
	const url = `${site.url}/a`;
	t.match(await runCaptured(command, [tape, ...asking([url])], { env }), { status: 0 });
	await site.close();
	t.match(await runCaptured(command, [tape, ...asking([url, url, url])], { env }), {
		status: 0,
		err: /served 3, missed 0/,
	});
	t.match(await runCaptured(command, [tape, "--order", "once", ...asking([url, url])], { env }), {
		status: 1,
		err: /served 1, missed 1/,
	});
});

t.test("hosts exempt from the proxy are proxied too, with a message, unless they are kept", async (t) => {
	const site = await startSite(t);
	const folder = t.testdir();
	const said = (...flags: string[]) =>
		runCaptured(
			command,
			[
				join(folder, "x.tape"),
				"--record-mode",
				"all",
				...flags,
				"--",
				process.execPath,
				"-e",
				`fetch("${site.url}/a").then(() => process.exit())`,
			],
			{
				env: { ...env, NO_PROXY: "localhost,127.0.0.1" },
			},
		);
	t.match(await said(), {
		status: 0,
		err: /NO_PROXY=localhost,127\.0\.0\.1 is cleared .*; --keep-no-proxy keeps it\n[\s\S]*recorded 1 flow/,
	});
	const kept = await said("--keep-no-proxy");
	t.notMatch(kept.err, /NO_PROXY/);
	t.match(kept, { status: 0, err: /nothing was recorded/ });
});

t.test("the order begins anew in a new Node process, once all recordings have answered", async (t) => {
	let count = 0;
	const server = createServer((_request, response) => response.end(String(++count))).listen(0, "127.0.0.1");
	t.teardown(() => server.close().closeAllConnections());
	await new Promise((resolve) => server.once("listening", resolve));
	const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
	const folder = t.testdir({
		"client.cjs": `(async () => {
	for (let n = 0; n < process.argv[2]; n++) console.log(await (await fetch(${JSON.stringify(url)})).text());
})();`,
		"watch.cjs": `const { execFileSync } = require("node:child_process");
const counts = process.argv.slice(2);
for (const count of counts) process.stdout.write(execFileSync(process.execPath, [__dirname + "/client.cjs", count]));`,
	});
	const printed = join(folder, "printed");
	const run = async (...counts: string[]) => {
		const script = `"${process.execPath}" "${folder}/watch.cjs" ${counts.join(" ")} > "${printed}"`;
		const result = await runCaptured(command, [join(folder, "x.tape"), "--", "sh", "-c", script], { env });
		t.match(result, { status: 0 });
		return { printed: readFileSync(printed, "utf8").split("\n").slice(0, -1).map(Number), err: result.err };
	};
	t.same((await run("1", "2")).printed, [1, 2, 3], "recorded in two processes");
	t.same((await run("1", "2")).printed, [1, 2, 3], "the second process of the same run continues the order");
	const again = await run("1", "2", "1", "2", "4");
	t.same(again.printed, [1, 2, 3, 1, 2, 3, 1, 2, 3, 3]);
	t.match(again.err, /served 10, missed 0, unused 0/);
	t.same((await run("3", "1", "1")).printed, [1, 2, 3, 1, 2]);
	writeFileSync(join(folder, "client.cjs"), `fetch(${JSON.stringify(url)}).then(() => process.exit())`);
	t.match((await run("1", "1", "1")).err, /served 3, missed 0, unused 0/);
});
