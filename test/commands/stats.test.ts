// `flowtape stats` prints statistics of tapes.
import { join } from "node:path";
import t from "tap";
import { command } from "../../commands/stats.ts";
import { httpFlow, STARTED, tcpFlow } from "../../fixtures/build-flow.ts";
import { runCaptured } from "../../fixtures/run-captured.ts";
import { writeTape } from "../../fixtures/tape-files.ts";

t.test("counts, sizes, hosts, the slowest, as text and as JSON", async (t) => {
	const tape = join(t.testdir(), "a.tape");
	await writeTape(tape, [
		httpFlow({
			request: { method: "POST", body: "12345" },
			response: { body: "x".repeat(2048), timestampEnd: STARTED + 5.1 },
		}),
		httpFlow({ request: { host: "other.test" }, response: { statusCode: 404 }, isReplay: "response" }),
		httpFlow({ response: null, error: { message: "refused", timestamp: 1 } }),
		tcpFlow(),
	]);
	const { status, out } = await runCaptured(command, [tape, "--json", "--top", "1"]);
	t.equal(status, 0);
	t.match(JSON.parse(out), {
		flows: 4,
		kinds: { http: 3, tcp: 1 },
		bytes: { request: 5 },
		methods: { GET: 2, POST: 1 },
		statuses: { 200: 1, 404: 1 },
		hosts: [{ name: "example.com", flows: 2 }],
		slowest: [{ method: "POST", status: 200, seconds: 5 }],
		errors: [{ name: "refused", flows: 1 }],
		replays: 1,
	});
	const text = (await runCaptured(command, [tape])).out;
	for (const part of [
		"4 flows: http 3, tcp 1; 1 replayed",
		"5b sent, 2k received",
		"statuses: 200 1, 404 1",
		"example.com",
		"5.00s 200  POST http://example.com/",
		"refused",
	])
		t.match(text, part);
});

t.test("-f counts only matching flows, also if the filter searches bodies", async (t) => {
	const tape = join(t.testdir(), "a.tape");
	await writeTape(tape, [
		httpFlow({ response: { statusCode: 404 } }),
		httpFlow({ request: { method: "POST", body: "needle" } }),
		tcpFlow(),
	]);
	const counted = async (filter: string) => {
		const { status, out } = await runCaptured(command, [tape, "--json", "-f", filter]);
		return { status, ...JSON.parse(out) };
	};
	t.match(await counted("~c 404"), { status: 0, flows: 1, statuses: { 404: 1 } });
	t.match(await counted("~bq needle"), { status: 0, flows: 1, methods: { POST: 1 } });
	t.match(await counted("~d nowhere"), { status: 0, flows: 0 });
	t.match(await runCaptured(command, [tape, "-f", "~b ("]), { status: 2, err: /^flowtape: -f: filter/ });
});

t.test("incomplete flows, by how they ended and not by their errors", async (t) => {
	const error = { message: "reset", timestamp: 1 };
	const tape = join(t.testdir(), "a.tape");
	const request = {
		method: "POST",
		timestampEnd: null,
		headers: [["Content-Length", "9"]] as [string, string][],
		body: "half",
	};
	await writeTape(tape, [
		httpFlow({ ended: "cut" }),
		httpFlow({ ended: "client" }),
		httpFlow({ ended: "server", error }),
		httpFlow({ request, response: null, error }),
	]);
	t.match(JSON.parse((await runCaptured(command, [tape, "--json"])).out), {
		incomplete: 3,
		errors: [{ name: "reset", flows: 2 }],
	});
	t.match((await runCaptured(command, [tape])).out, /^4 flows: http 4; 3 incomplete\n/);
});

t.test("an empty tape", async (t) => {
	const folder = t.testdir({ empty: "" });
	t.match(await runCaptured(command, [join(folder, "empty")]), { status: 0, out: /^0 flows: none\n/ });
});

t.test("an interrupted command prints no result", async (t) => {
	t.same(await runCaptured(command, [join(t.testdir({ empty: "" }), "empty")], { signal: AbortSignal.abort(130) }), {
		status: 130,
		out: "",
		err: "",
	});
});
