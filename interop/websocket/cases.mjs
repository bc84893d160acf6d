// Bytes that a client sends to an echo server, and the expected answer, by sections 5 to 7 of RFC 6455. `messages`: the
// messages that come back; `code`: the code of the Close frame.
import { BINARY, CLOSE, CONTINUATION, close, frame, PING, PONG, TEXT } from "./frames.mjs";

const bye = close(1000);
const text = (value) => `text:${value}`;
const binary = (bytes) => `binary:${Buffer.from(bytes).toString("base64")}`;
/** A valid case: the messages come back, and a Close frame with code 1000. */
const right = (name, frames, messages, code = 1000) => ({
	name,
	bytes: Buffer.concat([frames, bye].flat()),
	messages,
	code,
});
/** A case that violates the rules. `messages` come back before the fault. */
const wrong = (name, frames, code, messages = []) => ({
	name,
	bytes: Buffer.concat([frames].flat()),
	messages,
	code,
	isFault: true,
});

const lengths = [0, 1, 125, 126, 127, 128, 65535, 65536, 1_000_000];
const letters = (length) => "*".repeat(length);
const pieces = (bytes, size) =>
	Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) =>
		bytes.subarray(index * size, (index + 1) * size),
	);

/** A message in fragments of the given size. */
function fragments(opcode, bytes, size) {
	const parts = pieces(Buffer.from(bytes), size);
	return parts.map((part, index) =>
		frame(index === 0 ? opcode : CONTINUATION, part, { fin: index === parts.length - 1 }),
	);
}

const validUtf8 = [
	"",
	"Hello-µ@ßöäüàá-UTF-8!!",
	"κόσμε",
	"\u0000",
	"\u0080\u0800\u{10000}",
	"\u{10ffff}",
	"\ufffe\uffff",
	"\ud7ff\ue000\ufffd",
	"\ufeffbom",
];
const invalidUtf8 = {
	"a surrogate among letters": "cebae1bdb9cf83cebcceb5eda080656469746564",
	"only a continuation": "80",
	"a first byte without more": "c0",
	"two bytes of three": "e1bd",
	"an overlong slash": "c0af",
	"an overlong NUL": "e08080",
	"beyond the last code point": "f4908080",
	"five bytes": "f888808080",
	"0xfe": "fe",
	"the first surrogate": "eda080",
	"a pair of surrogates": "eda080edb080",
};

