// Replay of a recorded WebSocket's server.
import t from "tap";
import { openFileSpool } from "../../../../src/flow/file-spool.ts";
import type { ServerPart } from "../../../../src/hooks/decision.ts";
import { defaults } from "../../../../src/options.ts";
import { BodyPolicy, options } from "../../../../src/proxy/body/policy.ts";
import { BINARY, CLOSE, PING, PONG, TEXT, writeFrame } from "../../../../src/proxy/websocket/frame.ts";
import { type MessageEvents, MessageReader } from "../../../../src/proxy/websocket/message-reader.ts";
import { WebSocketPlayer } from "../../../../src/proxy/websocket/player.ts";

const readerOf = (events: MessageEvents) => new MessageReader(events, null, new BodyPolicy(defaults(options)));

/** A player and its output so far: texts, and control frames by opcode. */
function play(script: ServerPart) {
	const player = new WebSocketPlayer(script);
	const said: string[] = [];
	let wake = () => {};
	const tell = (word: string) => {
		said.push(word);
		wake();
	};
	const reader = readerOf({
		message: ({ payload }) => tell(payload.take().toString()),
		control: (opcode, payload) => tell(`${opcode}:${payload.toString("hex")}`),
	});
	player.on("data", (chunk: Buffer) => reader.feed(chunk));
	player.on("end", () => tell("end"));
	player.on("error", () => tell("error"));
	const until = async (count: number) => {
		while (said.length < count) {
			await new Promise<void>((resolve) => {
				wake = resolve;
			});
		}
		return said;
	};
	return {
		player,
		said,
		until,
		say: (opcode: number, text: string) => player.write(writeFrame({ opcode }, Buffer.from(text), true)),
	};
}

const cue = (afterClient: number, text: string, waitMs = 0) => ({
	afterClient,
	waitMs,
	opcode: TEXT,
	content: Buffer.from(text),
});

t.test("each message after the client's messages that precede it", async (t) => {
	const { said, until, say } = play({
		cues: [cue(0, "welcome"), cue(2, "1"), cue(2, "2", 20), cue(3, "3")],
		close: null,
	});
	t.same(await until(1), ["welcome"]);
	say(TEXT, "a");
	say(PING, "x");
	t.same(await until(2), ["welcome", `${PONG}:78`]);
	say(TEXT, "b");
	say(TEXT, "c");
	t.same((await until(5)).slice(2), ["1", "2", "3"], "in order, although the client sent messages meanwhile");
	say(TEXT, "more than was recorded");
	say(CLOSE, "\x03\xe8");
	await until(7);
	t.match(said.slice(5), [/^8:/, "end"]);
});

t.test("a server that closes", async (t) => {
	const { until, say } = play({
		cues: [cue(1, "bye")],
		close: { afterClient: 1, waitMs: 5, code: 1001, reason: "away" },
	});
	say(TEXT, "a");
	t.same(await until(2), ["bye", `${CLOSE}:03e9${Buffer.from("away").toString("hex")}`]);
	say(CLOSE, "\x03\xe9");
	t.equal((await until(3))[2], "end");
	const unsendable = play({ cues: [], close: { afterClient: 0, waitMs: 0, code: 1005, reason: "" } });
	t.same(await unsendable.until(1), [`${CLOSE}:`]);
	for (const waitMs of [0, 5]) {
		const broken = play({ cues: [cue(1, "half of")], close: { afterClient: 1, waitMs, code: 1006, reason: "" } });
		broken.say(TEXT, "a");
		t.same(await broken.until(2), ["half of", "end"], "one that broke off does so again");
	}
});

t.test("a client that violates the protocol, or disconnects", async (t) => {
	const broken = play({ cues: [], close: null });
	broken.player.write(Buffer.alloc(14, 0xff));
	t.match(await broken.until(2), [/^8:03ea/, "end"], "closed with 1002");
	const gone = play({ cues: [cue(0, "late", 60_000)], close: null });
	gone.player.end();
	t.same(await gone.until(1), ["end"]);
	gone.player.destroy();
	t.ok(gone.player.destroyed);
});

t.test("messages are read when they are due: a damaged one is left out, an error ends the connection", async (t) => {
	const due = (content: () => Buffer | null) => ({ afterClient: 0, waitMs: 0, opcode: TEXT, content });
	const spool = openFileSpool();
	spool.write(Buffer.from("in a file"));
	const file = spool.end();
	const { until } = play({
		cues: [due(() => null), { ...due(() => null), content: () => file }, due(() => Buffer.from("in memory"))],
		close: null,
	});
	t.same(await until(2), ["in a file", "in memory"]);
	const broken = play({
		cues: [
			cue(0, "a"),
			due(() => {
				throw new Error("cannot be read");
			}),
		],
		close: null,
	});
	t.equal((await broken.until(1)).at(-1), "error");
});

t.test("back-pressure: no more messages are loaded than the client accepts, and all arrive in the end", async (t) => {
	const content = Buffer.alloc(300_000, "large");
	const large = (afterClient: number) => ({ afterClient, waitMs: 0, opcode: BINARY, content });
	const player = new WebSocketPlayer({
		cues: [...Array.from({ length: 20 }, () => large(0)), large(1)],
		close: null,
	});
	t.ok(player.readableLength < 150_000, `${player.readableLength} bytes wait`);
	for (let i = 0; i < 2_000; i++) player.write(writeFrame({ opcode: PING }, Buffer.from(`ping ${i}`), true));
	player.write(writeFrame({ opcode: TEXT }, Buffer.from("more"), true));
	await new Promise<void>((resolve) =>
		player.write(writeFrame({ opcode: CLOSE }, Buffer.from("\x03\xe8", "latin1"), true), () => resolve()),
	);
	t.ok(player.readableLength < 150_000, `${player.readableLength} bytes wait`);
	const heard: string[] = [];
	const reader = readerOf({
		message: ({ payload, fragments }) => heard.push(`${fragments.length} ${payload.take().equals(content)}`),
		control: (opcode, payload) => heard.push(`${opcode}:${payload.toString("latin1")}`),
	});
	for await (const chunk of player) reader.feed(chunk as Buffer);
	t.same(
		heard,
		["1 true", `${PONG}:ping 1999`, ...Array(20).fill("1 true"), `${CLOSE}:\x03\xe8`],
		"each message in one frame, an answer to the last ping, and what was due before the close",
	);
});
