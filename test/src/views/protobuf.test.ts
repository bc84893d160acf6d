// The view of Protocol Buffers and gRPC.
import { gzipSync } from "node:zlib";
import t from "tap";
import { protobuf } from "../../../src/views/protobuf.ts";

const show = (bytes: Buffer, type = "application/x-protobuf") =>
	protobuf({ bytes, text: () => "", type, contentType: type });
/** 1: 150, 2: "testing", 3: { 1: 150 }, 4: 1.5 as fixed64, 5: 0.5 as fixed32 */
const message = Buffer.from(
	["089601", "120774657374696e67", "1a03089601", "21000000000000f83f", "2d0000003f"].join(""),
	"hex",
);

function framed(content: Buffer, flags = 0): Buffer {
	const head = Buffer.alloc(5);
	head.writeUInt8(flags);
	head.writeUInt32BE(content.length, 1);
	return Buffer.concat([head, content]);
}

t.test("field numbers, and values with guessed types", async (t) => {
	t.equal(
		show(message),
		'1: 150\n2: "testing"\n3: {\n  1: 150\n}\n4: 4609434218613702656 (as a double: 1.5)\n5: 1056964608 (as a float: 0.5)',
	);
	t.equal(show(Buffer.from("0a02ff00", "hex")), "1: ff00", "bytes that are nothing else");
});

t.test("gRPC: every message, also compressed, and trailers", async (t) => {
	const body = Buffer.concat([
		framed(message.subarray(0, 3)),
		framed(gzipSync(message.subarray(0, 3)), 1),
		framed(Buffer.from("grpc-status: 0\r\n"), 0x80),
	]);
	t.equal(show(body, "application/grpc"), "message 1\n  1: 150\nmessage 2 (compressed)\n  1: 150\ngrpc-status: 0");
	t.equal(show(framed(Buffer.from("ff", "hex"), 1), "application/grpc-web+proto"), "message 1 (compressed)\n  ff");
});

t.test("bytes that are not a message", async (t) => {
	for (const hex of ["00", "ff", "0a05", "0b", "0d00", "ffffffffffffffffffffff01"])
		t.equal(show(Buffer.from(hex, "hex")), null, hex);
	t.equal(show(message.subarray(0, 3), "application/grpc"), null);
	t.equal(show(Buffer.from("0000000009", "hex"), "application/grpc"), null);
	t.equal(show(message, "text/plain"), null);
});
