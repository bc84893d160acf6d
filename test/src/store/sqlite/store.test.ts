// A tape stores all parts of flows, survives a killed writer, and can be read while it is written.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { dnsFlow, httpFlow, tcpFlow, websocketFlow } from "../../../../fixtures/build-flow.ts";
import { flowsOf, startRecorder, storeAt, storeWith } from "../../../../fixtures/stores.ts";
import { reports } from "../../../../fixtures/tape-files.ts";
import { comparable, variedFlows } from "../../../../fixtures/varied-flows.ts";
import { compileFilter } from "../../../../src/filter/compile.ts";
import type { Flow, HttpFlow } from "../../../../src/flow/flow.ts";
import { OWN_CHALLENGE } from "../../../../src/flow/proxy-challenge.ts";

const byPath = (flow: HttpFlow) => flow.request.path;

t.test("flows of all kinds are restored in order", async (t) => {
	const path = join(t.testdir(), "all.tape");
	const flows = variedFlows();
	await storeWith(path, flows);
	const store = storeAt(path, "read");
	t.same((await flowsOf(store)).map(comparable), flows.map(comparable));
	t.equal(await store.count(), flows.length);
	t.same(
		(await flowsOf(store, { ids: [flows[3]?.id ?? "", flows[1]?.id ?? "", "absent"] })).map(({ id }) => id),
		[flows[1]?.id, flows[3]?.id],
	);
	await store.close();
});

t.test("a copied flow is unchanged, with fields of newer versions", async (t) => {
	const [one, two] = [join(t.testdir(), "one.tape"), join(t.testdir(), "two.tape")];
	const flow = httpFlow();
	flow.extra = { head: ["new", 1], rest: [2], fields: { other: "format's" } };
	flow.request.extra = { tail: ["more"] };
	(flow.response as NonNullable<typeof flow.response>).extra = { tail: [null, 3] };
	flow.clientConn.extra = { tail: ["c"] };
	flow.serverConn.extra = { tail: ["s"] };
	await storeWith(one, [flow, ...variedFlows()]);
	const first = storeAt(one, "read");
	await storeWith(two, await flowsOf(first));
	const second = storeAt(two, "read");
	t.same((await flowsOf(second)).map(comparable), (await flowsOf(first)).map(comparable));
	const [back] = (await flowsOf(second)) as [HttpFlow];
	t.same(back.extra, { head: ["new", 1], rest: [2], fields: { other: "format's" } });
	t.same([back.request.extra, back.response?.extra], [{ tail: ["more"] }, { tail: [null, 3] }]);
	t.same([back.clientConn.extra, back.serverConn.extra], [{ tail: ["c"] }, { tail: ["s"] }]);
	await first.close();
	await second.close();
});

t.test("text with invalid bytes is restored and found by filters", async (t) => {
	const path = join(t.testdir(), "stray.tape");
	const text = "a\udcff\0b\ud83c\udf47\ufffe\ud800";
	const flow = websocketFlow({
		id: `id ${text}`,
		marked: text,
		comment: text,
		error: { message: text, timestamp: 1 },
		metadata: { [text]: text },
		backup: { [text]: [text] },
		request: { host: text, headers: [] },
		clientConn: { sni: text, error: text, peername: [text, 1], cipherList: [text] },
		serverConn: { address: [text, 1], via: ["http", [text, 2]] },
		websocket: { messages: [], closedByClient: null, closeCode: 1, closeReason: text, timestampEnd: 1 },
	});
	const dns = dnsFlow({ request: { questions: [{ name: text, type: 1, class: 1 }] } });
	await storeWith(path, [flow, dns, httpFlow()]);
	const store = storeAt(path, "read");
	t.same((await flowsOf(store)).slice(0, 2).map(comparable), [flow, dns].map(comparable));
	for (const filter of ["~d '^a\udcff'", "~marker '\udcff'", "~d '\udcff' & ~b ''"])
		t.same(
			(await flowsOf(store, { filter: compileFilter(filter) })).map(({ id }) => id),
			[flow.id],
			filter,
		);
	t.equal((await flowsOf(store, { ids: [flow.id] })).length, 1);
	await store.close();
});

