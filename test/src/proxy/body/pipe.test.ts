// Forwarding and keeping the body of a message.
import t from "tap";
import { bodyBytes, bodySize } from "../../../../src/flow/body.ts";
import { openFileSpool } from "../../../../src/flow/file-spool.ts";
import { Headers } from "../../../../src/flow/headers.ts";
import { BodyPipe, type BodyWriter, isEmptyBody } from "../../../../src/proxy/body/pipe.ts";

/** A receiver that records its calls. */
function notes(): BodyWriter & { got: string[] } {
	const got: string[] = [];
	return {
		got,
		write: (chunk) => void got.push(chunk.toString()),
		end: (trailers) => void got.push(`end ${trailers}`),
	};
}

const chunk = (text: string) => Buffer.from(text);

t.test("bytes received before the pipe opened are sent first", async (t) => {
	const relay = new BodyPipe();
	const receiver = notes();
	relay.push(chunk("1"));
	relay.push(chunk("2"));
	relay.open(receiver);
	t.strictSame(receiver.got, ["1", "2"]);
	relay.push(chunk("3"));
	t.equal(relay.ended, false);
	relay.end(["A", "b"]);
	t.strictSame(receiver.got, ["1", "2", "3", "end A,b"]);
	t.equal(relay.ended, true);
	t.strictSame([relay.size, String(relay.body())], [3, "123"]);
});

t.test("a complete body, and an empty one", async (t) => {
	const relay = new BodyPipe();
	relay.push(chunk("all"));
	relay.end(null);
	const receiver = notes();
	relay.open(receiver);
	t.strictSame(receiver.got, ["all", "end null"]);
	const empty = new BodyPipe();
	empty.end(null);
	empty.open(receiver);
	t.strictSame(receiver.got, ["all", "end null", "end null"]);
	t.equal(bodySize(empty.body()), 0);
});

t.test("opened again, the pipe sends the whole body to another receiver", async (t) => {
	const relay = new BodyPipe();
	const [first, second] = [notes(), notes()];
	relay.open(first);
	relay.push(chunk("1"));
	relay.close();
	relay.push(chunk("2"));
	relay.open(second);
	relay.push(chunk("3"));
	relay.end(null);
	t.strictSame(first.got, ["1"]);
	t.strictSame(second.got, ["1", "2", "3", "end null"]);
});

t.test("a replaced body", async (t) => {
	const relay = new BodyPipe();
	relay.push(chunk("old"));
	relay.replace(chunk("newer"), ["A", "b"]);
	const receiver = notes();
	relay.open(receiver);
	t.strictSame(receiver.got, ["newer", "end A,b"]);
	t.strictSame([relay.size, String(relay.body())], [5, "newer"]);
	relay.replace(Buffer.alloc(0), null);
	t.strictSame([relay.size, bodySize(relay.body())], [0, 0]);
});

t.test("whether a body is empty", async (t) => {
	const bodies = [
		{ size: 0 },
		{ size: 1 },
		{ framing: { kind: "none" as const } },
		{ framing: { kind: "chunked" as const } },
	];
	t.strictSame(
		bodies.map((body) => isEmptyBody(body, null)),
		[true, false, true, false],
	);
	t.equal(isEmptyBody({ size: 0 }, new Headers(["x-t", "1"])), false, "trailers come behind it");
	t.equal(isEmptyBody({ size: 0 }, new Headers([])), true);
});

t.test("a streamed body is discarded, spooled if it is large, or transformed", async (t) => {
	const passing = { openSpool: openFileSpool, transform: null };
	const gone = new BodyPipe();
	gone.push(chunk("before "));
	gone.startStreaming({ ...passing, keep: false });
	const receiver = notes();
	gone.open(receiver);
	gone.push(chunk("after"));
	gone.end(null);
	t.strictSame(receiver.got, ["before ", "after", "end null"]);
	t.strictSame([gone.body(), gone.size, gone.isReplayable], [null, 12, false]);

	const kept = new BodyPipe();
	kept.startStreaming({ ...passing, keep: true });
	kept.open(notes());
	for (let i = 0; i < 5; i++) kept.push(Buffer.alloc(300_000, String(i)));
	kept.end(null);
	t.notOk(Buffer.isBuffer(kept.body()), "not in memory");
	t.equal(bodyBytes(kept.body())?.toString(), ["0", "1", "2", "3", "4"].map((digit) => digit.repeat(300_000)).join(""));
	t.equal(kept.body(), kept.body());

	const changed = new BodyPipe();
	changed.startStreaming({
		...passing,
		keep: true,
		transform: (part) => (part.length === 0 ? [] : [part, Buffer.from("-")]),
	});
	changed.push(chunk("a"));
	changed.open(receiver);
	changed.end(null);
	t.strictSame(receiver.got.slice(-3), ["a", "-", "end null"]);
	t.equal(String(changed.body()), "a-");
});

