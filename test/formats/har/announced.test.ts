// Decides by the sizes of a body whether it was left out, cut off, or empty.
import t from "tap";
import { isAnnounced, isBodiless, isCutShort } from "../../../formats/har/announced.ts";
import { Headers } from "../../../src/flow/headers.ts";

const none = { length: -1, size: -1, wire: -1, isCoded: false };

t.test("whether there was a body", async (t) => {
	t.notOk(isAnnounced(none, false));
	t.ok(isAnnounced({ ...none, length: 1 }, false));
	t.ok(isAnnounced({ ...none, wire: 6, size: 0 }, false));
	t.notOk(isAnnounced({ ...none, wire: 5, size: 0 }, false), "the last chunk");
	t.notOk(isAnnounced({ ...none, length: 0, wire: 300 }, false), "Content-Length says that there was none");
	t.notOk(isAnnounced({ ...none, length: 20, size: 0, isCoded: true }, false), "nothing, compressed");
});

t.test("responses without a body", async (t) => {
	t.ok(isBodiless({ method: "HEAD" }, new Headers()));
	t.ok(isBodiless({ statusCode: 301 }, Headers.of(["location", "/"])));
	t.notOk(isBodiless({ statusCode: 301 }, new Headers()));
	t.notOk(isBodiless({ method: "CONNECT", statusCode: 407 }, new Headers()));
});

t.test("whether a body was cut off", async (t) => {
	const bytes = Buffer.from("abc");
	t.ok(isCutShort(bytes.length, { ...none, length: 9, size: 9 }, "abc"));
	t.notOk(isCutShort(bytes.length, { ...none, length: 6, size: 6 }, "abc"), "a text without its byte order mark");
	t.ok(isCutShort(bytes.length, { ...none, length: 6, size: 6 }, null), "bytes have theirs");
	t.notOk(isCutShort(bytes.length, { ...none, length: 9, size: 3 }, null));
});
