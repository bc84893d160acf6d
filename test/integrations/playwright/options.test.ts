// The names of the options of tapes in Playwright tests.
import t from "tap";
import { type TapeOptions, tapeOptionNames } from "../../../integrations/playwright/options.ts";

/** Every option; the compiler requires that none is left out. */
const all: Required<{ [Name in keyof TapeOptions]: true }> = {
	dir: true,
	mode: true,
	match: true,
	redact: true,
	passthrough: true,
	miss: true,
	recordFailures: true,
	tape: true,
	includeBaseURL: true,
	perProject: true,
	failOn: true,
};

t.test("every option has its name", (t) => {
	t.strictSame([...tapeOptionNames].sort(), Object.keys(all).sort());
	t.end();
});
