// The body of a message on its way through.
import t from "tap";
import { type BodyWriter, isEmptyBody, Relay } from "../../../src/proxy/relay.ts";

/** A receiver that notes what it is given. */
function notes(): BodyWriter & { got: string[] } {
	const got: string[] = [];
	return { got, write: (chunk) => void got.push(chunk.toString()), end: (trailers) => void got.push(`end ${trailers}`) };
}

const chunk = (text: string) => Buffer.from(text);

t.test("what came before the way was open goes first, the rest as it comes", async (t) => {
	const relay = new Relay();
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
	t.strictSame([relay.size, relay.bytes().toString()], [3, "123"]);
});

t.test("a complete body, and an empty one", async (t) => {
	const relay = new Relay();
	relay.push(chunk("all"));
	relay.end(null);
	const receiver = notes();
	relay.open(receiver);
	t.strictSame(receiver.got, ["all", "end null"]);
	const empty = new Relay();
	empty.end(null);
	empty.open(receiver);
	t.strictSame(receiver.got, ["all", "end null", "end null"]);
	t.equal(empty.bytes().length, 0);
});

t.test("opened anew, the whole goes to somebody else", async (t) => {
	const relay = new Relay();
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

t.test("a body in place of what came", async (t) => {
	const relay = new Relay();
	relay.push(chunk("old"));
	relay.replace(chunk("newer"), ["A", "b"]);
	const receiver = notes();
	relay.open(receiver);
	t.strictSame(receiver.got, ["newer", "end A,b"]);
	t.strictSame([relay.size, relay.bytes().toString()], [5, "newer"]);
	relay.replace(Buffer.alloc(0), null);
	t.strictSame([relay.size, relay.bytes().length], [0, 0]);
});

t.test("whether no byte will come", async (t) => {
	t.strictSame([{ size: 0 }, { size: 1 }, { framing: { kind: "none" as const } }, { framing: { kind: "chunked" as const } }].map(isEmptyBody), [
		true,
		false,
		true,
		false,
	]);
});
