// The requests that the viewer refuses: each way in that was open in other tools.
import { join } from "node:path";
import t, { type Test } from "tap";
import { httpFlow } from "../../../fixtures/build-flow.ts";
import { storeWith } from "../../../fixtures/stores.ts";
import { send, viewerOf } from "../../../fixtures/viewer.ts";
import { attachmentHeaders, Guard } from "../../../viewer/server/guard.ts";

async function start(t: Test, allowedHosts: readonly string[] = []) {
	const path = join(t.testdir(), "a.tape");
	await storeWith(path, [httpFlow({})]);
	return viewerOf(t, [path], { allowedHosts });
}

t.test("only requests that name the viewer are answered", async (t) => {
	const { port, token } = await start(t);
	const statusOf = async (host: string) =>
		(await send(port, "GET", "/api/v1/tape", null, { Host: host, Authorization: `Bearer ${token}` })).status;
	for (const host of [`127.0.0.1:${port}`, `localhost:${port}`, `[::1]:${port}`])
		t.equal(await statusOf(host), 200, host);
	for (const host of [
		"attacker.example",
		`attacker.example:${port}`,
		`127.0.0.1.attacker.example:${port}`,
		"127.0.0.1",
		`127.0.0.1:${port + 1}`,
		`127.0.0.1:${port}@attacker.example`,
		`0.0.0.0:${port}`,
	])
		t.equal(await statusOf(host), 421, `DNS rebinding by ${host}`);
	const { bytes } = await send(port, "GET", "/", null, { Host: "attacker.example" });
	t.equal(bytes.length, 0, "the page is not shown either");
});

t.test("names of a container or a reverse proxy can be allowed", async (t) => {
	const { port, token } = await start(t, ["viewer.test"]);
	for (const [host, status] of [
		["viewer.test", 200],
		[`viewer.test:${port}`, 200],
		["other.test", 421],
	] as const)
		t.equal(
			(await send(port, "GET", "/api/v1/tape", null, { Host: host, Authorization: `Bearer ${token}` })).status,
			status,
			host,
		);
});

t.test("requests of other sites are refused", async (t) => {
	const { port, token, ask } = await start(t);
	const own = { Authorization: `Bearer ${token}` };
	for (const [headers, status] of [
		[{ Origin: `http://127.0.0.1:${port}` }, 200],
		[{ "Sec-Fetch-Site": "same-origin" }, 200],
		[{ Origin: "null" }, 403],
		[{ Origin: "https://attacker.example" }, 403],
		[{ Origin: `http://127.0.0.1:${port + 1}` }, 403],
		[{ "Sec-Fetch-Site": "cross-site" }, 403],
		[{ "Sec-Fetch-Site": "same-site" }, 403],
		[{ "Sec-Fetch-Site": "none" }, 403],
	] as const) {
		const answer = await ask("GET", "/api/v1/tape", undefined, { ...own, ...headers });
		t.equal(answer.status, status, JSON.stringify(headers));
		t.notOk(
			Object.keys(answer.headers).some((name) => name.startsWith("access-control-")),
			"no other site may read it",
		);
	}
	t.equal(
		(await ask("GET", "/", undefined, { "Sec-Fetch-Site": "cross-site" })).status,
		403,
		"in a frame of another site",
	);
});

t.test("every route of the API needs the token; cookies do not count", async (t) => {
	const { ask, token } = await start(t);
	for (const [method, path] of [
		["GET", "tape"],
		["POST", "sets"],
		["GET", "flows/1"],
		["GET", "flows/1/response/body/raw"],
		["PATCH", "flows"],
		["POST", "export"],
		["GET", "events"],
		["GET", "nothing"],
	] as const)
		for (const headers of [
			{},
			{ Authorization: "Bearer wrong" },
			{ Authorization: `Basic ${token}` },
			{ Cookie: `token=${token}` },
		])
			t.equal((await ask(method, `/api/v1/${path}`, method === "GET" ? undefined : {}, headers)).status, 401, path);
	t.equal((await ask("GET", `/api/v1/tape?token=${token}`, undefined, {})).status, 401, "in the query");
});

t.test("the code of an opened browser works once", async (t) => {
	const { viewer, ask, token } = await start(t);
	const code = new URL(viewer.openingUrl()).hash.replace("#code=", "");
	t.not(code, token);
	t.equal((await ask("POST", "/api/v1/token", { code }, {})).json.token, token);
	t.equal((await ask("POST", "/api/v1/token", { code }, {})).status, 401);
	t.equal((await ask("POST", "/api/v1/token", { code: 1 }, {})).status, 401);
	t.not(new Guard(1).token, new Guard(1).token, "each start has a token of its own");
});

t.test("the headers of every answer", async (t) => {
	const { ask } = await start(t);
	const { headers } = await ask("GET", "/api/v1/tape");
	t.match(headers["content-security-policy"], /default-src 'none'.*frame-ancestors 'none'.*trusted-types 'none'/);
	t.notMatch(headers["content-security-policy"], /unsafe/);
	t.match(headers, {
		"x-content-type-options": "nosniff",
		"referrer-policy": "no-referrer",
		"cache-control": "no-store",
		"cross-origin-resource-policy": "same-origin",
	});
	t.notOk("set-cookie" in headers);
});

t.test("names of saved files are harmless", async (t) => {
	const nameOf = (name: string) => /filename="(.*)"$/.exec(attachmentHeaders(name)["Content-Disposition"] ?? "")?.[1];
	t.equal(nameOf("../../etc/passwd"), "__.._etc_passwd");
	t.equal(nameOf('a"; filename="b\r\nX: y'), "a_filename_b_X_y");
	t.equal(nameOf(".bashrc"), "_bashrc");
	t.equal(nameOf("picture.png"), "picture.png");
});
