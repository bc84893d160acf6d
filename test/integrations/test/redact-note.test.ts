// The function of the option `redact`, compared with the one that a tape was recorded with.
import t from "tap";
import { redactNote, redactState } from "../../../integrations/test/redact-note.ts";

t.test("the same function, another one, and none", async (t) => {
	const text = '(flow) => { flow.request.headers.delete("x-key"); }';
	const notes = redactNote(text);
	t.same(redactState(text, notes, "a.tape"), { isApplied: true, warning: null });
	const covered =
		'(flow) => { /* istanbul ignore next */ cov_1a2().f[0]++; cov_1a2().s[3]++;\nflow.request.headers.delete("x-key"); }';
	t.same(redactState(covered, notes, "a.tape"), { isApplied: true, warning: null }, "coverage counts calls");
	t.match(redactState('(flow) => { flow.request.headers.delete("y"); }', notes, "a.tape"), {
		isApplied: true,
		warning: /^the function of the option redact has changed since a\.tape was recorded/,
	});
	t.match(redactState(null, notes, "a.tape"), { isApplied: false, warning: /^a\.tape was recorded with a function/ });
	t.same(redactState(text, {}, "a.tape"), { isApplied: false, warning: null }, "recorded without a function");
	t.same(redactState(null, {}, "a.tape"), { isApplied: false, warning: null });
});
