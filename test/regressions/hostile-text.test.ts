// Secrets are searched in linear time, even in a text of nothing but anchors. `npm run test:quick` does not run this
// test, because it takes many seconds.
import t from "tap";
import { findInText } from "../../src/redact/text.ts";

t.test("anchors by the million end in time", (t) => {
	for (const part of [
		"ghp_",
		" ghp_",
		"eyJ",
		".eyJ",
		"://",
		"://a:",
		"token",
		"token=",
		"token='",
		"token: ",
		"password=token=",
		"Bearer ",
		"basic ",
		" -u ",
		"-----BEGIN PRIVATE KEY-----",
		"-----BEGIN PRIVATE KEY-----\n-----END ",
		"sk-",
		"-us1",
		`${"a".repeat(40)} `,
		`"AKIA${"A".repeat(15)}`,
		"\\ntoken",
		"authorization:",
		":A",
	]) {
		const start = process.cpuUsage();
		findInText(Buffer.alloc(8_000_000, part), { free: true, strict: true });
		const { user, system } = process.cpuUsage(start);
		// usually below 2 s; without the bounds, some would take minutes
		t.ok((user + system) / 1e6 < 20, `${part}: ${((user + system) / 1e6).toFixed(1)} s`);
	}
	t.end();
});
