// Requests that are answered without an exchange.
import t, { type Test } from "tap";
import { httpRequest, httpResponse, STARTED } from "../../../../fixtures/build-flow.ts";
import { recorded, sourceOf } from "../../../../fixtures/recordings.ts";
import { startTestProxy } from "../../../../fixtures/running-proxy.ts";
import type { Response } from "../../../../src/flow/message.ts";
import type { CachedResponse } from "../../../../src/hooks/decision.ts";
import type { Hook } from "../../../../src/hooks/hook.ts";
import { createServerReplay, options, type ServerReplay } from "../../../../src/hooks/server-replay.ts";
import { defaults } from "../../../../src/options.ts";
import { ResponseCache } from "../../../../src/proxy/context/response-cache.ts";
import { Recording } from "../../../../src/replay/answer/recording.ts";
import { usualDates } from "../../../../src/replay/answer/refresh.ts";

const asked = Buffer.from("GET / HTTP/1.1\r\n\r\n");

/** A response that changes every ten seconds, and counts its uses. */
function changing(
	responseAt: (n: number) => Response,
): CachedResponse & { times: number; at: number; isCurrent: boolean } {
	return {
		times: 0,
		at: 0,
		isCurrent: true,
		current() {
			const n = Math.floor(this.at / 10);
			return { response: responseAt(n), until: (n + 1) * 10 };
		},
		changingFields: () => null,
		currentFields: () => ({ fields: [], until: 0 }),
		isValid() {
			return this.isCurrent;
		},
		countServed() {
			this.times++;
		},
	};
}

/** The bytes sent for a request; null: the cache has no response. */
function sent(answers: ResponseCache, bytes: Buffer, at: number): string | null {
	const parts: (string | Buffer)[] = [];
	const message = answers.get(bytes, at);
	message?.writeTo({ add: (part) => void parts.push(part) });
	return message === null ? null : parts.map(String).join("");
}

t.test("only the same bytes get the current response", async (t) => {
	const answers = new ResponseCache();
	const answer = changing((n) => httpResponse({ headers: [["n", String(n)]], body: `body ${n}` }));
	t.equal(sent(answers, asked, 1), null);
	answers.set(asked, httpRequest(), answer, 100);
	t.equal(sent(answers, Buffer.from(asked), 2), "HTTP/1.1 200 OK\r\nn: 0\r\ncontent-length: 6\r\n\r\nbody 0");
	t.equal(sent(answers, Buffer.from("GET /x HTTP/1.1\r\n\r\n"), 2), null);
	answer.at = 12;
	t.match(sent(answers, asked, 9), /body 0/);
	t.match(sent(answers, asked, 12), /body 1/);
	t.equal(answer.times, 3);
	answer.isCurrent = false;
	t.equal(sent(answers, asked, 13), null, "it is no longer the answer to equal requests");
});

/** The response of a recording at the time of `clock`. */
function dated(response: Response, clock: { at: number }): CachedResponse {
	const recording = new Recording({ id: "1", response });
	const untilNow = () => recording.staysUntil(clock.at, usualDates);
	return {
		current: () => ({ response: recording.answer(clock.at, usualDates), until: untilNow() }),
		changingFields: () => recording.moving(usualDates),
		currentFields: () => ({ fields: recording.fieldsAt(clock.at, usualDates), until: untilNow() }),
		isValid: () => true,
		countServed: () => {},
	};
}

t.test("only dates change, as in a response that is made at the time", async (t) => {
	const day = "Tue, 14 Nov 2023 22:13:20 GMT";
	const fields: [string, string][][] = [
		[["Date", day]],
		[
			["x", day],
			["Date", day],
			["Set-Cookie", `a=1; expires=${day}; path=/`],
			["content-length", "4"],
			["set-cookie", `b=2; Expires=${day}`],
			["Expires", day],
		],
		[["x", "no date"]],
		[["Date", "soon"]],
		[["Last-Modified", "Tue Nov 14 22:13:20 2023"]],
		// Variants with fields left out or added.
		[
			["bad name", "x"],
			["Date", day],
		],
		[
			["Date", day],
			["content-length", "17"],
		],
		[
			["content-encoding", "identity"],
			["Date", day],
		],
	];
	for (const headers of fields) {
		const response = httpResponse({ headers, body: "body", timestampStart: STARTED });
		const clock = { at: STARTED + 100 };
		const answers = new ResponseCache();
		answers.set(asked, httpRequest(), dated(response, clock), 100);
		for (const seconds of [0, 0.5, 1, 86_400, 40 * 86_400, 8e11]) {
			clock.at += seconds;
			const fresh = new ResponseCache();
			fresh.set(asked, httpRequest(), dated(response, clock), 100);
			t.equal(sent(answers, asked, clock.at), sent(fresh, asked, clock.at), `${JSON.stringify(headers)} ${seconds}`);
		}
	}
});

t.test("a response to HEAD has no body", async (t) => {
	const answers = new ResponseCache();
	answers.set(
		asked,
		httpRequest({ method: "HEAD" }),
		changing(() => httpResponse({ headers: [["content-length", "4"]], body: "body" })),
		100,
	);
	t.equal(sent(answers, asked, 0), "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\n");
});

