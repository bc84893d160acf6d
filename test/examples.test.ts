// Each script of examples/ on a tape, and its result.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import t, { type Test } from "tap";
import { command as rewrite } from "../commands/rewrite.ts";
import { type HttpParts, httpFlow, STARTED, websocketFlow } from "../fixtures/build-flow.ts";
import { runCaptured } from "../fixtures/run-captured.ts";
import { readTape, writeTape } from "../fixtures/tape-files.ts";
import type { Flow, HttpFlow } from "../src/flow/flow.ts";

const scripts = readdirSync("examples").filter((name) => name.endsWith(".mjs"));
const tried = new Set<string>();

/** The flows of a tape after a script, and what was printed. */
async function rewritten(
	t: Test,
	script: string,
	flows: readonly Flow[],
	...options: string[]
): Promise<{ flows: HttpFlow[]; err: string }> {
	tried.add(script);
	const folder = t.testdir();
	const [from, to] = [join(folder, "before.tape"), join(folder, "after.tape")];
	await writeTape(from, flows);
	const { status, out, err } = await runCaptured(rewrite, [
		from,
		"-o",
		to,
		"-s",
		join("examples", script),
		"-v",
		...options,
	]);
	t.equal(status, 0, err);
	return { flows: (await readTape(to)).flows.filter((flow) => flow.type === "http"), err: out + err };
}

const to = (host: string, path = "/", parts: HttpParts = {}): HttpFlow =>
	httpFlow({ ...parts, request: { host, path, ...parts.request } });
const statuses = (flows: readonly HttpFlow[]) => flows.map(({ response }) => response?.statusCode);

t.test("add-trace-id", async (t) => {
	const own = to("a.example", "/", { request: { headers: [["Traceparent", "mine"]] } });
	const { flows } = await rewritten(t, "add-trace-id.mjs", [to("a.example"), own]);
	t.match(flows[0]?.request.headers.get("traceparent"), /^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
	t.equal(flows[1]?.request.headers.get("traceparent"), "mine");
});

t.test("answer-health-checks", async (t) => {
	const down = { response: null, error: { message: "refused", timestamp: STARTED } };
	const { flows } = await rewritten(t, "answer-health-checks.mjs", [
		to("a.example", "/health", down),
		to("a.example", "/other", down),
	]);
	t.strictSame([flows[0]?.response?.statusCode, flows[0]?.response?.text], [200, "ok\n"]);
	t.equal(flows[1]?.response, null);
});

t.test("block-hosts", async (t) => {
	const hosts = ["ADS.example", "a.example", "tracker.example"];
	const { flows } = await rewritten(
		t,
		"block-hosts.mjs",
		hosts.map((host) => to(host)),
		"--set",
		"blocked_hosts=ads.example, tracker.example",
	);
	t.strictSame(statuses(flows), [204, 200, 204]);
});

t.test("count-by-host", async (t) => {
	const { err } = await rewritten(
		t,
		"count-by-host.mjs",
		["b.example", "a.example", "b.example"].map((host) => to(host)),
	);
	t.match(err, /2 b\.example[\s\S]*1 a\.example/);
});

t.test("edit-json", async (t) => {
	const json = (body: string, type = "application/json") =>
		to("a.example", "/", { response: { headers: [["Content-Type", type]], body } });
	const { flows } = await rewritten(t, "edit-json.mjs", [
		json('{"items":[{"price":"19.90"}],"price":null}'),
		json('{"price":1}', "text/plain"),
	]);
	t.strictSame(
		flows.map(({ response }) => response?.text),
		['{"items":[{"price":"0.00"}],"price":"0.00"}', '{"price":1}'],
	);
});

t.test("fail-sometimes", async (t) => {
	const { flows } = await rewritten(
		t,
		"fail-sometimes.mjs",
		["/1", "/2", "/3", "/4"].map((path) => to("a.example", path)),
		"--set",
		"fail_every=2",
	);
	t.strictSame(statuses(flows), [200, 503, 200, 503]);
});

t.test("follow-redirect-hosts", async (t) => {
	const redirect = (location: string) =>
		to("a.example", "/old", { response: { statusCode: 301, headers: [["Location", location]] } });
	const { flows } = await rewritten(t, "follow-redirect-hosts.mjs", [
		redirect("https://a.example/new?x=1"),
		redirect("/new"),
		to("a.example"),
	]);
	t.strictSame(
		flows.map(({ response }) => response?.headers.get("location")),
		["https://staging.example/new?x=1", "http://staging.example/new", null],
	);
});

t.test("hide-credentials", async (t) => {
	const login = to("a.example", "/", {
		request: {
			headers: [
				["Authorization", "Bearer s3cret"],
				["Cookie", "id=7"],
			],
		},
		response: {
			headers: [
				["Set-Cookie", "id=s3cret-too; Path=/"],
				["Set-Cookie", "theme=dark"],
			],
		},
	});
	const again = to("a.example", "/again", { request: { headers: [["Authorization", "Bearer s3cret"]] } });
	const { flows } = await rewritten(t, "hide-credentials.mjs", [login, again]);
	t.notMatch(
		JSON.stringify(flows.map(({ request, response }) => [...request.headers, ...(response?.headers ?? [])])),
		/s3cret|id=7/,
	);
	t.equal(
		flows[0]?.request.headers.get("authorization"),
		flows[1]?.request.headers.get("authorization"),
		"equal values stay equal",
	);
	t.match(flows[0]?.response?.headers.getAll("set-cookie"), [/^id=hidden-\d+; Path=\/$/, /^theme=hidden-\d+$/]);
});

t.test("mark-slow", async (t) => {
	const taking = (seconds: number) =>
		to("a.example", "/", { request: { timestampStart: STARTED }, response: { timestampEnd: STARTED + seconds } });
	const { flows } = await rewritten(t, "mark-slow.mjs", [taking(0.2), taking(2.5)]);
	t.strictSame(
		flows.map(({ marked, comment }) => [marked, comment]),
		[
			["", ""],
			[":turtle:", "2.50 s"],
		],
	);
});

t.test("trim-websocket", async (t) => {
	const message = (text: string) => ({ opcode: 1, content: Buffer.from(text) });
	const { flows } = await rewritten(t, "trim-websocket.mjs", [
		websocketFlow({ messages: ["ping", "hello", ""].map(message) }),
	]);
	const kept = flows[0]?.websocket?.messages.filter(({ dropped }) => !dropped) ?? [];
	t.strictSame(
		kept.map(({ content }) => String(content)),
		["hello"],
	);
});

t.test("each script is tried, and the list names it", async (t) => {
	t.strictSame([...tried].sort(), scripts);
	const listed = [...readFileSync("examples/README.md", "utf8").matchAll(/^\| \[([^\]]+)\]/gm)].map(([, name]) => name);
	t.strictSame(listed, scripts);
});