export const cases = [
	...lengths.flatMap((length) => [
		right(`1 text of ${length} bytes`, [frame(TEXT, letters(length))], [text(letters(length))]),
		right(`1 binary of ${length} bytes`, [frame(BINARY, letters(length))], [binary(letters(length))]),
	]),
	right("2 a ping without payload", [frame(PING)], ["pong:"]),
	right("2 a ping with text", [frame(PING, "Hello")], ["pong:Hello"]),
	right("2 a ping with bytes", [frame(PING, Buffer.of(0, 255, 254, 128))], ["pong:\x00\xff\xfe\x80"]),
	right("2 a ping of 125 bytes", [frame(PING, letters(125))], [`pong:${letters(125)}`]),
	wrong("2 a ping of 126 bytes", [frame(PING, letters(126))], 1002),
	right("2 an unsolicited pong", [frame(PONG), frame(PONG, "Hello"), frame(TEXT, "a")], [text("a")]),
	right(
		"2 ten pings",
		Array.from({ length: 10 }, (_, index) => frame(PING, `p${index}`)),
		Array.from({ length: 10 }, (_, index) => `pong:p${index}`),
	),
	...[1, 2, 3, 4, 5, 6, 7].flatMap((rsv) => [
		wrong(`3 reserved bits ${rsv} of a text`, [frame(TEXT, "a", { rsv })], 1002),
		wrong(`3 reserved bits ${rsv} behind a text`, [frame(TEXT, "first"), frame(TEXT, "a", { rsv })], 1002, [
			text("first"),
		]),
		wrong(`3 reserved bits ${rsv} of a ping`, [frame(PING, "a", { rsv })], 1002),
		wrong(`3 reserved bits ${rsv} of a close`, [frame(CLOSE, Buffer.of(3, 232), { rsv })], 1002),
	]),
	...[3, 4, 5, 6, 7, 11, 12, 13, 14, 15].flatMap((opcode) => [
		wrong(`4 opcode ${opcode}`, [frame(opcode)], 1002),
		wrong(`4 opcode ${opcode} with a payload, behind a text`, [frame(TEXT, "first"), frame(opcode, "x")], 1002, [
			text("first"),
		]),
	]),
	wrong("4 a frame without a mask", [frame(TEXT, "a", { isMasked: false })], 1002),
	wrong("5 a ping in fragments", [frame(PING, "a", { fin: false }), frame(CONTINUATION, "b")], 1002),
	wrong("5 a pong in fragments", [frame(PONG, "a", { fin: false }), frame(CONTINUATION, "b")], 1002),
	wrong("5 a close in fragments", [frame(CLOSE, Buffer.of(3, 232), { fin: false })], 1002),
	right("5 a text in two fragments", fragments(TEXT, "fragment1fragment2", 9), [text("fragment1fragment2")]),
	right("5 a binary in single bytes", fragments(BINARY, letters(200), 1), [binary(letters(200))]),
	right(
		"5 a ping between fragments",
		[frame(TEXT, "one", { fin: false }), frame(PING, "p"), frame(CONTINUATION, "two")],
		["pong:p", text("onetwo")],
	),
	right(
		"5 empty fragments",
		[frame(TEXT, "", { fin: false }), frame(CONTINUATION, "", { fin: false }), frame(CONTINUATION)],
		[text("")],
	),
	right(
		"5 an empty fragment at the end",
		[frame(TEXT, "a", { fin: false }), frame(CONTINUATION, "b", { fin: false }), frame(CONTINUATION)],
		[text("ab")],
	),
	wrong("5 a continuation of nothing", [frame(CONTINUATION, "a")], 1002),
	wrong(
		"5 a continuation of nothing, not the last",
		[frame(CONTINUATION, "a", { fin: false }), frame(TEXT, "b")],
		1002,
	),
	wrong("5 a continuation after a complete message", [frame(TEXT, "first"), frame(CONTINUATION, "a")], 1002, [
		text("first"),
	]),
	wrong("5 a message within a message", [frame(TEXT, "a", { fin: false }), frame(TEXT, "b")], 1002),
	wrong("5 a binary within a text", [frame(TEXT, "a", { fin: false }), frame(BINARY, "b", { fin: false })], 1002),
	...validUtf8.map((value) => right(`6 ${JSON.stringify(value)}`, [frame(TEXT, value)], [text(value)])),
	...validUtf8
		.filter((value) => value !== "")
		.map((value) => right(`6 ${JSON.stringify(value)} byte by byte`, fragments(TEXT, value, 1), [text(value)])),
	...Object.entries(invalidUtf8).flatMap(([name, hex]) => [
		wrong(`6 ${name}`, [frame(TEXT, Buffer.from(hex, "hex"))], 1007),
		wrong(`6 ${name}, byte by byte`, fragments(TEXT, Buffer.from(hex, "hex"), 1), 1007),
		right(`6 ${name} as binary`, [frame(BINARY, Buffer.from(hex, "hex"))], [binary(Buffer.from(hex, "hex"))]),
	]),
	right("7 a close without a code", [frame(CLOSE)], [], 1005),
	wrong("7 a close of one byte", [frame(CLOSE, "a")], 1002),
	right("7 a close with a reason", [close(1000, "Hello World!")], []),
	right("7 a close with the longest reason", [close(1000, letters(123))], []),
	wrong("7 a close with a reason that is too long", [close(1000, letters(124))], 1002),
	wrong(
		"7 a close with a reason that is not UTF-8",
		[close(1000, Buffer.from("cebaed a080".replace(" ", ""), "hex"))],
		1007,
	),
	right("7 frames after a close", [close(1000), frame(TEXT, "late"), frame(PING)], []),
	...[1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999].map((code) =>
		right(`7 code ${code}`, [close(code)], [], code),
	),
	...[0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535].map((code) =>
		wrong(`7 code ${code}`, [close(code)], 1002),
	),
	...[65536, 262144, 4194304].flatMap((length) => [
		right(`9 text of ${length} bytes in fragments of 4096`, fragments(TEXT, letters(length), 4096), [
			text(letters(length)),
		]),
		right(`9 binary of ${length} bytes`, [frame(BINARY, letters(length))], [binary(letters(length))]),
	]),
	right(
		"9 a thousand messages",
		Array.from({ length: 1000 }, (_, index) => frame(TEXT, `${index}`)),
		Array.from({ length: 1000 }, (_, index) => text(index)),
	),
];

const bare = { isMasked: false };
/** Invalid frames from a server, and the code of the Close frame that both ends must get. */
export const serverFaults = [
	{ name: "a frame with a mask", bytes: frame(TEXT, "a"), code: 1002 },
	{ name: "a reserved bit without an extension", bytes: frame(TEXT, "a", { rsv: 4, ...bare }), code: 1002 },
	{ name: "a reserved opcode", bytes: frame(3, "a", bare), code: 1002 },
	{ name: "a continuation of nothing", bytes: frame(CONTINUATION, "a", bare), code: 1002 },
	{
		name: "a message within a message",
		bytes: Buffer.concat([frame(TEXT, "a", { fin: false, ...bare }), frame(TEXT, "b", bare)]),
		code: 1002,
	},
	{ name: "a ping in fragments", bytes: frame(PING, "a", { fin: false, ...bare }), code: 1002 },
	{ name: "a ping of 126 bytes", bytes: frame(PING, letters(126), bare), code: 1002 },
	{ name: "text that is not UTF-8", bytes: frame(TEXT, Buffer.of(0x80), bare), code: 1007 },
	{ name: "a close of one byte", bytes: frame(CLOSE, "a", bare), code: 1002 },
	{ name: "a close with a code that must not be sent", bytes: close(1006, "", bare), code: 1002 },
];
