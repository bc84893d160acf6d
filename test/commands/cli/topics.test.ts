// The pages of `flowtape help TOPIC`.
import t from "tap";
import { topics } from "../../../commands/cli/topics.ts";
import { errorCodes } from "../../../src/errors.ts";
import { filterOperators } from "../../../src/filter/terms.ts";

const textOf = (name: string): Promise<string> => topics[name]?.text(90) ?? Promise.reject(new Error(`no ${name}`));

t.test("every topic is a page", async (t) => {
	t.same(Object.keys(topics), ["filters", "rules", "exit-status", "environment", "json"]);
	for (const [name, { summary }] of Object.entries(topics)) {
		t.match(await textOf(name), /^[ A-Z-][\s\S]{400,}[^\n]\n$/, name);
		t.match(summary, /[^.]$/);
	}
});

t.test("filters has every operator", async (t) => {
	const text = await textOf("filters");
	for (const { code, help } of filterOperators) t.ok(text.includes(`~${code}`) && text.includes(help), code);
});

t.test("rules has every option that takes one", async (t) => {
	const text = await textOf("rules");
	for (const flag of ["modify-headers", "modify-body", "map-remote", "map-local", "block-list"])
		t.match(text, new RegExp(`^ {2}--${flag} [/|]`, "m"));
});

t.test("exit-status has every status of an error", async (t) => {
	const text = await textOf("exit-status");
	for (const status of new Set(Object.values(errorCodes).map((code) => code.status)))
		t.match(text, new RegExp(`^ {2}${status} `, "m"));
});

t.test("environment and json name the variables and keys for scripts", async (t) => {
	t.match(await textOf("environment"), /FLOWTAPE_HOME[\s\S]*CI [\s\S]*FLOWTAPE_PROXY/);
	t.match(await textOf("json"), /filter --json[\s\S]*docs\/jsonl.md/);
});
