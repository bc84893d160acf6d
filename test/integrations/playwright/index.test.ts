// What `flowtape/playwright` exports.
import t from "tap";
import * as playwright from "../../../integrations/playwright/index.ts";

t.test("the functions of the page docs/playwright.md", (t) => {
	t.strictSame(Object.keys(playwright).sort(), ["routeFromTape", "withTape"]);
	t.end();
});
