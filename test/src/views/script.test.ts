import t from "tap";
import { script } from "../../../src/views/script.ts";

const show = (text: string, type = "text/javascript") =>
	script({ bytes: Buffer.from(text), text: () => text, type, contentType: type });
/** Long enough not to have been written by a person. */
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

t.test("no other types, and nothing that ends early hurts", async (t) => {
	t.equal(show("x", "text/plain"), null);
	t.ok(show(`"${"}".repeat(1000)}`)?.includes("}"));
});
