import t from "tap";
import { bracketing } from "../../../fixtures/redaction.ts";
import { JsonSearch, redactWholeJson } from "../../../src/redact/json-search.ts";

const items = (count: number) => '{"id":"a\\"b","tags":["x",{}]},'.repeat(count);

/** A text that passes in pieces of this size, each secret replaced by its kind in brackets, and the places of secrets. */
function searched(text: string, size: number) {
	const { redaction, found } = bracketing({ redact_json: ["$.list[30001].own"] });
	let out = "";
	const search = new JsonSearch(redaction, (_before, after) => {
		out += after;
	});
	for (let at = 0; at < text.length; at += size) search.write(text.slice(at, at + size));
	search.end();
	return { out, places: found.map(({ place }) => place.trim()) };
}

t.test("names and paths count in a text of any length, wherever a piece ends", async (t) => {
	const text = (token: string, own: string, pin: string) =>
		`{"list":[${items(30_000)}{"api_token":"${token}"},{"own":"${own}"},${items(30_000)}0], "deep":{"pin": ${pin}}}`;
	for (const size of [999, 65_536, 5_000_000]) {
		const { out, places } = searched(text("t1", "o1", "4711"), size);
		t.ok(out === text("(token)", "(json)", "1000"), `${size}`);
		t.same(places, ["$.list[30000].api_token", "$.list[30001].own", "$.deep.pin"].map(asPlace));
	}
	const { redaction } = bracketing();
	t.ok(redactWholeJson(text("t1", "o1", "4711"), redaction, 0) === text("(token)", "o1", "1000"), "in memory");
	const many = (value: string) => `[${"{},".repeat(400_000)}{"password":"${value}"}]`;
	t.ok(redactWholeJson(many("p1"), redaction, 0) === many("(password)"), "more values than are read at once");
});

/** As indexes are written. */
function asPlace(path: string): string {
	return path.replace(/\[(\d+)\]/g, ".$1");
}

t.test("strings that are too long for memory", async (t) => {
	const pad = 'x\\" '.repeat(700_000);
	const text = (secret: string, last: string) => `{"file":"${pad}","secret":"${secret}","password":"${last}"}`;
	for (const size of [65_536, 70_001]) {
		const { out } = searched(text(pad, "p1"), size);
		t.ok(out === text("(secret)", "(password)"), `${size}`);
	}
});

t.test("a text that is not JSON behind its beginning is searched as text", async (t) => {
	const token = `ghp_${"aB3dE6gH9jK2mN5pQ8sT".repeat(2).slice(0, 36)}`;
	const text = (password: string, found: string) => `[${items(20_000)}{"password":"${password}"}]); ${found}`;
	t.ok(searched(text("p1", token), 65_536).out === text("(password)", "(token)"));
	const broken = `[${items(20_000)}}}} ${token} ${items(20_000)}`;
	t.ok(searched(broken, 65_536).out === broken.replace(token, "(token)"));
	const spaces = `[${" ".repeat(3_000_000)}${token}`;
	t.ok(searched(spaces, 65_536).out === spaces.replace(token, "(token)"));
	const { redaction } = bracketing();
	t.equal(redactWholeJson(`(${items(100_000)})`, redaction, 0), null);
});
