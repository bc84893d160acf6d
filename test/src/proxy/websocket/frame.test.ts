// WebSocket frames.
import t from "tap";
import { FlowtapeError } from "../../../../src/errors.ts";
import {
	closeCodeOf,
	type FrameHead,
	FrameReader,
	PING,
	TEXT,
	WebSocketFault,
	writeFrame,
} from "../../../../src/proxy/websocket/frame.ts";

type Read = { head: FrameHead; payload: string; pieces: number };

/** Parses these bytes, fed in chunks of this size. */
function read(bytes: Buffer, size = bytes.length): Read[] {
	const frames: Read[] = [];
	let payload = "";
	let pieces = 0;
	const reader = new FrameReader({
		piece(head, piece, last) {
			payload += piece.latin1Slice();
			pieces++;
			if (!last) return;
			frames.push({ head, payload, pieces });
			payload = "";
			pieces = 0;
		},
	});
	for (let at = 0; at < bytes.length; at += size) reader.feed(bytes.subarray(at, at + size));
	t.ok(reader.idle);
	return frames;
}

t.test("the examples of RFC 6455 section 5.7", async (t) => {
	for (const [hex, head, payload] of [
		["810548656c6c6f", { fin: true, opcode: 1, mask: null }, "Hello"],
		["818537fa213d7f9f4d5158", { fin: true, opcode: 1 }, "Hello"],
		["010348656c", { fin: false, opcode: 1 }, "Hel"],
		["80026c6f", { fin: true, opcode: 0 }, "lo"],
		["890548656c6c6f", { fin: true, opcode: 9 }, "Hello"],
		["8a8537fa213d7f9f4d5158", { fin: true, opcode: 10 }, "Hello"],
		["c107f248cdc9c90700", { rsv1: true }, "\xf2H\xcd\xc9\xc9\x07\x00"],
	] as const) {
		for (const size of [1, 2, 100]) t.match(read(Buffer.from(hex, "hex"), size), [{ head, payload }], hex);
	}
	t.equal(writeFrame({ opcode: TEXT }, Buffer.from("Hello"), false).toString("hex"), "810548656c6c6f");
	t.equal(writeFrame({ opcode: TEXT, fin: false }, Buffer.from("Hel"), false).toString("hex"), "010348656c");
	t.equal(writeFrame({ opcode: TEXT, rsv1: true }, Buffer.from("x"), false).toString("hex"), "c10178");
});

t.test("all sizes, masked or not, cut anywhere, several at once", async (t) => {
	for (const length of [0, 1, 125, 126, 127, 65535, 65536, 70_000]) {
		const payload = "0123456789abcdef".repeat(Math.ceil(length / 16)).slice(0, length);
		for (const mask of [true, false]) {
			const frame = writeFrame({ opcode: TEXT }, Buffer.from(payload), mask);
			if (mask && length > 8) t.notMatch(frame.latin1Slice(), payload);
			for (const size of [1000, 7, frame.length * 2]) {
				const frames = read(Buffer.concat([frame, writeFrame({ opcode: PING }, Buffer.from("p"), mask), frame]), size);
				t.equal(frames.length, 3);
				t.ok(
					frames[0]?.payload === payload && frames[1]?.payload === "p" && frames[2]?.payload === payload,
					`${length} ${mask} ${size}`,
				);
			}
		}
	}
	t.notSame(
		writeFrame({ opcode: TEXT }, Buffer.from("x"), true).subarray(2, 6),
		writeFrame({ opcode: TEXT }, Buffer.from("x"), true).subarray(2, 6),
	);
});

t.test("protocol violations", async (t) => {
	for (const [hex, why] of [
		["a100", "a reserved bit"],
		["8300", "an unknown opcode"],
		["8b00", "an unknown control opcode"],
		["0900", "a ping in fragments"],
		["897e0080", "a ping that is too long"],
		["817fffffffffffffffff", "a length beyond counting"],
	] as const)
		t.throws(() => read(Buffer.from(hex, "hex")), { code: "FT_PROTOCOL" }, why);
});

t.test("the close code for an error", async (t) => {
	const tooLarge = Object.assign(new RangeError("too large"), { code: "ERR_BUFFER_TOO_LARGE" });
	for (const [error, code] of [
		[new FlowtapeError("FT_PROTOCOL", ""), 1002],
		[new FlowtapeError("FT_BAD_BODY", ""), 1007],
		[new FlowtapeError("FT_BAD_BODY", "", { cause: tooLarge }), 1009],
		[new FlowtapeError("FT_IO", ""), 1011],
		[new WebSocketFault(1008, ""), 1008],
	] as const)
		t.equal(closeCodeOf(error), code, error.code);
});
