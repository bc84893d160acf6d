// What the two sides of an exchange have in common, through a running proxy: hooks that fail or abort, limits of bodies.
import t from "tap";
import { gate } from "../../../../fixtures/gate.ts";
import { answering, ask, ok, startOrigin } from "../../../../fixtures/origin-server.ts";
import { startTestProxy } from "../../../../fixtures/running-proxy.ts";
import type { HttpFlow } from "../../../../src/flow/flow.ts";
import { Response } from "../../../../src/flow/message.ts";
import type { Decision } from "../../../../src/hooks/decision.ts";
import type { Hook, Phase } from "../../../../src/hooks/hook.ts";

const phases = ["requestheaders", "request", "responseheaders", "response", "error"] as const;

/** A hook that records each phase, and the bodies at that time. */
function noting(noted: string[], needs: Hook["needs"] = { request: true, response: true }): Hook {
	const note = (phase: Phase) => (flow: HttpFlow) => {
		noted.push(`${phase} ${flow.request.text ?? "-"} ${flow.response?.text ?? "-"}`);
	};
	return { name: "noting", needs: needs ?? {}, ...Object.fromEntries(phases.map((phase) => [phase, note(phase)])) };
}

t.test("a hook aborts", async (t) => {
	const origin = await startOrigin(
		t,
		answering(() => ok("hi")),
	);
	for (const phase of phases.slice(0, 4)) {
		for (const isAnswered of [false, true]) {
			const noted: string[] = [];
			const answering: Hook = {
				name: "answering",
				request: (_flow, decision) => decision.answer(new Response({ statusCode: 200 }), "answering"),
			};
			const hanging: Hook = {
				name: "hanging-up",
				[phase]: (_flow: HttpFlow, decision: Decision) => decision.abort("Connection killed.", "hanging-up"),
			};
			const proxy = await startTestProxy(t, { hooks: [hanging, ...(isAnswered ? [answering] : []), noting(noted)] });
			const client = await proxy.connect();
			t.equal(await client.send(ask("GET", origin.authority, "/")).rest(), "", phase);
			const { error, response } = await proxy.flow(0);
			t.equal(error?.message, "Connection killed.");
			t.equal(response !== null, phase.startsWith("response"));
			t.match(noted.at(-1), /^error /);
		}
	}
});

t.test("a hook that fails at any phase, synchronously or later, ends only its own exchange", async (t) => {
	const origin = await startOrigin(
		t,
		answering(() => ok("hi")),
	);
	for (const isAsync of [false, true]) {
		for (const phase of phases.slice(0, 4)) {
			const fail = () => {
				throw new Error("oh no");
			};
			const failing: Hook = {
				name: "failing",
				[phase]: (flow: HttpFlow) =>
					flow.request.path !== "/bad" ? undefined : isAsync ? Promise.reject(new Error("oh no")) : fail(),
			};
			const proxy = await startTestProxy(t, { hooks: [failing] });
			const client = await proxy.connect();
			client.send(ask("GET", origin.authority, "/good") + ask("GET", origin.authority, "/bad"));
			t.equal((await client.message()).body.toString(), "hi");
			t.match(
				await client.rest(),
				/^HTTP\/1\.1 502 Bad Gateway\r\n.*a hook failed at \w+: oh no\n$/s,
				`${phase}${isAsync ? ", later" : ""}`,
			);
			t.match(proxy.flows, [{ error: null }, { error: { message: `a hook failed at ${phase}: oh no` } }]);
			t.match(await proxy.event("hook_error"), { phase, error: { message: "oh no" } });
		}
	}
});

t.test("a hook that fails at the error phase does not change the error", async (t) => {
	const failing: Hook = {
		name: "failing",
		error() {
			throw new Error("oh no");
		},
	};
	const proxy = await startTestProxy(t, { hooks: [failing], upstream: null });
	const client = await proxy.connect();
	t.match(
		await client.send(ask("GET", "example.invalid", "/")).rest(),
		/^HTTP\/1\.1 502 .*no hook answered this request/s,
	);
	t.match(await proxy.flow(0), { error: { message: /no hook answered/ } });
	t.match(await proxy.event("hook_error"), { phase: "error" });
});

