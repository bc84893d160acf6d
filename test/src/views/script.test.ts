// The view of minified JavaScript and CSS.
import t from "tap";
import { large } from "../../../fixtures/large.ts";
import { script } from "../../../src/views/script.ts";

const show = (text: string, type = "text/javascript") =>
	script({ bytes: Buffer.from(text), text: () => text, type, contentType: type });
/** Makes the source long enough to count as minified. */
const padding = `/*${"x".repeat(400)}*/`;

t.test("formatted scripts stay unchanged", async (t) => {
	t.equal(show("let a = 1;\nlet b = 2;\n"), "let a = 1;\nlet b = 2;\n");
});

t.test("minified scripts are formatted", async (t) => {
	t.equal(
		show(`function f(a){for(let i=0;i<1;i++){g("{;}",'}',\`\${1};\`)}return a}${padding}`),
		`function f(a) {\n  for(let i=0;i<1;i++) {\n    g("{;}",'}',\`\${1};\`)\n  }\n  return a\n}\n${padding}`,
	);
	t.equal(show(`a{b:c;d:e}${padding}`, "text/css"), `a {\n  b:c;\n  d:e\n}\n${padding}`);
});

t.test("other types, and a string without an end", async (t) => {
	t.equal(show("x", "text/plain"), null);
	t.ok(show(`"${"}".repeat(1000)}`)?.includes("}"));
});

t.test("the time is proportional to the size, also without an end", large, async (t) => {
	for (const part of ["a;", "{}", '\\"', "\\'", "\\`", "/*", '"', "`"]) {
		const source = `${part.repeat(Math.floor((512 * 1024) / part.length))}\\`;
		t.equal(show(source)?.replace(/\s/g, ""), source, part);
	}
});