t.test("chunked and changing responses are not cached", async (t) => {
	const answers = new ResponseCache();
	const refused = [
		httpResponse({ headers: [["transfer-encoding", "chunked"]] }),
		httpResponse({ headers: [["connection", "close"]] }),
		httpResponse({ body: { size: 1, read: () => Buffer.from("x"), chunks: () => [Buffer.from("x")] } }),
	];
	for (const response of refused) {
		answers.set(
			asked,
			httpRequest(),
			changing(() => response),
			100,
		);
		t.equal(sent(answers, asked, 0), null);
	}
	const past = changing(() => httpResponse());
	answers.set(asked, httpRequest(), past, 100);
	t.equal(sent(answers, asked, 10), null);
});

t.test("memory is bounded: the cache is emptied when it is full", async (t) => {
	const answers = new ResponseCache();
	const large = Buffer.alloc(90 * 1024 * 1024);
	const bytes = (n: number) => Buffer.from(`GET /${n} HTTP/1.1\r\n\r\n`);
	for (let n = 0; n < 3; n++)
		answers.set(
			bytes(n),
			httpRequest(),
			changing(() => httpResponse({ body: large })),
			large.length,
		);
	t.strictSame(
		[0, 1, 2].map((n) => answers.get(bytes(n), 0) !== null),
		[false, false, true],
	);
});

const get = (path: string, ...fields: string[]) =>
	[`GET http://example.com/${path} HTTP/1.1`, "Host: example.com", ...fields, "", ""].join("\r\n");

/** A proxy that answers from recordings that can be reused. */
async function replaying(t: Test, wantsFlows: boolean, ...hooks: Hook[]) {
	const dated = { headers: [["Date", "Tue, 14 Nov 2023 22:13:20 GMT"]] as [string, string][], timestampStart: STARTED };
	const flows = ["a", "b"].map((name) => recorded(name, { path: `/${name}` }, dated));
	const post = recorded("posted", { method: "POST", path: "/p", body: "sent" }, dated);
	const replay = (await createServerReplay(
		{ ...defaults(options), server_replay_reuse: true },
		{ recordings: [sourceOf([...flows, post])] },
	)) as ServerReplay;
	const proxy = await startTestProxy(t, { hooks: [...hooks, replay], upstream: null, setup: { wantsFlows } });
	return { proxy, replay };
}

t.test("without a consumer of flows, the proxy answers from the cache, and counts", async (t) => {
	const { proxy, replay } = await replaying(t, false);
	const client = await proxy.connect();
	for (const name of ["a", "a", "a", "b", "a", "b", "b"]) {
		const { head, body } = await client.send(get(name)).message();
		t.match(head, /^HTTP\/1\.1 200 OK\r\n/);
		t.equal(body.toString(), name);
	}
	const post = "POST http://example.com/p HTTP/1.1\r\nHost: example.com\r\nContent-Length: 4\r\n\r\nsent";
	for (let n = 0; n < 4; n++) t.equal((await client.send(post).message()).body.toString(), "posted");
	t.equal((await client.send(post.replace("sent", "else")).message()).head.split(" ")[1], "404");
	t.same(await replay.report(), { served: 11, missed: 1, unused: 0 });
	t.equal(proxy.flows.length, 4, "exchanges: one for each recording, and the miss");
});

t.test("several requests in one chunk, one in several, and a last one", async (t) => {
	const { proxy, replay } = await replaying(t, false);
	const client = await proxy.connect();
	for (let n = 0; n < 3; n++) {
		client.send(get("a") + get("b") + get("a"));
		for (const name of ["a", "b", "a"]) t.equal((await client.message()).body.toString(), name);
	}
	for (let n = 0; n < 3; n++) {
		client.send(get("a").slice(0, 20));
		await new Promise(setImmediate);
		t.equal((await client.send(get("a").slice(20)).message()).body.toString(), "a");
	}
	for (let n = 0; n < 3; n++) {
		const last = await proxy.connect();
		t.match(await last.send(get("b", "Connection: close")).rest(), /Connection: close\r\n\r\nb$/);
	}
	t.equal((await replay.report()).served, 15);
});

t.test("dates are current", async (t) => {
	const { proxy } = await replaying(t, false);
	const client = await proxy.connect();
	for (let n = 0; n < 4; n++) {
		const asked = Date.now();
		const { head } = await client.send(get("a")).message();
		const date = Date.parse(/^Date: (.*)$/m.exec(head)?.[1] ?? "");
		// A date has whole seconds.
		t.ok(date > asked - 2000 && date < Date.now() + 1000, head);
	}
});

t.test("hooks see every request", async (t) => {
	let seen = 0;
	const { proxy } = await replaying(t, false, { name: "looking", requestheaders: () => void seen++ });
	const watched = await replaying(t, true);
	for (const { connect } of [proxy, watched.proxy]) {
		const client = await connect();
		for (let n = 0; n < 4; n++) await client.send(get("a")).message();
	}
	t.equal(seen, 4);
	await watched.proxy.flow(3);
	t.equal(watched.proxy.flows.length, 4);
});