t.test("queries of a replay: keys, summaries, responses", async (t) => {
	const path = join(t.testdir(), "answers.tape");
	const flows = [
		httpFlow({ id: "\udcff", request: { path: "/a" }, response: { statusCode: 201, body: "x".repeat(500) } }),
		httpFlow({ id: "open", request: { path: "/b" }, response: null }),
		tcpFlow({ id: "stream" }),
		websocketFlow({ id: "socket", request: { path: "/a" } }),
		httpFlow({ id: "interim", response: { statusCode: 103 } }),
	];
	await storeWith(path, flows, { requestKey: byPath });
	const { list, report } = reports();
	const store = storeAt(path, "read", { report });
	t.same([...store.keys()].flat(), [
		{ seq: 1, key: "/a" },
		{ seq: 2, key: "/b" },
		{ seq: 4, key: "/a" },
		{ seq: 5, key: "/" },
	]);
	const summaries = store
		.summaries(0, 10)
		.map(({ seq, id, path: target, status, isAnswer }) => [seq, id, target, status, isAnswer]);
	t.same(summaries, [
		[1, "\udcff", "/a", 201, true],
		[2, "open", "/b", null, false],
		[4, "socket", "/a", 101, true],
		[5, "interim", "/", 103, false],
	]);
	t.same(
		store.summaries(1, 1).map(({ seq }) => seq),
		[2],
	);
	t.equal(store.countAnswers(), 2);
	const answer = store.answerAt(1);
	t.match(answer, { id: "\udcff", response: { statusCode: 201, bodySize: 500 } });
	t.equal(answer?.response.rawContent?.toString(), "x".repeat(500));
	t.same([store.answerAt(2), store.answerAt(3), store.answerAt(99)], [null, null, null]);
	t.same(
		[...store.requests()].flat().map(({ seq, request }) => [seq, request.url, request.headers.get("host")]),
		flows.flatMap((flow, i) =>
			flow.type === "http" ? [[i + 1, flow.request.url, flow.request.headers.get("host")]] : [],
		),
	);
	t.same(list, []);
	await store.close();
});

t.test("a conversation and a body are stored while they arrive", async (t) => {
	const path = join(t.testdir(), "open.tape");
	const store = storeAt(path, "append");
	const spool = store.spool();
	for (const part of ["one ", "two ", "three"]) spool.write(Buffer.from(part));
	store.append(httpFlow({ id: "spooled", response: { body: spool.end() } }));
	const flow = websocketFlow({ id: "socket" });
	const open = store.open(flow);
	const gone = store.open(websocketFlow({ id: "gone" }));
	const message = {
		opcode: 1,
		fromClient: true,
		content: Buffer.from("later"),
		timestamp: 5,
		dropped: false,
		injected: true,
	};
	open.addMessage(message);
	gone.addMessage(message);
	gone.discard();
	flow.marked = ":star:";
	flow.error = { message: "reset", timestamp: 9 };
	open.close();
	await store.close();
	const reader = storeAt(path, "read");
	const [spooled, socket, ...others] = (await flowsOf(reader)) as HttpFlow[];
	t.equal(spooled?.response?.rawContent?.toString(), "one two three");
	t.match(socket, { id: "socket", marked: ":star:", error: { message: "reset" } });
	t.same(
		socket?.websocket?.messages.map(({ content }) => content.toString()),
		["ping", "pong", "later"],
	);
	t.same(others, []);
	await reader.close();
});

t.test("a killed writer leaves every flow of 100 ms before, and a tape that opens normally", async (t) => {
	const path = join(t.testdir(), "killed.tape");
	for (let round = 0; round < 3; round++) {
		const recorder = startRecorder(path);
		let last = -1;
		for await (const number of recorder.safe) {
			last = number;
			if (number >= 300 + round * 77) break;
		}
		await recorder.kill();
		const store = storeAt(path, "read");
		const numbers = (await flowsOf(store, { filter: compileFilter("~c 200") })).map(({ id }) => Number(id));
		const ofThisRound = numbers.slice(numbers.lastIndexOf(0));
		t.ok(ofThisRound.length > last, `${ofThisRound.length} flows, ${last + 1} were safe`);
		t.same(
			ofThisRound,
			Array.from(ofThisRound, (_, i) => i),
			"without a gap",
		);
		t.equal(store.findByKey("key", -1, 1_000_000).length, numbers.length);
		await store.close();
	}
});

t.test("it can be read while another process writes, and is a single file after a clean close", async (t) => {
	const folder = t.testdir();
	const path = join(folder, "live.tape");
	const recorder = startRecorder(path);
	const { value: first } = await recorder.safe.next();
	t.equal(first, 0);
	const reader = storeAt(path, "read");
	const early = await reader.count();
	for await (const number of recorder.safe) if (number >= early + 50) break;
	const later = (await flowsOf(reader)) as HttpFlow[];
	t.ok(later.length > early, "later commits are visible");
	t.ok(later.every((flow) => flow.response?.bodySize === 1000));
	t.equal(later.at(-1)?.response?.rawContent?.length, 1000);
	await reader.close();
	t.equal(await recorder.finish(), 0);
	t.same(readdirSync(folder), ["live.tape"]);

	const reopened = storeAt(path, "append");
	const count = await reopened.count();
	reopened.append(tcpFlow());
	await reopened.close();
	t.same(readdirSync(folder), ["live.tape"]);
	const last = storeAt(path, "read");
	t.equal(await last.count(), count + 1);
	await last.close();
});

