// A command that starts its own server: requests to it pass unchanged, others are recorded and replayed.
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import t from "tap";
import { command as record } from "../../../commands/record.ts";
import { command as replayServer } from "../../../commands/replay-server.ts";
import { command as run } from "../../../commands/run.ts";
import { startSite } from "../../../fixtures/plain-site.ts";
import { runCaptured } from "../../../fixtures/run-captured.ts";
import { readTape } from "../../../fixtures/tape-files.ts";

const env = { PATH: process.env.PATH, FLOWTAPE_HOME: join(t.testdir(), "home") };

/**
 * Starts a server, asks it by `fetch` and, as a program in another language would, by the proxy; then asks for `url`.
 * Ends with status 3 where its own server does not answer, 4 where the other does not. `isBroken`: its server has a
 * fault.
 */
const suite = (url: string, { isBroken = false, port = 0 } = {}) => [
	"--",
	process.execPath,
	"-e",
	`const http = require("node:http");
	const server = http.createServer((request, response) => response.end(${isBroken ? "'broken'" : "'fine'"})).listen(${port}, "127.0.0.1", async () => {
		const own = "http://127.0.0.1:" + server.address().port + "/health";
		const proxy = new URL(process.env.HTTP_PROXY);
		const text = (address) => fetch(address).then((response) => response.text());
		const plain = await new Promise((done) => http.get({ agent: false, host: proxy.hostname, port: proxy.port, path: own, headers: { host: new URL(own).host } }, (response) => {
			let body = "";
			response.on("data", (part) => (body += part)).on("end", () => done(body));
		}));
		const isFine = (await text(own)) === "fine" && plain === "fine";
		const isAnswered = (await text(${JSON.stringify(url)})).startsWith("GET ");
		process.exit(isFine ? (isAnswered ? 0 : 4) : 3);
	});`,
];
const urls = async (tape: string) =>
	(await readTape(tape)).flows.map((flow) => (flow.type === "http" ? flow.request.url : flow.type));

t.test(
	"run: a failing program fails the run, even if its recorded dependency answers",
	{ skip: process.platform !== "linux" && "only Linux shows the listening process" },
	async (t) => {
		const site = await startSite(t);
		const tape = join(t.testdir(), "session.tape");
		const url = `${site.url}/a`;
		t.match(await runCaptured(run, [tape, ...suite(url)], { env }), {
			status: 0,
			err: /recorded 1 flow to .*, own 2\n$/,
		});
		t.strictSame(await urls(tape), [url]);
		await site.close();
		t.match(await runCaptured(run, [tape, ...suite(url)], { env }), {
			status: 0,
			err: /served 1, missed 0, unused 0, egress 0, own 2\n$/,
		});
		t.match(await runCaptured(run, [tape, ...suite(url, { isBroken: true })], { env }), { status: 3 });
	},
);

t.test(
	"record and replay-server, with a fixed port",
	{ skip: process.platform !== "linux" && "only Linux shows the listening process" },
	async (t) => {
		const site = await startSite(t);
		const tape = join(t.testdir(), "session.tape");
		const url = `${site.url}/a`;
		const free = createServer().listen(0, "127.0.0.1");
		await once(free, "listening");
		const { port } = free.address() as AddressInfo;
		await new Promise((resolve) => free.close(resolve));
		t.match(await runCaptured(record, [tape, ...suite(url, { port })], { env }), {
			status: 0,
			err: /recorded 1 flow to .*, own 2\n$/,
		});
		await site.close();
		t.match(await runCaptured(replayServer, [tape, ...suite(url, { port })], { env }), {
			status: 0,
			err: /served 1, .*, own 2\n$/,
		});
		t.match(await runCaptured(replayServer, [tape, "--json", ...suite(url, { port, isBroken: true })], { env }), {
			status: 3,
			out: /"own":2/,
		});
	},
);

t.test("--own-servers record: requests are recorded like others", async (t) => {
	const site = await startSite(t);
	const tape = join(t.testdir(), "session.tape");
	t.match(await runCaptured(run, [tape, "--own-servers", "record", ...suite(`${site.url}/a`)], { env }), {
		status: 0,
		err: /recorded 3 flows to [^,]*\n$/,
	});
	t.equal((await urls(tape)).length, 3);
});
