// Expensive patterns and large results are stopped by limits. These tests wait for time limits, so `npm run test:quick`
// does not run them.
import t from "tap";
import { tuneProcess } from "../../src/process-tuning.ts";
import { compilePythonRegex } from "../../src/regex/python-regex.ts";

t.test("expensive patterns are stopped, by the linear engine or by a time limit", async (t) => {
	tuneProcess();
	const subject = `${"a".repeat(50_000)}!`;
	for (const pattern of ["^(a+)+$", "^(a|a)*$", "^(a|aa)+$", "(?:a*)*b", "(.*)*x", "^(([a-z])+.)+[A-Z]([a-z])+$"]) {
		const start = performance.now();
		let outcome: unknown;
		try {
			outcome = compilePythonRegex(pattern, { kind: "bytes" }).test(subject);
		} catch (error) {
			t.match(error, { code: "FT_PATTERN_STOPPED", status: 2, message: /was stopped/ }, pattern);
			t.ok((error as Error).message.includes(pattern), "it is named");
			outcome = false;
		}
		t.equal(outcome, false, pattern);
		t.ok(performance.now() - start < 60_000, `${pattern}: ${Math.round(performance.now() - start)} ms`);
	}
	// the linear engine does not support references
	t.throws(() => compilePythonRegex("(a*)*\\1b", { kind: "text" }).test(subject), { code: "FT_PATTERN_STOPPED" });
	t.throws(() => compilePythonRegex("(?=(a*)*\\1b)", { kind: "text" }).exec(subject), { code: "FT_PATTERN_STOPPED" });
	t.ok(compilePythonRegex("(a+)+!", { kind: "text" }).test(subject), "and other subjects still match");
});

t.test("the limits apply to all matches together", async (t) => {
	const regex = compilePythonRegex("a", { kind: "bytes" });
	t.equal(regex.replace("ab".repeat(100_000), "xy"), "xyb".repeat(100_000));
	t.throws(() => regex.replace("a".repeat(2000), "x".repeat(1_000_000)), {
		code: "FT_PATTERN_STOPPED",
		message: /larger than 256 MiB/,
	});
	const slow = compilePythonRegex("a*b|a", { kind: "bytes" });
	t.throws(() => slow.replace("a".repeat(300_000), "x"), { code: "FT_PATTERN_STOPPED" });
});