t.test("two writers take turns", async (t) => {
	const path = join(t.testdir(), "both.tape");
	const [one, two] = [storeAt(path, "append"), storeAt(path, "append")];
	for (let i = 0; i < 20; i++) {
		for (const store of [one, two]) {
			store.append(httpFlow({ id: `${i}` }));
			store.flush();
		}
	}
	await one.close();
	await two.close();
	const store = storeAt(path, "read");
	t.equal((await flowsOf(store)).length, 40);
	await store.close();
});

t.test("discard leaves the tape unchanged", async (t) => {
	const path = join(t.testdir(), "discard.tape");
	await storeWith(path, [httpFlow({ id: "kept" })], { mode: "append" });
	const store = storeAt(path, "append");
	store.append(httpFlow({ id: "gone" }));
	await store.discard();
	await store.discard();
	const reader = storeAt(path, "read");
	t.same(
		(await flowsOf(reader)).map(({ id }) => id),
		["kept"],
	);
	await reader.close();
});

t.test("rows are copied only to an empty new tape", async (t) => {
	const folder = t.testdir();
	const [from, to] = [join(folder, "from.tape"), join(folder, "to.tape")];
	const flows = variedFlows();
	await storeWith(from, flows);
	const source = storeAt(from, "read");
	const store = storeAt(to, "create");
	t.equal(store.takeRows(source, { filter: compileFilter("~q | ~tcp | ~b body") }), 4);
	t.equal(store.takeRows(source), null, "not if it has flows");
	store.append(dnsFlow({ id: "added" }));
	await store.close();
	const copy = storeAt(to, "read");
	const wanted = (await flowsOf(source, { filter: compileFilter("~q | ~tcp | ~b body") })).map(comparable);
	t.same((await flowsOf(copy)).slice(0, -1).map(comparable), wanted);
	await copy.close();
	const append = storeAt(join(folder, "append.tape"), "append");
	t.equal(append.takeRows(source), null, "not if other processes may write");
	await append.close();
	await source.close();
});

t.test("the proxy's authentication challenge is not an answer, that of a server is", async (t) => {
	const path = join(t.testdir(), "a.tape");
	const asking = (id: string, statusCode: number, value: string) =>
		httpFlow({
			id,
			response: { statusCode, headers: [[statusCode === 407 ? "Proxy-Authenticate" : "WWW-Authenticate", value]] },
		});
	await storeWith(path, [
		asking("a", 407, OWN_CHALLENGE),
		asking("b", 401, OWN_CHALLENGE),
		asking("c", 401, 'Basic realm="theirs"'),
		httpFlow({ id: "d" }),
	]);
	const store = storeAt(path, "read");
	t.equal(store.countAnswers(), 2);
	t.same(
		store.summaries(0, 10).map(({ isAnswer }) => isAnswer),
		[false, false, true, true],
	);
});

t.test("a flow that is changed later leaves nothing of its earlier state", async (t) => {
	const path = join(t.testdir(), "a.tape");
	const store = storeAt(path, "append", { erases: true, requestKey: ({ request }) => request.path });
	const secret = "hunter2-hunter2";
	const body = `the ${secret} ${"y".repeat(2000)}`;
	const numbers = [];
	t.equal(store.last, null);
	for (let n = 0; n < 3; n++) {
		store.append(httpFlow({ request: { path: `/${n}?k=${secret}` }, response: { body } }));
		numbers.push(store.last as number);
	}
	const conceal = (flow: Flow) => {
		if (flow.type !== "http" || flow.response === null) return false;
		flow.request.path = flow.request.path.replace(secret, "none");
		flow.response.content = Buffer.from(String(flow.response.text).replace(secret, "none"));
		return true;
	};
	t.equal(store.amend(numbers[0] as number, conceal), true);
	t.equal(
		store.amend(numbers[1] as number, () => false),
		false,
	);
	t.equal(store.amend(99, conceal), false);
	store.append(httpFlow({ response: { body } }));
	t.equal(store.amend(numbers[1] as number, conceal), true);
	store.flush();
	const holds = () => [path, `${path}-wal`].some((file) => readFileSync(file).includes(secret));
	t.ok(holds(), "other flows have it still");
	t.equal(store.amend(numbers[2] as number, conceal), true);
	t.equal(store.amend(store.last as number, conceal), true);
	store.flush();
	t.notOk(holds());
	await store.close();
	const reader = storeAt(path, "read");
	const flows = (await flowsOf(reader)) as HttpFlow[];
	t.same(
		flows.map(({ request }) => request.path),
		["/0?k=none", "/1?k=none", "/2?k=none", "/"],
	);
	t.ok(flows.every(({ response }) => response?.text === body.replace(secret, "none")));
	t.same(
		[...reader.keys()].flat().map(({ key }) => key),
		["/0?k=none", "/1?k=none", "/2?k=none", "/"],
	);
	await reader.close();
});
