// The filter operators as text.
import t from "tap";
import { operatorsText } from "../../../commands/print/filter-operators.ts";
import { filterOperators } from "../../../src/filter/terms.ts";

t.test("every operator with its argument and description", async (t) => {
	const text = operatorsText();
	for (const { code, help } of filterOperators) t.ok(text.includes(`  ~${code}`) && text.includes(help), code);
	t.match(text, /^Expressions:\n {2}~all +every flow\n/);
	t.match(text, /\n {2}~c NUMBER +/);
	t.match(text, /\n {2}~u REGEX +/);
	t.match(text, /\n {2}! & \| \( \) +not, and, or/);
});
