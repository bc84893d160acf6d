// The view of MessagePack.
import { pack } from "msgpackr";
import t from "tap";
import { msgpack } from "../../../src/views/msgpack.ts";

const show = (bytes: Buffer, type = "application/msgpack") =>
	msgpack({ bytes, text: () => "", type, contentType: type });

t.test("values as JSON", async (t) => {
	t.equal(
		show(pack({ a: 1, big: 2n ** 60n, bytes: Buffer.from("hi") })),
		'{\n  "a": 1,\n  "big": "1152921504606846976",\n  "bytes": "6869"\n}',
	);
	t.equal(show(Buffer.concat([pack(1), pack(2)])), "1\n2");
});

t.test("invalid msgpack", async (t) => {
	t.equal(show(Buffer.from([0x92, 1])), null);
	t.equal(show(pack(1), "text/plain"), null);
});