t.test("a client that disconnects while a hook runs", async (t) => {
	const entered = gate();
	const left = gate();
	const slow: Hook = {
		name: "slow",
		async request() {
			entered.open();
			await left.opened;
		},
	};
	const proxy = await startTestProxy(t, { hooks: [slow] });
	const client = await proxy.connect();
	client.send(ask("GET", "example.invalid", "/"));
	await entered.opened;
	client.close();
	t.match(await proxy.flow(0), { error: { message: "Client disconnected." } });
	left.open();
	await proxy.running.close();
	t.equal(proxy.flows.length, 1, "is recorded once");
});

t.test("the exchange waits for hooks that run after a streamed message; they cannot break it", async (t) => {
	const origin = await startOrigin(
		t,
		answering((_head, body) => ok(body.toString())),
	);
	const looked = gate();
	const late: Hook = {
		name: "late",
		needs: { request: true },
		async request() {
			await new Promise(setImmediate);
			throw new Error("too late");
		},
		response: () => looked.opened,
	};
	const proxy = await startTestProxy(t, {
		hooks: [late],
		options: { stream_large_bodies: 1, store_streamed_bodies: true },
	});
	const client = await proxy.connect();
	t.equal((await client.send(ask("POST", origin.authority, "/", [], "body")).message()).body.toString(), "body");
	t.match(await proxy.event("hook_error"), { phase: "request", error: { message: "too late" } });
	t.equal(proxy.flows.length, 0);
	looked.open();
	t.match(await proxy.flow(0), { error: null, response: { text: "body" } });
});

t.test("bodies over the limit are refused", async (t) => {
	const origin = await startOrigin(
		t,
		answering(() => ok("too long")),
	);
	const proxy = await startTestProxy(t, { options: { body_size_limit: 4 } });
	for (const [request, status] of [
		[ask("POST", origin.authority, "/", [], "12345"), 413],
		[`${ask("POST", origin.authority, "/", ["Transfer-Encoding: chunked"])}5\r\n12345\r\n0\r\n\r\n`, 413],
		[ask("GET", origin.authority, "/"), 502],
	] as const) {
		const client = await proxy.connect();
		t.match(await client.send(request).rest(), new RegExp(`^HTTP/1\\.1 ${status} .*body exceeds body_size_limit`, "s"));
		client.close();
	}
	const [announced, , response] = [await proxy.flow(0), await proxy.flow(1), await proxy.flow(2)];
	t.same([announced.request.body, response.response?.body], [null, null], "nothing is said of what was not read");
});

t.test("a full disk: streamed bodies are still forwarded, bodies that must wait on the disk are refused", async (t) => {
	const full = () => {
		throw new Error("disk full");
	};
	const origin = await startOrigin(
		t,
		answering((_head, body) => ok(`${body.length}`)),
	);
	const size = 3_000_000;
	for (const [needs, status] of [
		[undefined, 200],
		["always", 502],
	] as const) {
		const waiting: Hook = { name: "waiting", ...(needs && { needs: { request: needs } }), request: () => {} };
		const proxy = await startTestProxy(t, {
			hooks: [waiting],
			sink: { append: () => {}, spool: () => ({ write: full, end: full }) },
			options: { stream_large_bodies: 1, store_streamed_bodies: true },
		});
		const client = await proxy.connect();
		client.send(ask("PUT", origin.authority, "/", [`Content-Length: ${size}`])).send(Buffer.alloc(size));
		t.match(await client.head(), new RegExp(`^HTTP/1\\.1 ${status} `));
		t.equal((await proxy.flow(0)).request.body, null, "missing, not empty");
		t.match(await proxy.event("sink_error"), { error: { message: "disk full" } });
	}
});
