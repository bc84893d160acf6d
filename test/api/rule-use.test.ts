// Tracks the rules that never applied.
import t from "tap";
import { RuleUse } from "../../api/rule-use.ts";

t.test("rules and edits of a rewrite, until they apply", async (t) => {
	const use = RuleUse.ofRewrite({
		modify_headers: ["/authorization/", "/~q/x y/"],
		modify_body: ["/~q/x y/"],
		map_remote: [],
		set_status: 200,
		set_comment: "",
		mark: null,
		decode: false,
		refresh: "now",
		dedupe: true,
	});
	t.strictSame(use.unusedTexts, [
		"--modify-headers /authorization/ never applied",
		"--modify-headers '/~q/x y/' never applied",
		"--modify-body '/~q/x y/' never applied",
		"--set-status never applied",
		"--set-comment never applied",
		"--refresh never applied",
	]);
	use.applied("/authorization/", "modify_headers");
	use.applied("/~q/x y/", "modify_body");
	use.applied("set-status");
	use.applied("refresh");
	use.applied("dedupe");
	t.strictSame(use.unusedTexts, ["--modify-headers '/~q/x y/' never applied", "--set-comment never applied"]);
});

t.test("for a proxy that answers from recordings, only rules that see all requests", async (t) => {
	const values = { modify_headers: ["/a/"], block_list: ["/b/404"], map_local: ["|c|d"], refresh: "now" };
	t.strictSame(RuleUse.ofProxy(values, { answers: true }).unusedTexts, [
		"--modify-headers /a/ never applied",
		"--block-list /b/404 never applied",
	]);
	t.match(RuleUse.ofProxy(values, { answers: false }).unusedTexts, {
		length: 3,
		2: "--map-local '|c|d' never applied",
	});
});

t.test("rules of redaction", async (t) => {
	const values = { redact: true, redact_header: ["x-a", "x-b"], redact_env: ["KEY"], redact_pii: true };
	for (const use of [RuleUse.ofRewrite(values), RuleUse.ofProxy(values, { answers: false })]) {
		use.applied("x-a", "redact_header");
		t.strictSame(use.unusedTexts, ["--redact-header x-b never applied", "--redact-env KEY never applied"]);
	}
});
