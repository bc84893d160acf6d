// The message of a protocol error.
import t from "tap";
import { protocolFault } from "../../../../src/proxy/wire/fault.ts";

t.test("it has the place, the expectation and the bytes found", async (t) => {
	const fault = protocolFault("request line", "a method", "(");
	t.match(fault, { code: "FT_PROTOCOL", message: 'request line: expected a method, found "("' });
	t.match(protocolFault("body", "more", null), { message: "body: expected more, found the end of the connection" });
});

t.test("bytes are escaped for terminals, and shortened", async (t) => {
	t.equal(
		protocolFault("x", "y", '\0\x1b[2J\r\n"\x7f\x9b\xe4').message,
		'x: expected y, found "\\u0000\\u001b[2J\\r\\n\\"\\u007f\\u009bä"',
	);
	t.equal(protocolFault("x", "y", "a".repeat(100_000)).message, `x: expected y, found "${"a".repeat(60)}…"`);
	t.equal(protocolFault("x", "y", "a".repeat(60)).message, `x: expected y, found "${"a".repeat(60)}"`);
});
