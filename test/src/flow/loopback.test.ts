// Addresses and names of this machine.
import t from "tap";
import { isLoopback, localAddressOf, staysHere } from "../../../src/flow/loopback.ts";

t.test("loopback addresses and names", async (t) => {
	for (const host of [
		"127.0.0.1",
		"127.255.0.3",
		"::1",
		"localhost",
		"LOCALHOST",
		"localhost.",
		"app.localhost",
		"::ffff:127.0.0.1",
	])
		t.equal(isLoopback(host), true, host);
	for (const host of [
		"128.0.0.1",
		"10.0.0.1",
		"::2",
		"0.0.0.0",
		"localhost.example.com",
		"notlocalhost",
		"127.0.0.1.example.com",
		"",
	])
		t.equal(isLoopback(host), false, host);
});

t.test("the unspecified address connects to loopback", async (t) => {
	for (const host of ["0.0.0.0", "::", "127.0.0.1"]) t.equal(staysHere(host), true, host);
	t.equal(staysHere("192.0.2.1"), false);
	t.strictSame(["0.0.0.0", "::", "192.0.2.1"].map(localAddressOf), ["127.0.0.1", "::1", "192.0.2.1"]);
});
