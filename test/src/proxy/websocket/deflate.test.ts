// Compression of WebSocket messages.
import t from "tap";
import { Headers } from "../../../../src/flow/headers.ts";
import { Response } from "../../../../src/flow/message.ts";
import { compressionOf, Deflater, Inflater } from "../../../../src/proxy/websocket/deflate.ts";

const agreed = (value: string | null) =>
	compressionOf(
		new Response({
			statusCode: 101,
			headers: value === null ? new Headers() : Headers.of(["Sec-WebSocket-Extensions", value]),
		}),
	);

t.test("negotiated extensions", async (t) => {
	const usual = { keepsContext: true, windowBits: 15 };
	t.equal(agreed(null), null);
	t.equal(agreed("x-webkit-deflate-frame"), null);
	t.strictSame(agreed("permessage-deflate"), { client: usual, server: usual });
	t.strictSame(agreed("other, permessage-deflate; client_max_window_bits=10; server_no_context_takeover"), {
		client: { keepsContext: true, windowBits: 10 },
		server: { keepsContext: false, windowBits: 15 },
	});
	t.strictSame(agreed('permessage-deflate;server_max_window_bits="8"')?.server, { keepsContext: true, windowBits: 8 });
	t.strictSame(
		agreed("permessage-deflate; server_max_window_bits=99")?.server.windowBits,
		15,
		"nonsense is kept within bounds",
	);
});

t.test("the examples of RFC 7692 section 7.2.3", async (t) => {
	const inflater = new Inflater({ keepsContext: true, windowBits: 15 });
	for (const [hex, why] of [
		["f248cdc9c90700", "a message"],
		["f200110000", "the same, from the window of the one before"],
		["000500faff48656c6c6f00", "a block without compression"],
		["f348cdc9c9070000", "a final block"],
		["f248050000 00ffff cac9c90700".replaceAll(" ", ""), "two blocks"],
	] as const)
		t.equal(inflater.inflate(Buffer.from(hex, "hex")).toString(), "Hello", why);
});

t.test("round trip with and without context takeover, large and empty", async (t) => {
	const messages = ["Hello", "Hello", "", "x".repeat(1_000_000), "Hello"].map((text) => Buffer.from(text));
	for (const keepsContext of [true, false])
		for (const windowBits of [9, 15]) {
			const deflater = new Deflater({ keepsContext, windowBits });
			const inflater = new Inflater({ keepsContext, windowBits });
			const sizes: number[] = [];
			for (const message of messages) {
				const bytes = deflater.deflate(message);
				sizes.push(bytes.length);
				t.ok(inflater.inflate(bytes).equals(message), `${keepsContext} ${windowBits} ${message.length}`);
			}
			t.equal((sizes[1] ?? 0) < (sizes[0] ?? 0), keepsContext, "what was said before is shorter, if it is remembered");
		}
	t.notOk(new Deflater({ keepsContext: true, windowBits: 8 }).isAble);
});

t.test("uncompressed messages, and decompression bombs", async (t) => {
	const inflater = new Inflater({ keepsContext: true, windowBits: 15 });
	t.throws(() => inflater.inflate(Buffer.from("ffffffff", "hex")), { code: "FT_BAD_BODY" });
	t.equal(inflater.inflate(Buffer.from("f248cdc9c90700", "hex")).toString(), "Hello", "another begins anew");
	const deflater = new Deflater({ keepsContext: true, windowBits: 15 });
	const bomb = deflater.deflate(Buffer.alloc(65 * 1024 * 1024));
	t.throws(() => inflater.inflate(bomb), { code: "FT_BAD_BODY" });
});
