// The sentence of a fault.
import t from "tap";
import { protocolFault } from "../../../../src/proxy/wire/fault.ts";

t.test("it says where, what was expected and what was found", async (t) => {
	const fault = protocolFault("request line", "a method", "(");
	t.match(fault, { code: "FT_PROTOCOL", message: 'request line: expected a method, found "("' });
	t.match(protocolFault("body", "more", null), { message: "body: expected more, found the end of the connection" });
});

t.test("bytes are shown so that no terminal takes them for its own, and not without end", async (t) => {
	t.equal(
		protocolFault("x", "y", '\0\x1b[2J\r\n"\x7f\x9b\xe4').message,
		'x: expected y, found "\\u0000\\u001b[2J\\r\\n\\"\\u007f\\u009bä"',
	);
	t.equal(protocolFault("x", "y", "a".repeat(100_000)).message, `x: expected y, found "${"a".repeat(60)}…"`);
	t.equal(protocolFault("x", "y", "a".repeat(60)).message, `x: expected y, found "${"a".repeat(60)}"`);
});
