// Sends recorded requests again.
import t from "tap";
import { options, type SendJob, sendAgain } from "../../api/send-again.ts";
import { httpFlow, tcpFlow } from "../../fixtures/build-flow.ts";
import { startOrigin } from "../../fixtures/origin-server.ts";
import type { Flow } from "../../src/flow/flow.ts";
import { FlowSource } from "../../src/flow/pipe.ts";
import { hookOptions } from "../../src/hooks/builtin.ts";
import { defaults } from "../../src/options.ts";
import { options as clientOptions } from "../../src/proxy/replay-client.ts";

class Batches extends FlowSource {
	isClosed = false;
	readonly #flows: Flow[];

	constructor(flows: Flow[]) {
		super();
		this.#flows = flows;
	}

	async *read(): AsyncGenerator<Flow[]> {
		yield this.#flows;
	}

	override async close(): Promise<void> {
		this.isClosed = true;
	}
}

const job = (source: Batches, more: Partial<SendJob> = {}): SendJob => ({
	values: { ...defaults(hookOptions), ...defaults(clientOptions), ...defaults(options) },
	output: null,
	recordings: [],
	report: (code) => t.fail(code),
	open: async () => [source],
	signal: new AbortController().signal,
	onSent() {},
	onSkipped() {},
	...more,
});

t.test("requests are sent to their servers or to another, and each result is reported", async (t) => {
	const origin = await startOrigin(t, async (client) => {
		await client.upTo("\r\n\r\n");
		client.send("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nagain");
	});
	const values = { ...job(new Batches([])).values, to: `http://127.0.0.1:${origin.port}` };
	const source = new Batches([
		httpFlow({ id: "a" }),
		tcpFlow({ id: "b" }),
		httpFlow({ id: "c", request: { method: "CONNECT" } }),
	]);
	const reported: unknown[] = [];
	const report = await sendAgain(
		job(source, {
			values,
			onSent: ({ id }, { response }, hasFailed) => void reported.push([id, response?.text, hasFailed]),
			onSkipped: ({ id }, why) => void reported.push([id, why]),
		}),
	);
	t.match(reported.sort(), [
		["a", "again", false],
		["b", "it is tcp, not HTTP"],
		["c", "it is a CONNECT"],
	]);
	t.match(report, { sent: 1, failed: 0, skipped: 2, recorded: 0, egress: new Map([[`127.0.0.1:${origin.port}`, 1]]) });
	t.ok(source.isClosed);
});

t.test("options are checked before sources are opened, and sources are closed after a failure", async (t) => {
	const { values } = job(new Batches([]));
	const open = () => t.fail("nothing is opened") as never;
	await t.rejects(sendAgain(job(new Batches([]), { values: { ...values, to: "ftp://a.test" }, open })), {
		code: "FT_BAD_OPTION",
		option: "to",
	});
	await t.rejects(sendAgain(job(new Batches([]), { values: { ...values, speed: "fast" }, open })), {
		code: "FT_BAD_OPTION",
		option: "speed",
	});
	const source = new Batches([httpFlow()]);
	await t.rejects(sendAgain(job(source, { recordings: ["/none.tape"] })), { code: "FT_NOT_FOUND" });
	t.ok(source.isClosed);
	const skipping = new Batches([tcpFlow()]);
	const onSkipped = () => Promise.reject(new Error("refused"));
	await t.rejects(sendAgain(job(skipping, { onSkipped })), { message: "refused" });
	t.ok(skipping.isClosed);
});

t.test("a new token reaches the other server to which the recording sent it", async (t) => {
	const [old, fresh] = ["recorded-token-1234567", "brand-new-token-7654321"];
	const got: string[] = [];
	const server = (body: string) =>
		startOrigin(t, async (client) => {
			got.push(await client.head());
			const head = `Content-Type: application/json\r\nConnection: close\r\nContent-Length: ${body.length}`;
			client.send(`HTTP/1.1 200 OK\r\n${head}\r\n\r\n${body}`);
		});
	const [auth, shop, other] = [await server(JSON.stringify({ token: fresh })), await server("{}"), await server("{}")];
	const asked = (port: number, headers: [string, string][], body = "{}") =>
		httpFlow({
			request: { host: "127.0.0.1", port, headers: [["Host", `127.0.0.1:${port}`], ...headers] },
			response: { headers: [["Content-Type", "application/json"]], body },
		});
	const bearer: [string, string] = ["Authorization", `Bearer ${old}`];
	const source = new Batches([
		asked(auth.port, [], JSON.stringify({ token: old })),
		asked(shop.port, [bearer]),
		asked(other.port, []),
	]);
	const values = { ...job(source).values, correlate: true };
	t.match(await sendAgain(job(source, { values })), { sent: 3, failed: 0 });
	t.match(got[1], `\r\nAuthorization: Bearer ${fresh}\r\n`);
	for (const head of [got[0], got[2]]) t.notMatch(head, fresh);
	got.length = 0;
	const redirected = new Batches([asked(auth.port, [], JSON.stringify({ token: old })), asked(9, [bearer])]);
	const to = `http://127.0.0.1:${shop.port}`;
	t.match(await sendAgain(job(redirected, { values: { ...values, to } })), { sent: 2, failed: 0 });
	t.match(got[1], `\r\nAuthorization: Bearer ${old}\r\n`, "this server gave none");
});
