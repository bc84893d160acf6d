// Explains hits and misses, and finds fields that vary between two recordings.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { parse } from "yaml";
import { command } from "../../commands/explain.ts";
import { httpFlow } from "../../fixtures/build-flow.ts";
import { runCaptured } from "../../fixtures/run-captured.ts";
import { writeTape } from "../../fixtures/tape-files.ts";

t.test("a hit names the recording, equal ones, and the compared parts", async (t) => {
	const tape = join(t.testdir(), "a.tape");
	await writeTape(tape, [
		httpFlow({ id: "aaaaaaaa-1", response: null }),
		httpFlow({ id: "bbbbbbbb-1" }),
		httpFlow({ id: "cccccccc-1", response: { statusCode: 404 } }),
	]);
	const { status, out } = await runCaptured(command, [tape, "--request", "http://example.com/"]);
	t.equal(status, 0);
	t.equal(
		out,
		`GET http://example.com/ is answered by flow bbbbbbbb
3 recordings are equal, and each recording answers once:
  aaaaaaaa GET http://example.com/ no response, never answers
→ bbbbbbbb GET http://example.com/ → 200
  cccccccc GET http://example.com/ → 404
compared: method, scheme, host, port, path, query in order, body by bytes
`,
	);
	const json = JSON.parse((await runCaptured(command, [tape, "-r", "cccc", "--json"])).out) as object;
	t.match(json, {
		answered: true,
		recording: "bbbbbbbb-1",
		equal: [{ status: null }, { status: 200 }, { status: 404 }],
		compared: /^method/,
	});
});

t.test("a miss names the nearest recording and options; with these options it is a hit", async (t) => {
	const tape = join(t.testdir(), "a.mitm");
	const headers: [string, string][] = [["Content-Type", "application/json"]];
	await writeTape(tape, [
		httpFlow({
			request: {
				method: "POST",
				path: "/?t=1",
				headers: [...headers, ["Host", "example.com"]],
				body: '{"id":1,"name":"x"}',
			},
		}),
	]);
	const request = `curl http://example.com/?t=2 -H 'Content-Type: application/json' -d '{"id":2,"name":"x"}'`;
	const miss = await runCaptured(command, [tape, "--request", request]);
	t.equal(miss.status, 1);
	t.match(miss.out, "would answer with --ignore-params t --ignore-json /id\n");
	t.match(miss.out, /\ncompared: method, /);
	const hit = await runCaptured(command, [tape, "--request", request, "--ignore-params", "t", "--ignore-json", "/id"]);
	t.equal(hit.status, 0);
	t.match(
		hit.out,
		"compared: method, scheme, host, port, path, query in order (without t), body by meaning if it is JSON, otherwise by bytes (without JSON /id)",
	);
	t.match(JSON.parse((await runCaptured(command, [tape, "--request", request, "--json"])).out), {
		answered: false,
		nearest: [{ options: ["server_replay_ignore_params=t", "server_replay_ignore_json=/id"] }],
	});
});

t.test("a match function of the configuration file is used", async (t) => {
	const folder = t.testdir({
		"config.mjs":
			'export default { server_replay_match: (request, recorded) => request.headers.get("x-a") === recorded.headers.get("x-a") };',
	});
	const tape = join(folder, "a.tape");
	await writeTape(tape, [httpFlow()]);
	const args = [tape, "--config", join(folder, "config.mjs"), "--request"];
	t.equal((await runCaptured(command, [...args, "http://example.com/"])).status, 0);
	const { status, out } = await runCaptured(command, [...args, "curl http://example.com/ -H 'X-A: 1'"]);
	t.equal(status, 1);
	t.match(out, "the match function rejects it");
	writeFileSync(join(folder, "other.json"), '{"server_replay_match": "x"}');
	t.match(await runCaptured(command, [tape, "--config", join(folder, "other.json"), "--request", "x"]), {
		status: 2,
		err: /server_replay_match/,
	});
});

t.test("--learn prints a configuration file with the varying fields only", async (t) => {
	const folder = t.testdir();
	const scenario = (run: number) => [
		httpFlow({ request: { path: `/items?page=1&_=17000000${run}5123` } }),
		httpFlow({
			request: {
				method: "POST",
				path: "/orders",
				headers: [["Content-Type", "application/json"]],
				body: JSON.stringify({
					requestId: `3f2a1b2c-0d1e-4f00-8000-00000000000${run}`,
					lines: [{ at: `2024-01-0${run}T10:00:00Z`, amount: 10 * run }],
				}),
			},
		}),
		httpFlow({ request: { path: "/same" } }),
	];
	const [a, b] = [join(folder, "a.tape"), join(folder, "b.tape")];
	await writeTape(a, scenario(1));
	await writeTape(b, [...scenario(2), httpFlow({ request: { path: "/new" } })]);
	const { status, out } = await runCaptured(command, [a, b, "--learn"]);
	t.equal(status, 0);
	t.same(parse(out), { server_replay_ignore_params: ["_"], server_replay_ignore_json: ["/lines/*/at", "/requestId"] });
	t.match(out, /^# 3 pairs of requests compared, 1 are equal/);
	t.match(
		out,
		/# {3}json \/lines\/\*\/amount: 10 and 20, as in POST .* \(--ignore-json '\/lines\/\*\/amount' would leave it out\)/,
	);
	t.match(out, /# Only in one of the recordings:\n# {3}GET http:\/\/example.com\/new\n/);
	writeFileSync(join(folder, "learned.yaml"), out);
	for (const request of ["/items?page=1&_=1800000000000", "/same"])
		t.equal(
			(
				await runCaptured(command, [
					a,
					"--config",
					join(folder, "learned.yaml"),
					"--request",
					`http://example.com${request}`,
				])
			).status,
			0,
		);
	t.match(JSON.parse((await runCaptured(command, [a, b, "--learn", "--json"])).out), {
		options: parse(out) as object,
		compared: 3,
	});
});

t.test("usage errors", async (t) => {
	const tape = join(t.testdir(), "a.tape");
	await writeTape(tape, [httpFlow()]);
	t.match(await runCaptured(command, [tape]), { status: 2, err: /--request/ });
	t.match(await runCaptured(command, [tape, "--learn"]), { status: 2, err: /two tapes/ });
	t.match(await runCaptured(command, [tape, "--request", "nothing"]), {
		status: 4,
		err: /expected a curl command, .*found "nothing"/,
	});
});