t.test("a spooled body is sent from its current position", async (t) => {
	const held = new BodyPipe();
	held.startStreaming({ keep: true, openSpool: openFileSpool, transform: null, isHeldBack: true });
	held.push(Buffer.alloc(2_000_000, "x"));
	held.end(null);
	const receiver = notes();
	const written = new Promise<void>((resolve) => {
		held.onCaughtUp = resolve;
	});
	held.open(receiver);
	t.ok(held.isBehind, "others have their turn in between");
	await written;
	t.equal(receiver.got.slice(0, -1).join("").length, 2_000_000);
	t.equal(receiver.got.at(-1), "end null");
});

t.test("the replacement of a spooled body is sent", async (t) => {
	const held = new BodyPipe();
	held.startStreaming({ keep: true, openSpool: openFileSpool, transform: null, isHeldBack: true });
	held.push(Buffer.alloc(2_000_000, "x"));
	held.end(null);
	t.equal(bodySize(held.body()), 2_000_000);
	held.replace(Buffer.from("other"), null);
	const receiver = notes();
	held.open(receiver);
	t.strictSame(receiver.got, ["other", "end null"]);
	t.equal(String(held.body()), "other");
});

t.test("a slow receiver gets the rest in order when it is ready", async (t) => {
	for (const isHeld of [false, true]) {
		const relay = new BodyPipe();
		const receiver = { ...notes(), room: 0, acceptsMore: () => receiver.room-- > 0 };
		if (isHeld) relay.startStreaming({ keep: true, openSpool: openFileSpool, transform: null });
		relay.push(Buffer.alloc(100_000, "a"));
		relay.push(Buffer.alloc(60_000, "b"));
		relay.open(receiver);
		t.strictSame([receiver.got.length, relay.isBehind, relay.isSent], [0, true, false]);
		relay.push(chunk("late"));
		relay.end(["T", "v"]);
		receiver.room = 2;
		relay.resume();
		t.strictSame(
			receiver.got.map(({ length }) => length),
			[65_536, 34_464],
		);
		receiver.room = Number.POSITIVE_INFINITY;
		let reported = 0;
		relay.onCaughtUp = () => reported++;
		relay.resume();
		relay.resume();
		t.strictSame([reported, relay.isBehind, relay.isSent], [1, false, true]);
		t.equal(receiver.got.join(""), `${"a".repeat(100_000)}${"b".repeat(60_000)}lateend T,v`);
		t.equal(bodySize(relay.body()), 160_004);
	}
});

t.test("a body outside memory is read on demand, and not at all for a head alone", async (t) => {
	let read = 0;
	const source = {
		size: 10_000_000,
		read: () => t.fail("not as a whole") as never,
		*chunks() {
			for (; read < 10; read++) yield Buffer.alloc(1_000_000, String(read));
		},
	};
	const relay = new BodyPipe();
	relay.replace(source, null);
	t.equal(relay.body(), source);
	relay.open({ ...notes(), discardsBody: true });
	t.strictSame([relay.isSent, read], [true, 0]);
	const receiver = { ...notes(), room: 10, acceptsMore: () => receiver.room-- > 0 };
	relay.open(receiver);
	t.strictSame([relay.isBehind, read], [true, 0]);
	relay.close();
	receiver.room = 20;
	relay.resume();
	t.strictSame([relay.isBehind, read, receiver.got.length], [false, 0, 10]);
});

t.test("bytes that arrive while a slow receiver gets earlier ones are sent once", async (t) => {
	for (const passing of [
		null,
		{ keep: true, openSpool: () => null, transform: null },
		{ keep: true, openSpool: openFileSpool, transform: null },
	]) {
		const relay = new BodyPipe();
		if (passing !== null) relay.startStreaming(passing);
		const piece = (i: number) => Buffer.alloc(40_000, i);
		const sent: Buffer[] = [];
		let takes = false;
		for (let i = 0; i < 3; i++) relay.push(piece(i));
		relay.open({ acceptsMore: () => takes, write: (chunk) => void sent.push(chunk), end: () => undefined });
		for (let i = 3; i < 60; i++) relay.push(piece(i));
		relay.end(null);
		takes = true;
		while (!relay.isSent) {
			relay.resume();
			await new Promise((done) => setImmediate(done));
		}
		const whole = Buffer.concat(Array.from({ length: 60 }, (_, i) => piece(i)));
		t.ok(Buffer.concat(sent).equals(whole), "sent");
		t.ok(bodyBytes(relay.body())?.equals(whole), "kept");
	}
});
