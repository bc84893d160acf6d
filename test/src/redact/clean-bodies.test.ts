// Bodies without secrets are searched once, and again when more secrets are known.
import t from "tap";
import { httpFlow } from "../../../fixtures/build-flow.ts";
import { redactorOf } from "../../../fixtures/redaction.ts";
import { CleanBodies } from "../../../src/redact/clean-bodies.ts";

t.test("equal bodies of the same type, while no more secrets are known", async (t) => {
	const bodies = new CleanBodies();
	const body = Buffer.alloc(300, "a");
	const key = bodies.keyOf(body, null, "text/plain") ?? "";
	t.equal(bodies.textOf(key, body, 1), null);
	bodies.add(key, body, 1, "text");
	t.equal(bodies.textOf(key, Buffer.alloc(300, "a"), 1), "text");
	t.equal(bodies.textOf(key, Buffer.alloc(300, "b"), 1), null);
	t.equal(bodies.textOf(key, body, 2), null);
	t.not(bodies.keyOf(body, "gzip", "text/plain"), key);
	t.not(bodies.keyOf(body, null, "text/html"), key);
	t.equal(bodies.keyOf(Buffer.alloc(10), null, null), null);
	t.equal(bodies.keyOf(Buffer.alloc(2 ** 21), null, null), null);
});

t.test("a redactor finds what it learns later, in bodies that were clean before", async (t) => {
	const redactor = redactorOf();
	const token = "late4711token8899value";
	const body = `${"word ".repeat(100)}${token}`;
	const clean = () => httpFlow({ response: { body } });
	for (let n = 0; n < 3; n++) t.equal(redactor.redact(clean()), false);
	redactor.redact(httpFlow({ request: { headers: [["Authorization", `Bearer ${token}`]] } }));
	for (let n = 0; n < 3; n++) {
		const flow = clean();
		t.equal(redactor.redact(flow), true);
		t.notMatch(flow.response?.text, token);
	}
	const json = `{"password":"${"x9".repeat(6)}","more":"${"y ".repeat(200)}"}`;
	for (let n = 0; n < 3; n++)
		t.equal(
			redactor.redact(httpFlow({ response: { headers: [["Content-Type", "application/json"]], body: json } })),
			true,
		);
});
